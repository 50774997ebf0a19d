"""An action standing alone: a run of its own that looks at everything that stands before it, and has no side door."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from nexy_tui.checklist import Item
from nexy_tui.core.finding import Status
from nexy_tui.core.problem import Problem
from nexy_tui.engine.driver import Outcome, stopped_by
from nexy_tui.engine.session import Session
from nexy_tui.release import Refusal


def perform_alone(
    session: Session,
    actions: Sequence[str],
    *,
    confirm: Callable[[str], bool],
    attestations: Mapping[str, str],
    dry_run: bool = False,
) -> Outcome:
    """Look at what must hold, act, look at what the actions brought about, and seal the log with what became of it."""
    try:
        outcome = _perform(session, actions, confirm, attestations, dry_run)
    except Problem:
        session.seal("aborted")
        raise
    else:
        session.seal("complete" if outcome.outcome == "verified" else "failed", goal=set() if dry_run else _own(session, actions))
        return outcome
    finally:
        session.close()


def _perform(
    session: Session, actions: Sequence[str], confirm: Callable[[str], bool], attestations: Mapping[str, str], dry_run: bool
) -> Outcome:
    session.look(before(session, actions[0]))
    for item, reason in attestations.items():
        if session.state.status(item) is Status.INCONCLUSIVE:
            session.attest(item, reason)
    if dry_run:
        return _perform_dry(session, actions)
    for action in actions:
        refusal = session.refuse(action)
        if refusal is not None:
            return stopped_by(refusal)
        if not confirm(action):
            return Outcome("refused", Refusal(action, Status.NOT_RUN, f"{action} was not confirmed."))
        try:
            session.perform(action)
        except Problem as problem:
            return Outcome("inconclusive" if problem.exit_code == 3 else "refused", None, problem)
        session.look(_items(session, [action]))
    refusal = session.state.first_in_the_way(step for step in session.state.steps if step.item in _own(session, actions))
    return Outcome("verified") if refusal is None else stopped_by(refusal)


def _perform_dry(session: Session, actions: Sequence[str]) -> Outcome:
    """Everything up to the first write. What would refuse the action is told, but does not keep anybody from seeing the rest."""
    refused: Outcome | None = None
    for action in actions:
        refusal = session.refuse(action)
        if refusal is not None:
            refused = refused or stopped_by(refusal)
        try:
            session.dry_run(action)
        except Problem as problem:
            refused = refused or Outcome("inconclusive" if problem.exit_code == 3 else "refused", None, problem)
    return refused or Outcome("verified")


def before(session: Session, action: str) -> tuple[Item, ...]:
    """The items that must hold before an action, in order."""
    wanted = {step.item for step in session.before(action)}
    return tuple(item for item in session.checklist.items if item.id in wanted)


def _items(session: Session, actions: Sequence[str]) -> list[Item]:
    return [item for item in session.checklist.items if item.action in actions or item.remedy in actions]


def _own(session: Session, actions: Sequence[str]) -> set[str]:
    return {item.id for item in _items(session, actions)}
