"""Runs actions, one at a time: the intent is on disk before, the result after."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nexy_tui.actions.base import Action, ActionContext, ActionResult, LogHead
from nexy_tui.core.event import Event, Exposure, PointOfNoReturn, Ran
from nexy_tui.core.finding import Evidence
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Cancelled, Problem, Refused
from nexy_tui.core.secret import redact, secrets_of
from nexy_tui.core.target import DMG, PKG
from nexy_tui.engine.anchoring import Anchoring
from nexy_tui.engine.context import Context
from nexy_tui.engine.exposure import ExposureTimer
from nexy_tui.engine.lockkeeper import LockKeeper
from nexy_tui.engine.looks import Looks
from nexy_tui.engine.notice import ActionEnded, ActionEvent, ActionStarted
from nexy_tui.runlog.record import Subject
from nexy_tui.runlog.state import Checkpoint


@dataclass
class ActionRunner:
    """What runs a session's actions. `may_write` is asked under the lock before one that writes outside, and raises Refused."""

    context: Context
    looks: Looks
    exposure: ExposureTimer
    lock: LockKeeper | None
    turn: Turn
    may_write: Callable[[Plan], None]
    anchors: Anchoring | None

    def perform(self, action: str) -> ActionResult:
        """Run an action. Its intent is on disk before it starts; its own items are looked at afterwards by the caller.

        Raises Refused while an earlier item is not satisfied, and whatever the action raises.
        """
        checklist, _ = self.context.checklist, self.context.journal
        subject = checklist.actions[action]
        services, run = self.context.services, self.context.planned.run
        with self.turn.taken_by(action), services.writing(f"{action} in run {run}"), services.one_pass():
            if checklist.release_action(action).irreversible:
                self.looks.again_before(action)
            self._require(subject, action)
            if subject.writes_outside and self.lock is not None:
                self.lock.hold()
                self.may_write(self.context.plan)
            return self._begin(subject, action)

    def _require(self, subject: Action, action: str) -> None:
        """What stands before the action is satisfied. Raises Refused, journalled, with the remedy of the first item that is not."""
        refusal = self.looks.refuse(action)
        if refusal is not None:
            what = f"{subject.title} is refused: {refusal.reason}"
            raise Refused(what, "What stands earlier must be verified first.", self.looks.remedy(refusal.item))

    def dry_run(self, action: str) -> ActionResult | None:
        """Do an action's part before its first write, where the checklist has that apart; None where it has not. Raises as `perform`."""
        subject = self.context.checklist.release_action(action).dry_run
        if subject is None:
            return None
        with self.turn.taken_by(action):
            return self._begin(subject, action)

    def _begin(self, subject: Action, action: str) -> ActionResult:
        context = self.context
        context.journal.intent(subject.name, message="; ".join(subject.describe(context.services, context.plan))[:2000])
        context.say(ActionStarted(action))
        begun = context.services.clock.monotonic()
        if (
            self.anchors is not None
            and subject is context.checklist.actions[action]
            and context.checklist.release_action(action).irreversible
        ):
            self.anchors.head(context, action, lambda event: self._heard(action, event))
        try:
            result = subject.run(self._surroundings(subject, action))
        except Problem as problem:
            self._failed(subject.name, begun, problem)
            if not isinstance(problem, Cancelled):
                self._tried(subject, action)
            raise
        except Exception as error:
            broken = Refused(
                f"{subject.title} broke: {type(error).__name__}: {redact(str(error), *secrets_of(context.services.environ))[:300]}",
                "Its effect is unknown; the checks say what is there.",
                "Look at the phase again; the action can be repeated.",
            )
            self._failed(subject.name, begun, broken)
            self._tried(subject, action)
            raise broken from error
        self._done(subject.name, begun, result)
        self._tried(subject, action, done=True)
        context.say(ActionEnded(action, result, None))
        return result

    def _surroundings(self, subject: Action, action: str) -> ActionContext:
        context, log = self.context, self.context.journal

        def intent(step: str, /, **facts: str) -> None:
            if subject.writes_outside and self.lock is not None:
                self.lock.confirm()
            evidence = [Evidence(name, value, "intent") for name, value in facts.items()]
            log.progress_checkpoint(action, message=step, mark=Checkpoint.BEGUN, evidence=evidence)
            context.begun(action)

        def last_look() -> None:
            self.looks.last_look(action)
            self._require(subject, action)

        return ActionContext(
            services=context.services,
            plan=context.plan,
            emit=lambda event: self._heard(action, event),
            cancelled=self.turn.cancelled,
            intent=intent,
            signer=context.keys.signer,
            trusted=context.keys.trusted,
            journal=lambda: LogHead(log.run, log.count, log.digest()),
            last_look=last_look,
        )

    def _heard(self, action: str, event: Event) -> None:
        if isinstance(event, Exposure):
            followed = self.exposure.follow(action, event)
            if followed is None:
                return
            event = followed
        if isinstance(event, PointOfNoReturn):
            self.turn.past_return = True
        if isinstance(event, Ran):
            self.context.journal.ran(action, event.argv, event.exit, event.duration_ms)
            return
        self.context.say(ActionEvent(action, event))

    def _done(self, action: str, begun: float, result: ActionResult) -> None:
        log = self.context.journal
        released = result.release_commit if self.context.planned.kind.tags else result.manifest_commit
        if released:
            log.set_subject(released)
        commits = {"release_commit": result.release_commit, "manifest_commit": result.manifest_commit}
        made = {**result.digests, **{name.replace("_", " "): commit for name, commit in commits.items() if commit}}
        details = {"digests": dict(result.digests), **commits}
        log.result(
            action,
            "done" if result.changed else "unchanged",
            duration_ms=self._since(begun),
            message=result.summary,
            evidence=[*result.evidence, *(Evidence(name, value, "digest") for name, value in made.items())],
            subjects=[Subject.artifact(name, value) for name, value in result.digests.items() if name in (DMG, PKG)],
            details={name: value for name, value in details.items() if value},
        )

    def _failed(self, action: str, begun: float, problem: Problem) -> None:
        status = "cancelled" if isinstance(problem, Cancelled) else "failed"
        self.context.journal.result(action, status, exit=problem.exit_code, duration_ms=self._since(begun), message=str(problem))
        self.context.say(ActionEnded(action, None, problem))

    def _tried(self, subject: Action, action: str, *, done: bool = False) -> None:
        if subject is self.context.checklist.actions[action]:  # What was done without a write leaves all to do.
            self.context.tried(action)
            if done:
                self.context.done(action)

    def _since(self, begun: float) -> int:
        return int((self.context.services.clock.monotonic() - begun) * 1000)


class Turn:
    """Whose turn it is to act: one at a time in a run, a fixer inside it included."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._cancel = threading.Event()
        self.acting: str | None = None
        self.past_return = False

    @contextmanager
    def taken_by(self, action: str) -> Iterator[None]:
        """Act alone. Raises Refused while something else does."""
        with self._guard:
            if self.acting is not None:
                raise Refused(f"{self.acting} is still running.", "One action at a time.", "Wait for its end, or cancel it.")
            self.acting, self.past_return = action, False
            self._cancel.clear()
        try:
            yield
        finally:
            self.acting, self.past_return = None, False

    def cancel(self) -> bool:
        """Ask what acts to stop. False when it is past the point of no return: it then carries on to its end."""
        if self.past_return:
            return False
        self._cancel.set()
        return True

    def cancelled(self) -> bool:
        """Whether what acts was asked to stop."""
        return self._cancel.is_set()
