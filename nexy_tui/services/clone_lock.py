"""One writer at a time in a clone: the file `nexy-tui.lock` in its `.git`, held while an action or a fixer runs.

The release lock keeps operators apart; this keeps two runs on one machine apart, in the files that both would write.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nexy_tui.core.problem import Refused
from nexy_tui.core.text import printable

NAME = "nexy-tui.lock"
_LARGEST = 4096
_TRIES = 10
_PAUSE_S = 0.02
"""Whoever only looks who holds it has it for a moment."""


@contextmanager
def writing_in(folder: Path, who: str) -> Iterator[None]:
    """Be the clone's one writer meanwhile, `who` being told to others; within itself a process may be so again.

    Raises Refused naming another process that is. Where such a file cannot be made or locked, nobody is kept out.
    """
    descriptor = None
    with contextlib.suppress(OSError):
        descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    if descriptor is None:
        yield
        return
    try:
        if _locked(descriptor, fcntl.LOCK_EX):
            _say(descriptor, json.dumps({"pid": os.getpid(), "who": who}))
        elif (holder := _told(descriptor)) is not None:
            raise Refused(
                f"{holder} is writing in this clone.",
                "Two runs at once in one clone would take each other's files for changes of its own.",
                "Wait until it has ended, then run this again.",
            )
        yield
    finally:
        os.close(descriptor)


def writer_in(folder: Path) -> str:
    """Which other process is writing in the clone now; empty where none is."""
    try:
        descriptor = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        return "" if _locked(descriptor, fcntl.LOCK_SH) else _told(descriptor) or ""
    finally:
        os.close(descriptor)


def _locked(descriptor: int, kind: int) -> bool:
    """Whether the lock was had. A file system without locks keeps nobody out."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if kind == fcntl.LOCK_SH:
                return False
            time.sleep(_PAUSE_S)
        except OSError:
            return True
        else:
            return True
    return False


def _say(descriptor: int, text: str) -> None:
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)


def _told(descriptor: int) -> str | None:
    """Who holds the lock, by the file; None for this process itself."""
    try:
        said = json.loads(os.pread(descriptor, _LARGEST, 0))
        pid, who = int(said["pid"]), printable(str(said["who"]), 200)
    except (OSError, ValueError, KeyError, TypeError):
        return "Another nexy-tui"
    return None if pid == os.getpid() else f"{who} (process {pid})"
