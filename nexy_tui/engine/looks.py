"""The release's state with the looks that make it: what was found, and what therefore stands in the way."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from itertools import takewhile

from checks.base import Scope
from nexy_tui.checklist import ActionRole, Item, Need, Phase
from nexy_tui.core.event import Event
from nexy_tui.core.finding import Finding, Status
from nexy_tui.core.problem import Refused
from nexy_tui.core.remedy import Remedy, Run, details
from nexy_tui.engine.context import Context
from nexy_tui.engine.evaluate import evaluate
from nexy_tui.engine.exposure import ExposureTimer
from nexy_tui.engine.notice import ActionEvent
from nexy_tui.release import Refusal, Release, Step
from nexy_tui.runlog.append import RunLog

JUST_NOW = 60.0
BEFORE_THE_SWAP = 1800.0
"""Seconds for which what was seen will do while customers wait: of what was published, and of the VM."""


class Looks:
    """The state machine's value, changed by findings and attestations alone; each is journalled as it is taken in."""

    def __init__(self, context: Context, exposure: ExposureTimer) -> None:
        self._context, self._exposure = context, exposure
        self._guard = threading.RLock()
        self.asks_vm = True
        self._just_seen: tuple[float, Scope] | None = None
        """The pass that looked at what was published, and when it ended."""
        self.state = Release(context.checklist.steps())
        self._publishing = {one.name for one in context.checklist.of_role(ActionRole.PUBLISHER)}
        self._deploying = {item.action for item in context.checklist.items if item.needs is Need.VM and item.action is not None}

    def scope(self, *, vm_within: float = 0.0, before: str = "") -> Scope:
        """A pass of looking, for whoever wants the facts besides the findings; `before` an action, if it is for that.

        Who publishes once more is asked again for what publishing alone needs, though the version is out.
        """
        context = self._context

        def emit(event: Event) -> None:
            context.say(ActionEvent("look", event))

        services, plan, trusted = context.services, context.plan, context.keys.trusted
        past: frozenset[str] = frozenset()
        if plan.out and before not in self._publishing:
            past = frozenset(item.id for phase in context.checklist.phases if phase.until_out for item in phase.items)
        return Scope(services, plan, trusted, emit=emit, asks_vm=self.asks_vm, vm_within=vm_within, past=past)

    def at(self, items: Sequence[Item], scope: Scope | None = None) -> list[Finding]:
        """Look at items anew, journal what was found, and take it into the state."""
        with self._context.services.one_pass():
            found = evaluate(items, scope or self.scope(), self._context.say)
        for finding in found:
            self._take(finding)
        return found

    def at_phase(self, phase: str) -> list[Finding]:
        """Look at every item of a phase."""
        return self.at(self._context.checklist.phase(phase).items)

    def ahead(self, phase: str) -> list[Finding]:
        """Look at a phase that opens: everything but long looks at items that its own actions are still to satisfy."""
        done = self._publishing if self._context.plan.out else set()
        items = [item for item in self._context.checklist.phase(phase).items if item.action in {None, *done} or not item.check.slow]
        return self.at(items, self._while_customers_wait())

    def _while_customers_wait(self) -> Scope | None:
        """Meanwhile nothing is asked twice: neither what was seen just now of what was published, nor the VM, seen before the swap.

        The deploy's own preflight looks at the VM once more. A deploy that was begun may have left it half-way: then it is asked.
        """
        seen, self._just_seen = self._just_seen, None
        if self._exposure.since is None or self._deploying & self._context.plan.begun:
            return None
        if seen is not None and self._context.services.clock.monotonic() - seen[0] < JUST_NOW:
            return seen[1]
        return self.scope(vm_within=BEFORE_THE_SWAP)

    def recheck_after(self, action: str) -> list[Finding]:
        """Look at the action's phases, as far as the run has come, each up to the action's own last item: later ones are not looked at yet.

        An action without items of its own (a rollback) may have undone any: the whole phase is looked at.
        """
        checklist = self._context.checklist
        acts_in = [phase for phase in checklist.phases if action in checklist.actions_of(phase)]
        reached = [phase for phase in checklist.phases[: self.state.position + 1] if phase in acts_in]
        scope = self.scope(vm_within=BEFORE_THE_SWAP if action in self._publishing else 0.0)
        found = self.at([item for phase in reached or acts_in[:1] for item in _own_items(phase, action)], scope)
        self._just_seen = (self._context.services.clock.monotonic(), scope) if action in self._publishing else None
        return found

    def again_before(self, action: str) -> list[Finding]:
        """What held an hour ago is asked again before what cannot be taken back, all but long looks: whole downloads, the VM."""
        target = self._context.planned.target
        return self.at([item for item in self._before(action) if not (item.check.slow or item.asks_vm(target))], self.scope(before=action))

    def last_look(self, action: str) -> list[Finding]:
        """As `again_before`, with the VM: the last moment at which stopping costs nobody anything."""
        target = self._context.planned.target
        return self.at([item for item in self._before(action) if not item.check.slow or item.asks_vm(target)], self.scope(before=action))

    def _before(self, action: str) -> list[Item]:
        wanted = {step.item for step in self.before(action)}
        return [item for item in self._context.checklist.items if item.id in wanted]

    def before(self, action: str) -> tuple[Step, ...]:
        """What must be satisfied before an action: all that stands before its first item; for a repair, every earlier phase.

        What is seen ahead does not stand in the way of an action that mends or takes back, nor of one after the action it serves. Nor
        does what publishing alone needs: of what takes back never, of what follows once this run, or the one that was left, began it.
        """
        checklist = self._context.checklist
        if any(step.action == action for step in self.state.steps):
            steps = self.state.before_action(action)
        else:
            phase = next(phase.id for phase in checklist.phases if action in checklist.repairs(phase))
            steps = tuple(takewhile(lambda step: step.phase != phase, self.state.steps))
        role = checklist.release_action(action).role
        until_out = {phase.id for phase in checklist.phases if phase.until_out}
        if role not in (None, ActionRole.PUBLISHER):
            apart = {phase.id for phase in checklist.phases if phase.ahead} | (set() if role is ActionRole.REPAIR else until_out)
            return tuple(step for step in steps if step.phase not in apart)
        acted = {step.action for step in steps}
        behind = {item.id for item in checklist.items if item.serves is not None and item.serves in acted}
        past = until_out if acted & self._publishing & self._context.plan.begun else set()
        return tuple(step for step in steps if step.item not in behind and step.phase not in past)

    def in_the_way_of(self, action: str) -> Refusal | None:
        """What keeps an action from running, or None: the first item before it that is not satisfied."""
        return self.state.first_in_the_way(self.before(action))

    def refuse(self, action: str) -> Refusal | None:
        """What keeps an action from running, journalled as its refusal; None when it may run."""
        refusal = self.in_the_way_of(action)
        if refusal is not None:
            self.record_refusal(action, refusal)
        return refusal

    def record_refusal(self, action: str, refusal: Refusal) -> None:
        """Journal that an action, or going on, was refused."""
        if self._context.log is not None:
            self._context.log.result(action, "refused", message=refusal.reason)

    def reached(self, goal: Collection[str]) -> bool:
        """Whether every item of `goal` is satisfied."""
        return self.state.first_in_the_way(step for step in self.state.steps if step.item in goal) is None

    def remedy(self, item: str) -> Remedy:
        """The next thing to do about an item."""
        finding = self.state.findings.get(item)
        if finding is not None and finding.remedy:
            return finding.remedy
        known = any(one.id == item for one in self._context.checklist.items)
        return Run(f"check {item}") if known else "Run it again and type what it asks for, or with --yes."

    def attest(self, item: str, reason: str) -> None:
        """Attest an item in the operator's name. Raises Refused where the checklist or its state do not allow it."""
        outcome = self.state.attest(item, reason)
        if isinstance(outcome, Refusal):
            raise Refused(outcome.reason, "The log must not claim more than was seen.")
        self._context.journal.attestation(item, reason)
        self.state = outcome

    def restore(self, attestations: Sequence[tuple[str, str]]) -> None:
        """Take up attestations of the log being resumed: they hold where the item is still merely inconclusive."""
        for item, reason in attestations:
            self.state = self.state.record(Finding(item, Status.ATTESTED, f"Attested by the operator: {reason}"))

    def _take(self, finding: Finding) -> None:
        context, over = self._context, None
        publisher = next((one.name for one in context.checklist.of_role(ActionRole.PUBLISHER)), "")
        with self._guard:
            self.state = self.state.record(finding)
            if context.log is not None:
                journal(context.log, finding)
            if finding.status is Status.PASSED and self._closes_exposure(finding.item):
                over = self._exposure.close(publisher, "download and live appcast agree")
        if over is not None:
            context.say(ActionEvent(publisher, over))

    def _closes_exposure(self, item: str) -> bool:
        return any(one.id == item and one.closes_exposure for one in self._context.checklist.items)


def journal(log: RunLog, finding: Finding) -> None:
    """Put a finding into a log, with its evidence and its remedy."""
    log.check(
        finding.item,
        finding.status.value,
        finding.summary,
        list(finding.evidence),
        duration_ms=round(finding.duration_s * 1000),
        remedy=details(finding.remedy),
    )


def _own_items(phase: Phase, action: str) -> tuple[Item, ...]:
    own = [index for index, item in enumerate(phase.items) if action in (item.action, item.repair)]
    return phase.items[: own[-1] + 1] if own else phase.items
