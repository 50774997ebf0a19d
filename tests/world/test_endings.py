"""In a world: whatever keeps a command from its end, --json prints one document with the process's exit; a changed target is shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import Inside, seldom, some

PASSWORD = "pass-word-of-the-proxy"
DEAD = f"http://somebody:{PASSWORD}@127.0.0.1:9"
ODD = f"http://somebody:{PASSWORD[:4]}/{PASSWORD}@127.0.0.1:9"


def proxy(address: str) -> dict[str, str]:
    return {"HTTPS_PROXY": address, "https_proxy": address}


@dataclass(frozen=True)
class Kind:
    """What is wrong, as environment, and what `release` must end with and name; `check` too where it minds."""

    environ: dict[str, str]
    exit: int
    says: str
    remedy: str
    for_looking: bool = True


KINDS = {
    "no log": Kind({"NEXY_STATE_DIR": "/dev/null/nexy"}, 1, "cannot be written", "NEXY_STATE_DIR", False),
    "no key": Kind(
        {"NEXY_SIGNING_KEY_FILE": "", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}, 2, "no signing key", "keys", False
    ),
    "no keyring": Kind({"NEXY_SIGNING_KEY_FILE": "", "PYTHON_KEYRING_BACKEND": "no.such.Backend"}, 2, "no signing key", "keys", False),
    "no configuration": Kind({"NEXY_CONFIG": "/dev/null/none.toml"}, 2, "configuration", ""),
    "no file there": Kind({"NEXY_CONFIG": "/no\u202ewhere"}, 2, "which is not there", "NEXY_CONFIG"),
    "broken configuration": Kind({"NEXY_CONFIG": __file__}, 2, "configuration", "Mend"),
    "dead proxy": Kind(proxy(DEAD), 2, "cannot be reached", "nexy-tui world up"),
    "odd proxy": Kind(proxy(ODD), 2, "proxy", "percent-encoded"),
    "proxy of no scheme": Kind(proxy(f"foo://me:{PASSWORD}@127.0.0.1:9"), 2, "proxy", "percent-encoded"),
    "socks proxy": Kind(proxy(f"socks5h://me:{PASSWORD}@[::1]:9"), 2, "proxy", "http://"),
    "bare proxy": Kind(proxy(f"me:{PASSWORD}@127.0.0.1:9"), 2, "cannot be reached", "nexy-tui world up"),
    "no git": Kind({"PATH": "/nowhere"}, 2, "git", "nstall"),
}

RELEASE = "release 1.6.1.43 --headless --yes"
LOOKING = ("check --all", "verify", "gate", "gate --profile post-deploy", "fix", "db status")
ACTING = ("bump 1.6.1.43", "publish --yes", "publish --recover --yes", "rollback --yes", "sync-manifests --yes", "deploy v1.6.1.43 --yes")
OTHER = (
    "gate --profile rulebook",
    "db backup --yes",
    "db drill --yes",
    "db harden --yes",
    "fix github-auth --yes",
    "fix inbox --dry-run",
    "publish --dry-run",
    "sync-manifests --check",
    "where",
    "runs list",
    "runs show 0190",
    "runs verify 0190",
    "config show",
)


def document(inside: Inside, *words: str | Path, env: dict[str, str] | None = None) -> tuple[dict[str, Any], str]:
    """The one document that a command printed, and what it said to people; the exit status is the document's."""
    done = inside.run("nexy-tui", *words, "--json", check=False, env=env)
    assert "Traceback" not in done.stderr and PASSWORD not in done.stderr + done.stdout and PASSWORD[:5] not in done.stderr
    assert all(char == "\n" or char.isprintable() for char in done.stdout + done.stderr)
    said: dict[str, Any] = json.loads(done.stdout)
    assert said.get("exit", 0) == done.returncode
    if done.returncode:
        assert said["outcome"] in {"refused", "inconclusive"}
        assert said["problem"] is not None or any(item["status"] in {"failed", "inconclusive"} for item in said["items"])
    return said, done.stderr


def refused(inside: Inside, line: str, kind: Kind) -> None:
    said, told = document(inside, *line.split(), env=kind.environ)
    assert said["exit"] == kind.exit, told
    assert kind.says in said["problem"]["what"] and kind.remedy in said["problem"]["remedy"], told
    assert said["problem"]["what"] in told and {"world", "version", "kind", "run", "log", "items", "duration_s"} <= set(said)


ONE_EACH = ("no log", "no key", "broken configuration", "dead proxy", "odd proxy", "no git")


@pytest.mark.parametrize("kind", some(KINDS, ONE_EACH))
def test_a_release_that_cannot_begin_says_so_in_a_document(module_world: Inside, kind: str) -> None:
    refused(module_world, RELEASE, KINDS[kind])


@pytest.mark.parametrize("kind", ["broken configuration"])
def test_a_look_that_cannot_begin_says_so_in_a_document(module_world: Inside, kind: str) -> None:
    refused(module_world, "check --all", KINDS[kind])


@pytest.mark.exhaustive
@pytest.mark.parametrize("line", [*LOOKING, *ACTING])
@pytest.mark.parametrize("kind", KINDS)
def test_every_command_that_cannot_begin_says_so(module_world: Inside, kind: str, line: str) -> None:
    if line in ACTING or KINDS[kind].for_looking:
        refused(module_world, line, KINDS[kind])


@pytest.mark.exhaustive
@pytest.mark.parametrize("line", [*OTHER, *LOOKING])
@pytest.mark.parametrize("kind", KINDS)
def test_every_other_command_prints_one_document_too(module_world: Inside, kind: str, line: str) -> None:
    document(module_world, *line.split(), env=KINDS[kind].environ)


