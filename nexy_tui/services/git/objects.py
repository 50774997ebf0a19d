"""Objects of the checkout, read by GitPython's `git cat-file --batch`, a child that stays and is asked one after the other."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.core.given import lent
from nexy_tui.core.surroundings import Surroundings
from nexy_tui.services import processes

_PIECE = 1 << 16


_NO_GIT = {"GIT_PYTHON_REFRESH": "quiet", "GIT_PYTHON_GIT_EXECUTABLE": os.devnull}
"""GitPython tries git out as it is imported, with every secret of the environment: meanwhile there is none to be found."""

with lent(_NO_GIT, *_NO_GIT):
    import git


@dataclass(frozen=True, slots=True)
class GitObject:
    """What git has under a name. `data` is None where there is more of it than was asked for."""

    oid: str
    kind: str
    size: int
    data: bytes | None


class _Asked(git.Git):
    """GitPython, asking a child of ours. Its own would get this process's whole environment, and its end would be an absence."""

    def _prepare_ref(self, ref: object) -> bytes:
        return str(ref).encode("utf-8", "surrogateescape") + b"\n"

    def _parse_object_header(self, header_line: str | bytes) -> tuple[str, str, int]:
        if not header_line:
            raise EOFError("git cat-file has ended")
        return super()._parse_object_header(header_line if isinstance(header_line, str) else header_line.decode())


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
        self._asked = _Asked(checkout)
        self._asked.cat_file_all = git.Git.AutoInterrupt(self._child, argv)
        self.close = weakref.finalize(self, _end, self._child)

    def read(self, name: str, largest: int, timeout: float) -> GitObject | None:
        """The object of a name that has no line break in it; None where there is none.

        Raises OSError and EOFError when the child has ended, and when it gives no answer in `timeout` seconds.
        """
        limit = threading.Timer(timeout, processes.end_group, (self._child,))
        limit.daemon = True
        limit.start()
        try:
            oid, kind, size, stream = self._asked.stream_object_data(name)
            pieces, left = list[bytes](), size
            while left > 0:  # In pieces, whatever its size: GitPython would read what is left of a stream at once.
                piece = stream.read(min(left, _PIECE))
                if not piece:
                    raise EOFError(name)
                left -= len(piece)
                if size <= largest:
                    pieces.append(piece)
        except ValueError:
            return None  # "… missing", or "… ambiguous".
        finally:
            limit.cancel()
        return GitObject(oid, kind, size, b"".join(pieces) if size <= largest else None)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        processes.end_group(child)
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
