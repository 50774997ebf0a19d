"""What comes back from the VM: the sentinel decides, and a survey that is cut or garbled is never read as facts."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from nexy_tui.core.clock import SystemClock
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.secret import Secret
from nexy_tui.core.target import Target
from nexy_tui.core.vm_facts import unpack_survey
from nexy_tui.services.azure import ManagedOutput
from nexy_tui.services.on_vm.survey import judged
from nexy_tui.services.vm import VmHost, judge_message, judge_outputs, preamble, sentinel, wrap

NONCE = "0123456789abcdef0123456789abcdef"
LAST = sentinel(NONCE)


def message(stdout: str, stderr: str = "") -> str:
    return f"Enable succeeded: \n[stdout]\n{stdout}\n[stderr]\n{stderr}"


@pytest.mark.parametrize("status", [0, 1, 123, 255])
def test_the_sentinel_carries_the_status(status: int) -> None:
    result = judge_message(message(f"out\n\n{LAST}{status}\n", "err\n"), NONCE)
    assert result is not None
    assert (result.exit, result.stdout, result.stderr) == (status, "out\n", "err\n")


@pytest.mark.parametrize(
    "text",
    [
        message("all went well\n"),
        message(""),
        "",
        "Enable succeeded: ",
        message(f"\n{LAST}0\nand more\n"),
        message(f"\n{sentinel('f' * 32)}0\n"),
        message("x\n", f"\n{LAST}0\n"),
        message(f"\n{LAST}\n"),
        message(f"\n{LAST}-1\n"),
        message(f"\n{LAST}00000\n"),
        f"Enable failed: {LAST}0",
    ],
)
def test_anything_but_the_sentinel_at_the_end_of_stdout_concludes_nothing(text: str) -> None:
    assert judge_message(text, NONCE) is None


def test_markers_printed_by_the_script_do_not_move_the_border() -> None:
    result = judge_message(message(f"[stderr]\nfake\n[stdout]\n\n{LAST}7\n", "[stdout]\nreal"), NONCE)
    assert result is not None
    assert result.exit == 7 and result.stderr == "[stdout]\nreal" and "fake" in result.stdout


def test_an_output_cut_at_its_beginning_is_still_judged() -> None:
    result = judge_message(message("x" * 4000 + f"\n{LAST}0\n"), NONCE)
    assert result is not None and result.exit == 0


def test_managed_outputs() -> None:
    done = judge_outputs(f"out\n{LAST}5\n", "e", NONCE)
    assert done is not None and (done.exit, done.stdout, done.stderr) == (5, "out", "e")
    assert judge_outputs("out\n", "", NONCE) is None
    assert judge_outputs(f"{LAST}0\nmore", "", NONCE) is None


def test_the_body_never_holds_the_nonce() -> None:
    text = wrap("echo hello", NONCE)
    assert NONCE not in text[: text.index("status=$?")]
    assert NONCE in text


def test_parameters_are_quoted_and_names_are_refused() -> None:
    text = preamble(Target(), {"NEXY_X": "a'; rm -rf / #\n$(id)"})
    assert "NEXY_X='a'\"'\"'; rm -rf / #\n$(id)'\n" in text
    assert text.startswith("NEXY_TARGET_DIR=/home/azureuser/voice-assistant\n")
    for name in ("A B", "x;y", "1x", "", "A=B"):
        with pytest.raises(ValueError, match="parameter"):
            preamble(Target(), {name: "v"})
    with pytest.raises(ValueError, match="parameter"):
        preamble(Target(), {"NEXY_X": "a\0b"})


class FakeAzure:
    """Answers what `reply` makes of the script."""

    where = "group/vm"

    def __init__(self, reply: Callable[[str], Any]) -> None:
        self.reply = reply
        self.managed_calls: list[tuple[str, dict[str, Secret]]] = []

    def action(self, script: str, **_: Any) -> Any:
        return self.reply(script)

    def managed(self, script: str, protected: dict[str, Secret], **_: Any) -> Any:
        self.managed_calls.append((script, protected))
        return self.reply(script)


def nonce_of(script: str) -> str:
    return script.rpartition("nexy-exit ")[2].split(" ")[0]


def host(reply: Callable[[str], Any]) -> tuple[VmHost, FakeAzure]:
    azure = FakeAzure(reply)
    return VmHost(Target(), azure, SystemClock()), azure  # type: ignore[arg-type]


def test_success_by_azure_without_the_sentinel_is_inconclusive() -> None:
    vm, _ = host(lambda _: message("done\n", "Killed\n"))
    with pytest.raises(CouldNotLook, match=r"(?s)did not report its exit status.*Killed"):
        vm.run_script("true")


def test_each_run_has_a_nonce_of_its_own() -> None:
    scripts: list[str] = []

    def reply(script: str) -> str:
        scripts.append(script)
        return message(f"\n{sentinel(nonce_of(script))}0\n")

    vm, _ = host(reply)
    assert vm.run_script("true").exit == vm.run_script("true").exit == 0
    assert nonce_of(scripts[0]) != nonce_of(scripts[1])


def test_protected_values_stay_out_of_the_script_and_of_what_is_shown() -> None:
    secret = Secret("keyring", "s3cr3t-value")
    vm, azure = host(lambda script: ManagedOutput(0, f"it is s3cr3t-value\n{sentinel(nonce_of(script))}0\n", "s3cr3t-value!"))
    result = vm.run_script("true", protected={"KEY": secret})
    script, protected = azure.managed_calls[0]
    assert protected == {"KEY": secret} and "s3cr3t" not in script
    assert "s3cr3t" not in result.stdout + result.stderr


def test_a_protected_value_does_not_leave_in_an_error_either() -> None:
    vm, _ = host(lambda _: ManagedOutput(1, "it is s3cr3t-value", ""))
    with pytest.raises(CouldNotLook) as caught:
        vm.run_script("true", protected={"KEY": Secret("keyring", "s3cr3t-value")})
    assert "s3cr3t" not in str(caught.value)


def test_azure_and_sentinel_must_agree_on_the_status() -> None:
    vm, _ = host(lambda script: ManagedOutput(9, f"{sentinel(nonce_of(script))}0\n", ""))
    with pytest.raises(CouldNotLook):
        vm.run_script("true", protected={"KEY": Secret("keyring", "value")})


def packed(text: str) -> str:
    return "nexy-survey " + base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def test_a_survey_is_read() -> None:
    digest = "a" * 64
    text = "\n".join(
        (
            "head " + "b" * 40,
            "tags v1.6.1.42 ",
            f"manifest server/updates/manifests/manifest.json {digest}",
            "manifest server/server/updates/manifests/manifest.json -",
            "settings server/config.env there",
            "setting server/config.env SERVER_VERSION 1.6.1.42",
            "setting server/config.env SERVER_VERSION a = b",
            "setting server/config.env SERVER_BUILD ",
            "bad-name server/config.env 7 MY KEY",
            "bad-name server/config.env 9 ",
            "settings server/server/config.env missing",
            "service active",
            "health-status 200",
            "health-body " + base64.b64encode(b'{"a": 1}').decode(),
            "free-kib 1024",
            "journal " + base64.b64encode(b"token ghp_" + b"a" * 36).decode(),
        )
    )
    facts = unpack_survey(f"noise\n{packed(text)}\n", "now")
    first, second = facts.settings["server/config.env"], facts.settings["server/server/config.env"]
    assert facts.head == "b" * 40 and facts.tags == ("v1.6.1.42",)
    assert list(facts.manifests.values()) == [digest, None]
    assert first.there and first.versions == ("1.6.1.42", "a = b") and first.builds == ("",)
    assert first.bad_names == ("line 7: MY KEY", "line 9: no name")
    assert not second.there
    assert (facts.service, facts.health_status, facts.health_body, facts.free_kib) == ("active", 200, b'{"a": 1}', 1024)
    assert "ghp_" not in facts.journal


def test_a_health_document_however_long_is_judged_by_its_own_fields() -> None:
    said = {"status": "OK", "latest_version": "1.6.1.42", "latest_build": None}
    long = json.dumps({"services": [f"{number:064x}" for number in range(500)], **said, "uptime": 17})
    assert json.loads(judged(long.encode())) == said
    for other in (b"<html>" * 500, b'["OK"]', b'{"status": "OK", "status": "down"}', b"[" * 50_000, b""):
        assert judged(other) == other[:1024]


@pytest.mark.parametrize(
    "output",
    [
        "",
        "nexy-surve",
        packed("head x")[:-20],
        packed("head x")[20:],
        "nexy-survey not base64!",
        packed("a") + "\n" + packed("b"),
        packed("x" * 3_000_000),
    ],
    ids=["nothing", "cut name", "cut end", "cut beginning", "no base64", "twice", "bomb"],
)
def test_a_survey_that_is_cut_doubled_or_oversized_is_refused(output: str) -> None:
    with pytest.raises(ValueError, match="it"):
        unpack_survey(output, "now")
