"""A release target that is not the last run's is shown and typed before whatever the wizard begins: a run, a resume, an action, a fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from nexy_tui.core.kind import Kind
from pilot.fakes import VERSION, FakeBackend
from pilot.hand import flowing, on, paste, play, press, settle
from screens.begin import resume, start
from screens.dialogs.confirm import ConfirmDialog

CHANGE = "vm.name: Nexy → Nexy2"


@pytest.mark.parametrize("meant", [True, False])
@pytest.mark.parametrize("begin", ["new", "resume"])
def test_a_run_is_begun_only_against_a_target_that_is_meant(begin: str, meant: bool) -> None:
    backend = FakeBackend(changes=(CHANGE,))

    async def script(pilot: Pilot[Any]) -> None:
        context = pilot.app.context  # type: ignore[attr-defined]
        start(context, VERSION, Kind.FULL, False) if begin == "new" else resume(context, Path("run.log"))
        await settle(pilot)
        assert on(pilot.app, ConfirmDialog) and CHANGE in flowing(pilot.app)
        await paste(pilot, "rehearsal" if meant else "production")
        await press(pilot, "enter")
        assert [kind for kind, *_ in backend.opened] == ([begin] if meant else [])

    play(backend, script, run=False)


def test_an_action_alone_is_begun_only_against_a_target_that_is_meant() -> None:
    backend = FakeBackend(changes=(CHANGE,))

    async def script(pilot: Pilot[Any]) -> None:
        await press(pilot, "b", "b")
        await paste(pilot, "rehearsal 1.6.1.43")
        await press(pilot, "enter")
        assert on(pilot.app, ConfirmDialog) and CHANGE in flowing(pilot.app)
        await press(pilot, "escape")
        assert backend.opened == []

    play(backend, script, run=False)
