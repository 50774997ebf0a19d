"""Next: never disabled, never silent."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Button

from nexy_tui.core.finding import Status, failed
from nexy_tui.core.remedy import anew
from pilot.fakes import FakeBackend
from pilot.hand import flowing, on, play, press, settle, shown, told
from pilot.walking import emphasised
from screens.dialogs.confirm import ConfirmDialog
from screens.dialogs.refusal import RefusalDialog
from screens.fixers import FixersScreen
from screens.phase import PhaseScreen
from screens.start import StartScreen

TITLE = "A remote pushes to the code repository"
FACT = "origin pushes to Seregawpn/Nexy_production: the pipelines are mixed."
REMEDY = "fixer 4.5"


def wrong_remote() -> FakeBackend:
    backend = FakeBackend()
    backend.play.fails("remotes.code")
    return backend


def test_opens_the_next_phase_when_everything_holds() -> None:
    backend = FakeBackend()

    async def script(pilot: Any) -> None:
        assert "all 11 done" in shown(pilot.app)
        await press(pilot, "n")
        assert pilot.app.screen.phase.id == "ready"
        assert "phase 2 of 9" in shown(pilot.app)

    play(backend, script)
    assert backend.phase == "ready"


def test_refuses_and_names_item_fact_and_remedy() -> None:
    backend = wrong_remote()

    async def script(pilot: Any) -> None:
        assert f"✗ wrong        {TITLE}" in shown(pilot.app)
        await press(pilot, "n")
        assert on(pilot.app, RefusalDialog)
        text = flowing(pilot.app)
        for part in ("Next: not yet", "✗ wrong", TITLE, FACT, REMEDY, "4.5 Manifest pushed to the wrong code repository"):
            assert part in text

    play(backend, script)
    assert backend.phase == "remotes"
    assert ("result", "advance", "refused", f"remotes.code is wrong: {FACT}") in backend.log.records


def test_control_n_does_the_same() -> None:
    async def script(pilot: Any) -> None:
        await press(pilot, "ctrl+n")
        assert on(pilot.app, RefusalDialog)

    play(wrong_remote(), script)


def test_the_next_step_is_the_repair_until_the_phase_is_done_and_then_the_way_on() -> None:
    backend = wrong_remote()

    async def script(pilot: Any) -> None:
        assert emphasised(pilot.app) == ["⏎ Fix it: 4.5 Manifest pushed to the wrong code repository"]
        backend.play.holds("remotes.code")
        await press(pilot, "r")
        assert emphasised(pilot.app) == ["⏎ Go on to Ready"]

    play(backend, script)


def test_the_refusal_offers_the_fixer() -> None:
    async def script(pilot: Any) -> None:
        await press(pilot, "n", "f")
        assert on(pilot.app, FixersScreen)
        assert "4.5" in shown(pilot.app) and "Mend" in shown(pilot.app)

    play(wrong_remote(), script)


def test_the_refusal_offers_another_look() -> None:
    backend = wrong_remote()

    async def script(pilot: Any) -> None:
        await press(pilot, "n")
        backend.play.holds("remotes.code")
        await press(pilot, "r")
        assert on(pilot.app, PhaseScreen)
        assert "all 11 done" in shown(pilot.app)

    play(backend, script)


def test_the_refusal_offers_the_action_that_brings_the_item_about() -> None:
    backend = FakeBackend(at="publish")
    backend.play.awaits("push")

    async def script(pilot: Any) -> None:
        await press(pilot, "n", "a")
        assert on(pilot.app, ConfirmDialog) and "git push" not in flowing(pilot.app)
        await press(pilot, "d")
        assert "git push --atomic server_repo" in flowing(pilot.app)

    play(backend, script)


def test_the_refusal_offers_the_repair() -> None:
    backend = FakeBackend(at="database")
    backend.play.fails("database.drill")

    async def script(pilot: Any) -> None:
        await press(pilot, "n", "enter")
        assert on(pilot.app, ConfirmDialog) and "The real data is not touched." in flowing(pilot.app)
        assert " dd " in shown(pilot.app), "a d is the first letter of what is to be typed"
        await press(pilot, "d", "d")
        assert "restore the newest archive" in flowing(pilot.app)

    play(backend, script)


@pytest.mark.parametrize("exposed", [True, False])
def test_the_way_back_stands_last_says_when_and_is_there_only_while_customers_are_affected(exposed: bool) -> None:
    backend = FakeBackend(at="gate", exposed=192 if exposed else None)
    backend.play.fails("gate.live")

    async def script(pilot: Any) -> None:
        await press(pilot, "n")
        assert on(pilot.app, RefusalDialog)
        last = str(list(pilot.app.screen.query("#choices Button").results(Button))[-1].label)
        text = flowing(pilot.app)
        assert (last.strip().endswith("Roll back"), "only if the release cannot be brought to work now" in text) == (exposed, exposed)
        assert emphasised(pilot.app) == ["r  Done as it says? Check again"]
        if exposed:
            await press(pilot, "z")
            assert on(pilot.app, ConfirmDialog) and "Whoever has installed 1.6.1.43 keeps it" in flowing(pilot.app)

    play(backend, script)


def test_an_earlier_phase_that_stopped_holding_is_named_and_shown() -> None:
    backend = FakeBackend(at="inbox")

    async def script(pilot: Any) -> None:
        await press(pilot, "b", "b")
        assert pilot.app.screen.phase.id == "version"
        backend.play.fails("remotes.code")
        backend.look_again("remotes.code")
        await settle(pilot)
        await press(pilot, "n")
        assert on(pilot.app, RefusalDialog) and TITLE in shown(pilot.app)
        await press(pilot, "s")
        assert pilot.app.screen.phase.id == "remotes"
        assert pilot.app.screen.selected.id == "remotes.code"

    play(backend, script)


def test_a_refusal_does_not_wait_for_a_look_under_way() -> None:
    backend = wrong_remote()

    async def script(pilot: Any) -> None:
        backend.play.gate.clear()
        await pilot.press("r")
        await pilot.press("n")
        await pilot.pause()
        assert on(pilot.app, RefusalDialog)
        backend.play.gate.set()
        await settle(pilot)

    play(backend, script)


def test_what_was_not_looked_at_does_not_count() -> None:
    backend = FakeBackend(at="publish")
    backend.play.fails("publish.asset")

    async def script(pilot: Any) -> None:
        assert backend.status("publish.bytes") is Status.NOT_RUN
        backend.play.holds("publish.asset")
        await press(pilot, "R", "n")
        assert on(pilot.app, RefusalDialog) and "not checked" in shown(pilot.app)
        await press(pilot, "r", "n")
        assert pilot.app.screen.phase.id == "gate"

    play(backend, script)


def test_a_version_that_cannot_be_used_closes_the_run_and_begins_another() -> None:
    backend = FakeBackend(at="version")
    backend.play.verdicts["version.number"] = failed("1.6.1.43 is lower than v1.6.1.44.", anew("1.6.1.45", "this-run"))

    async def script(pilot: Any) -> None:
        assert emphasised(pilot.app) == ["⏎ Close this run, begin 1.6.1.45"]
        await press(pilot, "enter")
        assert on(pilot.app, ConfirmDialog)
        await press(pilot, "enter")
        assert on(pilot.app, StartScreen) and pilot.app.screen.query_one("#version").value == "1.6.1.45"

    app = play(backend, script)
    assert backend.log.records[-1][:1] == ("seal",) and app.context.open_run is None


def test_a_second_look_that_finds_the_same_says_that_it_was_one() -> None:
    backend = FakeBackend()
    backend.play.fails("remotes.disk")

    async def script(pilot: Any) -> None:
        await press(pilot, "enter")
        assert "Checked again." in told(pilot.app)

    play(backend, script, toasts=True)
