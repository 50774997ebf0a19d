"""What a fixer is: a section of the rulebook's troubleshooting chapter that can be detected, shown, mended and seen again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.base import Check
from nexy_tui.actions.base import Action
from nexy_tui.core.plan import Plan

if TYPE_CHECKING:
    from nexy_tui.services import Services


@dataclass(frozen=True, slots=True)
class Trouble:
    """One section: how the trouble shows itself, and the steps that end it, in this tool's commands."""

    name: str
    section: str
    title: str
    symptom: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SecretRequest:
    """A secret that a fixer needs: under which name it is handed over, how it is asked for, and the variable it may stand in."""

    name: str
    question: str
    variable: str


@dataclass(frozen=True)
class Part:
    """One thing a fixer looks at and mends. `check` passes when this trouble is not here; `action` can be repeated.

    An interruption leaves a part as it was or mended, and its check says which.
    """

    id: str
    title: str
    check: Check
    action: Action


@dataclass(frozen=True)
class Fixer:
    """A trouble with what mends it. Its parts are mended in order, each only once the earlier ones are.

    `secret` is asked for before anything is done, unless `needs_secret` says that it can do without.
    """

    trouble: Trouble
    parts: tuple[Part, ...]
    secret: SecretRequest | None = None
    needs_secret: Callable[[Services], bool] = lambda _: True

    @property
    def name(self) -> str:
        """The fixer's name."""
        return self.trouble.name


class Mending:
    """What the actions of fixers have in common: they serve every kind of run, and are confirmed by typing their name."""

    name: str
    title: str
    writes_outside = False

    def applies(self, _: Plan) -> bool:
        """Every kind of run may need it."""
        return True

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """What writes outside is confirmed by typing world and fixer; the rest by a plain yes."""
        return f"{plan.target.name} {self.name}" if self.writes_outside else "yes"
