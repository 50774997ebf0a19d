"""The whole release on one page: phases, their items, each with rulebook section, check, action and fixers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from checks.base import Check
from nexy_tui.actions.base import Action
from nexy_tui.release import Step

_T = TypeVar("_T")


@dataclass(frozen=True)
class Item:
    """One line of the checklist. `action` is the main path's; `remedy` an action the operator may choose when it fails."""

    id: str
    section: str
    title: str
    why: str
    check: Check
    action: str | None = None
    remedy: str | None = None
    fixers: tuple[str, ...] = ()
    attestable: bool = False


@dataclass(frozen=True)
class Phase:
    """A stage of the release with its items in order; what stands earlier must hold before what acts later."""

    id: str
    title: str
    section: str
    intro: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Checklist:
    """All phases, and the actions their items name."""

    phases: tuple[Phase, ...]
    actions: dict[str, Action]

    @property
    def items(self) -> tuple[Item, ...]:
        """Every item in order."""
        return tuple(item for phase in self.phases for item in phase.items)

    def item(self, name: str) -> Item:
        """An item by id. Raises KeyError."""
        return _only(name, [item for item in self.items if item.id == name])

    def phase(self, name: str) -> Phase:
        """A phase by id. Raises KeyError."""
        return _only(name, [phase for phase in self.phases if phase.id == name])

    def phase_of(self, item: str) -> Phase:
        """The phase an item stands in. Raises KeyError."""
        return _only(item, [phase for phase in self.phases if any(i.id == item for i in phase.items)])

    def main_actions(self, phase: Phase) -> tuple[str, ...]:
        """The main path's actions of a phase, in order."""
        return tuple(dict.fromkeys(item.action for item in phase.items if item.action is not None))

    def remedies(self, phase: Phase) -> tuple[str, ...]:
        """Actions of a phase that repair a state and are the operator's choice."""
        return tuple(dict.fromkeys(item.remedy for item in phase.items if item.remedy is not None))

    def steps(self) -> tuple[Step, ...]:
        """The checklist as the state machine takes it."""
        return tuple(Step(item.id, phase.id, item.action, item.attestable) for phase in self.phases for item in phase.items)


def _only(name: str, found: list[_T]) -> _T:
    if not found:
        raise KeyError(name)
    return found[0]
