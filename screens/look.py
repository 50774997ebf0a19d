"""Looking: what the threads say comes on the screen, and the shown phase is looked at. The looks are the session's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from nexy_tui.core.finding import Status
from nexy_tui.engine.notice import PhaseOpened
from screens.context import RunContext

if TYPE_CHECKING:
    from nexy_tui.engine.session import Session


def take(context: RunContext) -> None:
    """Bring the picture up to what the threads said, and follow the release to its phase."""
    notices = context.feed.drain()
    if context.view is None:
        return
    context.view.take(notices)
    opened = [notice.phase for notice in notices if isinstance(notice, PhaseOpened) and notice.phase is not None]
    if opened:
        context.stage.show_phase(opened[-1])
        if not context.driving:
            look(context)
    context.stage.redraw()


def look(context: RunContext, *, whole: bool = False, again: bool = False) -> None:
    """Look at the shown phase: as it opens without what its actions are still to make, otherwise whole. `again`: its end is said."""
    session = context.session
    if session is None or context.leaving or context.driving:
        return
    phase = context.shown_phase
    work = partial(session.looks.at_phase, phase) if whole else partial(look_on_opening, session, phase)
    context.start(f"Checking {session.checklist.phase(phase).title}", work, partial(_looked_again if again else _looked, context))


def look_at(context: RunContext, item: str) -> None:
    """Look at one item again."""
    session = context.session
    if session is not None and not context.driving and not context.leaving:
        subject = session.checklist.item(item)
        context.start(f"Checking: {subject.title}", partial(session.looks.at, [subject]), partial(_looked_again, context))


def open_phase(context: RunContext, phase: str) -> None:
    """Show an earlier phase again."""
    session = context.session
    if session is None or context.look_only or phase == session.state.phase or context.hands_off():
        return
    if phase not in session.state.phases[: session.state.position]:
        context.tell("That phase is not open yet; Next leads there, one phase at a time.")
        return
    context.start("Going back", partial(session.open_phase, phase), lambda _: take(context))


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


def _looked_again(context: RunContext, _: object) -> None:
    """Often nothing has changed, and the screen would not tell."""
    _looked(context, None)
    context.tell("Checked again.")


def _looked(context: RunContext, _: object) -> None:
    take(context)
    context.rested()
