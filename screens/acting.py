"""Asking the operator and carrying out what was answered: actions, attestations, cancelling, and playing along with `--auto`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import App

from nexy_tui.core.problem import Cancelled, Problem
from nexy_tui.engine.driver import Outcome
from nexy_tui.engine.session import Session
from nexy_tui.release import Refusal
from screens.backend import Ending
from screens.dialogs.attest import AttestDialog
from screens.dialogs.confirm import GO, ConfirmDialog, Question
from screens.dialogs.dialog import Choice
from screens.dialogs.message import RETRY, MessageDialog, ProblemDialog
from screens.dialogs.refusal import ACTION, ATTEST, FIXERS, LOOK, RefusalDialog
from screens.fixers import FixersScreen
from screens.jobs import Jobs
from screens.view import RunView

if TYPE_CHECKING:
    from screens.conductor import Conductor

AUTO_PAUSE = 3.0
"""Seconds the last screen stays before `--auto` leaves."""


class Acting:
    """The half of the conductor that acts."""

    session: Session | None = None
    view: RunView | None = None
    acting: str | None = None

    def __init__(self, app: App[Any], jobs: Jobs) -> None:
        self.app, self.jobs = app, jobs

    @property
    def _whole(self) -> Conductor:
        from screens.conductor import Conductor

        assert isinstance(self, Conductor)
        return self

    def title(self, action: str) -> str:
        """An action's title."""
        return action if self.session is None else self.session.checklist.actions[action].title

    @property
    def running(self) -> str | None:
        """What is under way, in a few words."""
        if self.acting is not None:
            return f"{self.title(self.acting)} is running"
        return self.jobs.running

    def tell(self, sentence: str) -> None:
        """A short remark that goes away by itself."""
        self.app.notify(sentence, markup=False, timeout=6)

    def hands_off(self) -> bool:
        """Whether the tool plays the operator just now; says so."""
        if self._whole.driving:
            self.tell("The tool is playing the operator. q leaves.")
        return self._whole.driving

    def problem(self, problem: Problem) -> None:
        """Show a problem."""
        self._whole.stage.redraw()
        self.app.push_screen(ProblemDialog("That did not work", problem))

    def ask_action(self, action: str) -> None:
        """Show exactly what an action will do and ask; or say what stands in its way."""
        session = self.session
        if session is None or self.hands_off():
            return
        if session.log is None:
            self.tell("This is a look without a run: nothing can act. Start or resume a run on the home screen.")
            return
        if self.acting is not None:
            self.tell(f"{self.title(self.acting)} is still running. One action at a time.")
            return
        refusal = session.in_the_way_of(action)
        if refusal is not None:
            self.explain(refusal, self.title(action))
            return
        subject = session.checklist.actions[action]

        def describe() -> Question:
            lines = tuple(session.describe(action))
            return Question(subject.title, lines, session.to_be_typed(action), subject.irreversible, session.plan.target)

        self.jobs.start(f"Describing {subject.title}", describe, partial(self._confirm, action), self.problem)
        self._whole.stage.redraw()

    def _confirm(self, action: str, question: Question) -> None:
        self._whole.stage.redraw()
        self.app.push_screen(ConfirmDialog(question), lambda answer: self._act(action) if answer == GO else None)

    def _act(self, action: str) -> None:
        session = self.session
        if session is None or self.acting is not None:
            return
        self.acting = action
        self.jobs.start(self.title(action), partial(session.perform, action), lambda _: self._acted(None), lambda problem: self._acted(problem))
        self._whole.stage.redraw()

    def _acted(self, problem: Problem | None) -> None:
        action, self.acting = self.acting, None
        self._whole.take()
        if self._whole.leaving or action is None:
            return
        self._whole.look(whole=True)
        if isinstance(problem, Cancelled):
            self.tell(f"{self.title(action)} was stopped.")
        elif problem is not None:
            dialog = ProblemDialog(f"{self.title(action)} did not reach its end", problem, retry="Try again")
            self.app.push_screen(dialog, lambda answer: self.ask_action(action) if answer == RETRY else None)

    def explain(self, refusal: Refusal, asked: str) -> None:
        """Say which item stands in the way, and offer what can be done about it."""
        assert self.session is not None
        self._whole.stage.redraw()
        self.app.push_screen(RefusalDialog(self.session, refusal, asked), partial(self._answer, refusal))

    def _answer(self, refusal: Refusal, choice: str | None) -> None:
        session = self.session
        if session is None or choice is None:
            return
        phase = session.checklist.phase_of(refusal.item).id
        if phase != session.state.phase:
            self._whole.open_phase(phase)
        self._whole.show_item(refusal.item)
        if choice.startswith(ACTION):
            self.ask_action(choice.removeprefix(ACTION))
        elif choice == LOOK:
            self._whole.look(whole=True)
        elif choice == ATTEST:
            self.ask_attestation(refusal.item)
        elif choice == FIXERS:
            self.open_fixers(refusal.item)

    def ask_attestation(self, item: str) -> None:
        """Ask for the reason where the item may be attested; else say why not."""
        session = self.session
        if session is None or self.hands_off():
            return
        refusal = session.state.may_attest(item, "a reason is asked for next")
        if refusal is not None:
            self.app.push_screen(MessageDialog("It cannot be attested", [refusal.reason, "Attesting is for what no machine can see from here."]))
            return
        subject = session.checklist.item(item)
        self.app.push_screen(AttestDialog(session, subject, session.state.findings.get(item)), partial(self._attest, item))

    def _attest(self, item: str, reason: str | None) -> None:
        if reason is None or self.session is None:
            return
        try:
            self.session.attest(item, reason)
        except Problem as problem:
            self.problem(problem)
        self._whole.stage.redraw()

    def open_fixers(self, item: str) -> None:
        """Show the troubleshooting sections that the item names."""
        session = self.session
        if session is not None:
            finding = session.state.findings.get(item)
            names = finding.fixers if finding is not None and finding.fixers else session.checklist.item(item).fixers
            self.app.push_screen(FixersScreen(self._whole, names))

    def ask_cancel(self) -> None:
        """Ask whether the running action shall stop."""
        if self.acting is None or self.session is None:
            self.tell("Nothing is running. q leaves the run.")
            return
        title = self.title(self.acting)
        choices = [Choice("stay", "Let it run"), Choice("cancel", "Stop it", "x", "danger")]
        lines = [f"{title} is asked to stop at its next safe point. What it has done so far stays, is in the log, and is taken up again when you repeat it."]
        self.app.push_screen(MessageDialog(f"Stop {title}?", lines, choices), self._cancel)

    def _cancel(self, choice: str | None) -> None:
        if choice == "cancel" and self.session is not None and not self.session.cancel():
            self.tell("It is past the point of no return and is carried through to its end.")

    def _driven(self, outcome: Outcome) -> None:
        whole = self._whole
        whole.take()
        if outcome.outcome == "verified":
            if whole.view is not None and whole.view.sealed is None:
                whole.seal("complete")
            self.app.set_timer(AUTO_PAUSE, lambda: self._leave_when_idle(outcome.exit_code))
            return
        if outcome.problem is not None:
            self.app.push_screen(ProblemDialog("The run stopped", outcome.problem))
        elif outcome.refusal is not None and outcome.refusal.item in {step.item for step in self._state_steps()}:
            self.explain(outcome.refusal, "Auto")
        self.app.set_timer(AUTO_PAUSE, lambda: self._leave_when_idle(outcome.exit_code))

    def _state_steps(self) -> tuple[Any, ...]:
        return () if self.session is None else self.session.state.steps

    def _broke_off(self, problem: Problem) -> None:
        self._driven(Outcome("refused", problem=problem))

    def _leave_when_idle(self, exit_code: int) -> None:
        if not self.jobs.idle:
            self.app.set_timer(0.2, lambda: self._leave_when_idle(exit_code))
            return
        ending = self._whole.ending()
        code = ending.exit_code if ending.sealed == "complete" else exit_code or 1
        self.app.exit(Ending(code, ending.log, ending.run, ending.sealed))
