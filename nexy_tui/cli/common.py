"""What every command shares: where it acts, how it speaks, and how it ends."""

from __future__ import annotations

import getpass
import json
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from nexy_tui.cli import streams
from nexy_tui.core.problem import Problem, Unusable
from nexy_tui.core.shield import interpreter

if TYPE_CHECKING:
    from nexy_tui.checklist import Checklist
    from nexy_tui.engine.session import Session
    from nexy_tui.services import Services

_WIDEST = 20_000
_NO_ASCII = re.compile(r"[^\x00-\x7f]+")

COMMON = ("--checkout", "--world")
"""Options that any command takes, at any place on the line."""


@dataclass
class Invocation:
    """This call: its common options, and what is known of it should it break off."""

    checkout: Path | None = None
    as_json: bool = False
    begun: float = 0.0
    session: Session | None = None
    printed: bool = False


current = Invocation()


def begin(*, as_json: bool) -> None:
    """A call begins; nothing of one before it is left."""
    global current  # noqa: PLW0603  A process is one call; only tests make several.
    current = Invocation(as_json=as_json, begun=time.monotonic())


def begun(session: Session) -> Session:
    """Note the session this call works in: what it has found so far stands in the document, whatever ends the command."""
    current.session = session
    return session


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
    from nexy_tui.config import find_checkout, find_layout, load_settings

    if current.checkout is not None and current.checkout.is_absolute():
        return current.checkout
    try:
        here = Path.cwd()
    except OSError:
        raise Unusable(
            "The folder this runs in is gone.", remedy="Go into one that is there, or name the checkout in full: --checkout DIR."
        ) from None
    if current.checkout is not None:
        return here / current.checkout
    named = os.environ.get("NEXY_CHECKOUT")
    if not named:
        return here
    wanted = load_settings().target.layout
    try:
        find_layout(find_checkout(here), wanted)
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
    streams.put(_NO_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text).replace("\x7f", "\\u007f"))
    current.printed = True


def print_end(problem: Problem) -> None:
    """The document of a call that a problem ended, with what is known; nothing without --json, or after a document."""
    if not current.as_json or current.printed:
        return
    from nexy_tui.engine.document import broken_off

    print_json(broken_off(problem, current.session, os.environ.get("NEXY_WORLD") or None, time.monotonic() - current.begun))


def say(text: str) -> None:
    """A line for people, on standard error; what came from outside stays visible and is not obeyed. Nobody need be listening."""
    from nexy_tui.core.text import printable_lines
    from nexy_tui.output import write_line

    write_line(sys.stderr, printable_lines(text, _WIDEST))


def show(text: str) -> None:
    """As `say`, on standard output: for what is asked for. Raises CouldNotLook when it cannot be written."""
    from nexy_tui.core.text import printable_lines

    streams.put(printable_lines(text, _WIDEST))


def tell(problem: Problem) -> None:
    """A problem in its three lines, on standard error."""
    say(f"nexy-tui: {problem.what}")
    if problem.why:
        say(f"  why:  {problem.why}")
    if problem.remedy:
        say(f"  next: {problem.remedy}")


def enter_world(directory: Path) -> NoReturn:
    """Run this same command again inside a rehearsal world's environment."""
    from nexy_tui.core.given import given
    from nexy_tui.core.surroundings import Needs, surroundings
    from nexy_tui.rehearsal.environment import environment
    from nexy_tui.rehearsal.world import load

    table = environment(load(directory))
    environ = table.apply(surroundings(Needs.REHEARSAL, given()).variables)
    command = interpreter("nexy_tui", *_without_world(sys.argv[1:]))
    sys.stdout.flush()
    os.execve(command[0], command, environ)


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


def confirm_target(services: Services, *, yes: bool) -> None:
    """Say who acts, show what of the release target differs from the last run's and have it typed that it is meant; `yes` answers that.

    Raises Unusable when it was not.
    """
    from nexy_tui.engine.last_target import target_change

    say_operator(services)
    changed = target_change(services)
    for line in changed:
        say(f"   target changed since the last run: {line}")
    if changed and not yes and not typed(services.target.name, ask_terminal):
        raise Unusable("The changed target was not confirmed.", remedy="Mend the configuration, or confirm it.")


def say_operator(services: Services) -> None:
    """Say in whose name it is acted, and where that comes from."""
    say(f"operator: {services.settings.operator} (from {services.settings.origins['operator.id']})")


def confirm_take_over() -> None:
    """Have it typed that the release lock is to be taken from whoever holds it. Raises Unusable when it was not."""
    if not typed("take over", ask_terminal):
        raise Unusable("Taking over the lock was not confirmed.", remedy="Wait until it expires.")


def ask_hidden(question: str) -> str:
    """A secret from the terminal, not shown; without one, standard input's first line. Never from the command line."""
    if sys.stdin.isatty():
        return getpass.getpass(question, stream=sys.stderr).strip()
    return sys.stdin.readline(4096).strip()


def ask_terminal(question: str) -> str:
    """A line from the terminal. Raises Unusable where there is none."""
    from nexy_tui.core.text import printable

    if not sys.stdin.isatty():
        raise Unusable(
            "This asks for a confirmation, and there is no terminal to answer on.", remedy="Run it in a terminal, or with --yes."
        )
    print(printable(question, _WIDEST), end="", file=sys.stderr, flush=True)
    return sys.stdin.readline()
