"""What the wizard leaves in the terminal once its screen is gone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nexy_tui.cli.wizard import open_wizard
from screens.backend import Ending


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
