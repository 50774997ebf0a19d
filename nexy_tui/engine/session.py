"""One run: its state with its looks, the runner of its actions, its exposure's timer, its log and its lock. Every face drives this."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from nexy_tui.checklist import ActionRole, Checklist
from nexy_tui.core.finding import Status
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.engine.anchoring import Anchoring
from nexy_tui.engine.context import Context, Keys
from nexy_tui.engine.durations import usual_exposure, usual_seconds
from nexy_tui.engine.exposure import ExposureTimer
from nexy_tui.engine.lockkeeper import LockKeeper
from nexy_tui.engine.looks import Looks
from nexy_tui.engine.notice import Observer, PhaseOpened, Sealed, unobserved
from nexy_tui.engine.runner import ActionRunner, Turn
from nexy_tui.release import Refusal, Release
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.state import Checkpoint
from nexy_tui.services import Services


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
        anchors: Anchoring | None = None,
    ) -> None:
        self.services, self.checklist, self.log = services, checklist, log
        self.context = Context(services, checklist, plan, keys, log, [observer])
        self.exposure = ExposureTimer(self.context)
        self.looks = Looks(self.context, self.exposure)
        self.turn = Turn()
        self.runner = ActionRunner(self.context, self.looks, self.exposure, lock, self.turn, may_write, anchors)
        self.target_changed: tuple[str, ...] = ()
        self._lock, self._anchors = lock, anchors

    @property
    def plan(self) -> Plan:
        """What the run means to do, with the present time."""
        return self.context.plan

    @property
    def state(self) -> Release:
        """The state machine's present value."""
        return self.looks.state

    @property
    def journal(self) -> RunLog:
        """The run's log. Raises Refused for a session that only looks."""
        return self.context.journal

    def watch(self, observer: Observer) -> None:
        """Show everything from now on to one more face."""
        self.context.observers.append(observer)

    def note_target(self, changed: Sequence[str]) -> None:
        """Keep, in the log too, what of the release target differs from the last run's (lines `key: before → now`)."""
        self.target_changed = tuple(changed)
        if changed and self.log is not None:
            self.log.progress_checkpoint("target", message=f"The release target is not the last run's: {'; '.join(changed)}")

    @contextmanager
    def aside(self, name: str, checklist: Checklist, plan: Plan) -> Iterator[Session]:
        """A smaller checklist worked on inside this run: same log, lock and keys, and nothing else acts meanwhile."""
        mine = self.context
        inside = replace(plan, run=mine.planned.run, started=mine.planned.started)
        with self.turn.taken_by(name):
            yield Session(self.services, checklist, inside, mine.keys, log=self.journal, lock=self._lock, anchors=self._anchors)

    def describe(self, action: str) -> list[str]:
        """Exactly what an action will do, for showing before it starts."""
        return list(self.checklist.actions[action].describe(self.services, self.plan))

    def to_be_typed(self, action: str) -> str | None:
        """What the operator types before the action: its own text, or world and version when it cannot be taken back."""
        own = self.checklist.actions[action].confirmation(self.services, self.plan)
        if own is not None:
            return own
        return f"{self.plan.target.name} {self.plan.version}" if self.checklist.release_action(action).irreversible else None

    def usual_seconds(self, action: str) -> float | None:
        """How long an action usually takes here, as earlier runs tell; None where none does. Reads logs."""
        return usual_seconds(self.services.settings.state_dir, self.plan.target.world, action)

    def usual_exposure(self) -> float | None:
        """For how long customers usually cannot update, as earlier runs tell; None where none does. Reads logs."""
        return usual_exposure(self.services.settings.state_dir, self.plan.target.world)

    def applies(self, action: str) -> bool:
        """Whether this kind of run has anything for the action to do."""
        return self.checklist.actions[action].applies(self.plan)

    def rollback_offered(self, refusal: Refusal) -> str | None:
        """Going back, while customers are affected and something is wrong. None in phases that do not offer it.

        An item that nobody has looked at yet, or whose action is still to run, is no reason to go back.
        """
        if self.exposure.since is None or refusal.status in (Status.NOT_RUN, Status.PENDING):
            return None
        offered = self.checklist.phase_of(refusal.item).offers
        return next((back.name for back in self.checklist.of_role(ActionRole.ROLLBACK) if back.name in offered), None)

    def advance(self) -> Refusal | None:
        """Open the next phase, or say which item stands in the way; the refusal is journalled."""
        outcome = self.state.advance()
        if isinstance(outcome, Refusal):
            self.looks.record_refusal("advance", outcome)
            return outcome
        self._open(outcome)
        return None

    def open_phase(self, phase: str) -> None:
        """Show an earlier phase again."""
        self._open(self.state.go_back(phase))

    def take_over_lock(self) -> None:
        """Take the release lock from whoever holds it, as the operator has typed; the log says from whom."""
        if self._lock is not None:
            before = self._lock.take_over()
            held = f"The release lock was taken over from {before}" if before else "Nobody had the release lock"
            self.journal.progress_checkpoint("take-over", message=f"{held}, as the operator typed.", mark=Checkpoint.TAKEN_OVER)

    def reclaim_lock(self) -> None:
        """After a run was cut off: take the release lock again that it left, so that its end gives it back."""
        if self._lock is not None:
            self._lock.reclaim()

    def seal(self, outcome: str, *, goal: Collection[str] | None = None) -> Path:
        """Seal the log: complete, aborted or failed; that of a run that wrote outside is kept there.

        `complete` only when every phase, or every item of `goal`, is satisfied.
        """
        log = self.journal
        reached = self.state.complete if goal is None else self.looks.reached(goal)
        if outcome == "complete" and not reached:
            raise Refused("The run cannot be sealed as complete.", "An item is not verified.", "Finish the phases, or abort the run.")
        try:
            log.seal(outcome)
            held = self._lock is not None and self._lock.held
            trouble = self._anchors.whole(self.context) if self._anchors is not None and held else ""
        finally:
            if self._lock is not None:
                self._lock.give_back()
        self.context.say(Sealed(log.path, outcome, trouble))
        return log.path

    def close(self) -> None:
        """Leave the run as it is, to be resumed; the log stays open on disk and unsealed."""
        if self._lock is not None:
            self._lock.give_back()
        if self.log is not None:
            self.log.close()

    def _open(self, state: Release) -> None:
        self.looks.state = state
        self.context.say(PhaseOpened(state.phase))
