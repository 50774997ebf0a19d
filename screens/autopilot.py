"""The tool's hands on the wheel: `--auto` in a world, and catching up with a run that was taken up again."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from nexy_tui.core.problem import Problem
from nexy_tui.engine.outcome import Outcome
from nexy_tui.engine.session import Session
from screens.dialogs.message import MessageDialog, ProblemDialog
from screens.looking import catch_up

if TYPE_CHECKING:
    from screens.conductor import Conductor

PAUSE = 3.0
"""Seconds the last screen stays before `--auto` leaves."""


class Autopilot:
    """Drives a session in a thread while the screens follow its notices."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor
        self._stopped_by = ""

    def drive(self, session: Session) -> None:
        """Play the operator to the end, seal, show the end screen, and leave."""
        conductor = self._conductor
        conductor.driving = True
        work = partial(conductor.backend.drive, session, lambda _: not conductor.leaving)
        conductor.jobs.start("The tool is playing the operator", work, self._driven, self._broke_off)

    def catch_up(self, session: Session) -> None:
        """Ask the world again about every phase of a resumed run, up to the first that needs the operator."""
        conductor = self._conductor
        conductor.driving = True
        work = partial(catch_up, session, lambda: conductor.leaving)
        conductor.jobs.start("Asking the world again", work, self._caught_up, self._not_caught_up)

    def _caught_up(self, _: object) -> None:
        self._conductor.take()
        self._conductor.driving = False
        self._conductor.rested()

    def _not_caught_up(self, problem: Problem) -> None:
        self._caught_up(None)
        self._conductor.problem(problem)

    def _driven(self, outcome: Outcome) -> None:
        conductor = self._conductor
        conductor.take()
        if conductor.leaving:
            return
        if outcome.outcome == "verified":
            if conductor.open_run is not None:
                conductor.seal("complete")
        elif outcome.problem is not None:
            conductor.app.push_screen(ProblemDialog("The run stopped", outcome.problem))
        else:
            lines = [_reason(outcome), self._remedy(outcome), "The run stays open and can be resumed."]
            conductor.app.push_screen(MessageDialog("The run stopped", [line for line in lines if line], tone="refusal"))
        self._stopped_by = "" if outcome.outcome == "verified" else _reason(outcome)
        conductor.app.set_timer(PAUSE, partial(self._leave, outcome.exit_code))

    def _broke_off(self, problem: Problem) -> None:
        self._driven(Outcome("refused", problem=problem))

    def _leave(self, exit_code: int) -> None:
        conductor = self._conductor
        if not conductor.jobs.idle:
            conductor.app.set_timer(0.2, partial(self._leave, exit_code))
            return
        ending = conductor.ending()
        code = 0 if ending.sealed == "complete" else exit_code or 1
        conductor.app.exit(replace(ending, exit_code=code, message=self._stopped_by))

    def _remedy(self, outcome: Outcome) -> str:
        session = self._conductor.session
        finding = session.state.findings.get(outcome.refusal.item) if session is not None and outcome.refusal is not None else None
        return "" if finding is None else finding.remedy


def _reason(outcome: Outcome) -> str:
    if outcome.problem is not None:
        return str(outcome.problem)
    return outcome.refusal.reason if outcome.refusal is not None else "It could not be seen whether everything holds."
