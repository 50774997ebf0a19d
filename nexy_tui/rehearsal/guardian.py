"""The process around a world's supervisor: it holds the world's lock, and when the supervisor ends, nothing is left running.

Started detached, in a session of its own: by `shield.interpreter`. On Linux it is the subreaper of
everything the world starts, so that children of a killed supervisor come to it and end with it.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TextIO

_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_PDEATHSIG = 1
_GRACE = 2.0
"""Seconds what is left over gets to end by itself."""


def main() -> None:
    """Take the lock, run the supervisor in a child, and clean up after it."""
    arguments = _arguments()
    directory: Path = arguments.directory
    lock = (directory / "world.lock").open("w")
    if not _locked(lock):
        sys.exit("another process is bringing this world up")
    _become_subreaper()
    child = os.fork()
    if child == 0:
        end_with_parent()
        from nexy_tui.rehearsal import supervisor

        order = supervisor.Order(directory, arguments.layout, arguments.artifact_size, arguments.owner, tuple(arguments.seed))
        sys.exit(supervisor.main(order, arguments.report))
    os.close(arguments.report)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: _send(child, received))
    status = _wait_for(child)
    _end_the_rest()
    if arguments.passing and status == 0:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        (directory / "supervisor.json").unlink(missing_ok=True)
    sys.exit(os.waitstatus_to_exitcode(status))


def _locked(lock: TextIO) -> bool:
    """Take the lock. Somebody who only looks whether the world is up holds it for a moment; a guardian holds it for good."""
    for _ in range(20):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--layout", required=True)
    parser.add_argument("--artifact-size", type=int, required=True)
    parser.add_argument("--owner", type=int)
    parser.add_argument("--report", type=int, required=True)
    parser.add_argument("--seed", action="append", default=[])
    parser.add_argument("--passing", action="store_true")
    return parser.parse_args()


def _become_subreaper() -> None:
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent() -> None:
    """Have the kernel tell this process to end when its parent does, a killed one too: a supervisor's guardian, a wizard's rehearsal."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _wait_for(child: int) -> int:
    """The supervisor's exit status; whatever else ends meanwhile is reaped."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return status


def _end_the_rest() -> None:
    """End everything that is still below this process, politely first."""
    import psutil

    for number in (signal.SIGTERM, signal.SIGKILL):
        left = psutil.Process().children(recursive=True)
        for process in left:
            _send(process.pid, number)
        end = time.monotonic() + _GRACE
        while _reap() and time.monotonic() < end:
            time.sleep(0.02)


def _reap() -> bool:
    """Reap what has ended; whether anything is left."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return False
    return True


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


if __name__ == "__main__":
    main()
