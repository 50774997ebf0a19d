"""A command whose output goes to somebody who reads up to the point of no return, and then leaves or reads no more."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_MARK = b"past the point of no return"


def _until_the_mark(reading: int) -> bytes:
    seen = b""
    while _MARK not in seen:
        piece = os.read(reading, 256)
        assert piece, seen[-2000:]
        seen += piece
    return seen


def told_to_a_pipe(*arguments: str, cwd: Path, env: Mapping[str, str], leaves: bool) -> int:
    """The exit status of `nexy-tui` in a process of its own."""
    reading, writing = os.pipe()
    if sys.platform == "linux":
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    with subprocess.Popen(["nexy-tui", *arguments], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=writing, stderr=writing) as child:
        os.close(writing)
        _until_the_mark(reading)
        if leaves:
            os.close(reading)
        try:
            status = child.wait(120)
        finally:
            child.kill()
    if not leaves:
        os.close(reading)
    return status
