"""Outside a checkout and outside a world, with no credentials at all: every command says what is missing, exits 2, touches nothing."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import keyring.core
import pytest
from command_tree import ARGUMENTS, EVERY
from conftest import some
from pilot.hand import flowing, press, settle
from typer.testing import CliRunner

from nexy_tui.app import NexyApp
from nexy_tui.checklist import CHECKLIST
from nexy_tui.cli.backend import RealBackend
from nexy_tui.cli.top import app
from nexy_tui.config import load_settings
from nexy_tui.core.version import Version
from nexy_tui.fixers import TROUBLES
from nexy_tui.services import Services
from screens.backend import NewRun

ROOT = Path(__file__).resolve().parents[2]

WORK_ALL_THE_SAME = {
    "config path": "it says where the configuration would be read from",
    "config check": "without a file the rulebook's defaults apply",
    "config show": "so does it",
    "config template": "it prints every key with its default",
    "secrets list": "it is a list, and says how to keep each secret",
    "completion bash": "it prints a script",
    "runs list": "it is a list, and says that there are no runs and how to practise one",
    "check --list": "it lists the checklist",
    "fix --list": "it lists the troubleshooting chapter",
}
"""Commands that need nothing, each with the reason."""

SAYS_ALL_AT_ONCE = {
    "keys list": (2, "nexy-tui keys use --file"),
    "doctor": (1, "nexy-tui setup"),
    "doctor --offline": (1, "nexy-tui setup"),
}
"""Commands that say all they see on standard output, what is missing with it: exit status, and the way to get it."""

STANDS_UP_A_WORLD = {"rehearse", "world up"}
"""They make everything they need, a checkout among it; tests of the world bring them up."""

VARIANTS = (
    "release --headless",
    "release 1.6.1.43 --headless --yes",
    "release --resume 0190 --headless",
    "release --auto --headless",
    "release --kind update-only --headless --json",
    "check --all",
    "check --all --json",
    "check --list",
    "verify --json",
    "gate --json",
    "gate --profile rulebook",
    "gate example.invalid 443",
    "fix --list",
    "fix --json",
    "publish --dry-run",
    "publish --recover --yes",
    "publish --yes --json",
    "rollback --yes",
    "sync-manifests --check",
    "deploy v1.6.1.43 --yes",
    "db harden --yes --json",
    "db status --json",
    "keys rotate --yes",
    "keys use --agent",
    "secrets delete signing-key --yes",
    "doctor --offline",
    "where --json",
    "scaffold --dry-run",
    "--checkout elsewhere verify",
    "--world no-world verify",
    *(f"check {item.id}" for item in (CHECKLIST.items[0], CHECKLIST.items[-1])),
    *(f"fix {trouble.name}" for trouble in TROUBLES),
    *(f"fix {trouble.name} --dry-run" for trouble in TROUBLES),
)


@dataclass
class Bare:
    """An empty home, an empty folder to stand in, no variable but PATH, and a network that refuses."""

    home: Path
    here: Path
    asked: list[object] = field(default_factory=list)

    def touched(self) -> list[Path]:
        return [path for folder in (self.home, self.here) for path in folder.rglob("*")]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bare]:
    made = Bare(tmp_path / "home", tmp_path / "here")
    made.home.mkdir()
    made.here.mkdir()
    for name in list(os.environ):
        if name not in {"PATH", "PYTHONPATH"}:
            monkeypatch.delenv(name)
    for name, value in _environ(made).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(made.here)
    keyring.core.init_backend()

    def refuse(_: socket.socket, address: object) -> None:
        made.asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    yield made
    monkeypatch.undo()
    keyring.core.init_backend()


def _environ(bare: Bare) -> dict[str, str]:
    return {"HOME": str(bare.home), "LANG": "C.UTF-8", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}


def _named(line: str) -> str:
    return " ".join(word for word in line.split() if word not in ARGUMENTS.values())


@pytest.mark.parametrize("line", [line for line in (*EVERY, *VARIANTS) if _named(line) not in STANDS_UP_A_WORLD])
def test_a_command_says_what_is_missing_and_touches_nothing(bare: Bare, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = line.split()
    monkeypatch.setattr(sys, "argv", ["nexy-tui", *words])
    done = CliRunner().invoke(app, words, prog_name="nexy-tui", catch_exceptions=False)
    assert (bare.touched(), bare.asked if line != "doctor" else []) == ([], [])
    if line in SAYS_ALL_AT_ONCE:
        status, way = SAYS_ALL_AT_ONCE[line]
        assert done.exit_code == status and way in done.stdout and "Traceback" not in done.output
        return
    if line in WORK_ALL_THE_SAME:
        assert done.exit_code == 0, done.output
        assert done.stdout
        return
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    assert json.loads(done.stdout)["exit"] == 2 if "--json" in words else done.stdout == ""
    assert done.stderr.startswith("nexy-tui: ")
    (next_,) = [row for row in done.stderr.splitlines() if row.startswith("  next: ")]
    assert len(next_) > len("  next: ") + 8


def test_every_listed_exception_is_a_command_and_says_how_to_get_what_is_not_there(bare: Bare) -> None:
    assert set(WORK_ALL_THE_SAME) | set(SAYS_ALL_AT_ONCE) <= {*EVERY, *VARIANTS}
    assert {_named(line) for line in EVERY} >= STANDS_UP_A_WORLD and len(EVERY) > 30
    assert "nexy-tui rehearse" in CliRunner().invoke(app, ["runs", "list"]).output


def test_the_wizard_opens_all_the_same_and_says_it_too(bare: Bare) -> None:
    """In a terminal, `nexy-tui` alone: home is there to practise from, a run cannot be begun."""
    wizard = NexyApp(RealBackend(Services(load_settings(), bare.here)), opening=NewRun(Version.parse("1.6.1.43")))

    async def whole() -> None:
        async with wizard.run_test(size=(100, 34)) as pilot:
            await settle(pilot)
            await press(pilot, "ctrl+n")
            assert "--checkout DIR. To practise without one:" in flowing(wizard)

    asyncio.run(whole())
    assert (bare.touched(), bare.asked) == ([], [])


@pytest.mark.parametrize("line", ["", "verify", "release --headless", "keys create"])
def test_a_process_of_its_own_does_the_same(tmp_path: Path, line: str) -> None:
    """As it is really called; without a terminal the wizard says that too."""
    bare = Bare(tmp_path / "home", tmp_path / "here")
    bare.home.mkdir()
    bare.here.mkdir()
    environ = {**_environ(bare), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "nexy_tui", *line.split()],
        cwd=bare.here,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, bare.touched()) == (2, "", [])
    assert done.stderr.startswith("nexy-tui: ") and "\n  next: " in done.stderr


HELPED = ["--help", "--version", *(f"{_named(line)} --help" for line in EVERY)]


@pytest.mark.parametrize("line", some(HELPED, HELPED[:6]))
def test_help_is_always_to_be_had(bare: Bare, line: str) -> None:
    done = CliRunner().invoke(app, line.split(), prog_name="nexy-tui")
    assert (done.exit_code, bare.touched(), bare.asked) == (0, [], []) and done.stdout
