"""Which looks to take, and when: each is the session's own; here is only their order."""

from __future__ import annotations

from collections.abc import Callable

from nexy_tui.core.finding import Status
from nexy_tui.engine.session import Session


def look_on_opening(session: Session, phase: str) -> None:
    """Look at a phase that opens: quickly first; wholly when nothing but long looks is left to be seen."""
    session.looks.ahead(phase)
    for action in session.checklist.main_actions(session.checklist.phase(phase)):
        if not session.applies(action):
            session.looks.recheck_after(action)
    open_steps = [step for step in session.state.steps if step.phase == phase and not session.state.satisfied(step)]
    if open_steps and all(session.state.status(step.item) is Status.NOT_RUN for step in open_steps):
        session.looks.at_phase(phase)


def catch_up(session: Session, stopped: Callable[[], bool]) -> None:
    """Look at one phase after another and go on while everything is satisfied; the last phase stays open for the operator."""
    while (phase := session.state.phase) is not None:
        look_on_opening(session, phase)
        if phase == session.state.phases[-1] or session.state.may_advance() is not None or stopped():
            return
        session.advance()
