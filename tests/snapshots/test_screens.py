"""Every screen in its main states, as it looked when it was last looked at with care (`make snapshots` renews them)."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import seldom

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


WIDE = ("home", "failed", "publish_running", "gate_matrix", "end")
"""Where room has things lie otherwise, both sizes are looked at; the others wide only in the exhaustive run."""


ALIKE = (
    *("begin_another", "confirm_details", "database", "deploy_again", "deploy_failed", "end_aborted", "final_mending"),
    *("final_without_a_run", "fix_confirm", "fix_details", "gate_refused", "home_production", "home_released", "passed"),
    *("publish_not_run", "publish_waiting", "ready", "rollback_cut_off", "runs_called", "version", "version_commit"),
)
"""States of a screen, or a dialog, of which the ordinary run looks at another."""


def often(name: str, size: str) -> bool:
    return name in WIDE or (size == "80x24" and name not in ALIKE)


@pytest.mark.parametrize(("name", "size"), [(name, size) if often(name, size) else seldom(name, size) for name in STATES for size in SIZES])
def test_screen(snap_compare: Any, name: str, size: str) -> None:
    assert picture(snap_compare, STATES[name], SIZES[size])


@pytest.mark.parametrize("name", ["failed", "confirm", *map(seldom, ("publish_running", "final"))])
def test_between(snap_compare: Any, name: str) -> None:
    assert picture(snap_compare, STATES[name], (100, 32))


@pytest.mark.parametrize("name", ["refused", "publish_running", *map(seldom, ("failed", "home"))])
def test_narrow(snap_compare: Any, name: str) -> None:
    assert picture(snap_compare, STATES[name], (64, 20))


def test_without_colour(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert picture(snap_compare, STATES["database"], (80, 24))


def test_by_day(snap_compare: Any) -> None:
    assert picture(snap_compare, STATES["database"], (120, 40), DAY.name)
