"""How commands end: whatever happened, --json prints one document, and its `exit` is the process's own; without it, three lines."""

from __future__ import annotations

import errno
import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from conftest import some
from typer.testing import CliRunner

from nexy_tui.cli import commands, streams
from nexy_tui.cli.top import app
from nexy_tui.core.problem import ActionFailed, Cancelled, CouldNotLook, Refused, Unusable

commands.mount(app)

PASSWORD = "pass-word-of-the-proxy"
SAMPLE = ("release", "runs list", "check")
"""Commands that stand for the others in the ordinary run."""


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name in sorted(command.commands):
            yield from leaves(command.commands[name], (*path, name))
    else:
        yield " ".join(path), command


def _json(command: Any) -> bool:
    return any("--json" in getattr(parameter, "opts", ()) or "--as-json" in getattr(parameter, "opts", ()) for parameter in command.params)


WHOLE = typer.main.get_command(app)
TREE = dict(leaves(WHOLE))
SPEAKING = sorted(name for name, command in TREE.items() if _json(command))
"""Every command that takes --json."""


@dataclass(frozen=True)
class Kind:
    """A way to end: what is raised, the exit status and outcome it must give, and what the message must name."""

    error: BaseException
    exit: int
    outcome: str
    says: str


KINDS = {
    "refused": Kind(Refused("It does not hold.", "Why.", "Next."), 1, "refused", "It does not hold."),
    "failed": Kind(ActionFailed("It failed.", "Why.", "Next."), 1, "refused", "It failed."),
    "unusable": Kind(Unusable("Bad.", remedy="Next."), 2, "refused", "Bad."),
    "unseen": Kind(CouldNotLook("Unseen.", remedy="Next."), 3, "inconclusive", "Unseen."),
    "cancelled": Kind(Cancelled("Stopped.", remedy="Next."), 130, "refused", "Stopped."),
    "interrupt": Kind(KeyboardInterrupt(), 130, "refused", "Interrupted"),
    "threads": Kind(RuntimeError("can't start new thread"), 3, "inconclusive", "thread"),
    "memory": Kind(MemoryError(), 3, "inconclusive", "memory"),
    "processes": Kind(BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), 3, "inconclusive", "limit"),
    "files": Kind(OSError(errno.EMFILE, "Too many open files"), 3, "inconclusive", "limit"),
    "denied": Kind(PermissionError(errno.EACCES, "Permission denied", "/var/\u202elog"), 3, "inconclusive", "Permission denied"),
    "unforeseen": Kind(ZeroDivisionError(f"at https://me:{PASSWORD}@proxy and {PASSWORD}"), 3, "inconclusive", "ZeroDivisionError"),
    "recursion": Kind(RecursionError("too deep"), 3, "inconclusive", "RecursionError"),
}


def ended(*words: str) -> tuple[int, str, str]:
    with pytest.MonkeyPatch.context() as patched:  # Built once, for all of them.
        patched.setattr("typer.testing._get_command", lambda _: WHOLE)
        done = CliRunner().invoke(app, list(words), prog_name="nexy-tui", catch_exceptions=False)
    return done.exit_code, done.stdout, done.stderr


def document(*words: str) -> dict[str, Any]:
    """The one document a failing command prints; its exit status is the process's, and standard error has the three lines."""
    status, out, err = ended(*words)
    said: dict[str, Any] = json.loads(out)
    assert said["exit"] == status != 0
    assert said["outcome"] in {"refused", "inconclusive"}
    assert set(said["problem"]) == {"what", "why", "remedy"} and said["problem"]["what"] and said["problem"]["remedy"]
    assert {"world", "target", "version", "kind", "run", "log", "duration_s", "items"} <= set(said)
    assert "Traceback" not in err and err.startswith("nexy-tui: ") and "\n  next: " in err
    return said