def test_the_first_line_shows_the_proxy_without_credentials(module_world: Inside) -> None:
    _, told = document(module_world, *RELEASE.split(), env=proxy(DEAD))
    assert "proxy: http://127.0.0.1:9" in told.splitlines()[0] and "somebody" not in told


_FEW = """
import sys, threading
left, start = int(sys.argv.pop(1)), threading.Thread.start
def few(thread):
    global left
    left -= 1
    if left < 0:
        raise RuntimeError("can't start new thread")
    start(thread)
threading.Thread.start = few
from nexy_tui.cli import main
main()
"""


def apart(inside: Inside, code: str, *words: str, **how: Any) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, begun by some lines of Python."""
    command = [sys.executable, "-P", "-c", code, *words]
    options = {"cwd": inside.checkout, "env": inside.environ, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
    return subprocess.run(command, stdin=subprocess.DEVNULL, text=True, timeout=120, check=False, **options)


@pytest.mark.parametrize("threads", [0, *map(seldom, (1, 2, 4, 8, 12, 16, 24, 32))])
@pytest.mark.parametrize("line", ["check --all", seldom("publish --yes")])
def test_no_room_for_a_thread_is_said(module_world: Inside, line: str, threads: int) -> None:
    done = apart(module_world, _FEW, str(threads), *line.split(), "--json")
    said = json.loads(done.stdout)
    assert said["exit"] == done.returncode and "Traceback" not in done.stderr
    if threads == 0:
        assert (said["exit"], said["outcome"]) == (3, "inconclusive")
        assert "thread" in said["problem"]["what"] and "ulimit" in said["problem"]["remedy"]


_MAIN = "from nexy_tui.cli import main; main()"


def test_a_closed_standard_output_is_refused_before_anything(module_world: Inside) -> None:
    done = apart(module_world, _MAIN, *RELEASE.split(), "--json", stdout=None, preexec_fn=lambda: os.close(1))
    assert done.returncode == 2 and done.stderr.startswith("nexy-tui: Standard output is closed.")


@pytest.mark.parametrize("options", [["--json"], []])
def test_an_output_nobody_reads_ends_as_inconclusive(module_world: Inside, options: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = apart(module_world, _MAIN, "check", "remotes.artifacts", *options, stdout=write)
    finally:
        os.close(write)
    assert done.returncode == 3 and done.stderr.startswith("nexy-tui: Standard output cannot be written")
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def test_a_folder_that_is_gone_is_named(module_world: Inside, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os; os.rmdir({str(gone)!r}); {_MAIN}"
    done = apart(module_world, code, "check", "--all", "--json", cwd=gone)
    said = json.loads(done.stdout)
    assert (said["exit"], done.returncode) == (2, 2)
    assert "gone" in said["problem"]["what"] and "--checkout" in said["problem"]["remedy"]


@pytest.mark.parametrize(
    "environ",
    [{"HOME": None}, {"TERM": None, "LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, {"SOME": "\udcff\u202e"}],
    ids=["no home", "no locale", "bytes"],
)
@pytest.mark.parametrize("options", [["--json"], seldom([])])
def test_a_bare_surrounding_changes_no_verdict(module_world: Inside, environ: dict[str, str | None], options: list[str]) -> None:
    env = {key: value for key, value in {**module_world.environ, **environ}.items() if value is not None}
    done = apart(module_world, _MAIN, "check", "remotes.artifacts", *options, env=env)
    assert done.returncode == 0, done.stderr


def _changed(inside: Inside) -> Path:
    last = Path(inside.environ["NEXY_STATE_DIR"]) / "last-target.json"
    last.parent.mkdir(exist_ok=True)
    last.write_text(json.dumps({"vm.name": "Old\u202eone"}))
    return last


CHANGE = "vm.name: Old\\u202eone → Nexy"


@pytest.mark.parametrize(
    ("line", "confirms"),
    [
        ("release 1.6.1.41 --headless --yes", True),
        ("bump 1.6.1.41", False),
        seldom("publish --yes", True),
        seldom("publish --dry-run", False),
        seldom("rollback --yes", True),
        seldom("deploy v1.6.1.43 --yes", True),
        seldom("db backup --yes", True),
    ],
)
def test_a_changed_target_is_shown_and_logged(module_world: Inside, line: str, confirms: bool) -> None:
    last = _changed(module_world)
    said, told = document(module_world, *line.split())
    assert said["target_changed"] == [CHANGE]
    assert f"target changed since the last run: {CHANGE}" in told
    records, _ = document(module_world, "runs", "show", said["run"])
    assert CHANGE in json.dumps(records, ensure_ascii=False).replace("\\\\", "\\")
    again, told = document(module_world, *line.split())
    assert (again["target_changed"] == []) is confirms, "only what was confirmed is remembered"
    last.unlink()


def test_a_changed_target_is_typed_where_nothing_answers(module_world: Inside) -> None:
    last = _changed(module_world)
    for line in ("release 1.6.1.41 --headless", "publish", "rollback"):
        said, told = document(module_world, *line.split())
        assert (said["exit"], said["run"]) == (2, None) and "--yes" in said["problem"]["remedy"]
        assert CHANGE in told
    last.unlink()


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_last_target_that_cannot_be_read_counts_as_changed(module_world: Inside, content: str) -> None:
    last = _changed(module_world)
    last.write_text(content)
    said, told = document(module_world, "publish")
    assert said["exit"] == 2 and "target changed since the last run: target: not to be read" in told
    last.unlink()
