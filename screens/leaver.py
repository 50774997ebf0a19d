"""Leaving the application: at once, or after the operator said what becomes of the open run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.dialogs.leave import ABORT, LEAVE, LeaveDialog

if TYPE_CHECKING:
    from screens.conductor import Conductor


class Leaver:
    """The way out."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor

    def ask(self) -> None:
        """Leave; a run that is open is asked about first."""
        conductor = self._conductor
        if conductor.open_run is None:
            conductor.app.exit(conductor.ending())
            return
        running = None if conductor.acting is None else conductor.title(conductor.acting)
        conductor.app.push_screen(LeaveDialog(conductor.open_run, running), self._answered)

    def _answered(self, choice: str | None) -> None:
        conductor = self._conductor
        session = conductor.open_run
        if choice not in (LEAVE, ABORT) or session is None:
            return
        conductor.jobs.drop_waiting()
        conductor.leaving = True
        if (conductor.acting is not None or conductor.driving) and not session.turn.cancel():
            conductor.tell("It can no longer be stopped; the wizard leaves at its end.")
        if choice == ABORT:
            conductor.seal("aborted")
        else:
            conductor.jobs.start("Closing the run", conductor.close, self._exit, self._exit)
        conductor.stage.redraw()

    def _exit(self, _: object) -> None:
        self._conductor.app.exit(self._conductor.ending())
