"""Actions: shown before, confirmed, carried out in a thread of the application's, explained when they fail."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from conftest import seldom

from nexy_tui.core.event import Exposure, OutputLine, PointOfNoReturn, Waiting
from nexy_tui.core.problem import ActionFailed
from pilot.fakes import FakeBackend
from pilot.hand import flowing, on, paste, play, press, settle, shown, told, until
from pilot.scripted import emitting
from screens.dialogs.confirm import ConfirmDialog
from screens.dialogs.message import ProblemDialog
from screens.dialogs.refusal import RefusalDialog
from screens.phase import PhaseScreen

RUNNING = "Back up the database is running"


def before_push(world: str | None = "7f3a2c") -> FakeBackend:
    backend = FakeBackend(at="publish", world=world)
    backend.play.awaits("push")
    return backend


def before_backup() -> FakeBackend:
    backend = FakeBackend(at="database")
    backend.play.awaits("backup")
    return backend


def test_shows_exactly_what_it_will_do_and_can_be_left() -> None:
    backend = before_push()

    async def script(pilot: Any) -> None:
        await press(pilot, "a")
        text = flowing(pilot.app)
        assert "Everybody who has the code repository gets the release commit" in text and "https://" not in text
        await press(pilot, "d")
        text = flowing(pilot.app)
        assert "to https://github.com/Seregawpn/Nexy_server.git: both refs or neither, fast-forward only" in text
        assert "REHEARSAL 7f3a2c" in text and "A pushed tag is never moved" in text
        await press(pilot, "escape")
        assert on(pilot.app, PhaseScreen)

    play(backend, script)
    assert backend.play.actions["push"].ran == 0


def test_the_foot_counts_what_the_list_shows_as_to_do() -> None:
    async def script(pilot: Any) -> None:
        await settle(pilot)
        text = flowing(pilot.app)
        rows = [item for item in pilot.app.screen.phase.items if not pilot.app.screen.session.state.status(item.id).satisfied]
        assert f"○ {len(rows)} to do" in text and text.count("○ to do") == len(rows) + 1, "in the list, and in the selected item's detail"

    play(before_push("7f3a2c"), script)


@pytest.mark.parametrize("world,wanted", [seldom("7f3a2c", "rehearsal 1.6.1.43"), (None, "production 1.6.1.43")])
def test_what_cannot_be_taken_back_is_typed_exactly(world: str | None, wanted: str) -> None:
    backend = before_push(world)
    push = backend.play.actions["push"]

    async def script(pilot: Any) -> None:
        await press(pilot, "a")
        assert wanted in shown(pilot.app)
        await press(pilot, "enter")
        for wrong in (wanted[:-1], wanted + "x", wanted.upper(), wanted.replace("1.6", "1,6")):
            field = pilot.app.screen.query_one("#typed")
            field.value = wrong
            await press(pilot, "enter")
            assert on(pilot.app, ConfirmDialog) and push.ran == 0
            assert "Not the same" in shown(pilot.app)
        await pilot.click("#choice-go")
        assert push.ran == 0
        pilot.app.screen.query_one("#typed").value = ""
        await pilot.press(*wanted)
        backend.play.holds("publish.pushed")
        await press(pilot, "enter")
        assert push.ran == 1

    play(backend, script)
    assert backend.status("publish.pushed") == "passed"


def test_what_can_be_repeated_is_confirmed_with_one_key() -> None:
    backend = before_backup()
    backend.play.actions["backup"].effect = emitting(OutputLine("41.2 MB", "pg_dump"), result="Archive written.")

    async def script(pilot: Any) -> None:
        await press(pilot, "a", "d")
        assert "Back up db.internal:5432/voice_assistant_db from this machine:" in flowing(pilot.app)
        backend.play.holds("database.backup")
        await press(pilot, "y", "l")
        text = shown(pilot.app)
        assert "41.2 MB" in text and "Archive written." in text and "all 7 done" in text

    play(backend, script)
    assert [record[0] for record in backend.log.records if record[1] == "backup"] == ["intent", "result"]


def test_an_action_may_ask_for_a_text_of_its_own() -> None:
    backend = FakeBackend(at="database")
    backend.play.fails("database.hardening")

    async def script(pilot: Any) -> None:
        await press(pilot, "enter")
        assert "type db.internal" in flowing(pilot.app)
        await pilot.press(*"db.internal")
        await press(pilot, "enter")
        assert backend.play.actions["harden"].ran == 1

    play(backend, script)


def test_an_action_before_its_time_is_refused_with_the_item_in_the_way() -> None:
    backend = FakeBackend(at="version")
    backend.play.fails("version.tree")
    backend.play.fails("version.files")

    async def script(pilot: Any) -> None:
        await press(pilot, "1")
        assert on(pilot.app, RefusalDialog)
        assert "Write the version: not yet" in shown(pilot.app) and "The checkout has changes of its own" in shown(pilot.app)

    play(backend, script)
    assert backend.play.actions["bump"].ran == 0


def test_a_failure_says_what_why_and_what_to_do_and_the_phase_is_looked_at_again() -> None:
    backend = before_backup()
    problem = ActionFailed(
        "pg_dump ended with 1.\nerror: out of room\nabort", "Without a backup nothing is published.", "Free some disk space."
    )
    backend.play.actions["backup"].effect = emitting(problem=problem)

    async def script(pilot: Any) -> None:
        looks = len(backend.log.records)
        await press(pilot, "a", "y")
        assert on(pilot.app, ProblemDialog)
        text = flowing(pilot.app)
        for part in ("did not reach its end", "pg_dump ended with 1.", "Without a backup nothing is published.", "Free some disk space."):
            assert part in text
        assert text.index("Free some disk space.") < text.index("error: out of room"), "what was said hides no cure"
        assert [record[1] for record in backend.log.records[looks:]].count("database.backup") == 1
        await press(pilot, "a")
        assert on(pilot.app, ConfirmDialog)

    play(backend, script)


def test_an_action_that_breaks_does_not_end_the_application() -> None:
    backend = before_backup()

    def broken(_: Any) -> Any:
        raise ValueError("no such thing [/b]")

    backend.play.actions["backup"].effect = broken

    async def script(pilot: Any) -> None:
        await press(pilot, "a", "y")
        assert "broke: ValueError: no such thing [/b]" in flowing(pilot.app)
        await press(pilot, "escape", "down")
        assert on(pilot.app, PhaseScreen)

    play(backend, script)


def test_one_at_a_time_and_no_change_of_screen_ends_it() -> None:
    backend, hold = before_backup(), threading.Event()
    backend.play.actions["backup"].effect = emitting(Waiting("the slot", 90.0), hold=hold)

    async def script(pilot: Any) -> None:
        app = pilot.app
        await press(pilot, "a")
        await pilot.press("y")
        await until(pilot, lambda: "waiting 1:30" in shown(app))
        assert RUNNING in shown(app)
        for key in ("a", "2", "n", "b"):
            await pilot.press(key)
            assert on(app, PhaseScreen) and app.screen.phase.id == "database"
        await pilot.press("f")
        await pilot.pause(0.05)
        await pilot.press("escape")
        await until(pilot, lambda: RUNNING in shown(app))
        backend.play.holds("database.backup")
        hold.set()
        await settle(pilot)
        assert "all 7 done" in shown(app)

    play(backend, script)
    assert backend.play.actions["backup"].ran == 1 and backend.play.actions["harden"].ran == 0


def test_escape_asks_and_then_stops_it() -> None:
    backend, hold = before_backup(), threading.Event()
    backend.play.actions["backup"].effect = emitting(hold=hold)

    async def script(pilot: Any) -> None:
        await press(pilot, "a")
        await pilot.press("y")
        await until(pilot, lambda: RUNNING in shown(pilot.app))
        await pilot.press("escape")
        await pilot.pause(0.05)
        assert "Stop Back up the database?" in shown(pilot.app)
        await pilot.press("enter")
        await until(pilot, lambda: on(pilot.app, PhaseScreen))
        assert RUNNING in shown(pilot.app)
        await pilot.press("escape", "x")
        await settle(pilot)
        assert on(pilot.app, PhaseScreen)

    play(backend, script)
    assert ("result", "backup", "cancelled", "Stopped by the operator.") in backend.log.records


def test_past_the_point_of_no_return_it_is_carried_through() -> None:
    backend, hold = before_backup(), threading.Event()

    def effect(context: Any) -> Any:
        context.emit(PointOfNoReturn("renaming the asset"))
        hold.wait(10)
        return emitting(result="Renamed.")(context)

    backend.play.actions["backup"].effect = effect

    async def script(pilot: Any) -> None:
        await press(pilot, "a")
        await pilot.press("y")
        await until(pilot, lambda: "cannot be stopped now" in shown(pilot.app))
        assert "renaming the asset" in shown(pilot.app)
        await pilot.press("escape", "x")
        await until(pilot, lambda: "past the point of no return" in told(pilot.app))
        hold.set()
        await settle(pilot)

    play(backend, script)
    assert ("result", "backup", "done", "Renamed.") in backend.log.records


def test_the_exposure_is_in_sight_on_every_screen_until_it_ends() -> None:
    backend = FakeBackend(at="publish")
    backend.play.fails("publish.asset")
    backend.play.actions["publish"].effect = emitting(Exposure(2.0, True))

    async def script(pilot: Any) -> None:
        app = pilot.app
        assert "cannot update" not in shown(app)
        await press(pilot, "a")
        await paste(pilot, "rehearsal 1.6.1.43")
        backend.play.holds("publish.asset")
        await press(pilot, "enter")
        backend.clock.elapsed += 12
        await until(pilot, lambda: "customers cannot update: 0:14 · normal until Deploy" in shown(app))
        await press(pilot, "n")
        assert app.screen.phase.id == "gate" and "customers cannot update: 0:14" in shown(app)
        await press(pilot, "n", "n", "r")
        assert app.screen.phase.id == "final" and "cannot update" not in shown(app)

    play(backend, script)


def test_a_running_action_is_drawn_ten_times_a_second_at_most() -> None:
    from nexy_tui.core.event import Progress

    backend, hold = before_backup(), threading.Event()

    def flood(context: Any) -> Any:
        for done in range(20_000):
            context.emit(Progress("archive", "dumping", done, 20_000))
        hold.wait(10)
        return emitting()(context)

    backend.play.actions["backup"].effect = flood

    async def script(pilot: Any) -> None:
        app = pilot.app
        drawn, redraw = list[float](), app.redraw

        def counted() -> None:
            drawn.append(time.monotonic())
            redraw()

        app.redraw = counted
        await press(pilot, "a")
        await pilot.press("y")
        await until(pilot, lambda: "20.0/20.0 kB" in shown(app), limit=20)
        begun, before = time.monotonic(), len(drawn)
        await pilot.pause(0.5)
        assert len(drawn) - before <= 10 * (time.monotonic() - begun) + 1
        hold.set()
        await settle(pilot)

    play(backend, script)


def test_keys_typed_before_a_confirmation_opens_are_no_commands() -> None:
    backend, held = before_backup(), threading.Event()
    backup = backend.play.actions["backup"]
    described = backup.describe

    def slowly(*given: Any) -> Any:
        held.wait(10)
        return described(*given)

    async def script(pilot: Any) -> None:
        await pilot.press("a")
        await pilot.press("w", "l", "f", "y", "2")
        assert on(pilot.app, PhaseScreen) and not pilot.app.screen.has_class("-big-log")
        assert {one.binding.action for one in pilot.app.screen.active_bindings.values() if one.binding.show} == {"help", "quit"}
        await pilot.press("escape")
        assert not pilot.app.context.jobs.asking
        await pilot.press("a")
        held.set()
        await settle(pilot)
        assert on(pilot.app, ConfirmDialog) and backup.ran == 0

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(backup, "describe", slowly)
        play(backend, script)
