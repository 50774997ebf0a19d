"""The next thing to do, as a value: each face words it for itself, and a program can follow it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TypeAlias


def _worded(remedy: Act | Mend | Run) -> str:
    """What an operator without the wizard is told."""
    return around(remedy, f"nexy-tui {remedy.command}")


@dataclass(frozen=True, slots=True)
class Run:
    """A command of this tool, without `nexy-tui`. `first` is to be done by hand before it; `then` are words after it."""

    command: str
    first: str = ""
    then: str = ""

    __str__ = _worded


@dataclass(frozen=True, slots=True)
class Anew(Run):
    """The run `run` closed, and `version` released in another: what it has found wrong is in the version it was begun as."""

    version: str = ""
    run: str = ""


def anew(version: object, run: str, then: str = "") -> Anew:
    """As a command line has it."""
    return Anew(f"release {version}", f"Close this run (nexy-tui runs close {run}), then release another version", then, str(version), run)


@dataclass(frozen=True, slots=True)
class Act:
    """An action of the checklist; `command` is what brings it about outside the wizard, and names its version and run."""

    action: str
    command: str
    first: str = ""
    then: str = ""

    __str__ = _worded


@dataclass(frozen=True, slots=True)
class Mend:
    """A fixer, by name."""

    fixer: str
    first: str = ""
    then: str = ""

    __str__ = _worded

    @property
    def command(self) -> str:
        """What mends it outside the wizard."""
        return f"fix {self.fixer}"


Remedy: TypeAlias = Act | Mend | Run | str
"""A text is what is to be done by hand. `str()` of each is what an operator without the wizard is told."""


_WORDS = ("first", "then")


def around(remedy: Act | Mend | Run, what: str) -> str:
    """`what` in the words that stand before and after it."""
    before = remedy.first and remedy.first + (" " if remedy.first.endswith(".") else ": ")
    after = f" {remedy.then}" if remedy.then else ""
    return f"{before}{what}{after}"


def preceded(words: str, remedy: Remedy) -> Remedy:
    """The same remedy with a sentence before it."""
    return f"{words} {remedy}" if isinstance(remedy, str) else replace(remedy, first=f"{words} {remedy.first}".rstrip())


def rewritten(remedy: Remedy, change: Callable[[str], str]) -> Remedy:
    """The same remedy with every text in it changed, as where secrets are taken out."""
    if isinstance(remedy, str):
        return change(remedy)
    worded = replace(remedy, first=change(remedy.first), then=change(remedy.then))
    return worded if isinstance(worded, Mend) else replace(worded, command=change(worded.command))


def details(remedy: Remedy) -> dict[str, str]:
    """A remedy as the log keeps it: the words, and what of the tool's own it names."""
    if isinstance(remedy, str):
        return {"words": remedy} if remedy else {}
    return {"words": str(remedy), **{name: value for name, value in asdict(remedy).items() if name not in _WORDS}}
