"""Attesting: only what could not be seen, only where the checklist allows it, and only with a reason."""

from __future__ import annotations

from typing import Any

from nexy_tui.core.finding import Status
from pilot.fakes import FakeBackend
from pilot.hand import flowing, on, paste, play, press, shown
from pilot.scripted import UNREAD
from screens.dialogs.attest import AttestDialog
from screens.dialogs.message import MessageDialog
from screens.phase import PhaseScreen


def unread_version() -> FakeBackend:
    backend = FakeBackend(at="inbox")
    backend.play.sees("inbox.version", UNREAD)
    return backend


def test_with_a_reason_it_lets_the_release_on_and_the_log_says_attested() -> None:
    backend = unread_version()

    async def script(pilot: Any) -> None:
        await press(pilot, "n")
        assert "? unknown" in shown(pilot.app)
        await press(pilot, "t")
        assert on(pilot.app, AttestDialog) and "there is no 7-Zip" in flowing(pilot.app)
        await press(pilot, "enter")
        assert "needs a reason in words" in flowing(pilot.app)
        await paste(pilot, "opened it on a Mac")
        await press(pilot, "enter")
        assert "✎ attested" in shown(pilot.app) and "all 8 done" in shown(pilot.app)

    play(backend, script)
    assert ("attestation", "inbox.version", "attested", "opened it on a Mac") in backend.log.records


def test_not_where_the_checklist_does_not_allow_it() -> None:
    backend = FakeBackend(at="inbox")
    backend.play.unseen("inbox.exists", "The folder could not be read.", "Mend its permissions.")

    async def script(pilot: Any) -> None:
        await press(pilot, "t")
        assert on(pilot.app, MessageDialog)
        assert "inbox.exists can be verified by the tool, so it cannot be attested." in flowing(pilot.app)

    play(backend, script)
    assert backend.status("inbox.exists") is Status.INCONCLUSIVE


def test_not_what_was_seen_to_fail() -> None:
    backend = unread_version()
    backend.play.fails("inbox.version")

    async def script(pilot: Any) -> None:
        await press(pilot, "t")
        assert "only what could not be verified is attested" in flowing(pilot.app)

    play(backend, script)
    assert backend.status("inbox.version") is Status.FAILED


def test_leaving_the_question_attests_nothing() -> None:
    backend = unread_version()

    async def script(pilot: Any) -> None:
        await press(pilot, "t")
        await paste(pilot, "opened it on a Mac")
        await press(pilot, "escape")
        assert on(pilot.app, PhaseScreen)

    play(backend, script)
    assert not [record for record in backend.log.records if record[0] == "attestation"]
