"""The state machine of a release: who may advance, what may act, what may be attested.

It knows neither screen nor network nor clock. The checklist comes in as a value; a refusal comes out as one. There is
no skip: an item lets the release on only when it passed, does not apply, or was attested where the checklist allows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from nexy_tui.core.finding import Finding, Status


@dataclass(frozen=True, slots=True)
class Step:
    """One checklist item as the state machine sees it. `action` satisfies it; None for a precondition."""

    item: str
    phase: str
    action: str | None = None
    attestable: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not: the item in the way, its status, and the sentence to show."""

    item: str
    status: Status
    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """Findings over a checklist, and the phase that is open. Values: every change gives a new one."""

    steps: tuple[Step, ...]
    findings: Mapping[str, Finding] = field(default_factory=dict)
    position: int = 0

    def __post_init__(self) -> None:
        names = [step.item for step in self.steps]
        if len(set(names)) != len(names):
            raise ValueError("an item stands twice in the checklist")
        if not 0 <= self.position <= len(self.phases):
            raise ValueError("the position lies outside the phases")

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases in order."""
        return tuple(dict.fromkeys(step.phase for step in self.steps))

    @property
    def phase(self) -> str | None:
        """The open phase; None when all are done."""
        return self.phases[self.position] if self.position < len(self.phases) else None

    @property
    def complete(self) -> bool:
        """Whether every phase is done and every item is still satisfied."""
        return self.phase is None and self.first_in_the_way(self.steps) is None

    def status(self, item: str) -> Status:
        """An item's status; `not_run` before it was looked at."""
        finding = self.findings.get(item)
        return Status.NOT_RUN if finding is None else finding.status

    def satisfied(self, step: Step) -> bool:
        """Whether an item lets the release on. An attested one does only where the checklist allows attesting."""
        status = self.status(step.item)
        if status is Status.ATTESTED:
            return step.attestable
        return status.satisfied

    def record(self, finding: Finding) -> Release:
        """Take in a finding. An attestation stays while the item is merely inconclusive; a failure ends it."""
        before = self.findings.get(finding.item)
        if before is not None and before.status is Status.ATTESTED and finding.status is Status.INCONCLUSIVE:
            return self
        return replace(self, findings={**self.findings, finding.item: finding})

    def first_in_the_way(self, steps: Iterable[Step]) -> Refusal | None:
        """The first of `steps` that is not satisfied."""
        for step in steps:
            if not self.satisfied(step):
                return self._refusal(step)
        return None

    def may_advance(self) -> Refusal | None:
        """None when the next phase may open; else the first item of this or an earlier phase in the way."""
        if self.phase is None:
            return None
        reached = set(self.phases[: self.position + 1])
        return self.first_in_the_way(step for step in self.steps if step.phase in reached)

    def advance(self) -> Release | Refusal:
        """The release with its next phase open, or why not."""
        refusal = self.may_advance()
        if refusal is not None:
            return refusal
        return replace(self, position=min(self.position + 1, len(self.phases)))

    def go_back(self, phase: str) -> Release:
        """Open an earlier phase again, to look. Raises ValueError for a later or unknown one."""
        index = self.phases.index(phase)
        if index > self.position:
            raise ValueError(f"{phase} is not open yet")
        return replace(self, position=index)

    def before_action(self, action: str) -> tuple[Step, ...]:
        """Every item that must be satisfied before an action may run: all that stand before its first own item."""
        for index, step in enumerate(self.steps):
            if step.action == action:
                return self.steps[:index]
        raise ValueError(f"no item of the checklist is satisfied by {action!r}")

    def wants(self, action: str) -> bool:
        """Whether an item of the action's own is not satisfied."""
        return any(step.action == action and not self.satisfied(step) for step in self.steps)

    def may_attest(self, item: str, reason: str) -> Refusal | None:
        """None when the operator may attest the item: marked attestable, looked at, inconclusive, and with a reason."""
        step = next((step for step in self.steps if step.item == item), None)
        if step is None:
            return Refusal(item, Status.NOT_RUN, f"{item} is no item of the checklist.")
        status = self.status(item)
        if not step.attestable:
            return Refusal(item, status, f"{item} can be verified by the tool, so it cannot be attested.")
        if status is not Status.INCONCLUSIVE:
            return Refusal(item, status, f"{item} is {status.word}; only what could not be verified is attested.")
        if len(reason.strip()) < 3:
            return Refusal(item, status, f"Attesting {item} needs a reason in words.")
        return None

    def attest(self, item: str, reason: str) -> Release | Refusal:
        """The release with the item attested, or why not."""
        refusal = self.may_attest(item, reason)
        if refusal is not None:
            return refusal
        return self.record(self.findings[item].with_status(Status.ATTESTED, f"Attested by the operator: {reason.strip()}"))

    def _refusal(self, step: Step) -> Refusal:
        status = self.status(step.item)
        finding = self.findings.get(step.item)
        said = finding.summary if finding is not None else "It has not been looked at yet."
        return Refusal(step.item, status, f"{step.item} is {status.word}: {said}")
