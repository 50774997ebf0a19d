"""How a status looks: a symbol, a word and a colour, always together, so that nothing rests on colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from nexy_tui.checklist import Checklist
from nexy_tui.core.finding import NOTE, Finding, Status
from nexy_tui.release import Release


@dataclass(frozen=True, slots=True)
class Mark:
    """A symbol one cell wide, a word, and a style of the theme."""

    symbol: str
    word: str
    style: str

    def content(self, width: int = 0) -> Content:
        """Symbol and word, filled up to `width` cells."""
        return Content.styled(f"{self.symbol} {self.word}".ljust(width), self.style)


_STYLES = {
    Status.PASSED: "$success",
    Status.PENDING: "$primary",
    Status.FAILED: "bold $error",
    Status.INCONCLUSIVE: "bold $warning",
    Status.NOT_APPLICABLE: "$muted",
    Status.ATTESTED: "$secondary",
    Status.NOT_RUN: "$muted",
}
STATUS = {status: Mark(status.symbol, status.word, style) for status, style in _STYLES.items()}
NOTED = Mark(*NOTE, "$warning")
LOOKING = Mark("◌", "checking", "$primary")
WORD_WIDTH = max(len(mark.word) for mark in STATUS.values()) + 4

VERIFIED = Mark("✓", "verified", "$success")
HERE = Mark("▸", "here", "bold $primary")
STOPPED = Mark("✗", "stopped", "bold $error")
REOPENED = Mark("○", "open", "$warning")
LATER = Mark("·", "later", "$muted")


def finding_mark(finding: Finding | None, *, looking: bool = False, awaited: bool = False) -> Mark:
    """The mark of a finding, or of the item's being looked at right now; `awaited`: its action is still to run, and nobody looked yet."""
    if looking:
        return LOOKING
    if finding is None:
        return STATUS[Status.PENDING if awaited else Status.NOT_RUN]
    return NOTED if finding.shown == NOTE else STATUS[finding.status]


def phase_mark(state: Release, phase: str) -> Mark:
    """Where a phase stands: here, verified, stopped by a failure, open (looked at, not all satisfied), or still to come."""
    if phase == state.phase:
        return HERE
    steps = [step for step in state.steps if step.phase == phase]
    if all(state.satisfied(step) for step in steps):
        return VERIFIED
    statuses = {state.status(step.item) for step in steps}
    if Status.FAILED in statuses:
        return STOPPED
    return LATER if statuses == {Status.NOT_RUN} else REOPENED


def holding(state: Release, checklist: Checklist, phase: str) -> tuple[int, int]:
    """How many items of a phase are satisfied, and how many there are."""
    names = {item.id for item in checklist.phase(phase).items}
    steps = [step for step in state.steps if step.item in names]
    return sum(state.satisfied(step) for step in steps), len(steps)
