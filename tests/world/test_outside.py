"""Outside a rehearsal and outside a checkout, with nothing at all: every command works as it is, or says what is missing and exits 2."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import typer
from conftest import seldom, some
from typer.testing import CliRunner

from nexy_tui.cli import commands
from nexy_tui.cli.top import app as top_level
from nexy_tui.rehearsal.home import package_root

WORKS = ""
CHECKOUT = "is not inside a checkout"
WORLD = "There is no rehearsal world in"
RUN = "neither a file nor a run"
NOBODY = "Who releases is not set"
MISSING = "said with the rest"

HOW = {
    CHECKOUT: "Go into the clone, or name it: --checkout DIR. To practise without one: nexy-tui rehearse",
    WORLD: "nexy-tui world up",
    RUN: "nexy-tui runs list",
    NOBODY: "nexy-tui setup",
    "needs a terminal": "nexy-tui release --headless",
    "No item is named": "nexy-tui check --list",
    "goes with --headless": "Add --headless",
    "No run begins with": "nexy-tui runs list",
}
"""What each refusal must add: where to get what is missing."""

CASES: dict[str, dict[str, str]] = {
    "": {"": "needs a terminal", "--version": WORKS, "--checkout nowhere": "needs a terminal", "--world nowhere": WORLD},
    "release": {
        "": "needs a terminal",
        "--headless": CHECKOUT,
        "1.6.1.43 --headless --yes --json": CHECKOUT,
        "--headless --resume x": "No run begins with",
    },
    "rehearse": {"--json": "goes with --headless"},
    "check": {"--list --json": WORKS, "": "No item is named", "--all": CHECKOUT, "remotes.artifacts --vm --json": CHECKOUT},
    "verify": {"": CHECKOUT, "--json": CHECKOUT},
    "gate": {"--profile rulebook": CHECKOUT, "localhost 443 --profile post-deploy --json": CHECKOUT},
    "fix": {"--list": WORKS, "": CHECKOUT, "inbox --yes": CHECKOUT, "github-auth --dry-run": CHECKOUT, "gemini-key --yes": CHECKOUT},
    "bump": {"1.6.1.43": CHECKOUT},
    "publish": {"--yes": CHECKOUT, "--dry-run --json": CHECKOUT, "--recover": CHECKOUT},
    "rollback": {"--yes": CHECKOUT},
    "sync-manifests": {"--yes": CHECKOUT, "--check": CHECKOUT},
    "deploy": {"v1.6.1.43 --yes": CHECKOUT},
    "save-drift": {"--yes": CHECKOUT},
    "scaffold": {"": CHECKOUT, "--dry-run": CHECKOUT},
    "where": {"": CHECKOUT, "--json": CHECKOUT},
    "db backup": {"--yes": CHECKOUT},
    "db drill": {"--yes": CHECKOUT},
    "db harden": {"--yes": CHECKOUT},
    "db status": {"": CHECKOUT},
    "runs list": {"": WORKS, "--json": WORKS},
    "runs show": {"x": RUN},
    "runs verify": {"x": RUN, "--json x": RUN},
    "runs report": {"x": RUN},
    "runs close": {"x": RUN, "--json x": RUN},
    "keys list": {"": MISSING},
    "keys create": {"": NOBODY},
    "keys export": {"": NOBODY},
    "keys rotate": {"--yes": NOBODY, "": NOBODY},
    "keys use": {"": NOBODY, "--file nowhere": NOBODY},
    "keys trust": {"nowhere": "cannot be read"},
    "secrets set": {"github-token": "No github-token was given", "x": "There is no secret"},
    "secrets list": {"": WORKS},
    "secrets delete": {"github-token": "no keyring", "x": "There is no secret"},
    "doctor": {"": MISSING, "--offline": MISSING},
    "setup": {"": "no terminal to answer on"},
    "completion": {"bash": WORKS, "zsh": WORKS, "fish": WORKS},
    "config template": {"": WORKS},
    "config path": {"": WORKS},
    "config show": {"": WORKS, "--json": WORKS},
    "config check": {"": WORKS},
    "world up": {"../file": "cannot be made"},
    "world status": {"nowhere": WORLD},
    "world env": {"nowhere": WORLD},
    "world down": {"nowhere": WORLD},
    "world fault": {"nowhere --list": WORLD},
    "world build": {"nowhere 1.6.1.43": WORLD},
}
"""Every command with calls of it, and what it is to say; a command that is not here fails the first test."""


@dataclass
class Nowhere:
    """An empty home, an empty folder, and no way out: the proxy is a loopback port that nobody listens on."""

    folder: Path
    proxy: str
    path: str = os.environ.get("PATH", os.defpath)
    environ: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environ = {
            "PATH": self.path,
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "HTTPS_PROXY": self.proxy,
            "PYTHONPATH": str(package_root()),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            **self.environ,
        }
        return subprocess.run(
            [sys.executable, "-m", "nexy_tui", *words],
            cwd=cwd or self.folder / "work",
            env={name: value for name, value in environ.items() if value},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def everything(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.folder)): path.read_bytes() if path.is_file() else b"" for path in self.folder.rglob("*")}


@pytest.fixture
def nowhere(tmp_path: Path) -> Iterator[Nowhere]:
    for name in ("home", "work", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").write_text("mine")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: refused at once, and nobody else can take it
        yield Nowhere(tmp_path, f"http://127.0.0.1:{closed.getsockname()[1]}")


def walk(command: Any, words: tuple[str, ...] = ()) -> Iterator[str]:
    """Every command of the command line that does something itself."""
    if not hasattr(command, "commands"):
        yield " ".join(words)
        return
    if command.invoke_without_command:
        yield " ".join(words)
    for name, inner in command.commands.items():
        yield from walk(inner, (*words, name))


def command_line() -> typer.Typer:
    """The command line as `main` mounts it."""
    assert top_level.registered_callback is not None and top_level.registered_callback.callback is not None
    app = typer.Typer()
    app.callback(invoke_without_command=True)(top_level.registered_callback.callback)
    commands.mount(app)
    return app


def test_no_command_is_forgotten_here() -> None:
    assert set(walk(typer.main.get_command(command_line()))) == set(CASES)


@pytest.mark.exhaustive
@pytest.mark.parametrize("command", sorted(CASES))
def test_every_command_works_or_says_what_is_missing(command: str, nowhere: Nowhere) -> None:
    for arguments, what in CASES[command].items():
        before = nowhere.everything()
        done = nowhere.run(*command.split(), *arguments.split())
        said = f"{command} {arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert nowhere.everything() == before, said
        assert "Traceback" not in done.stderr, said
        if what == WORKS:
            assert done.returncode == 0, said
            assert done.stdout, said
            continue
        if what == MISSING:
            assert done.returncode in (1, 2) and "nexy-tui" in done.stdout, said
            continue
        assert done.returncode == 2, said
        assert json.loads(done.stdout)["exit"] == 2 if "--json" in arguments else done.stdout == "", said
        assert done.stderr.startswith("nexy-tui: "), said
        assert what in done.stderr, said
        assert "  next: " in done.stderr, said
        assert HOW.get(what, "") in done.stderr.partition("  next: ")[2], said


@pytest.mark.parametrize("command", some(sorted(CASES), ("release", "db drill", "world up")))
def test_every_command_explains_itself(command: str) -> None:
    shown = CliRunner().invoke(command_line(), [*command.split(), "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is a keyring, and it is the developer's")
def test_a_key_is_not_kept_in_a_plain_file_that_nobody_chose(nowhere: Nowhere) -> None:
    nowhere.environ["PYTHON_KEYRING_BACKEND"] = ""
    nowhere.environ["NEXY_OPERATOR"] = "ada@example.com"
    before = nowhere.everything()
    refused = nowhere.run("keys", "create")
    assert refused.returncode == 2, refused.stdout
    assert "no keyring that protects what it keeps" in refused.stderr
    assert "NEXY_SIGNING_KEY_FILE" in refused.stderr
    assert nowhere.everything() == before
    nowhere.environ["PYTHON_KEYRING_BACKEND"] = "keyrings.alt.file.PlaintextKeyring"
    assert nowhere.run("keys", "create").returncode == 0


@pytest.mark.parametrize("words", [seldom("release --headless"), "check --all", seldom("publish --yes")])
def test_another_repository_is_not_taken_for_the_code(nowhere: Nowhere, words: str) -> None:
    work = nowhere.folder / "work"
    subprocess.run(["git", "init", "-q", str(work)], check=True, env={"PATH": nowhere.path, "HOME": str(nowhere.folder / "home")})
    before = nowhere.everything()
    refused = nowhere.run(*words.split())
    assert refused.returncode == 2, refused.stderr
    assert "neither VERSION nor server/VERSION" in refused.stderr
    assert "--checkout DIR" in refused.stderr
    assert nowhere.everything() == before


@pytest.mark.parametrize("words", [seldom("release --headless"), seldom("check --all"), "rehearse"])
def test_a_missing_git_is_named(nowhere: Nowhere, words: str) -> None:
    (nowhere.folder / "work" / ".git").mkdir()
    (nowhere.folder / "work" / "VERSION").write_text("1.6.1.42\n")
    nowhere.path = str(nowhere.folder / "tmp")
    before = nowhere.everything()
    refused = nowhere.run(*words.split())
    assert refused.returncode == 2, refused.stderr
    assert "git" in refused.stderr.partition("\n")[0]
    assert "nstall" in refused.stderr.partition("  next: ")[2]
    assert nowhere.everything() == before


def test_a_configuration_that_is_named_and_not_there_is_said(nowhere: Nowhere) -> None:
    nowhere.environ["NEXY_CONFIG"] = str(nowhere.folder / "work" / "none.toml")
    for words in ("config check", "release --headless", "keys list"):
        refused = nowhere.run(*words.split())
        assert refused.returncode == 2, words
        assert "NEXY_CONFIG names" in refused.stderr
        assert "Create the file" in refused.stderr
