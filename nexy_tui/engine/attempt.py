"""One attempt at an action, the same for every face: refuse, confirm, perform, look again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nexy_tui.checklist import Item
from nexy_tui.core.finding import Status
from nexy_tui.core.problem import Cancelled, Problem
from nexy_tui.engine.outcome import Outcome
from nexy_tui.engine.session import Session
from nexy_tui.release import Refusal

Confirm = Callable[[str], bool]
"""Whether the operator confirms an action, shown what it will do."""


def attempt(session: Session, action: str, confirm: Confirm, *, items: Sequence[Item] | None = None) -> Outcome | None:
    """Do an action; None when it was done: its own items have then been looked at, and say whether it succeeded.

    `items` are what is looked at afterwards, the action's phase up to its own last item where none are named. An action that
    fails is followed by a look at what it left, which may stand in the way now.
    """
    refusal = session.looks.refuse(action)
    if refusal is not None:
        return Outcome.from_refusal(refusal)
    if not confirm(action):
        return Outcome.unconfirmed(action)
    try:
        session.runner.perform(action)
    except Problem as problem:
        return Outcome.from_problem(problem, _left_by(session, action, problem, items))
    if items is None:
        session.looks.recheck_after(action)
    else:
        session.looks.at(items)
    return None


def _left_by(session: Session, action: str, problem: Problem, items: Sequence[Item] | None) -> Refusal | None:
    """The item that stands in the way after a failed action, journalled; None when its effect is there all the same."""
    if items is not None:
        session.looks.at(items)
        return None
    session.looks.ahead(session.state.phase or session.state.phases[-1])
    refusal = session.state.may_advance()
    if refusal is not None and refusal.status is Status.NOT_RUN and not isinstance(problem, Cancelled):
        session.looks.recheck_after(action)
        refusal = session.state.may_advance()
    return None if refusal is None else session.advance()  # Journals it.
