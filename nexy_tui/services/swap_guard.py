"""The wizard's side of the process that outlives it for the moment between the two renames of a swap.

The moment is short, but a process can be killed in it, and then clients get 404 until somebody comes. So a small process of
its own session waits at the end of a pipe: the pipe closes with the wizard, however it ends. It is told whom to watch, and
the token, over that pipe alone; with nothing to put right it ends at once (see `swap_guard_child`).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec

from nexy_tui.core.problem import ActionFailed
from nexy_tui.core.secret import Secret
from nexy_tui.core.shield import interpreter
from nexy_tui.core.surroundings import Needs, surroundings
from nexy_tui.core.target import Target
from nexy_tui.services import processes

if TYPE_CHECKING:
    from nexy_tui.services import Services

READY_S = 60.0
"""How long it may take to start, see the release with its own eyes and say so."""

_LEAVE_S = 5.0


@dataclass(frozen=True, slots=True)
class Move:
    """One swap by asset ids: `old` leaves the fixed name for `aside`, then `new` takes the fixed name."""

    name: str
    tag: str
    release: int
    old: int
    aside: str
    new: int


class SwapGuard:
    """The process, as a context: started on entering, told what to watch before each swap, dismissed at the end."""

    def __init__(self, target: Target, ca: Path | None, token: Secret, environ: Mapping[str, str]) -> None:
        self._first = {"target": msgspec.to_builtins(target), "ca": None if ca is None else str(ca), "token": token.reveal()}
        self._env = surroundings(Needs.PYTHON_NETWORK, environ)
        self._child: subprocess.Popen[bytes] | None = None
        self._greeted = False

    def __enter__(self) -> SwapGuard:
        """Start it; whether it came up is asked before the first swap. Raises ActionFailed where no process can be started."""
        try:
            self._child = processes.start(
                interpreter("nexy_tui.services.swap_guard_child"),
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
            )
        except OSError as error:
            raise _unguarded(f"it could not be started: {error.strerror}") from None
        self._tell(self._first)
        return self

    def ready(self) -> None:
        """Wait until it is up. Raises ActionFailed when it does not come: then begin no swap."""
        if not self._greeted:
            self._hear()
            self._greeted = True

    def watch(self, move: Move) -> None:
        """Have one swap watched from now on. Raises ActionFailed when it cannot see that release: then do not swap."""
        self.ready()
        self._tell(asdict(move))
        self._hear()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Dismiss it; after a failure it first looks for itself whether something is to be put right."""
        self._tell({"done": kind is None})
        self._leave(wait=kind is None)

    def _leave(self, *, wait: bool) -> None:
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            return
        with contextlib.suppress(OSError):
            child.stdin.close()
        child.stdout.close()
        if not wait:
            with contextlib.suppress(RuntimeError):  # Without room for a thread it is not waited for: it ends by itself all the same.
                threading.Thread(target=child.wait, name="swap-guard", daemon=True).start()
            return
        try:
            child.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _tell(self, word: Mapping[str, Any]) -> None:
        """A line to the process. One that is gone shows when its answer is missed."""
        if self._child is not None and self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.write(json.dumps(word).encode() + b"\n")

    def _hear(self) -> None:
        """Its next answer. Raises ActionFailed when it is none, or a problem."""
        assert self._child is not None and self._child.stdout is not None
        descriptor, answer = self._child.stdout.fileno(), b""
        while not answer.endswith(b"\n"):
            if not select.select([descriptor], [], [], READY_S)[0]:
                raise _unguarded(f"it gave no answer in {READY_S:.0f} s")
            piece = os.read(descriptor, 4096)
            if not piece:
                raise _unguarded("it ended")
            answer += piece
        problem = json.loads(answer)["problem"]
        if problem:
            raise _unguarded(f"it cannot see the release: {problem}")


def guard_of(services: Services) -> SwapGuard:
    """The guard for the services' target, token and network."""
    return SwapGuard(services.target, services.settings.ca, services.secrets.github_token(), services.environ)


def _unguarded(reason: str) -> ActionFailed:
    return ActionFailed(
        f"The process that guards the swap is not there: {reason}.",
        "Nothing was renamed: were this program killed between the two renames, clients would get 404 until somebody came.",
        "See that this machine can start processes and reaches the release host, then run again: it goes on with what is there.",
    )
