"""Driving a run to its end without a hand: the same steps as the wizard's, for headless runs and `--auto`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nexy_tui.core.finding import Status
from nexy_tui.engine.attempt import Confirm, attempt
from nexy_tui.engine.outcome import Outcome
from nexy_tui.engine.session import Session


def drive(
    session: Session,
    *,
    confirm: Confirm,
    attestations: Mapping[str, str],
    attest_all: bool = False,
    pause: Callable[[], None] = lambda: None,
) -> Outcome:
    """Walk every phase: look, act where the main path has an action whose items are not satisfied, look again, advance.

    `confirm` answers for each action what the wizard would ask; `attestations` are the operator's, by item; `attest_all`
    is the rehearsal's stand-in for an operator. Remedies (a drill, hardening) are the operator's choice and never taken here.
    """

    def attest(phase: str) -> None:
        _attest(session, phase, attestations, attest_all)

    while (phase := session.state.phase) is not None:
        pause()
        session.looks.ahead(phase)
        attest(phase)
        stopped = _act(session, phase, confirm=confirm, attest=attest, pause=pause)
        if stopped is not None:
            return stopped
        refusal = session.advance()
        if refusal is not None:
            return Outcome.from_refusal(refusal)
    return Outcome("verified")


def _act(
    session: Session,
    phase: str,
    *,
    confirm: Confirm,
    attest: Callable[[str], None],
    pause: Callable[[], None],
) -> Outcome | None:
    for action in session.checklist.main_actions(session.checklist.phase(phase)):
        if not session.applies(action):
            session.looks.recheck_after(action)
            continue
        if not session.state.wants(action):
            continue
        stopped = attempt(session, action, confirm)
        if stopped is not None:
            return stopped
        pause()
        attest(phase)
    return None


def _attest(session: Session, phase: str, attestations: Mapping[str, str], attest_all: bool) -> None:
    for item in session.checklist.phase(phase).items:
        if not item.attestable or session.state.status(item.id) is not Status.INCONCLUSIVE:
            continue
        reason = attestations.get(item.id) or ("Rehearsal: the operator's part is played." if attest_all else "")
        if reason:
            session.looks.attest(item.id, reason)
