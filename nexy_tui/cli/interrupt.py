"""Ctrl-C without a screen: the running action is asked to stop, and past the point of no return that is said instead."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nexy_tui.cli import common

if TYPE_CHECKING:
    from nexy_tui.engine.session import Session


@contextmanager
def interruptible(session: Session) -> Iterator[None]:
    """While this lasts, an interrupt stops an action where it can be stopped; a second one, or one between actions, ends the command."""
    asked: list[str] = []

    def interrupt(*_: Any) -> None:
        acting = session.turn.acting
        if acting is None or (acting in asked and not session.turn.past_return):
            raise KeyboardInterrupt
        if session.turn.cancel():
            asked.append(acting)
            common.say(f"Stopping {acting}. Interrupt once more to end at once.")
        else:
            common.say(f"{acting} is past the point of no return and goes on to its end.")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
