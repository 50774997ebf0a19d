"""How an attempt, or a whole drive, ended: the one shape that every face words and exits by."""

from __future__ import annotations

from dataclasses import dataclass

from nexy_tui.core.finding import Status
from nexy_tui.core.problem import Cancelled, CouldNotLook, Problem
from nexy_tui.release import Refusal

EXIT = {"verified": 0, "refused": 1, "inconclusive": 3}
"""Exit statuses of the command line by outcome."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`verified`, `refused` or `inconclusive`, with what stopped it: an item in the way, or a problem."""

    outcome: str
    refusal: Refusal | None = None
    problem: Problem | None = None

    @classmethod
    def from_refusal(cls, refusal: Refusal | None) -> Outcome:
        """An item stands in the way: refused, or inconclusive where nothing was seen to be wrong. None does: verified."""
        if refusal is None:
            return cls("verified")
        unseen = refusal.status in (Status.INCONCLUSIVE, Status.NOT_RUN)
        return cls("inconclusive" if unseen else "refused", refusal)

    @classmethod
    def from_problem(cls, problem: Problem, refusal: Refusal | None = None) -> Outcome:
        """A problem stopped it: an action's, or the log's that takes no more records. `refusal` is what it left in the way."""
        return cls("inconclusive" if problem.exit_code == CouldNotLook.exit_code else "refused", refusal, problem)

    @classmethod
    def unconfirmed(cls, subject: str, words: str = "") -> Outcome:
        """The operator did not confirm, so nothing was done."""
        return cls("refused", Refusal(subject, Status.NOT_RUN, words or f"{subject} was not confirmed, and nothing was changed."))

    @property
    def exit_code(self) -> int:
        """The command line's exit status."""
        return Cancelled.exit_code if isinstance(self.problem, Cancelled) else EXIT[self.outcome]

    @property
    def reason(self) -> str:
        """What stopped it, in its own words; empty where nothing did."""
        if self.problem is not None:
            return str(self.problem)
        return "" if self.refusal is None else self.refusal.reason

    def sealed_as(self) -> str:
        """What a run of its own that ended so is sealed as."""
        if isinstance(self.problem, Cancelled):
            return "aborted"
        return "complete" if self.outcome == "verified" else "failed"
