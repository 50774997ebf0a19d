"""The one next step of a run: what a careful colleague would point at, whatever stands in the way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nexy_tui.core.finding import Status
from nexy_tui.core.remedy import Act, Anew, Mend
from nexy_tui.engine.session import Session
from nexy_tui.fixers import fixer
from nexy_tui.release import Refusal

_REASON_TO_COME = "a reason is asked for next"


class Do(StrEnum):
    """What the primary key does."""

    ACT = "act"
    MEND = "mend"
    ATTEST = "attest"
    ANEW = "anew"
    CHECK = "check"
    ADVANCE = "advance"
    SEAL = "seal"


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do, with what (action, fixer, item, phase or version), in words; `item` is the one in the way, empty where none is."""

    do: Do
    subject: str
    words: str
    item: str = ""


def next_step(session: Session) -> NextStep:
    """Go on where nothing stands in the way; else what ends that, and a new check where only hands can end it."""
    state, checklist = session.state, session.checklist
    refusal = state.may_advance()
    if refusal is not None:
        return step_for(session, refusal)
    following = state.phases[state.position + 1 : state.position + 2]
    if not following:
        return NextStep(Do.SEAL, "", "Finish: seal the log")
    return NextStep(Do.ADVANCE, following[0], f"Go on to {checklist.phase(following[0]).title}")


def step_for(session: Session, refusal: Refusal) -> NextStep:
    """What ends that an item stands in the way."""
    item, finding = session.checklist.item(refusal.item), session.state.findings.get(refusal.item)
    awaited = item.action is not None and session.applies(item.action) and session.plan.awaits(item.action)
    if finding is None:
        return acting(session, str(item.action), item.id) if awaited else NextStep(Do.CHECK, item.id, "Check this phase", item.id)
    if isinstance(finding.remedy, Act) and _can(session, finding.remedy.action):
        return acting(session, finding.remedy.action, item.id)
    if isinstance(finding.remedy, Mend):
        return NextStep(Do.MEND, finding.remedy.fixer, mending_words(finding.remedy.fixer), item.id)
    if isinstance(finding.remedy, Anew) and session.exposure.since is None:  # While customers cannot update, the run is not closed.
        return NextStep(Do.ANEW, finding.remedy.version, f"Close this run, begin {finding.remedy.version}", item.id)
    if session.state.may_attest(item.id, _REASON_TO_COME) is None:
        return NextStep(Do.ATTEST, item.id, "Vouch for it yourself, with a reason", item.id)
    words = "Check again" if finding.status is Status.INCONCLUSIVE else "Done as it says? Check again"
    return NextStep(Do.CHECK, item.id, words, item.id)


def acting(session: Session, action: str, item: str = "") -> NextStep:
    """The step that an action is, in its own words."""
    return NextStep(Do.ACT, action, session.checklist.release_action(action).step_words(str(session.plan.version or "")), item)


def mending_words(name: str) -> str:
    """The step that a fixer is."""
    known = fixer(name)
    return f"Fix it: {known.trouble.section} {known.trouble.title}" if known is not None else f"Fix it: {name}"


def _can(session: Session, action: str) -> bool:
    return session.log is not None and action in session.checklist.actions and session.applies(action)


def offered(session: Session, phase: str) -> tuple[str, ...]:
    """What may be done in a phase besides its main path: repairs of what is wrong here, and ways back while customers are affected."""
    checklist, state = session.checklist, session.state
    subject = checklist.phase(phase)
    wrong = [item for item in subject.items if state.status(item.id) is Status.FAILED]
    findings = [found for item in subject.items if (found := state.findings.get(item.id)) is not None]
    remedies = [found.remedy for found in findings if found.status is Status.FAILED or found.note]
    wanted = {item.repair for item in wrong} | {remedy.action for remedy in remedies if isinstance(remedy, Act)}
    refusal = state.may_advance()
    back = None if refusal is None else session.rollback_offered(refusal)
    repairs = [name for name in checklist.repairs(subject) if name not in checklist.main_actions(subject) and _can(session, name)]
    return tuple(name for name in repairs if name in wanted or name == back)
