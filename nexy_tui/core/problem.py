"""Failures that name what happened, why it matters, and the next thing to do."""

from __future__ import annotations

from nexy_tui.core.remedy import Remedy


class Problem(Exception):
    """A failure an operator can act on.

    `what` happened, `why` it matters, and the `remedy`: the next thing to do, as a value that each face words for itself.
    None of the three may carry a secret: the text reaches the screen and the run log.
    """

    exit_code = 1

    def __init__(self, what: str, why: str = "", remedy: Remedy = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.remedy: Remedy = remedy

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, str(self.remedy)) if part)


class Refused(Problem):
    """The tool will not do this now: a precondition is not met. Exit 1."""


class ActionFailed(Problem):
    """An action was tried and did not reach its effect. Exit 1."""


class Unusable(Problem):
    """Bad usage, configuration or world: nothing was touched. Exit 2."""

    exit_code = 2


class CouldNotLook(Problem):
    """The outside world could not be seen, so nothing can be concluded. Exit 3."""

    exit_code = 3


class Cancelled(Problem):
    """The operator stopped it. Exit 130."""

    exit_code = 130
