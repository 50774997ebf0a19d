"""Home knows what is open and what was released; Runs calls each run by what it was and tells its story."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import OptionList

from nexy_tui.core.kind import Kind
from nexy_tui.engine.standing import Standing
from nexy_tui.runlog.state import Errand, Purpose
from pilot.fakes import LOG, RUNS, VERSION, FakeBackend
from pilot.hand import flowing, lines, on, play, press, shown
from screens.backend import NewRun
from screens.dialogs.message import MessageDialog
from screens.dialogs.viewer import Viewer
from screens.fixers import FixersScreen
from screens.home import HomeScreen
from screens.phase import PhaseScreen
from screens.runs import RunsScreen
from screens.start import StartScreen
from screens.story import StoryScreen

OPEN = Standing(replace(RUNS[0], purpose=Purpose(Errand.RELEASE)), "at Publish since 14:02")


def with_runs(*purposes: Purpose) -> FakeBackend:
    backend = FakeBackend()
    runs = tuple(replace(RUNS[1], purpose=purpose, world=None) for purpose in purposes)
    backend.runs = lambda: runs  # type: ignore[method-assign]
    return backend


def test_an_open_run_stands_first_and_enter_goes_on_with_it() -> None:
    backend = FakeBackend(stands=OPEN)

    async def script(pilot: Any) -> None:
        row = next(line for line in lines(pilot.app) if "Go on with" in line)
        assert "Go on with 1.6.1.43" in row and "at Publish since 14:02" in row
        assert pilot.app.screen.query_one(OptionList).highlighted == 0
        await press(pilot, "enter")
        assert on(pilot.app, PhaseScreen)

    play(backend, script, run=False, size=(80, 24))
    assert backend.opened == [("resume", LOG)]


def test_an_open_fix_is_gone_on_with_from_its_fixer() -> None:
    left = replace(RUNS[0], purpose=Purpose(Errand.FIX, ("stale-appcast",)))
    backend = FakeBackend(stands=Standing(left, "begun at 14:02"))

    async def script(pilot: Any) -> None:
        assert "Go on with Fixer 4.9" in shown(pilot.app)
        await press(pilot, "g")
        assert on(pilot.app, FixersScreen)

    play(backend, script, run=False)
    assert backend.opened == []


def test_without_an_open_run_the_first_choice_is_a_release() -> None:
    async def script(pilot: Any) -> None:
        assert "Go on with" not in shown(pilot.app) and "✓ 1.6.1.42 is released and verified, today 14:31" in shown(pilot.app)
        await press(pilot, "enter")
        assert on(pilot.app, StartScreen)

    play(FakeBackend(stands=Standing(released="1.6.1.42 is released and verified, today 14:31")), script, run=False)


@pytest.mark.parametrize("fields", [0, 1, 2], ids=["the version", "the kind", "the package"])
def test_enter_begins_a_release_from_every_field(fields: int) -> None:
    backend = FakeBackend()

    async def script(pilot: Any) -> None:
        await press(pilot, "enter", *["tab"] * fields, "enter")
        assert on(pilot.app, PhaseScreen)

    play(backend, script, run=False)
    assert [what[0] for what in backend.opened] == ["new"]


def test_enter_on_back_goes_back() -> None:
    async def script(pilot: Any) -> None:
        await press(pilot, "enter", "shift+tab", "enter")
        assert on(pilot.app, HomeScreen)

    play(FakeBackend(), script, run=False)


@pytest.mark.parametrize(
    ("key", "screen", "opened"), [("g", PhaseScreen, [("resume", LOG)]), ("b", HomeScreen, []), ("escape", HomeScreen, [])]
)
@pytest.mark.parametrize("opening", [None, NewRun(VERSION, Kind.FULL, False)])
def test_beginning_another_asks_first(key: str, screen: Any, opened: list[Any], opening: NewRun | None) -> None:
    backend = FakeBackend(stands=OPEN)

    async def script(pilot: Any) -> None:
        if opening is None:
            await press(pilot, "s")
        assert on(pilot.app, MessageDialog) and "Rehearsal of 1.6.1.43 is open here, at Publish since 14:02" in flowing(pilot.app)
        await press(pilot, key)
        assert on(pilot.app, screen)

    play(backend, script, run=False, opening=opening)
    assert backend.opened == opened


def test_another_can_be_begun_where_that_is_meant() -> None:
    backend = FakeBackend(stands=OPEN)

    async def script(pilot: Any) -> None:
        await press(pilot, "s", "right", "enter")
        assert on(pilot.app, StartScreen)
        await press(pilot, "ctrl+n")

    play(backend, script, run=False)
    assert backend.opened == [("new", VERSION, Kind.FULL, False)]


def test_a_finished_run_says_so_when_it_is_to_be_resumed() -> None:
    backend = with_runs(Purpose(Errand.RELEASE))

    async def script(pilot: Any) -> None:
        await press(pilot, "l", "u")
        assert "Release 1.6.1.42 is finished: verified." in flowing(pilot.app)

    play(backend, script, run=False)
    assert backend.opened == []


def test_runs_are_called_by_what_they_were() -> None:
    purposes = (
        Purpose(Errand.RELEASE),
        Purpose(Errand.FIX, ("stale-appcast",)),
        Purpose(Errand.ACTION, ("rollback",)),
        Purpose(Errand.CHECK),
    )

    async def script(pilot: Any) -> None:
        await press(pilot, "l")
        text = shown(pilot.app)
        for name in ("Release 1.6.1.42", "Fixer 4.9: ", "Put the release before back, 1.6.1.42", "Saved check of 1.6.1.42"):
            assert name in text, text

    play(with_runs(*purposes), script, run=False, size=(80, 24))

    async def rehearsed(pilot: Any) -> None:
        await press(pilot, "l")
        assert "Rehearsal of 1.6.1.43" in shown(pilot.app)

    play(FakeBackend(), rehearsed, run=False, size=(80, 24))


def test_a_run_tells_its_story_and_its_records_are_one_key_away() -> None:
    backend = FakeBackend()

    async def script(pilot: Any) -> None:
        app = pilot.app
        await press(pilot, "l", "enter")
        text = flowing(app)
        assert on(app, StoryScreen) and "10:04:40 Database Back up the database · olga" in text
        assert "✗ failed" in text and "No space left on device." in text and "Taken up again · pavel" in text
        await press(pilot, "s")
        assert on(app, Viewer) and "origin pushes to Seregawpn/Nexy_server." in flowing(app)
        await press(pilot, "escape", "p")
        assert backend.reported == [LOG] and app.clipboard.endswith(".html")
        await press(pilot, "escape")
        assert on(app, RunsScreen)

    play(backend, script, run=False, size=(80, 24))
