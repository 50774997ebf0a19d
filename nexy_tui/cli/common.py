"""What every command shares: where it acts, how it speaks, and how it ends."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from nexy_tui.core.problem import Problem, Unusable

if TYPE_CHECKING:
    from nexy_tui.checklist import Checklist
    from nexy_tui.services import Services

_WIDEST = 20_000
_NO_ASCII = re.compile(r"[^\x00-\x7f]+")

COMMON = ("--checkout", "--world")
"""Options that any command takes, at any place on the line."""


@dataclass
class Invocation:
    """The common options of this call."""

    checkout: Path | None = None


current = Invocation()


def hoist(argv: list[str]) -> list[str]:
    """The arguments with the common options moved to the front, where the top-level command reads them."""
    front: list[str] = []
    rest: list[str] = []
    queue = list(argv)
    while queue:
        word = queue.pop(0)
        if word == "--":
            rest += [word, *queue]
            break
        name, equals, _ = word.partition("=")
        if name not in COMMON:
            rest.append(word)
        elif equals or not queue:
            front.append(word)
        else:
            front += [word, queue.pop(0)]
    return front + rest


def make_services() -> Services:
    """The services for this call's checkout and environment."""
    from nexy_tui.config import load_settings
    from nexy_tui.services import Services

    return Services(load_settings(), start_directory())


def start_directory() -> Path:
    """Where the checkout is searched from: --checkout, else here where here is a code checkout, else NEXY_CHECKOUT, else here."""
    from nexy_tui.config import find_checkout, find_layout

    if current.checkout is not None:
        return current.checkout
    here = Path.cwd()
    named = os.environ.get("NEXY_CHECKOUT")
    if not named:
        return here
    try:
        find_layout(find_checkout(here))
    except Unusable:
        return Path(named)
    return here


def the_checklist() -> Checklist:
    """The release's checklist."""
    from nexy_tui.checklist import CHECKLIST

    return CHECKLIST


def print_json(value: dict[str, Any] | list[Any]) -> None:
    """One JSON document on standard output: ASCII that a terminal only shows. Half a surrogate pair has no place in JSON."""
    text = json.dumps(value, indent=2, ensure_ascii=False).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    print(_NO_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text).replace("\x7f", "\\u007f"), flush=True)


def say(text: str) -> None:
    """A line for people, on standard error; what came from outside stays visible and is not obeyed."""
    from nexy_tui.core.text import printable_lines

    print(printable_lines(text, _WIDEST), file=sys.stderr, flush=True)


def show(text: str) -> None:
    """As `say`, on standard output: for what is asked for."""
    from nexy_tui.core.text import printable_lines

    print(printable_lines(text, _WIDEST), flush=True)


def fail(problem: Problem) -> NoReturn:
    """Show a problem and end with its exit status."""
    from nexy_tui.core.text import printable

    say(f"nexy-tui: {printable(problem.what, 2000)}")
    if problem.why:
        say(f"  why:  {printable(problem.why, 2000)}")
    if problem.remedy:
        say(f"  next: {printable(problem.remedy, 2000)}")
    raise typer.Exit(problem.exit_code)


@contextmanager
def problems_end() -> Iterator[None]:
    """A Problem inside ends the command with its message and exit status."""
    try:
        yield
    except Problem as problem:
        fail(problem)


def enter_world(directory: Path) -> NoReturn:
    """Run this same command again inside a rehearsal world's environment."""
    from nexy_tui.rehearsal.environment import environment
    from nexy_tui.rehearsal.world import load

    table = environment(load(directory))
    environ = {key: value for key, value in os.environ.items() if key not in table.unset}
    environ.update(table.set)
    argv = _without_world(sys.argv[1:])
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "nexy_tui", *argv], environ)


def _without_world(argv: list[str]) -> list[str]:
    out: list[str] = []
    skip = False
    for word in argv:
        if skip:
            skip = False
        elif word == "--world":
            skip = True
        elif not word.startswith("--world="):
            out.append(word)
    return out


def typed(expected: str, ask: Callable[[str], str]) -> bool:
    """Whether the operator typed exactly `expected`."""
    return ask(f"Type “{expected}” to go on: ").strip() == expected


def confirm_take_over() -> None:
    """Have it typed that the release lock is to be taken from whoever holds it. Raises Unusable when it was not."""
    if not typed("take over", ask_terminal):
        raise Unusable("Taking over the lock was not confirmed.", remedy="Wait until it expires.")


def ask_terminal(question: str) -> str:
    """A line from the terminal. Raises Unusable where there is none."""
    if not sys.stdin.isatty():
        raise Unusable(
            "This asks for a confirmation, and there is no terminal to answer on.", remedy="Run it in a terminal, or with --yes."
        )
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline()
