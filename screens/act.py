"""Asking the operator and carrying out the answer: actions, the way on, refusals, attestations, stopping."""

from __future__ import annotations

from functools import partial

from nexy_tui.checklist import ActionRole, ReleaseAction
from nexy_tui.core.problem import Cancelled
from nexy_tui.core.text import roughly
from nexy_tui.engine.attempt import attempt
from nexy_tui.engine.next_step import Do, NextStep, next_step
from nexy_tui.engine.outcome import Outcome
from nexy_tui.engine.session import Session
from nexy_tui.release import Refusal
from screens.context import RunContext
from screens.dialogs.attest import AttestDialog
from screens.dialogs.confirm import GO, ConfirmDialog, Question
from screens.dialogs.dialog import Choice
from screens.dialogs.message import RETRY, MessageDialog
from screens.dialogs.refusal import ACTION, ANEW, ATTEST, FIXERS, LOOK, MEND, SHOW, RefusalDialog
from screens.leave import anew, seal
from screens.look import look, look_at, open_phase, take
from screens.mend import MendFlow

REASON_TO_COME = "a reason is asked for next"
"""Stands for the reason while it is asked whether an item may be attested at all."""


def step(context: RunContext) -> NextStep | None:
    """The one next step; None where there is no run, or nothing more to do in it."""
    session = context.session
    return None if session is None or context.look_only or session.state.phase is None else next_step(session)


def primary(context: RunContext) -> None:
    """Do the one next step."""
    if context.running is not None:
        context.tell(f"{context.running}: the next step is shown when that has ended.")
        return
    following = step(context)
    if following is None:
        advance(context)
    else:
        take_step(context, following)


def take_step(context: RunContext, following: NextStep) -> None:
    """Do a step, each with its own confirmation."""
    assert context.session is not None
    match following.do:
        case Do.ACT:
            ask(context, following.subject)
        case Do.MEND:
            mend(context, following.subject, following.item)
        case Do.ATTEST:
            ask_attestation(context, following.subject)
        case Do.ANEW:
            anew(context, following.subject)
        case Do.CHECK:
            _check(context, following.subject)
        case Do.ADVANCE | Do.SEAL:
            advance(context)


def mend(context: RunContext, fixer: str, item: str) -> None:
    """Show what a fixer would change and mend it once that is confirmed; then the phase is checked, the cursor where it stood."""
    if context.hands_off():
        return
    known = next((one for one in context.backend.fixers() if fixer in (one.name, one.section)), None)
    if known is not None:
        context.stage.show_item(item)
        MendFlow(context).ask(known)


def _check(context: RunContext, item: str) -> None:
    assert context.session is not None
    if context.session.checklist.phase_of(item).id == context.shown_phase:
        look(context, whole=True, again=True)
    else:
        look_at(context, item)


def advance(context: RunContext) -> None:
    """Open the next phase, seal after the last, or say what stands in the way."""
    session = context.session
    if session is None or context.hands_off():
        return
    if context.look_only:
        context.go_home()
    elif not context.jobs.idle and session.state.may_advance() is not None:
        _advanced(context, session.advance())  # A refusal changes nothing, so it need not wait for a look to end.
    else:
        context.start("Next", session.advance, partial(_advanced, context))


def ask(context: RunContext, action: str) -> None:
    """Show exactly what an action will do and ask; or say what stands in its way."""
    session = context.session
    if session is None or context.hands_off():
        return
    if session.log is None:
        context.tell("Outside a run nothing can be changed. Start or resume a run on the home screen.")
        return
    refusal = session.looks.refuse(action)
    if refusal is not None:
        _explain(context, refusal, context.title(action))
        return
    subject = session.checklist.release_action(action)
    title = subject.action.title

    def describe() -> Question:
        lines, taken = tuple(session.describe(action)), session.usual_seconds(action)
        deleted = [f"It {line}." for line in lines if line.startswith("deletes ")]
        plain = (*subject.meaning(str(session.plan.version or "")), *deleted, *usually(session, subject, taken))
        typed, target = session.to_be_typed(action), session.plan.target
        return Question(title, lines, typed, subject.irreversible, target, subject.label, plain, taken)

    context.prepare(f"Preparing what {title} would do", describe, partial(_confirm, context, action))


def usually(session: Session, subject: ReleaseAction, taken: float | None) -> list[str]:
    """How long it usually takes, and, of what replaces the download, for how long customers cannot update."""
    time = [] if taken is None else [f"It usually takes {roughly(taken)}."]
    if subject.role is not ActionRole.PUBLISHER:
        return time
    exposed = session.usual_exposure()
    usual = "" if exposed is None else f" Usually {roughly(exposed)}."
    return [f"From here until Deploy is done, customers keep the version they have and cannot update.{usual}", *time]


