"""Asking the operator and carrying out the answer: actions, refusals, attestations, stopping."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from nexy_tui.core.problem import Cancelled
from nexy_tui.engine.attempt import attempt
from nexy_tui.engine.outcome import Outcome
from nexy_tui.release import Refusal
from screens.dialogs.attest import AttestDialog
from screens.dialogs.confirm import GO, ConfirmDialog, Question
from screens.dialogs.dialog import Choice
from screens.dialogs.message import RETRY, MessageDialog, ProblemDialog
from screens.dialogs.refusal import ACTION, ATTEST, FIXERS, LOOK, RefusalDialog

if TYPE_CHECKING:
    from screens.conductor import Conductor

_TO_BE_GIVEN = "a reason is asked for next"


class Actor:
    """What the operator does to a run, one thing at a time."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor

    def ask(self, action: str) -> None:
        """Show exactly what an action will do and ask; or say what stands in its way."""
        conductor = self._conductor
        session = conductor.session
        if session is None or conductor.hands_off():
            return
        if session.log is None:
            conductor.tell("This is a look without a run: nothing can act. Start or resume a run on the home screen.")
            return
        refusal = session.looks.refuse(action)
        if refusal is not None:
            self.explain(refusal, conductor.title(action))
            return
        subject = session.checklist.release_action(action)
        title = subject.action.title

        def describe() -> Question:
            lines = tuple(session.describe(action))
            return Question(title, lines, session.to_be_typed(action), subject.irreversible, session.plan.target)

        conductor.jobs.start(f"Describing {title}", describe, partial(self._confirm, action), conductor.problem)
        conductor.stage.redraw()

    def explain(self, refusal: Refusal, asked: str) -> None:
        """Say which item stands in the way, and offer what can be done about it."""
        conductor = self._conductor
        assert conductor.session is not None
        conductor.stage.redraw()
        conductor.app.push_screen(RefusalDialog(conductor.session, refusal, asked, conductor.fixer_title), partial(self._answer, refusal))

    def ask_attestation(self, item: str) -> None:
        """Ask for the reason where the item may be attested; else say why not."""
        conductor = self._conductor
        session = conductor.session
        if session is None or conductor.hands_off():
            return
        refusal = session.state.may_attest(item, _TO_BE_GIVEN)
        if refusal is not None:
            lines = [refusal.reason, "Attesting is for what was looked at and could not be seen from here, where the checklist allows it."]
            conductor.app.push_screen(MessageDialog("It cannot be attested", lines))
            return
        subject = session.checklist.item(item)
        conductor.app.push_screen(AttestDialog(session, subject, session.state.findings.get(item)), partial(self._attest, item))

    def ask_stop(self) -> None:
        """Ask whether the running action shall stop."""
        conductor = self._conductor
        if conductor.acting is None:
            conductor.tell("Nothing is running that could be stopped. q leaves the run.")
            return
        title = conductor.title(conductor.acting)
        lines = [
            f"{title} is asked to stop at its next safe point.",
            "What it has done so far stays and is in the log; repeating the action takes it up from there.",
        ]
        choices = [Choice("stay", "Let it run"), Choice("stop", "Stop it", "x", "danger")]
        conductor.app.push_screen(MessageDialog(f"Stop {title}?", lines, choices), self._stop)

    def open_fixers(self, item: str) -> None:
        """Show the troubleshooting sections that the item names."""
        from screens.fixers import FixersScreen

        session = self._conductor.session
        if session is not None:
            finding = session.state.findings.get(item)
            names = finding.fixers if finding is not None and finding.fixers else session.checklist.item(item).fixers
            self._conductor.app.push_screen(FixersScreen(self._conductor, names))

    def _confirm(self, action: str, question: Question) -> None:
        self._conductor.stage.redraw()
        self._conductor.app.push_screen(ConfirmDialog(question), lambda answer: self._act(action) if answer == GO else None)

    def _act(self, action: str) -> None:
        conductor = self._conductor
        session = conductor.session
        if session is None or conductor.acting is not None or conductor.leaving:
            return
        conductor.acting = action
        work = partial(attempt, session, action, lambda _: True)  # It has been confirmed on the screen.
        conductor.jobs.start(conductor.title(action), work, self._acted, lambda problem: self._acted(Outcome.from_problem(problem)))
        conductor.stage.redraw()

    def _acted(self, outcome: Outcome | None) -> None:
        conductor = self._conductor
        action, conductor.acting = conductor.acting, None
        conductor.take()
        if conductor.leaving or action is None:
            return
        conductor.rested()
        problem = None if outcome is None else outcome.problem
        if isinstance(problem, Cancelled):
            conductor.tell(f"{conductor.title(action)} was stopped.")
        elif problem is not None:
            dialog = ProblemDialog(f"{conductor.title(action)} did not reach its end", problem, retry="Try again")
            conductor.app.push_screen(dialog, lambda answer: self.ask(action) if answer == RETRY else None)
        elif outcome is not None and outcome.refusal is not None:
            self.explain(outcome.refusal, conductor.title(action))

    def _answer(self, refusal: Refusal, choice: str | None) -> None:
        conductor = self._conductor
        session = conductor.session
        if session is None or choice is None or conductor.driving:
            return
        phase = session.checklist.phase_of(refusal.item).id
        if phase != session.state.phase:
            conductor.open_phase(phase)
        conductor.stage.show_item(refusal.item)
        if choice.startswith(ACTION):
            self.ask(choice.removeprefix(ACTION))
        elif choice == LOOK:
            conductor.look(whole=True)
        elif choice == ATTEST:
            self.ask_attestation(refusal.item)
        elif choice == FIXERS:
            self.open_fixers(refusal.item)

    def _attest(self, item: str, reason: str | None) -> None:
        session = self._conductor.session
        if reason is not None and session is not None:
            conductor = self._conductor
            conductor.jobs.start("Attesting", partial(session.looks.attest, item, reason), lambda _: conductor.take(), conductor.problem)

    def _stop(self, choice: str | None) -> None:
        session = self._conductor.session
        if choice == "stop" and session is not None and not session.turn.cancel():
            self._conductor.tell("It is past the point of no return and is carried through to its end.")
