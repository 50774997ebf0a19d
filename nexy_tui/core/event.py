"""What an action says while it runs. Faces show events; verdicts never rest on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OutputLine:
    """One line of output, already redacted; `source` names who said it (git, pip, pg_dump, us)."""

    text: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one subject (an asset, a backup) is in its phase: `done` of `total` units, usually bytes."""

    subject: str
    phase: str
    done: int
    total: int | None
    unit: str = "B"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A wait has begun: for what, and how many seconds of the clock."""

    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Exposure:
    """The window in which the download and the live appcast disagree: open since `seconds`, or closed."""

    seconds: float
    open: bool


@dataclass(frozen=True, slots=True)
class PointOfNoReturn:
    """From here on the action is carried through: cancelling waits for its end."""

    what: str


@dataclass(frozen=True, slots=True)
class Ran:
    """A program has ended. The run log keeps it, the command line by its allow-list; no face shows it."""

    argv: tuple[str, ...]
    exit: int
    duration_ms: int


Event = OutputLine | Progress | Waiting | Exposure | PointOfNoReturn | Ran
Emit = Callable[[Event], None]


def silent(_: Event) -> None:
    """An `Emit` for callers that show nothing."""
