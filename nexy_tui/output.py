"""Lines for whoever reads them. Nobody need: what cannot be shown is dropped, and nothing waits for a reader."""

from __future__ import annotations

import contextlib
import select
from typing import TextIO

PATIENCE = 2.0
"""Seconds that a line waits for room where the reader has stopped; the lines after it are dropped at once, until there is room."""

_stuck: set[int] = set()


def write_line(stream: TextIO, text: str) -> bool:
    """Write one line, and whether it went out. Never raises for what became of the stream, and never waits long for its reader."""
    with contextlib.suppress(OSError, ValueError):
        if _has_room(stream):
            print(text, file=stream, flush=True)
            return True
    return False


def _has_room(stream: TextIO) -> bool:
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return not stream.closed  # Not of the operating system: it holds whatever it is given.
    waiting = select.poll()
    waiting.register(number, select.POLLOUT)
    ready = bool(waiting.poll(0 if number in _stuck else PATIENCE * 1000))
    (_stuck.discard if ready else _stuck.add)(number)
    return ready
