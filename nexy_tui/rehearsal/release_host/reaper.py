"""Freeing large files off the event loop: giving back some hundred megabytes takes a tenth of a second, in which nobody is answered.

What is to be freed goes through a `SimpleQueue`, whose `put` alone may be called amid anything: a file is also closed by its
finalizer, which the garbage collector may run while this very thread holds a lock of a pool's or of a plain queue's.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread

_todo: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
_starting = Lock()
_thread: Thread | None = None


def start() -> None:
    """See to it that somebody frees what is put here. Not for a finalizer."""
    global _thread  # noqa: PLW0603
    with _starting:
        if _thread is None or not _thread.is_alive():
            _thread = Thread(target=_work, name="reaper", daemon=True)
            _thread.start()


def remove(path: Path) -> None:
    """Delete a file soon; none there is as good."""
    start()
    _todo.put(partial(path.unlink, missing_ok=True))


def close(descriptor: int) -> None:
    """Close a file soon, once `start` was called. It may be the last that holds a deleted one."""
    _todo.put(partial(os.close, descriptor))


def _work() -> None:
    while (job := _todo.get()) is not None:
        try:
            job()
        except OSError:  # It is gone already, and so is the world that it was of.
            continue


@atexit.register
def _end() -> None:
    """What is still to be freed is freed before the interpreter ends."""
    if _thread is not None and _thread.is_alive():
        _todo.put(None)
        _thread.join(10)
