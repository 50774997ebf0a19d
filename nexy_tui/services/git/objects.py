"""Objects of the checkout, read by one `git cat-file --batch` that stays and is asked one after the other."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.core.surroundings import Surroundings
from nexy_tui.services import processes

_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class GitObject:
    """What git has under a name. `data` is None where there is more of it than was asked for."""

    oid: str
    kind: str
    size: int
    data: bytes | None


class ObjectReader:
    """The reading child, by its whole `argv`. It is of the object stores and the folder that it was started in; it ends with this value."""

    def __init__(self, argv: Sequence[str], env: Surroundings, checkout: Path) -> None:
        self._child = processes.start(
            argv,
            env=env,
            cwd=checkout,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.close = weakref.finalize(self, _end, self._child)

    def read(self, name: str, largest: int, timeout: float) -> GitObject | None:
        """The object of a name that has no line break in it; None where there is none.

        Raises OSError and EOFError when the child has ended, and when it gives no answer in `timeout` seconds.
        """
        asking, answers = self._child.stdin, self._child.stdout
        if asking is None or answers is None:
            raise EOFError(name)
        limit = threading.Timer(timeout, processes.end_group, (self._child,))
        limit.daemon = True
        limit.start()
        try:
            asking.write(name.encode("utf-8", "surrogateescape") + b"\n")
            asking.flush()
            head = answers.readline().split()
            if not head:
                raise EOFError(name)
            if len(head) != 3 or not head[2].isdigit():
                return None  # "… missing", or "… ambiguous".
            size, pieces = int(head[2]), list[bytes]()
            left = size + 1
            while left > 0:
                piece = answers.read(min(left, _PIECE))
                if not piece:
                    raise EOFError(name)
                left -= len(piece)
                if size <= largest:
                    pieces.append(piece)
        finally:
            limit.cancel()
        return GitObject(head[0].decode(), head[1].decode(), size, b"".join(pieces)[:-1] if size <= largest else None)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        processes.end_group(child)
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