def lines(*words: str) -> int:
    """As people get it: three lines, and nothing on standard output; the exit status."""
    status, out, err = ended(*words)
    assert out == "" and "Traceback" not in err
    assert err.startswith("nexy-tui: ") and "\n  next: " in err
    return status


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, BaseException], None]:
    """Have a command break by an error as soon as it is called."""
    monkeypatch.setenv("NEXY_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("HTTPS_PROXY", f"https://me:{PASSWORD}@proxy:1")
    monkeypatch.delenv("NEXY_WORLD", raising=False)

    def broken(name: str, error: BaseException) -> None:
        def callback(**_: Any) -> None:
            raise error

        monkeypatch.setattr(TREE[name], "callback", callback)

    return broken


ARGUMENTS = {
    "version": "1.6.1.43",
    "tag": "v1.6.1.43",
    "run": "0190",
    "directory": "no-world",
    "shell": "bash",
    "name": "github-token",
    "file": "no-file",
}


def line_of(name: str) -> list[str]:
    """A command with what it requires."""
    required = [one.name for one in TREE[name].params if one.param_type_name == "argument" and one.required]
    return [*name.split(), *(ARGUMENTS[one] for one in required)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", some(SPEAKING, SAMPLE))
def test_every_way_to_break_gives_one_document(name: str, kind: str, breaking: Callable[[str, BaseException], None]) -> None:
    wanted = KINDS[kind]
    breaking(name, wanted.error)
    said = document(*line_of(name), "--json")
    assert (said["exit"], said["outcome"]) == (wanted.exit, wanted.outcome)
    assert wanted.says in said["problem"]["what"]
    assert PASSWORD not in json.dumps(said) and "\u202e" not in said["problem"]["what"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", some(sorted(TREE), ("check",)))
def test_without_it_the_same_is_said_in_three_lines(name: str, kind: str, breaking: Callable[[str, BaseException], None]) -> None:
    breaking(name, KINDS[kind].error)
    assert lines(*line_of(name)) == KINDS[kind].exit
    assert PASSWORD not in ended(*line_of(name))[2]


USAGE = {
    "an unknown option": ["--no\u202esuch"],
    "one argument too many": ["a", "b", "c", "d\x1b[31m\u200b"],
    "an option without its value": ["--checkout"],
}


@pytest.mark.parametrize("name", some(SPEAKING, SAMPLE))
@pytest.mark.parametrize("kind", USAGE)
def test_bad_usage_is_a_document_too(name: str, kind: str) -> None:
    words = [*line_of(name), "--json", *USAGE[kind]]
    if kind == "one argument too many" and any(one.nargs == -1 for one in TREE[name].params):
        words.append("--no-such")
    said = document(*words)
    assert (said["exit"], said["outcome"]) == (2, "refused")
    assert "--help" in said["problem"]["remedy"]


@pytest.mark.parametrize(
    "words",
    [
        ["deploy", "--json"],
        ["nothing", "--json"],
        ["release", "--kind", "half\u202e", "--json"],
        ["gate", "localhost", "\x1b]0;port\x07", "--json"],
        ["runs", "--json"],
        ["check", "--json=yes\u202e"],
        ["--json"],
        ["scaffold", "--json"],
        ["--world", "no-world\u202e", "check", "--json"],
        ["world", "status", "no\x1bworld", "--json"],
    ],
)
def test_bad_usage_of_any_kind_shows_nothing_raw(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert document(*words)["exit"] == 2
    _, out, err = ended(*words)
    assert out.isascii() and all(char == "\n" or char.isprintable() for char in out + err)
    assert lines(*(word for word in words if word != "--json") if len(words) > 2 else ["runs"]) == 2


def test_a_terminal_of_plain_characters_gets_what_resembles_the_symbols() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        streams.hold()
        streams.put("✓ “done” · wörd → …")
    assert stream.buffer.getvalue() == rb'+ "done" - w\xf6rd -> ...' + b"\n"
