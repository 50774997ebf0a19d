"""Secrets never reach a record, by whatever field they come."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runlog_kit import create, trusting

from nexy_tui.core.finding import Evidence
from nexy_tui.core.problem import Problem
from nexy_tui.core.secret import Secret
from nexy_tui.runlog.argv import allowed
from nexy_tui.runlog.compose import RecordPosition, compose
from nexy_tui.runlog.genesis import Identity
from nexy_tui.runlog.read import read_log
from nexy_tui.runlog.record import Draft, Operator, Subject
from nexy_tui.runlog.verify import State, verify

PASSWORD = 'tr0ub4dor&3 "quoted" / ü'
TOKEN = "ghp_" + "A1b2" * 9


def everything(path: Path) -> str:
    """All the payloads of a log, decoded, and the file itself."""
    raw = path.read_bytes()
    return "\n".join([raw.decode(), *(base64.b64decode(json.loads(line)["payload"]).decode() for line in raw.split(b"\n")[:-1])])


def test_planted_secrets_are_in_no_field(tmp_path: Path) -> None:
    log = create(tmp_path, secrets=[Secret("DB_PASSWORD", PASSWORD)], facts={"served_before": f"x {PASSWORD}"})
    log.protect(Secret("keyring", "hunter2hunter2"))
    encoded = base64.b64encode(PASSWORD.encode()).decode()
    log.check(
        "a.b",
        "failed",
        f"It said {PASSWORD} and {quote(PASSWORD, safe='')}",
        [Evidence("header", f"Basic {encoded}", "https://u:p@host/x?sig=1")],
    )
    log.intent("publish", message=TOKEN)
    log.ran("publish", ["git", "push", f"https://x:{TOKEN}@github.com/o/r.git", "hunter2hunter2"], 0, 12)
    log.result("publish", "failed", message=json.dumps({"p": PASSWORD}), evidence=[{"name": "n", "deep": {"list": [f"a{PASSWORD}b"]}}])
    log.attestation("c.d", "hunter2hunter2")
    log.seal("failed")
    log.close()
    text = everything(log.path)
    for secret in (PASSWORD, json.dumps(PASSWORD)[1:-1], encoded, quote(PASSWORD, safe=""), TOKEN, "hunter2hunter2", "u:p@", "sig=1"):
        assert secret not in text
    assert verify(log.path, trusting()).state is State.SEALED
    genesis, check, intent, ran, result, attestation, _ = read_log(log.path)
    assert genesis.redacted == ("/predicate/genesis/facts/served_before",)
    assert check.redacted == ("/predicate/evidence/0/value", "/predicate/message")
    assert check.evidence[0]["uri"] == "https://host/x"
    assert intent.redacted == ("/predicate/message",)
    assert ran.redacted == ("/predicate/argv/2", "/predicate/argv/3")
    assert ran.argv == ("git", "push", "https://github.com/o/r.git", "[redacted]")
    assert result.redacted == ("/predicate/evidence/0/deep/list/0", "/predicate/message")
    assert attestation.redacted == ("/predicate/details/reason", "/predicate/message")


def test_pointers_lead_into_the_statement(tmp_path: Path) -> None:
    log = create(tmp_path, secrets=[Secret("s", "correct horse")])
    log.check("a.b", "failed", "", [{"name": "x", "a/b~c": "correct horse"}])
    log.close()
    line = log.path.read_bytes().split(b"\n")[1]
    node = json.loads(base64.b64decode(json.loads(line)["payload"]))
    (pointer,) = node["predicate"]["redacted"]
    for step in pointer[1:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        node = node[int(key)] if isinstance(node, list) else node[key]
    assert node == "[redacted]"


def test_a_short_secret_does_not_break_the_chain(tmp_path: Path) -> None:
    log = create(tmp_path, secrets=[Secret("s", "aaaa"), Secret("t", "0"), Secret("u", "2026")])
    log.check("a.b", "passed", "aaaa in a text", [{"name": "x", "sha256": "a" * 64}])
    log.seal("complete")
    log.close()
    assert verify(log.path, trusting()).state is State.SEALED
    record = read_log(log.path)[1]
    assert (record.message, record.evidence[0]["sha256"]) == ("[redacted] in a text", "a" * 64)


def test_a_secret_in_a_name_stops_the_record(tmp_path: Path) -> None:
    log = create(tmp_path, secrets=[Secret("DB_PASSWORD", "correct-horse-battery")])
    size = log.path.stat().st_size
    with pytest.raises(Problem, match="secret from DB_PASSWORD") as caught:
        log.check("correct-horse-battery", "passed", "")
    assert "horse" not in str(caught.value)
    with pytest.raises(Problem):
        log.check("a.b", "passed", "", [{"correct-horse-battery": 1}])
    assert log.path.stat().st_size == size
    log.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    secret=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=4, max_size=30),
    before=st.text(max_size=5),
    after=st.text(max_size=5),
)
def test_no_secret_survives_in_free_text(secret: str, before: str, after: str) -> None:
    draft = Draft("check", item="a.b", message=before + secret + after, evidence=[{"name": "v", "value": secret}], argv=["git", secret])
    place = RecordPosition(1, "0" * 64, "2026-05-01T12:00:00.000000Z", 1, "boot")
    identity = Identity("run", None, Operator("o", "h"))
    document = compose(draft, identity, place, [Subject("s", {"sha256": "0"})], [Secret("test", secret)])
    predicate = document["predicate"]
    assert isinstance(predicate, dict)
    left = [predicate["message"], predicate["evidence"][0]["value"], *predicate["argv"]]
    marker = "[redacted]"
    assert all(secret not in text or secret in marker for text in left)


def test_a_very_long_text_is_cut_after_the_secrets_are_out(tmp_path: Path) -> None:
    log = create(tmp_path, secrets=[Secret("s", "correct horse")])
    log.check("a.b", "failed", "x." * 4093 + "correct horse " + "y" * 10_000)
    log.check("a.b", "failed", "x." * 50_000)
    log.close()
    first, second = read_log(log.path)[1:]
    assert "corr" not in first.message
    assert first.redacted == ("/predicate/message",)
    assert second.redacted == ()
    assert second.message == "x." * 4096 + "… (91808 characters left out)"


@pytest.mark.parametrize(
    "argv",
    [
        ["git", "push", "--atomic", "origin", "HEAD:refs/heads/main", "refs/tags/v1.6.1.43"],
        ["git", "commit", "-m", "Release v1.6.1.43"],
        ["git", "commit", "-m", "Update manifest for 1.6.1.43 (Production)"],
        [
            "git",
            "checkout",
            "a" * 40,
            "--",
            "server/updates/manifests/manifest.json",
            "server/server/updates/manifests/manifest_1.6.1.43.json",
        ],
        ["/usr/bin/pg_dump", "--format=custom", "-f", "/var/backups/db.dump", "--no-password"],
        ["bash", "server/scripts/db_backup.sh"],
        ["gh", "release", "view", "-R", "https://github.com/Seregawpn/Nexy_production"],
    ],
)
def test_what_the_release_runs_is_shown_whole(argv: list[str]) -> None:
    assert allowed(argv) == argv


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["psql", "--password", "deadbeef"], ["psql", "[redacted]", "[redacted]"]),
        (["psql", "--password=deadbeef"], ["psql", "[redacted]"]),
        (["psql", "-phunter2"], ["psql", "[redacted]"]),
        (["pg_dump", "postgresql://u:p@h/db"], ["pg_dump", "[redacted]"]),
        (["git", "-c", "http.extraHeader=Authorization: basic eHg=", "fetch"], ["git", "-c", "[redacted]", "fetch"]),
        (["curl", "-u", "user:secret", "https://user:secret@host/a?token=1"], ["[redacted]", "[redacted]", "[redacted]", "https://host/a"]),
        (["git", "push", "0123456789abcdef"], ["git", "push", "[redacted]"]),
        (["git", "push", "/dGhpcyBpcyBhIHNlY3JldA=="], ["git", "push", "[redacted]"]),
        (["env", "TOKEN=abc", "git", "push"], ["[redacted]"] * 4),
        (["bash", "-c", "echo secret"], ["bash", "-c", "[redacted]"]),
        ([], []),
    ],
)
def test_what_is_not_on_the_list_is_left_out(argv: list[str], shown: list[str]) -> None:
    assert allowed(argv) == shown


def test_the_lease_of_a_long_ref_is_shown_at_once() -> None:
    lease = "refs/nexy/prepared/01a22c3c-8568-7e88-87f3-6634f2e1cfab:1562df1b179db5b099fe4100be90a104f2b37417"
    argv = ["git", "push", f"--force-with-lease={lease}"]
    assert allowed(argv) == argv
    assert allowed([*argv[:2], f"{lease}!"]) == [*argv[:2], "[redacted]"], "a pattern that may split a name anywhere takes years here"
