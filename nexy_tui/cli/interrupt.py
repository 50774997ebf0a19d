"""What ends a command from outside, Ctrl-C, SIGTERM and SIGHUP alike.

The running action is asked to stop, and past the point of no return that is said instead.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nexy_tui.cli import common

if TYPE_CHECKING:
    from nexy_tui.engine.session import Session

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def heeding(handler: Callable[..., Any] | signal.Handlers, *numbers: int) -> Iterator[None]:
    """Handle these signals so meanwhile, but for those that whoever started us wants ignored (nohup)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in numbers}
    heeded = {number: was for number, was in before.items() if was not in (signal.SIG_IGN, None)}
    try:
        for number in heeded:
            signal.signal(number, handler)
        yield
    finally:
        for number, was in heeded.items():
            signal.signal(number, was)


def interrupt(*_: Any) -> None:
    """End the command in order, with its document."""
    raise KeyboardInterrupt


@contextmanager
def interruptible(session: Session) -> Iterator[None]:
    """While this lasts, an interrupt stops an action where it can be stopped; a second one, or one between actions, ends the command."""
    asked: list[str] = []

    def stop(*_: Any) -> None:
        acting = session.turn.acting
        if acting is None or (acting in asked and not session.turn.past_return):
            raise KeyboardInterrupt
        if session.turn.cancel():
            asked.append(acting)
            common.say(f"Stopping {acting}. Interrupt once more to end at once.")
        else:
            common.say(f"{acting} is past the point of no return and goes on to its end.")

    with heeding(stop, *SIGNALS):
        yield
