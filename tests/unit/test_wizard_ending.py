"""What the wizard leaves in the terminal once its screen is gone."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from nexy_tui.cli import commands
from nexy_tui.cli.top import app
from nexy_tui.cli.wizard import open_wizard
from nexy_tui.core.kind import Kind
from nexy_tui.core.version import Version
from screens.backend import Ending, NewRun

commands.mount(app)


def test_what_stopped_a_driven_run_is_said_when_the_screen_is_gone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ending = Ending(1, Path("a.log"), "run-1", message="database.drill is wrong: 8 days old.")
    monkeypatch.setattr("nexy_tui.app.NexyApp.__init__", lambda *_, **__: None)
    monkeypatch.setattr("nexy_tui.app.NexyApp.run", lambda _: ending)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert open_wizard(None, auto=True) == 1  # type: ignore[arg-type]
    said = capsys.readouterr()
    assert said.err == "database.drill is wrong: 8 days old.\n" and "run-1" in said.out


@pytest.mark.parametrize(
    ("words", "opening"),
    [
        (["release"], NewRun()),
        (["release", "--kind", "code-only"], NewRun(None, Kind.CODE_ONLY)),
        (["release", "1.6.1.43", "--with", "Nexy.pkg"], NewRun(Version.parse("1.6.1.43"), Kind.FULL, True)),
        ([], None),
    ],
)
def test_release_opens_the_form_of_a_new_run_with_what_was_said(
    monkeypatch: pytest.MonkeyPatch, words: list[str], opening: NewRun | None
) -> None:
    seen: list[object] = []
    monkeypatch.setattr("nexy_tui.app.NexyApp.__init__", lambda _, __, opening, **___: seen.append(opening))
    monkeypatch.setattr("nexy_tui.app.NexyApp.run", lambda _: Ending(0))
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("nexy_tui.cli.wizard.sys", SimpleNamespace(stdin=terminal, stdout=terminal))
    assert CliRunner().invoke(app, words).exit_code == 0
    assert seen == [opening]
