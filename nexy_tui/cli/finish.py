"""The one end of a run on the command line: what became of it, in words and as a document, and the exit status."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nexy_tui.cli import common
from nexy_tui.core.problem import CouldNotLook, Problem
from nexy_tui.core.remedy import Run

if TYPE_CHECKING:
    from nexy_tui.engine.outcome import Outcome
    from nexy_tui.engine.session import Session
    from nexy_tui.release import Refusal


def finish(
    session: Session,
    outcome: Outcome,
    begun: float,
    *,
    as_json: bool,
    verified: Sequence[str] = (),
    stopped: str = "",
    ways_on: Sequence[str] = (),
    told: bool = False,
    besides: Mapping[str, Any] | None = None,
) -> int:
    """Say how a run ended; the exit status.

    `verified` is said of one that was; otherwise `stopped`, what stopped it (a problem only where it was not `told` before), and
    `ways_on`. `begun` is `time.monotonic()` at its beginning. With `as_json` the document follows on standard output, with what
    stands in it `besides`.
    """
    for line in verified if outcome.outcome == "verified" else _stopped(session, outcome, stopped, ways_on, told=told):
        common.say(line)
    if as_json:
        from nexy_tui.engine.document import document

        shown = document(session, session.checklist.items, outcome.outcome, time.monotonic() - begun)
        _hand_over({**shown, **_stop(session, outcome), **(besides or {})}, session)
    return outcome.exit_code


def _hand_over(document: dict[str, Any], session: Session) -> None:
    """The document, whose reader may be gone: what a run came to stands in its log and is the exit status all the same."""
    try:
        common.print_json(document)
    except CouldNotLook as unheard:
        if session.log is None:
            raise
        log = session.log.path
        why = "What became of the run stands in its log, and the exit status is its own."
        common.tell(CouldNotLook(unheard.what, why, Run(f"runs show {log}", "Read it there")))


def _stopped(session: Session, outcome: Outcome, stopped: str, ways_on: Sequence[str], *, told: bool) -> list[str]:
    from nexy_tui.plain import problem_text

    lines = [stopped] if stopped else []
    if (refusal := outcome.refusal) is not None:
        lines += [refusal.reason, *(f"  why:  {why}" for why in [_why(session, refusal)] if why)]
        if session.rollback_offered(refusal) is not None:
            exposed = f"{session.exposure.seconds:.0f} s"
            lines.append(f"  first: clients have been refusing the download for {exposed}; nexy-tui rollback ends that")
        lines.append(f"  next: {session.looks.remedy(refusal.item)}")
        if session.state.may_attest(refusal.item, "a reason to come") is None:
            lines.append(f"  or:   vouch for it yourself, with your reason: --attest {refusal.item}=REASON")
    if outcome.problem is not None and not told:
        lines.append(problem_text(outcome.problem))
    return [*lines, *ways_on]


def _stop(session: Session, outcome: Outcome) -> dict[str, Any]:
    """What ended a run, for its document: the item in the way, the message that people get, and the exit status."""
    from nexy_tui.engine.document import ending

    refusal = outcome.refusal
    problem = outcome.problem or (
        None if refusal is None else Problem(refusal.reason, _why(session, refusal), session.looks.remedy(refusal.item))
    )
    return {
        "stopped_by": None if refusal is None else refusal.item,
        "message": None if problem is None else str(outcome.problem or problem.what),
        **ending(outcome.exit_code, problem),
    }


def _why(session: Session, refusal: Refusal) -> str:
    """Why what stands in the way matters, in the words of its item; empty where it is none."""
    return next((item.why for item in session.checklist.items if item.id == refusal.item), "")
