"""Every screen in its main states, as it looked when it was last looked at with care (`make snapshots` renews them)."""

from __future__ import annotations

from typing import Any

import pytest

from screens.theme import DAY
from snapshots.states import STATES, State

SIZES = {"80x24": (80, 24), "120x40": (120, 40)}


def picture(snap_compare: Any, state: State, size: tuple[int, int], theme: str = "") -> bool:
    app = state.app()
    backend: Any = app.backend
    if theme:
        app.theme = theme
    export = app.export_screenshot

    def export_and_let_go(**options: Any) -> str:
        try:
            return export(**options)
        finally:
            backend.release()
            backend.play.gate.set()

    app.export_screenshot = export_and_let_go  # type: ignore[method-assign]
    same: bool = snap_compare(app, terminal_size=size, run_before=state.reach)
    return same


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STATES)
def test_screen(snap_compare: Any, name: str, size: str) -> None:
    assert picture(snap_compare, STATES[name], SIZES[size])


@pytest.mark.parametrize("name", ["failed", "refused", "publish_running", "home"])
def test_narrow(snap_compare: Any, name: str) -> None:
    assert picture(snap_compare, STATES[name], (64, 20))


def test_without_colour(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert picture(snap_compare, STATES["database"], (80, 24))


def test_by_day(snap_compare: Any) -> None:
    assert picture(snap_compare, STATES["database"], (120, 40), DAY.name)
