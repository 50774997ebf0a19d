"""What a check concluded, and from what: the one shape every face of the tool shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from nexy_tui.core.remedy import Remedy


class Status(StrEnum):
    """A verdict. Only `PASSED`, `NOT_APPLICABLE` and `ATTESTED` let a release go on; `PENDING` is an action's that is still to run."""

    PASSED = "passed"
    PENDING = "pending"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"
    ATTESTED = "attested"
    NOT_RUN = "not_run"

    @property
    def satisfied(self) -> bool:
        """Whether an item with this status lets the release advance."""
        return self in (Status.PASSED, Status.NOT_APPLICABLE, Status.ATTESTED)

    @property
    def symbol(self) -> str:
        """One cell, the same on every face."""
        return _SHOWN[self][0]

    @property
    def word(self) -> str:
        """What people read."""
        return _SHOWN[self][1]


_SHOWN = {
    Status.PASSED: ("✓", "done"),
    Status.PENDING: ("○", "to do"),
    Status.FAILED: ("✗", "wrong"),
    Status.INCONCLUSIVE: ("?", "unknown"),
    Status.NOT_APPLICABLE: ("–", "not needed"),
    Status.ATTESTED: ("✎", "attested"),
    Status.NOT_RUN: ("·", "not checked"),
}
NOTE = ("!", "done, note")
"""How something done is shown whose note must not be overlooked."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was looked at: its name, the value seen, where, and when (RFC 3339 UTC)."""

    name: str
    value: str
    source: str
    time: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge says of the facts, before the engine adds item, time and duration. What did not pass names a remedy.

    `fixers` are named only where they are others than the item's: for one cause of several, say. `note`: it passed, and its
    summary says something that must be read all the same.
    """

    status: Status
    summary: str
    remedy: Remedy = ""
    evidence: tuple[Evidence, ...] = ()
    fixers: tuple[str, ...] = ()
    note: bool = False

    def __post_init__(self) -> None:
        if self.status in (Status.PENDING, Status.FAILED, Status.INCONCLUSIVE) and not str(self.remedy).strip():
            raise ValueError(f"no remedy is named for: {self.summary}")


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one checklist item at one moment."""

    item: str
    status: Status
    summary: str
    remedy: Remedy = ""
    fixers: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    duration_s: float = 0.0
    time: str = ""
    note: bool = False

    @property
    def shown(self) -> tuple[str, str]:
        """Symbol and word."""
        return NOTE if self.note and self.status is Status.PASSED else (self.status.symbol, self.status.word)

    def with_status(self, status: Status, summary: str) -> Finding:
        """The same finding with another status and summary, as when the operator attests it."""
        return replace(self, status=status, summary=summary)


def passed(summary: str, *evidence: Evidence) -> Verdict:
    """The item is verified."""
    return Verdict(Status.PASSED, summary, evidence=evidence)


def noted(summary: str, *evidence: Evidence, remedy: Remedy = "") -> Verdict:
    """The item is verified, and its summary says something that must be read all the same; `remedy` is what may be done about it."""
    return Verdict(Status.PASSED, summary, remedy, evidence, note=True)


def failed(summary: str, remedy: Remedy, *evidence: Evidence, fixers: Sequence[str] = ()) -> Verdict:
    """The item is seen to be wrong; `remedy` is the next thing to do; a text is what is to be done by hand."""
    return Verdict(Status.FAILED, summary, remedy, evidence, tuple(fixers))


def pending(summary: str, remedy: Remedy, *evidence: Evidence) -> Verdict:
    """The item's own action is still to run in this release, and nothing contradicts that; `remedy` is that action."""
    return Verdict(Status.PENDING, summary, remedy, evidence)


def inconclusive(summary: str, remedy: Remedy, *evidence: Evidence, fixers: Sequence[str] = ()) -> Verdict:
    """The item could not be verified. Never counts as passed."""
    return Verdict(Status.INCONCLUSIVE, summary, remedy, evidence, tuple(fixers))


def not_applicable(reason: str, *evidence: Evidence) -> Verdict:
    """The item does not concern this kind of run or this target; the reason is shown and logged."""
    return Verdict(Status.NOT_APPLICABLE, reason, evidence=evidence)


def rfc3339(moment: datetime) -> str:
    """UTC with microseconds and a final Z, as every time in evidence and logs is written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
