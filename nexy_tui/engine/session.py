"""One run: its plan, its findings, its journal. Every face drives a release through this and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from pathlib import Path

from checks.base import Scope
from nexy_tui.actions.base import Action, ActionContext, ActionResult, Journal
from nexy_tui.checklist import Checklist, Item, Role
from nexy_tui.core.event import Event, Exposure, PointOfNoReturn, Ran
from nexy_tui.core.finding import Evidence, Finding, Status
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Cancelled, Problem, Refused
from nexy_tui.core.secret import redact, secrets_of
from nexy_tui.core.target import DMG, PKG
from nexy_tui.engine.evaluate import evaluate
from nexy_tui.engine.lockkeeper import LockKeeper
from nexy_tui.engine.notice import ActionEnded, ActionEvent, ActionStarted, Notice, Observer, PhaseOpened, Sealed, unobserved
from nexy_tui.release import Refusal, Release, Step
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.record import Subject
from nexy_tui.runlog.sign import Signer
from nexy_tui.runlog.state import Mark
from nexy_tui.runlog.trust import AllowedSigners
from nexy_tui.services import Services

_EXPOSED = "Exposure opened: clients that follow the live appcast refuse the download until both agree."


@dataclass(frozen=True)
class Keys:
    """Who signs this run's records, and whose records are believed; read once, on first use."""

    signer: Callable[[], Signer]
    trusted: Callable[[], AllowedSigners]


