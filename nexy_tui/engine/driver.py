"""Driving a run to its end without a hand: the same steps as the wizard's, for headless runs and `--auto`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nexy_tui.core.finding import Status
from nexy_tui.core.problem import Cancelled, Problem
from nexy_tui.engine.session import Session
from nexy_tui.release import Refusal


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a drive ended: `verified`, `refused` or `inconclusive`, with what stopped it."""

    outcome: str
    refusal: Refusal | None = None
    problem: Problem | None = None

    @property
    def exit_code(self) -> int:
        """The command line's exit status."""
        if isinstance(self.problem, Cancelled):
            return 130
        return {"verified": 0, "refused": 1, "inconclusive": 3}[self.outcome]


def broken_off_by(problem: Problem, refusal: Refusal | None = None) -> Outcome:
    """The end of a drive that a problem stopped: an action's, or the log's that takes no more records."""
    return Outcome(outcome_after(problem), refusal, problem)


def outcome_after(problem: Problem) -> str:
    """What a problem makes of whatever it ended: inconclusive where something could not be seen, else refused."""
    return "inconclusive" if problem.exit_code == 3 else "refused"


def drive(
    session: Session,
    *,
    confirm: Callable[[str], bool],
    attestations: Mapping[str, str],
    attest_all: bool = False,
    pause: Callable[[], None] = lambda: None,
) -> Outcome:
    """Walk every phase: look, act where the main path has an action whose items do not hold, look again, advance.

    `confirm` answers for each action what the wizard would ask; `attestations` are the operator's, by item; `attest_all`
    is the rehearsal's stand-in for an operator. Remedies (a drill, hardening) are the operator's choice and never taken here.
    """

    def attest(phase: str) -> None:
        _attest(session, phase, attestations, attest_all)

    while (phase := session.state.phase) is not None:
        pause()
        session.look_ahead(phase)
        attest(phase)
        stopped = _act(session, phase, confirm=confirm, attest=attest, pause=pause)
        if stopped is not None:
            return stopped
        refusal = session.advance()
        if refusal is not None:
            return stopped_by(refusal)
    return Outcome("verified")


def _act(
    session: Session,
    phase: str,
    *,
    confirm: Callable[[str], bool],
    attest: Callable[[str], None],
    pause: Callable[[], None],
) -> Outcome | None:
    for action in session.checklist.main_actions(session.checklist.phase(phase)):
        if not session.applies(action):
            session.look_after(action)
            continue
        if not session.state.wants(action):
            continue
        refusal = session.in_the_way_of(action)
        if refusal is not None:
            session.advance()  # Journals the refusal that stops the run.
            return stopped_by(refusal)
        if not confirm(action):
            return Outcome("refused", Refusal(action, Status.NOT_RUN, f"{action} was not confirmed."))
        try:
            session.perform(action)
        except Problem as problem:
            refusal = _after_failure(session, phase, action, problem)
            return broken_off_by(problem, refusal)
        pause()
        session.look_after(action)
        attest(phase)
    return None


def _after_failure(session: Session, phase: str, action: str, problem: Problem) -> Refusal | None:
    """What a failed action left, seen anew: the item that now stands in the way, journalled. None when its effect is there all the same."""
    session.look_ahead(phase)
    refusal = session.state.may_advance()
    if refusal is not None and refusal.status is Status.NOT_RUN and not isinstance(problem, Cancelled):
        session.look_after(action)
        refusal = session.state.may_advance()
    return None if refusal is None else session.advance()


def _attest(session: Session, phase: str, attestations: Mapping[str, str], attest_all: bool) -> None:
    for item in session.checklist.phase(phase).items:
        if not item.attestable or session.state.status(item.id) is not Status.INCONCLUSIVE:
            continue
        reason = attestations.get(item.id) or ("Rehearsal: the operator's part is played." if attest_all else "")
        if reason:
            session.attest(item.id, reason)


def stopped_by(refusal: Refusal) -> Outcome:
    """How a drive ends that an item stands in the way of: refused, or inconclusive where nothing was seen to be wrong."""
    unseen = refusal.status in (Status.INCONCLUSIVE, Status.NOT_RUN)
    return Outcome("inconclusive" if unseen else "refused", refusal)
