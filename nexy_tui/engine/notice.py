"""What a session tells its faces while it works. Every face shows these; none decides anything from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.actions.base import ActionResult
from nexy_tui.core.event import Event
from nexy_tui.core.finding import Finding
from nexy_tui.core.problem import Problem


@dataclass(frozen=True, slots=True)
class Looking:
    """An item is being looked at."""

    item: str


@dataclass(frozen=True, slots=True)
class Found:
    """An item has a new finding."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class PhaseOpened:
    """The release moved to this phase; None when every phase is done."""

    phase: str | None


@dataclass(frozen=True, slots=True)
class ActionStarted:
    """An action began, its intent is on disk."""

    action: str


@dataclass(frozen=True, slots=True)
class ActionEvent:
    """An action says something while it runs."""

    action: str
    event: Event


@dataclass(frozen=True, slots=True)
class ActionEnded:
    """An action ended: with a result, or with the problem that stopped it."""

    action: str
    result: ActionResult | None
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class Resumed:
    """A run that was left goes on. `unknown` are the actions that were begun and whose end is not on record."""

    run: str
    version: str
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sealed:
    """The run log was sealed. `unanchored`: why the code repository does not have it, where it should."""

    log: Path
    outcome: str
    unanchored: str = ""


Notice = Looking | Found | PhaseOpened | ActionStarted | ActionEvent | ActionEnded | Resumed | Sealed
Observer = Callable[[Notice], None]


def unobserved(_: Notice) -> None:
    """An observer for runs nobody watches."""