class Session:
    """A release run, or a look without one (`log` None: nothing is journalled and nothing may act).

    `may_write` is asked under the lock before an action that writes outside, and raises Refused.
    """

    def __init__(
        self,
        services: Services,
        checklist: Checklist,
        plan: Plan,
        keys: Keys,
        *,
        log: RunLog | None = None,
        observer: Observer = unobserved,
        lock: LockKeeper | None = None,
        may_write: Callable[[Plan], None] = lambda _: None,
    ) -> None:
        self.services, self.checklist, self.keys, self.log = services, checklist, keys, log
        self._plan = plan
        self._observers: list[Observer] = [observer]
        self._lock, self._may_write = lock, may_write
        self._state = Release(checklist.steps())
        self._guard = threading.RLock()
        self._cancel = threading.Event()
        self.acting: str | None = None
        self.past_return = False
        self.exposed_since: float | None = None
        self.target_changed: tuple[str, ...] = ()

    @property
    def plan(self) -> Plan:
        """What the run means to do, with the present time."""
        return replace(self._plan, now=self.services.clock.now())

    @property
    def state(self) -> Release:
        """The state machine's present value."""
        return self._state

    @property
    def exposed_for(self) -> float:
        """Seconds since the exposure began; 0 where there is none."""
        return 0.0 if self.exposed_since is None else self.services.clock.monotonic() - self.exposed_since

    @contextmanager
    def aside(self, name: str, checklist: Checklist, plan: Plan, observer: Observer = unobserved) -> Iterator[Session]:
        """A smaller checklist worked on inside this run: same log, lock and keys, and nothing else acts meanwhile."""
        inside = replace(plan, run=self._plan.run, started=self._plan.started)
        with self._exclusive(name):
            yield Session(self.services, checklist, inside, self.keys, log=self.journal, observer=observer, lock=self._lock)

    def watch(self, observer: Observer) -> None:
        """Show everything from now on to one more face."""
        self._observers.append(observer)

    def note_target(self, changed: Sequence[str]) -> None:
        """Keep, in the log too, what of the release target differs from the last run's (lines `key: before → now`)."""
        self.target_changed = tuple(changed)
        if changed and self.log is not None:
            self.log.progress_checkpoint("target", message=f"The release target is not the last run's: {'; '.join(changed)}")

    def scope(self) -> Scope:
        """A pass of looking, for whoever wants the facts besides the findings."""
        return Scope(self.services, self.plan, self.keys.trusted, emit=lambda event: self._say(ActionEvent("look", event)))

    def look(self, items: Sequence[Item], scope: Scope | None = None) -> list[Finding]:
        """Look at items anew, journal what was found, and take it into the state."""
        found = evaluate(items, scope or self.scope(), self._say)
        for finding in found:
            self._take(finding)
        return found

    def look_at_phase(self, phase: str) -> list[Finding]:
        """Look at every item of a phase."""
        return self.look(self.checklist.phase(phase).items)

    def look_ahead(self, phase: str) -> list[Finding]:
        """Look at a phase that opens: everything but long looks at what its own actions are still to bring about."""
        items = self.checklist.phase(phase).items
        return self.look([item for item in items if item.action is None or not item.check.slow])

    def recheck_after(self, action: str) -> list[Finding]:
        """Look at the action's phase up to the action's own last item; what later actions bring about is not asked for yet.

        An action without items of its own (a rollback) may have undone any: the whole phase is looked at.
        """
        phase = next(phase for phase in self.checklist.phases if action in self.checklist.actions_of(phase))
        own = [index for index, item in enumerate(phase.items) if action in (item.action, item.repair)]
        return self.look(phase.items[: own[-1] + 1] if own else phase.items)

    def describe(self, action: str) -> list[str]:
        """Exactly what an action will do, for showing before it starts."""
        return list(self.checklist.actions[action].describe(self.services, self.plan))

    def to_be_typed(self, action: str) -> str | None:
        """What the operator types before the action: its own text, or world and version when it cannot be taken back."""
        subject = self.checklist.actions[action]
        own = subject.confirmation(self.services, self.plan)
        if own is not None:
            return own
        return f"{self.plan.target.name} {self.plan.version}" if self.checklist.release_action(action).irreversible else None

    def applies(self, action: str) -> bool:
        """Whether this kind of run has anything for the action to do."""
        return self.checklist.actions[action].applies(self.plan)

    def in_the_way_of(self, action: str) -> Refusal | None:
        """What keeps an action from running, or None: the first item before it that does not hold."""
        return self._state.first_in_the_way(self.before(action))

    def refuse(self, action: str) -> Refusal | None:
        """What keeps an action from running, journalled as its refusal; None when it may run."""
        refusal = self.in_the_way_of(action)
        if refusal is not None:
            self._record_refusal(action, refusal)
        return refusal

    def way_back(self, refusal: Refusal) -> str | None:
        """What to offer before anything else: while clients are exposed, going back. None in phases that do not offer it.

        An item that nobody has looked at yet is no reason to go back.
        """
        if self.exposed_since is None or refusal.status is Status.NOT_RUN:
            return None
        offered = self.checklist.phase_of(refusal.item).offers
        return next((back.name for back in self.checklist.of_role(Role.WAY_BACK) if back.name in offered), None)

    def before(self, action: str) -> tuple[Step, ...]:
        """What must hold before an action: all that stands before its first item; for a remedy, every earlier phase."""
        if any(step.action == action for step in self._state.steps):
            return self._state.before_action(action)
        phase = next(phase.id for phase in self.checklist.phases if action in self.checklist.repairs(phase))
        return tuple(takewhile(lambda step: step.phase != phase, self._state.steps))

    def perform(self, action: str) -> ActionResult:
        """Run an action. Its intent is on disk before it starts; its own items are looked at afterwards by the caller.

        Raises Refused while an earlier item does not hold, and whatever the action raises.
        """
        log = self.journal
        with self._exclusive(action):
            subject = self.checklist.actions[action]
            if self.checklist.release_action(action).irreversible:
                self._look_before(action)
            refusal = self.refuse(action)
            if refusal is not None:
                raise Refused(
                    f"{subject.title} is refused: {refusal.reason}", "What stands earlier must hold first.", self._remedy(refusal.item)
                )
            if subject.writes_outside and self._lock is not None:
                self._lock.hold()
                self._may_write(self.plan)
            log.intent(action, message="; ".join(subject.describe(self.services, self.plan))[:2000])
            self._say(ActionStarted(action))
            return self._run(subject, action, log)

    def dry_run(self, action: str) -> ActionResult | None:
        """Do an action's part before its first write, where the checklist has that apart; None where it has not. Raises as `perform`."""
        log, subject = self.journal, self.checklist.release_action(action).dry_run
        if subject is None:
            return None
        with self._exclusive(action):
            log.intent(subject.name, message="; ".join(subject.describe(self.services, self.plan))[:2000])
            self._say(ActionStarted(action))
            return self._run(subject, action, log)

    def cancel(self) -> bool:
        """Ask the running action to stop. False when it is past the point of no return: it then carries on to its end."""
        if self.past_return:
            return False
        self._cancel.set()
        return True

    def attest(self, item: str, reason: str) -> None:
        """Attest an item in the operator's name. Raises Refused where the checklist or its state do not allow it."""
        outcome = self._state.attest(item, reason)
        if isinstance(outcome, Refusal):
            raise Refused(outcome.reason, "The log must not claim more than was seen.")
        self.journal.attestation(item, reason)
        self._state = outcome

    def restore(self, attestations: Sequence[tuple[str, str]]) -> None:
        """Take up attestations of the log being resumed: they hold where the item is still merely inconclusive."""
        for item, reason in attestations:
            summary = f"Attested by the operator: {reason}"
            self._state = self._state.record(Finding(item, Status.ATTESTED, summary))

    def restore_exposure(self, since: datetime | None) -> None:
        """Go on counting the exposure that the log being resumed left open."""
        if since is not None:
            gone = (self.services.clock.now() - since).total_seconds()
            self.exposed_since = self.services.clock.monotonic() - max(gone, 0.0)

    def advance(self) -> Refusal | None:
        """Open the next phase, or say which item stands in the way; the refusal is journalled."""
        outcome = self._state.advance()
        if isinstance(outcome, Refusal):
            self._record_refusal("advance", outcome)
            return outcome
        self._state = outcome
        self._say(PhaseOpened(outcome.phase))
        return None

    def open_phase(self, phase: str) -> None:
        """Show an earlier phase again."""
        self._state = self._state.go_back(phase)
        self._say(PhaseOpened(phase))

    def take_over_lock(self) -> None:
        """Take the release lock from whoever holds it, as the operator has typed; the log says from whom."""
        if self._lock is not None:
            before = self._lock.take_over()
            held = f"The release lock was taken over from {before}" if before else "Nobody held the release lock"
            self.journal.progress_checkpoint("take-over", message=f"{held}, as the operator typed.", mark=Mark.TAKEN_OVER)

    def reclaim_lock(self) -> None:
        """After a run was cut off: take the release lock again that it left, so that its end gives it back."""
        if self._lock is not None:
            self._lock.reclaim()

    def seal(self, outcome: str, *, goal: Collection[str] | None = None) -> Path:
        """Seal the log: complete, aborted or failed. `complete` only when every phase, or every item of `goal`, holds."""
        log = self.journal
        reached = self._state.complete if goal is None else self._reached(goal)
        if outcome == "complete" and not reached:
            raise Refused("The run cannot be sealed as complete.", "An item does not hold.", "Finish the phases, or abort the run.")
        if self._lock is not None:
            self._lock.give_back()
        log.seal(outcome)
        self._say(Sealed(log.path, outcome))
        return log.path

    def close(self) -> None:
        """Leave the run as it is, to be resumed; the log stays open on disk and unsealed."""
        if self._lock is not None:
            self._lock.give_back()
        if self.log is not None:
            self.log.close()

    def _run(self, subject: Action, action: str, log: RunLog) -> ActionResult:
        begun = self.services.clock.monotonic()

        def intent(step: str, /, **facts: str) -> None:
            if subject.writes_outside and self._lock is not None:
                self._lock.confirm()
            evidence = [Evidence(name, value, "intent") for name, value in facts.items()]
            log.progress_checkpoint(action, message=step, mark=Mark.BEGUN, evidence=evidence)
            self._plan = replace(self._plan, begun=self._plan.begun | {action})

        context = ActionContext(
            services=self.services,
            plan=self.plan,
            emit=lambda event: self._on_event(action, event),
            cancelled=self._cancel.is_set,
            intent=intent,
            signer=self.keys.signer,
            trusted=self.keys.trusted,
            journal=lambda: Journal(log.run, log.count, log.digest()),
        )
        try:
            result = subject.run(context)
        except Problem as problem:
            self._end(log, subject.name, begun, problem)
            raise
        except Exception as error:
            broken = Refused(
                f"{subject.title} broke: {type(error).__name__}: {redact(str(error), *secrets_of(self.services.environ))[:300]}",
                "Its effect is unknown; the checks say what is there.",
                "Look at the phase again; the action can be repeated.",
            )
            self._end(log, subject.name, begun, broken)
            raise broken from error
        released = result.release_commit if self._plan.kind.tags else result.manifest_commit
        if released:
            log.set_subject(released)
        log.result(
            subject.name,
            "done" if result.changed else "unchanged",
            duration_ms=self._since(begun),
            message=result.summary,
            evidence=[*result.evidence, *(Evidence(name, value, "digest") for name, value in _made(result).items())],
            subjects=[Subject.artifact(name, value) for name, value in result.digests.items() if name in (DMG, PKG)],
            details=_details(result),
        )
        self._say(ActionEnded(action, result, None))
        return result

    def _end(self, log: RunLog, action: str, begun: float, problem: Problem) -> None:
        status = "cancelled" if isinstance(problem, Cancelled) else "failed"
        log.result(action, status, exit=problem.exit_code, duration_ms=self._since(begun), message=str(problem))
        self._say(ActionEnded(action, None, problem))

    def _on_event(self, action: str, event: Event) -> None:
        if isinstance(event, Exposure):
            followed = self._exposure(action, event)
            if followed is None:
                return
            event = followed
        if isinstance(event, PointOfNoReturn):
            self.past_return = True
        if isinstance(event, Ran):
            self.journal.ran(action, event.argv, event.exit, event.duration_ms)
            return
        self._say(ActionEvent(action, event))

    def _exposure(self, action: str, event: Exposure) -> Exposure | None:
        """Follow the exposure, in the log too; the event with the seconds that have really gone, None for the end of none."""
        now = self.services.clock.monotonic()
        if not event.open:
            return self._close_exposure(action, "the download and what is offered agree")
        if self.exposed_since is None:
            self.exposed_since = now - event.seconds
            if self.log is not None:
                self.log.progress_checkpoint(action, message=_EXPOSED, mark=Mark.EXPOSED)
        return Exposure(now - self.exposed_since, open=True)

    def _close_exposure(self, action: str, why: str) -> Exposure | None:
        if self.exposed_since is None:
            return None
        seconds = self.services.clock.monotonic() - self.exposed_since
        self.exposed_since = None
        if self.log is not None:
            self.log.progress_checkpoint(action, message=f"Exposure closed after {seconds:.1f} s: {why}.", mark=Mark.AGREED)
        return Exposure(seconds, open=False)

    def _take(self, finding: Finding) -> None:
        over, publisher = None, next((one.name for one in self.checklist.of_role(Role.PUBLISHER)), "")
        with self._guard:
            self._state = self._state.record(finding)
            if self.log is not None:
                took = round(finding.duration_s * 1000)
                self.log.check(finding.item, finding.status.value, finding.summary, list(finding.evidence), duration_ms=took)
            if finding.status is Status.PASSED and self.checklist.item(finding.item).closes_exposure:
                over = self._close_exposure(publisher, "download and live appcast agree")
        if over is not None:
            self._say(ActionEvent(publisher, over))

    def _look_before(self, action: str) -> None:
        """What held an hour ago is asked again before what cannot be taken back; long downloads are not repeated."""
        wanted = {step.item for step in self.before(action)}
        self.look([item for item in self.checklist.items if item.id in wanted and not item.check.slow])

    def _reached(self, goal: Collection[str]) -> bool:
        return self._state.first_in_the_way(step for step in self._state.steps if step.item in goal) is None

    def _remedy(self, item: str) -> str:
        finding = self._state.findings.get(item)
        return finding.remedy if finding is not None and finding.remedy else f"nexy-tui check {item}"

    def _record_refusal(self, action: str, refusal: Refusal) -> None:
        if self.log is not None:
            self.log.result(action, "refused", message=refusal.reason)

    @contextmanager
    def _exclusive(self, action: str) -> Iterator[None]:
        with self._guard:
            if self.acting is not None:
                raise Refused(f"{self.acting} is still running.", "One action at a time.", "Wait for its end, or cancel it.")
            self.acting, self.past_return = action, False
            self._cancel.clear()
        try:
            yield
        finally:
            self.acting, self.past_return = None, False

    @property
    def journal(self) -> RunLog:
        """The run's log. Raises Refused for a session that only looks."""
        if self.log is None:
            raise Refused("This session only looks.", "Nothing may act without a signed log.", "Start a run: nexy-tui release")
        return self.log

    def _since(self, begun: float) -> int:
        return int((self.services.clock.monotonic() - begun) * 1000)

    def _say(self, notice: Notice) -> None:
        for observer in self._observers:
            observer(notice)


def _made(result: ActionResult) -> dict[str, str]:
    """What an action made, by name: files by their digests, commits by their ids."""
    commits = {"release commit": result.release_commit, "manifest commit": result.manifest_commit}
    return {**result.digests, **{name: commit for name, commit in commits.items() if commit}}


def _details(result: ActionResult) -> dict[str, object]:
    """The same, typed, for the record."""
    made = {"digests": dict(result.digests), "release_commit": result.release_commit, "manifest_commit": result.manifest_commit}
    return {name: value for name, value in made.items() if value}
