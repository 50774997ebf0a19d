"""--auto: the tool plays the operator in plain sight."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from nexy_tui.app import NexyApp
from nexy_tui.core.problem import ActionFailed, Unusable
from pilot.fakes import LOG, RUN, FakeBackend
from pilot.hand import flowing, on, until
from pilot.scripted import emitting
from screens.backend import Ending
from screens.end import EndScreen


def play_auto(backend: FakeBackend, script: Any) -> NexyApp:
    app = NexyApp(backend, auto=True)

    async def whole() -> None:
        async with app.run_test(size=(100, 34)) as pilot:
            await script(pilot)

    asyncio.run(whole())
    return app


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screens.autopilot.PAUSE", 0.2)


def test_shows_every_phase_and_ends_at_the_end_screen() -> None:
    backend, seen = FakeBackend(), []
    drive = backend.drive

    def slowly(session: Any, confirm: Any) -> Any:
        session.watch(lambda notice: seen.append(type(notice).__name__))
        return drive(session, confirm)

    backend.drive = slowly  # type: ignore[method-assign]
    phases: list[str] = []

    async def script(pilot: Any) -> None:
        show = pilot.app.show_phase

        def noted(phase: str) -> None:
            phases.append(phase)
            show(phase)

        pilot.app.show_phase = noted
        await until(pilot, lambda: on(pilot.app, EndScreen), limit=30)
        await until(pilot, lambda: pilot.app.return_value is not None, limit=30)

    backend.play.gate.clear()
    threading.Timer(0.3, backend.play.gate.set).start()
    app = play_auto(backend, script)
    assert app.return_value == Ending(0, LOG, RUN, "complete")
    assert phases[-1] == "final" and backend.log.sealed and "PhaseOpened" in seen


def test_stops_where_an_item_does_not_hold_and_seals_nothing() -> None:
    backend = FakeBackend()
    backend.play.fails("database.drill")

    async def script(pilot: Any) -> None:
        await until(pilot, lambda: "was 8 days ago" in flowing(pilot.app) and "The run stopped" in flowing(pilot.app), limit=30)
        await until(pilot, lambda: pilot.app.return_value is not None, limit=30)

    app = play_auto(backend, script)
    said = "The newest restore drill was 8 days ago; more than 7 days is too old."
    assert app.return_value == Ending(1, LOG, RUN, None, message=f"database.drill is wrong: {said}")
    assert not backend.log.sealed


def test_an_action_that_fails_ends_it_with_its_reason() -> None:
    backend = FakeBackend()
    backend.play.fails("database.backup")
    backend.play.actions["backup"].effect = emitting(problem=ActionFailed("The disk is full.", "No backup.", "Free space."))

    async def script(pilot: Any) -> None:
        await until(pilot, lambda: "The disk is full." in flowing(pilot.app), limit=30)
        await until(pilot, lambda: pilot.app.return_value is not None, limit=30)

    assert play_auto(backend, script).return_value == Ending(1, LOG, RUN, None, message="The disk is full. No backup. Free space.")


def test_the_operators_keys_do_nothing_meanwhile_but_leaving_works() -> None:
    backend, hold = FakeBackend(), threading.Event()
    backend.play.fails("database.backup")
    backend.play.actions["backup"].effect = emitting(hold=hold)

    async def script(pilot: Any) -> None:
        await until(pilot, lambda: backend.play.actions["backup"].ran, limit=30)
        await pilot.press("n", "a", "t")
        await pilot.pause(0.1)
        assert backend.play.actions["backup"].ran == 1 and len(pilot.app.screen_stack) == 2
        await pilot.press("q", "q")
        await until(pilot, lambda: pilot.app.return_value is not None, limit=30)

    app = play_auto(backend, script)
    assert app.return_value == Ending(130, LOG, RUN, None) and backend.log.closed
    assert ("result", "backup", "cancelled", "Stopped by the operator.") in backend.log.records


def test_a_run_that_cannot_begin_ends_with_its_exit_status() -> None:
    backend = FakeBackend(refuses=Unusable("No key.", "", "Make one."))

    async def script(pilot: Any) -> None:
        await until(pilot, lambda: "No key." in flowing(pilot.app), limit=30)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.return_value is not None)

    assert play_auto(backend, script).return_value == Ending(2)
