"""The rollback's own screen: what stands where, what keeps it from going back, and a run of its own that is sealed."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from textual.pilot import Pilot

from nexy_tui.core.event import Exposure, OutputLine
from nexy_tui.core.problem import ActionFailed, CouldNotLook
from nexy_tui.engine.rollback_preview import AssetState
from pilot.fakes import CUT_OFF, PREVIEW, FakeBackend
from pilot.hand import flowing, lines, on, paste, play, press, settle, told, until
from pilot.scripted import UNREAD, emitting
from screens.dialogs.confirm import ConfirmDialog
from screens.dialogs.leave import LeaveDialog
from screens.dialogs.message import ProblemDialog
from screens.dialogs.refusal import RefusalDialog
from screens.home import HomeScreen
from screens.rollback import RollbackScreen


async def typed(pilot: Pilot[Any], key: str = "b") -> None:
    await press(pilot, key)
    assert on(pilot.app, ConfirmDialog)
    await paste(pilot, "rehearsal 1.6.1.43")
    await pilot.press("enter")


def test_it_shows_what_stands_where_and_opens_no_run() -> None:
    backend = FakeBackend()

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "b")
        text = flowing(pilot.app)
        assert "now 1.6.1.43" in text and "before 1.6.1.42" in text and "314.1 MB" in text
        assert "never published under App" in text and "live server offers" in text
        await press(pilot, "escape")
        assert on(pilot.app, HomeScreen)

    play(backend, script, run=False)
    assert backend.opened == []


def test_what_could_not_be_seen_is_said_and_asked_again() -> None:
    backend = FakeBackend()
    backend.refuses = CouldNotLook("The assets of the release Update could not be seen: 502.")

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "b")
        assert "? not seen The assets of the release Update could not be seen: 502." in flowing(pilot.app)
        backend.refuses = None
        await press(pilot, "r")
        assert "before 1.6.1.42" in flowing(pilot.app) and "not seen" not in flowing(pilot.app)

    play(backend, script, run=False)


def test_typed_it_is_done_in_a_sealed_run_of_its_own() -> None:
    backend = FakeBackend()

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "b", "b")
        assert on(pilot.app, ConfirmDialog) and "Whoever has installed 1.6.1.43 keeps it" in flowing(pilot.app)
        await press(pilot, "d")
        assert "rename previous-Nexy.dmg to Nexy.dmg" in flowing(pilot.app)
        await press(pilot, "enter")
        assert "Not the same." in flowing(pilot.app) and backend.opened == []
        await paste(pilot, "rehearsal 1.6.1.43")
        await press(pilot, "enter")
        text = flowing(pilot.app)
        assert "done and verified" in text and "Done." in text and "Log:" in text and "/home/olga" in text
        await press(pilot, "escape", "escape")
        assert on(pilot.app, HomeScreen)

    play(backend, script, run=False)
    assert backend.opened == [("alone", "rollback")] and backend.play.actions["rollback"].ran == 1
    assert backend.log.sealed == "complete" and backend.log.closed


def test_an_item_in_the_way_is_named_and_no_run_is_opened() -> None:
    backend = FakeBackend()
    backend.play.fails("remotes.code")

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "b", "b")
        assert on(pilot.app, RefusalDialog)
        text = flowing(pilot.app)
        assert "Put the release before back: not yet" in text and "the pipelines are mixed." in text
        backend.play.holds("remotes.code")
        await press(pilot, "r")
        assert on(pilot.app, ConfirmDialog)

    play(backend, script, run=False)
    assert backend.opened == [] and backend.play.actions["rollback"].ran == 0


def test_what_nobody_could_see_is_attested_into_the_log() -> None:
    backend = FakeBackend()
    backend.play.sees("remotes.rulebook", UNREAD)

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "b", "b", "t")
        await paste(pilot, "opened on a Mac")
        await press(pilot, "enter")
        assert on(pilot.app, ConfirmDialog)
        await paste(pilot, "rehearsal 1.6.1.43")
        await press(pilot, "enter")
        assert "done and verified" in flowing(pilot.app)

    play(backend, script, run=False)
    assert ("attestation", "remotes.rulebook", "attested", "opened on a Mac") in backend.log.records


def test_left_while_its_run_is_being_opened_it_is_not_run_out_of_sight(monkeypatch: Any) -> None:
    backend, opening = FakeBackend(), threading.Event()
    open_alone = backend.open_alone

    def slowly(action: str) -> Any:
        opening.wait(10)
        return open_alone(action)

    monkeypatch.setattr(backend, "open_alone", slowly)

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "b")
        await typed(pilot)
        await until(pilot, lambda: on(pilot.app, RollbackScreen))
        await pilot.press("escape")
        await pilot.pause()
        assert on(pilot.app, RollbackScreen) and "being opened" in told(pilot.app)
        opening.set()
        await settle(pilot)
        assert "done and verified" in flowing(pilot.app)

    play(backend, script, run=False, toasts=True)


def test_an_upload_that_is_not_whole_is_no_file_and_no_cut_off_swap() -> None:
    backend = FakeBackend()
    image = PREVIEW.pairs[0]
    backend.in_place = replace(PREVIEW, pairs=(replace(image, now=AssetState("", "starter", 0, None)), PREVIEW.pairs[1]))

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "b")
        assert "now not whole: starter" in flowing(pilot.app) and "cut off" not in flowing(pilot.app)

    play(backend, script, run=False)


def test_what_is_missing_is_brought_about_from_here_in_a_run_of_its_own() -> None:
    backend = FakeBackend()
    backend.play.fails("version.tag")

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "b", "b", "a")
        assert "belongs to a release run" in told(pilot.app), "a commit is no command of its own"
        backend.play.holds("version.tag")
        backend.play.fails("version.manifests")
        await press(pilot, "b", "p")
        assert on(pilot.app, ConfirmDialog) and "Sync manifests" in flowing(pilot.app)
        backend.play.holds("version.manifests")
        await press(pilot, "y")
        assert ": done and verified" in flowing(pilot.app)
        await press(pilot, "escape", "b")
        assert on(pilot.app, ConfirmDialog)

    play(backend, script, run=False, toasts=True)
    assert backend.opened == [("alone", "sync-manifests")]


def test_while_it_runs_the_exposure_is_in_sight_and_escape_stops_it() -> None:
    backend, hold = FakeBackend(), threading.Event()
    events = (OutputLine("1.6.1.42 is back", "rollback"), Exposure(0.0, open=True))
    backend.play.actions["rollback"].effect = emitting(*events, hold=hold)

    async def script(pilot: Pilot[Any]) -> None:
        app: Any = pilot.app
        await press(pilot, "b")
        await typed(pilot)
        await until(pilot, lambda: "cannot update" in lines(app)[0] and "1.6.1.42 is back" in flowing(app))
        await pilot.press("b")
        assert "still running" in told(app)
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("x")
        await settle(pilot)
        assert on(app, ProblemDialog) and "Stopped by the operator." in flowing(app)

    play(backend, script, run=False, toasts=True)
    assert backend.log.sealed == "aborted"


def test_left_while_it_runs_it_is_stopped_and_sealed_first() -> None:
    backend, hold = FakeBackend(), threading.Event()
    backend.play.actions["rollback"].effect = emitting(OutputLine("renaming", "rollback"), hold=hold)

    async def script(pilot: Pilot[Any]) -> None:
        app: Any = pilot.app
        await press(pilot, "b")
        await typed(pilot)
        await until(pilot, lambda: "renaming" in flowing(app))
        await pilot.press("q")
        await until(pilot, lambda: on(app, LeaveDialog))
        assert "resume" not in flowing(app).lower()
        await pilot.press("q")
        await until(pilot, lambda: app.return_value is not None)

    app = play(backend, script, run=False)
    assert app.return_value is not None and app.return_value.exit_code == 1
    assert backend.log.sealed == "aborted" and backend.log.closed


def test_a_failure_names_what_to_do_and_can_be_tried_again() -> None:
    backend = FakeBackend()
    problem = ActionFailed("The release URL gives nothing.", "Clients get 404.", "At once: nexy-tui publish --recover")
    backend.play.actions["rollback"].effect = emitting(problem=problem)

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "b")
        await typed(pilot)
        await settle(pilot)
        assert "At once: nexy-tui publish --recover" in flowing(pilot.app)
        backend.play.actions["rollback"].effect = emitting(result="It is back.")
        await press(pilot, "a")
        await paste(pilot, "rehearsal 1.6.1.43")
        await press(pilot, "enter")
        assert "done and verified" in flowing(pilot.app) and "It is back." in flowing(pilot.app)

    play(backend, script, run=False)


def test_a_swap_that_was_cut_off_is_told_and_healed_with_a_key() -> None:
    backend = FakeBackend()
    backend.in_place = CUT_OFF

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "b")
        assert "clients get 404" in flowing(pilot.app)
        backend.in_place = PREVIEW
        await press(pilot, "h", "y")
        text = flowing(pilot.app)
        assert "Heal a swap that was cut off: done and verified" in text
        await press(pilot, "escape")
        assert "clients get 404" not in flowing(pilot.app)

    play(backend, script, run=False)
    assert backend.opened == [("alone", "recover")]


def test_an_open_run_keeps_its_lock_and_offers_the_same_itself() -> None:
    backend = FakeBackend()

    async def script(pilot: Pilot[Any]) -> None:
        app: Any = pilot.app
        app.open_rollback()
        await settle(pilot)
        await press(pilot, "b")
        assert "A run is open here" in flowing(app)
        await press(pilot, "escape", "escape")
        assert app.screen.phase.id == "remotes"

    play(backend, script)
    assert backend.play.actions["rollback"].ran == 0
