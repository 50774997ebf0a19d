"""What a checklist is made of: items in phases, and the actions that they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

from checks.base import Check
from checks.gate_cells import Profile
from nexy_tui.actions.base import Action
from nexy_tui.checklist.words import ActionWords
from nexy_tui.core.target import Target
from nexy_tui.release import Step

_T = TypeVar("_T")


class Need(StrEnum):
    """Whom a look asks that has one slot for everybody: the VM, or the database, which may be on the VM."""

    VM = "vm"
    DATABASE = "database"


class ActionRole(StrEnum):
    """What an action is to the release besides its items.

    A repair mends what others are refused for; the publisher replaces the download, and the rollback replaces it by the one before;
    the healer ends a replacement that was cut off.
    """

    REPAIR = "repair"
    PUBLISHER = "publisher"
    ROLLBACK = "rollback"
    HEALER = "healer"


@dataclass(frozen=True)
class Item:
    """One line of the checklist; why it matters stands with its check.

    `action` satisfies it on the main path; `repair` is an action the operator may choose when it fails, and `fixers` are
    the troubleshooting chapter's. `profiles` are the gate's that want it. Its passing ends the exposure if `closes_exposure`.
    One that is seen ahead `serves` an action: once that was begun it stands in nobody's way any more.
    """

    id: str
    section: str
    title: str
    check: Check
    action: str | None = None
    repair: str | None = None
    fixers: tuple[str, ...] = ()
    attestable: bool = False
    needs: Need | None = None
    profiles: tuple[Profile, ...] = ()
    closes_exposure: bool = False
    serves: str | None = None

    @property
    def why(self) -> str:
        """One sentence on why it matters."""
        return self.check.why

    def asks_vm(self, target: Target) -> bool:
        """Whether a look at it takes the VM's slot."""
        return self.needs is Need.VM or (self.needs is Need.DATABASE and target.database.where == "vm")


@dataclass(frozen=True)
class Phase:
    """A stage of the release with its items in order; what stands earlier must be satisfied before what acts later.

    `offers` are actions the operator may choose here that satisfy no item: rolling back, healing. What is seen `ahead` of the
    main path concerns that alone: a repair or the way back needs none of it. Nor of what is asked `until_out`: publishing alone needs
    it, and once that was begun it bars nothing that follows.
    """

    id: str
    title: str
    section: str
    intro: str
    items: tuple[Item, ...]
    offers: tuple[str, ...] = ()
    ahead: bool = False
    until_out: bool = False
    short: str = ""

    @property
    def name(self) -> str:
        """What the strip of a narrow screen calls it."""
        return self.short or self.title


@dataclass(frozen=True)
class ReleaseAction:
    """An action as this release uses it.

    `command` is what runs it by itself, None for one that acts within a release run alone. An `irreversible` one is confirmed
    by typing world and version, and what stands before it is looked at again first, all but long looks. `dry_run` does its
    part before the first write. `compares` are the items that say beforehand whether there is anything for it to do. One that
    takes the world `as_it_is` speaks, standing alone, of whatever version is out: it publishes none. `words` are what
    people read of it besides its title.
    """

    action: Action
    command: str | None = None
    irreversible: bool = False
    role: ActionRole | None = None
    dry_run: Action | None = None
    compares: tuple[str, ...] = ()
    as_it_is: bool = False
    words: ActionWords | None = None

    @property
    def name(self) -> str:
        """The action's."""
        return self.action.name

    @property
    def label(self) -> str:
        """What its button says."""
        return self.words.short if self.words is not None else self.action.title

    def meaning(self, version: str) -> tuple[str, ...]:
        """What it means, a sentence or two each."""
        means = "" if self.words is None else self.words.means
        return tuple(line for line in means.format(version=version or "this version").split("\n") if line)

    def step_words(self, version: str) -> str:
        """It as the next step of a release."""
        step = "" if self.words is None else self.words.step
        return step.format(version=version) if step and version else self.action.title


@dataclass(frozen=True)
class Checklist:
    """All phases, and the actions that their items and offers name."""

    phases: tuple[Phase, ...]
    release_actions: tuple[ReleaseAction, ...]

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Every item in order."""
        return tuple(item for phase in self.phases for item in phase.items)

    @cached_property
    def actions(self) -> Mapping[str, Action]:
        """What acts, by name."""
        return {one.name: one.action for one in self.release_actions}

    def item(self, name: str) -> Item:
        """An item by id. Raises KeyError."""
        return _only(name, [item for item in self.items if item.id == name])

    def phase(self, name: str) -> Phase:
        """A phase by id. Raises KeyError."""
        return _only(name, [phase for phase in self.phases if phase.id == name])

    def phase_of(self, item: str) -> Phase:
        """The phase an item stands in. Raises KeyError."""
        return _only(item, [phase for phase in self.phases if any(i.id == item for i in phase.items)])

    def release_action(self, name: str) -> ReleaseAction:
        """An action as the release uses it, by name. Raises KeyError."""
        return _only(name, [one for one in self.release_actions if one.name == name])

    def with_action(self, action: Action) -> Checklist:
        """The same release, where that action is meant by its name."""
        told = tuple(replace(one, action=action) if one.name == action.name else one for one in self.release_actions)
        return replace(self, release_actions=told)

    def of_role(self, *roles: ActionRole) -> tuple[ReleaseAction, ...]:
        """The actions of one of these roles, in order."""
        return tuple(one for one in self.release_actions if one.role in roles)

    @property
    def points_of_no_return(self) -> tuple[str, ...]:
        """The main path's irreversible actions, in order: what of a release people outside can see."""
        main = [name for phase in self.phases for name in self.main_actions(phase)]
        return tuple(name for name in main if self.release_action(name).irreversible)

    def of_profile(self, profile: Profile) -> tuple[Item, ...]:
        """The items that a profile of the gate wants, in order."""
        return tuple(item for item in self.items if profile in item.profiles)

    def main_actions(self, phase: Phase) -> tuple[str, ...]:
        """The main path's actions of a phase, in order."""
        return tuple(dict.fromkeys(item.action for item in phase.items if item.action is not None))

    def repairs(self, phase: Phase) -> tuple[str, ...]:
        """Actions of a phase that repair a state and are the operator's choice."""
        named = [item.repair for item in phase.items if item.repair is not None]
        return tuple(dict.fromkeys([*named, *phase.offers]))

    def actions_of(self, phase: Phase) -> tuple[str, ...]:
        """Every action a phase shows: the main path's, then the operator's choices."""
        return self.main_actions(phase) + self.repairs(phase)

    def steps(self) -> tuple[Step, ...]:
        """The checklist as the state machine takes it."""
        return tuple(Step(item.id, phase.id, item.action, item.attestable) for phase in self.phases for item in phase.items)


def _only(name: str, found: list[_T]) -> _T:
    if not found:
        raise KeyError(name)
    return found[0]
