"""The tool's hands on the wheel: `--auto` in a world, and catching up with a run that was taken up again."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from nexy_tui.core.problem import Problem
from nexy_tui.engine.outcome import Outcome
from nexy_tui.engine.session import Session
from screens.context import RunContext
from screens.dialogs.message import MessageDialog
from screens.leave import seal
from screens.look import catch_up, take

PAUSE = 3.0
"""Seconds the last screen stays before `--auto` leaves."""


def drive(context: RunContext, session: Session) -> None:
    """Play the operator to the end, seal, show the end screen, and leave."""
    context.drive()
    work = partial(context.backend.drive, session, lambda _: not context.leaving)
    driven = partial(_driven, context)
    context.start("The tool is playing the operator", work, driven, lambda problem: driven(Outcome("refused", problem=problem)))


def resume(context: RunContext, session: Session) -> None:
    """Ask the world again about every phase of a resumed run, up to the first that needs the operator."""
    context.drive()

    def caught_up(problem: Problem | None) -> None:
        take(context)
        context.hand_back()
        context.rested()
        if problem is not None:
            context.problem(problem)

    context.start("Checking again", partial(catch_up, session, lambda: context.leaving), caught_up, caught_up)


def _driven(context: RunContext, outcome: Outcome) -> None:
    take(context)
    if context.leaving:
        return
    verified = outcome.outcome == "verified"
    if verified:
        if context.open_run is not None:
            seal(context, "complete")
    elif outcome.problem is not None:
        context.app.push_screen(context.problem_dialog("The run stopped", outcome.problem))
    else:
        lines = [_reason(outcome), _remedy(context, outcome), "The run stays open and can be resumed."]
        context.app.push_screen(MessageDialog("The run stopped", [line for line in lines if line], tone="refusal"))
    context.app.set_timer(PAUSE, partial(_leave, context, outcome.exit_code, "" if verified else _reason(outcome)))


def _leave(context: RunContext, exit_code: int, stopped_by: str) -> None:
    if not context.jobs.idle:
        context.app.set_timer(0.2, partial(_leave, context, exit_code, stopped_by))
        return
    ending = context.ending()
    code = 0 if ending.sealed == "complete" else exit_code or 1
    context.app.exit(replace(ending, exit_code=code, message=stopped_by))


def _remedy(context: RunContext, outcome: Outcome) -> str:
    session = context.session
    finding = session.state.findings.get(outcome.refusal.item) if session is not None and outcome.refusal is not None else None
    return "" if finding is None else context.todo(finding.remedy, finding.item)


def _reason(outcome: Outcome) -> str:
    if outcome.problem is not None:
        return str(outcome.problem)
    return outcome.refusal.reason if outcome.refusal is not None else "It could not be seen whether everything is right."
