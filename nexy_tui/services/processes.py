"""Child processes: no terminal, no standard input unless given, a time limit, and the whole group ended with them.

This is the one place where programs are started, each in the `Surroundings` of its kind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from nexy_tui.core.event import Emit, Ran, silent
from nexy_tui.core.problem import ActionFailed, Cancelled, CouldNotLook
from nexy_tui.core.secret import redact
from nexy_tui.core.surroundings import Needs, Surroundings

_KEEP = 4 * 1024 * 1024
_POLL_S = 0.05
_GRACE_S = 0.5
"""How long a child's own children may go on writing once it has ended; then they are ended too."""
_READ_S = 5.0
_TIDY_S = 5.0
"""How long git has, once told to end, to take its lock files away."""
_LEAVES_DAEMONS = (Needs.GIT, Needs.GIT_REMOTE)
"""What git leaves running when it has ended is the operator's: a credential cache, a file system monitor."""
_STARTED: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()


@dataclass(frozen=True, slots=True)
class Completed:
    """How a child ended: exit status and its output, decoded leniently and cut to the last 4 MiB each unless it was wanted whole."""

    exit: int
    stdout: str
    stderr: str

    @property
    def tail(self) -> str:
        """The last line that says anything, stderr first, without credentials."""
        for text in (self.stderr, self.stdout):
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            if lines:
                return redact(lines[-1])[:300]
        return "it printed nothing"


def run(
    argv: Sequence[str],
    *,
    env: Surroundings,
    cwd: Path | None = None,
    input: bytes | None = None,
    timeout: float = 120.0,
    emit: Emit = silent,
    cancelled: Callable[[], bool] | None = None,
    check: bool = True,
    whole: bool = False,
) -> Completed:
    """Run `argv` to its end. With `whole` nothing of its output is cut, and bytes that are no UTF-8 survive as surrogates.

    Raises CouldNotLook when the program is not there or the time limit passed, ActionFailed on a non-zero exit with
    `check`, Cancelled when `cancelled()` turned true. Its end is told to `emit`.
    """
    name, begun = Path(argv[0]).name, time.monotonic()
    try:
        child = start(
            argv,
            env=env,
            cwd=cwd,
            stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        if cwd is not None and not cwd.is_dir():
            raise CouldNotLook(f"{name} could not be started: there is no folder {cwd}.", remedy="Name one that is there.") from None
        raise CouldNotLook(
            f"{name} could not be started: {error.strerror}.", remedy=f"Install {name} and see that it is on PATH."
        ) from None
    outputs: list[bytearray] = [bytearray(), bytearray()]
    threads = [
        threading.Thread(target=_drain, args=(stream, sink, None if whole else _KEEP), daemon=True)
        for stream, sink in zip((child.stdout, child.stderr), outputs, strict=True)
        if stream is not None
    ]
    try:
        for thread in threads:
            thread.start()
        if input is not None and child.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                child.stdin.write(input)
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()
        _wait(child, threads, name, timeout, cancelled)
        for thread in threads:
            thread.join(_GRACE_S)
    finally:
        if child.returncode is None or env.needs not in _LEAVES_DAEMONS or any(thread.is_alive() for thread in threads):
            end_group(child, gently=env.needs in _LEAVES_DAEMONS)
    for thread in threads:
        thread.join(_READ_S)
    done = Completed(child.returncode, *(bytes(out).decode("utf-8", "surrogateescape" if whole else "replace") for out in outputs))
    emit(Ran(tuple(argv), done.exit, round((time.monotonic() - begun) * 1000)))
    if check and done.exit != 0:
        raise ActionFailed(f"{name} {argv[1] if len(argv) > 1 else ''} ended with status {done.exit}: {done.tail}")
    return done


def start(argv: Sequence[str], *, env: Surroundings, **options: Any) -> subprocess.Popen[bytes]:
    """A program in a session of its own, for whoever talks with it while it runs. Raises OSError; `options` are Popen's."""
    child = subprocess.Popen(list(argv), env=dict(env.variables), start_new_session=True, **options)
    _STARTED.add(child)
    return child


def end_all() -> None:
    """End every child that still runs, for a process that ends without waiting for whoever reads them."""
    for child in list(_STARTED):
        if child.returncode is None:
            end_group(child)


def _wait(
    child: subprocess.Popen[bytes], readers: Sequence[threading.Thread], name: str, timeout: float, cancelled: Callable[[], bool] | None
) -> None:
    """Wait for the child's end. Its outputs end with it, and their readers wake us at once; asking it again and again would not."""
    end = time.monotonic() + timeout
    while child.poll() is None:
        if cancelled is not None and cancelled():
            raise Cancelled(f"{name} was stopped by the operator.")
        if time.monotonic() >= end:
            raise CouldNotLook(
                f"{name} gave no answer in {timeout:.0f} s and was ended.", remedy="See that its server answers, then run again."
            )
        reading = next((thread for thread in readers if thread.is_alive()), None)
        if reading is not None:
            reading.join(_POLL_S)
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_POLL_S)


def _drain(stream: IO[bytes], sink: bytearray, keep: int | None) -> None:
    with stream:
        for line in iter(lambda: stream.readline(65536), b""):
            sink.extend(line)
            if keep is not None and len(sink) > 2 * keep:
                del sink[:-keep]


def end_group(child: subprocess.Popen[bytes], *, gently: bool = False) -> None:
    """End whatever is left of the child's session and reap it. `gently`, it is told to end first, and may tidy up."""
    if gently and child.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=_TIDY_S)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=5)
