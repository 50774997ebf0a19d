"""The fixers' menu: what is here is marked, what would change is shown, and nothing is mended that was not confirmed."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from nexy_tui.core.finding import Finding, Status
from nexy_tui.core.problem import Refused
from nexy_tui.engine.mend import FixPreview
from pilot.fakes import FakeBackend
from pilot.hand import flowing, play, press, settle, told

KEY = "AIzaPlantedKeyOfTheTest0000000000000001"


def broken() -> FakeBackend:
    backend = FakeBackend()
    backend.troubles["stale-appcast"] = Finding("fix.stale-appcast", Status.FAILED, "The appcast offers 1.6.1.41 \x1b[31m[/b].")
    backend.plans["stale-appcast"] = FixPreview(("restart the server on the VM",), typed="rehearsal fix stale-appcast")
    backend.plans["inbox"] = FixPreview(("mkdir -p release_inbox",))
    backend.plans["gemini-key"] = FixPreview(("set the key",), secret="New Gemini key (it is not shown): ")
    return backend


def chosen(pilot: Pilot[Any]) -> int | None:
    return pilot.app.screen.query_one("#list", OptionList).highlighted


def test_looking_marks_what_is_here_and_goes_to_the_worst() -> None:
    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "f", "r")
        assert chosen(pilot) == 8
        text = flowing(pilot.app)
        assert "✗ 4.9" in text and "✓ 4.1" in text and "The appcast offers 1.6.1.41 [/b]." in text
        assert "1 found, worst first." in told(pilot.app)

    play(broken(), script, run=False, toasts=True)


def test_what_would_change_is_shown_and_nothing_is_done() -> None:
    backend = broken()

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "f", "d")
        assert "mkdir -p release_inbox" in flowing(pilot.app)
        await press(pilot, "escape", "down", "d")
        assert "This trouble is not here: nothing would change." in flowing(pilot.app)

    play(backend, script, run=False)
    assert backend.fixed == []


def test_what_could_not_be_seen_is_not_said_to_be_away() -> None:
    backend = broken()
    backend.plans["inbox"] = FixPreview(unseen=("The VM gave no answer.",))

    async def script(pilot: Pilot[Any]) -> None:
        for key in ("d", "m"):
            await press(pilot, *(["f"] if key == "d" else []), key)
            text = flowing(pilot.app)
            assert "could not be seen whether this is here: The VM gave no answer." in text and "not here" not in text
            await press(pilot, "escape")

    play(backend, script, run=False)
    assert backend.fixed == []


def test_it_is_mended_once_confirmed_and_looked_at_again() -> None:
    backend = broken()
    backend.troubles["inbox"] = Finding("fix.inbox", Status.FAILED, "There is no folder release_inbox.")

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "f", "m", "n")
        assert backend.fixed == []
        await press(pilot, "m", "y")
        text = flowing(pilot.app)
        assert "fixed and verified" in text and "passed: It is mended." in text and "Log: /home/olga" in text
        await press(pilot, "escape")
        assert "✓ done It is not here." in flowing(pilot.app)

    play(backend, script, run=False)
    assert backend.fixed == [("inbox", "")]


def test_what_writes_outside_is_confirmed_by_typing() -> None:
    backend = broken()

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "f", "r", "m")
        pilot.app.screen.query_one("#typed", Input).value = "rehearsal fix inbox"
        await press(pilot, "enter")
        assert backend.fixed == [] and "Not the same." in flowing(pilot.app)
        pilot.app.screen.query_one("#typed", Input).value = "rehearsal fix stale-appcast"
        await press(pilot, "enter")

    play(backend, script, run=False)
    assert backend.fixed == [("stale-appcast", "")]


def test_a_secret_is_asked_for_hidden_and_shown_nowhere() -> None:
    backend = broken()

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "f", *["down"] * 6, "m", "y")
        pilot.app.screen.query_one("#secret", Input).value = KEY
        await settle(pilot)
        assert KEY not in flowing(pilot.app)
        await press(pilot, "enter")
        assert KEY not in flowing(pilot.app)
        await press(pilot, "escape", "m", "y", "enter")
        assert "Nothing was given, and nothing was changed." in told(pilot.app)

    play(backend, script, run=False, toasts=True)
    assert backend.fixed == [("gemini-key", KEY)]


def test_inside_a_run_a_fixer_mends_as_an_action_of_that_run() -> None:
    backend = broken()
    backend.at = "publish"
    backend.play.fails("publish.manifests")

    async def script(pilot: Pilot[Any]) -> None:
        app: Any = pilot.app
        await press(pilot, "r", "f", "m")
        app.screen.query_one(Input).value = "rehearsal fix stale-appcast"
        await press(pilot, "enter")
        assert "fixed and verified" in flowing(app)

    play(backend, script)
    assert backend.fixed == [("stale-appcast", "")] and backend.fixed_in == [backend.log.run]


def test_a_refusal_is_shown_with_what_to_do() -> None:
    backend = broken()

    async def script(pilot: Pilot[Any]) -> None:
        backend.refuses = Refused("The key is not there.", "It signs the log.", "nexy-tui keys create")
        await press(pilot, "f", "m", "y")
        assert "nexy-tui keys create" in flowing(pilot.app)

    play(backend, script, run=False)


def test_where_to_look_copies_a_place_or_the_command_that_shows_it() -> None:
    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "w")
        text = flowing(pilot.app)
        assert "✓ inbox" in text and "there 2 h" in text and "✗ manifest" in text and "not asked" in text and "there 3 d" in text
        await press(pilot, "y")
        assert pilot.app.clipboard == "/home/olga/Nexy_server/release_inbox"
        await press(pilot, "down", "c")
        assert pilot.app.clipboard == "nexy-tui sync-manifests" and "state missing" in flowing(pilot.app)
        await press(pilot, "down", "enter")
        assert pilot.app.clipboard.endswith("/releases/tag/Update")
        await press(pilot, "r", "escape")
        assert "Start a release" in flowing(pilot.app)

    play(FakeBackend(), script, run=False)


def test_where_to_look_and_the_fixers_open_from_a_run_too() -> None:
    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "w")
        assert "Where to look" in flowing(pilot.app)
        await press(pilot, "escape", "f")
        assert "Fixers" in flowing(pilot.app)

    play(FakeBackend(), script)