def ask_attestation(context: RunContext, item: str) -> None:
    """Ask for the reason where the item may be attested; else say why not."""
    session = context.session
    if session is None or context.hands_off():
        return
    refusal = session.state.may_attest(item, REASON_TO_COME)
    if refusal is not None:
        lines = [refusal.reason, "Attesting is for what was looked at and could not be seen from here, where the checklist allows it."]
        context.app.push_screen(MessageDialog("It cannot be attested", lines))
        return
    dialog = AttestDialog(session, session.checklist.item(item), session.state.findings.get(item))
    context.app.push_screen(dialog, partial(_attest, context, item))


def ask_stop(context: RunContext) -> None:
    """Ask whether the running action shall stop."""
    if context.acting is None:
        context.tell("Nothing is running that could be stopped. q leaves the run.")
        return
    title = context.title(context.acting)
    lines = [
        f"{title} is asked to stop at its next safe point.",
        "What it has done so far stays and is in the log; repeating the action takes it up from there.",
    ]
    choices = [Choice("stay", "Let it run"), Choice("stop", "Stop it", "x", "danger")]
    context.app.push_screen(MessageDialog(f"Stop {title}?", lines, choices), partial(_stop, context))


def open_fixers(context: RunContext, session: Session, item: str) -> None:
    """Show the troubleshooting sections that the finding on the item names, else those of the item."""
    finding = session.state.findings.get(item)
    context.stage.open_fixers(finding.fixers if finding is not None and finding.fixers else session.checklist.item(item).fixers)


def _advanced(context: RunContext, refusal: Refusal | None) -> None:
    assert context.session is not None
    if refusal is not None:
        _explain(context, refusal, "Next")
    elif context.session.state.phase is None:
        seal(context, "complete")
    else:
        take(context)


def _explain(context: RunContext, refusal: Refusal, asked: str) -> None:
    """Say which item stands in the way, and offer what can be done about it."""
    assert context.session is not None
    context.stage.redraw()
    dialog = RefusalDialog(context.session, refusal, asked, context.fixer_title)
    context.app.push_screen(dialog, partial(_answer, context, refusal, dialog.step))


def _answer(context: RunContext, refusal: Refusal, recommended: NextStep, choice: str | None) -> None:
    session = context.session
    if session is None or choice is None or context.driving:
        return
    phase = session.checklist.phase_of(refusal.item).id
    if choice == SHOW and phase != session.state.phase:
        open_phase(context, phase)
    context.stage.show_item(refusal.item)
    if choice.startswith(ACTION):
        ask(context, choice.removeprefix(ACTION))
    elif choice == ANEW:
        anew(context, recommended.subject)
    elif choice == MEND:
        mend(context, recommended.subject, refusal.item)
    elif choice == LOOK:
        _check(context, refusal.item)
    elif choice == ATTEST:
        ask_attestation(context, refusal.item)
    elif choice == FIXERS:
        open_fixers(context, session, refusal.item)


def _confirm(context: RunContext, action: str, question: Question) -> None:
    context.stage.redraw()
    context.app.push_screen(ConfirmDialog(question), lambda answer: _act(context, action, question.usual) if answer == GO else None)


def _act(context: RunContext, action: str, usual: float | None) -> None:
    session = context.session
    if session is None or context.acting is not None or context.leaving:
        return
    context.act(action, usual)
    work, acted = partial(attempt, session, action, lambda _: True), partial(_acted, context)  # It has been confirmed on the screen.
    context.start(context.title(action), work, acted, lambda problem: acted(Outcome.from_problem(problem)))


def _acted(context: RunContext, outcome: Outcome | None) -> None:
    action = context.acted()
    take(context)
    if context.leaving or action is None:
        return
    context.rested()
    problem = None if outcome is None else outcome.problem
    if isinstance(problem, Cancelled):
        context.tell(f"{context.title(action)} was stopped.")
    elif problem is not None:
        dialog = context.problem_dialog(f"{context.title(action)} did not reach its end", problem, retry="Try again")
        context.app.push_screen(dialog, lambda answer: ask(context, action) if answer == RETRY else None)
    elif outcome is not None and outcome.refusal is not None:
        _explain(context, outcome.refusal, context.title(action))
    elif context.session is not None and not _acts_here(context, context.session, action):
        look(context, whole=True)


def _acts_here(context: RunContext, session: Session, action: str) -> bool:
    """Whether the phase that is shown was checked again after the action: it is one of its own."""
    return action in session.checklist.actions_of(session.checklist.phase(context.shown_phase))


def _attest(context: RunContext, item: str, reason: str | None) -> None:
    session = context.session
    if reason is not None and session is not None:
        context.start("Attesting", partial(session.looks.attest, item, reason), lambda _: take(context))


def _stop(context: RunContext, choice: str | None) -> None:
    session = context.session
    if choice == "stop" and session is not None and not session.turn.cancel():
        context.tell("It is past the point of no return and goes on to its end.")
