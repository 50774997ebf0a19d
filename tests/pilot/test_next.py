"""Next: never disabled, never silent."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Button

from nexy_tui.core.finding import Status
from pilot.fakes import FakeBackend
from pilot.hand import flowing, on, play, press, settle, shown
from screens.dialogs.confirm import ConfirmDialog
from screens.dialogs.refusal import RefusalDialog
from screens.fixers import FixersScreen
from screens.phase import PhaseScreen

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
        assert "all 11 items hold" in shown(pilot.app)
        await press(pilot, "n")
        assert pilot.app.screen.phase.id == "version"
        assert "phase 2 of 8" in shown(pilot.app)

    play(backend, script)
    assert backend.phase == "version"
    assert ("check", "version.number", "passed", "1.6.1.43 is higher than everything released before.") in backend.log.records


def test_refuses_and_names_item_fact_and_remedy() -> None:
    backend = wrong_remote()

    async def script(pilot: Any) -> None:
        assert f"{TITLE}, failed" in shown(pilot.app)
        await press(pilot, "n")
        assert on(pilot.app, RefusalDialog)
        text = flowing(pilot.app)
        for part in ("Next: not yet", "✗ failed", TITLE, FACT, REMEDY, "4.5 Manifest pushed to the wrong code repository"):
            assert part in text

    play(backend, script)
    assert backend.phase == "remotes"
    assert ("result", "advance", "refused", f"remotes.code is wrong: {FACT}") in backend.log.records


def test_control_n_does_the_same() -> None:
    async def script(pilot: Any) -> None:
        await press(pilot, "ctrl+n")
        assert on(pilot.app, RefusalDialog)

    play(wrong_remote(), script)


def test_is_drawn_dim_until_the_phase_is_verified() -> None:
    backend = wrong_remote()

    async def script(pilot: Any) -> None:
        button = pilot.app.screen.query_one("#next")
        assert button.has_class("-dim") and not button.disabled
        backend.play.holds("remotes.code")
        await press(pilot, "r")
        assert not button.has_class("-dim")

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
        assert "all 11 items hold" in shown(pilot.app)

    play(backend, script)


def test_the_refusal_offers_the_action_that_brings_the_item_about() -> None:
    backend = FakeBackend(at="publish")
    backend.play.fails("publish.pushed")

    async def script(pilot: Any) -> None:
        await press(pilot, "n", "a")
        assert on(pilot.app, ConfirmDialog)
        assert "git push --atomic server_repo" in flowing(pilot.app)

    play(backend, script)


def test_the_refusal_offers_the_repair() -> None:
    backend = FakeBackend(at="database")
    backend.play.fails("database.drill")

    async def script(pilot: Any) -> None:
        await press(pilot, "n", "p")
        assert on(pilot.app, ConfirmDialog)
        assert "restore the newest archive" in flowing(pilot.app)

    play(backend, script)


@pytest.mark.parametrize("exposed", [True, False])
def test_a_gate_refused_while_clients_are_exposed_offers_the_rollback_first(exposed: bool) -> None:
    backend = FakeBackend(at="gate", exposed=192 if exposed else None)
    backend.play.fails("gate.live")

    async def script(pilot: Any) -> None:
        await press(pilot, "n")
        assert on(pilot.app, RefusalDialog)
        first = pilot.app.screen.query("#choices Button").first(Button)
        assert (str(first.label).strip().endswith("Put the release before back"), "For 3:12 clients" in flowing(pilot.app)) == (
            exposed,
            exposed,
        )
        if exposed:
            await press(pilot, "b")
            assert on(pilot.app, ConfirmDialog) and "rename previous-Nexy.dmg" in flowing(pilot.app)

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
        assert on(pilot.app, RefusalDialog) and "not run" in shown(pilot.app)
        await press(pilot, "r", "n")
        assert pilot.app.screen.phase.id == "gate"

    play(backend, script)
