"""The three standard streams, whatever became of them: closed, broken, or of an encoding that cannot say everything."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from pathlib import Path
from typing import TextIO

from nexy_tui.core.problem import CouldNotLook, Unusable

_PLAINLY = "nexy_tui_plainly"
_PLAIN = {"✓": "+", "✗": "x", "○": "o", "·": "-", "–": "-", "…": "...", "“": '"', "”": '"', "’": "'", "→": "->"}
"""What this tool prints and an ASCII terminal lacks, with what it shows in its place."""


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: a character that an encoding lacks, as what resembles it, else escaped."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_PLAIN.get(char) or char.encode("ascii", "backslashreplace").decode() for char in lacking), error.end


codecs.register_error(_PLAINLY, _plainly)


def hold() -> None:
    """Have all three, so that no file or connection takes a closed one's place and is written to as it; escape what an encoding lacks."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # The lowest number that is free: this one.
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w" if number else "r", encoding="utf-8"))  # noqa: SIM115  For the whole process.
        elif number and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_PLAINLY)


def require_output() -> None:
    """Pass where there is a standard output. Raises Unusable when it was closed."""
    if getattr(sys.stdout, "name", None) == os.devnull:
        raise Unusable(
            "Standard output is closed.", "The JSON document has nowhere to go.", "Give it a file or a pipe: nexy-tui ... > FILE"
        )


def put(text: str, end: str = "\n") -> None:
    """Write to standard output, as it is. Raises CouldNotLook when it cannot be written."""
    try:
        print(text, end=end, flush=True)
    except (OSError, ValueError) as error:
        raise unwritable(error) from None


def settle() -> None:
    """Let go of what could not be written, so that the interpreter's end does not change the exit status for it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            _to_nowhere(stream)


def _to_nowhere(stream: TextIO) -> None:
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def unwritable(error: Exception) -> CouldNotLook:
    """What to say of a standard output that failed; what is still in it goes nowhere, at the interpreter's end neither."""
    _to_nowhere(sys.stdout)
    return CouldNotLook(
        f"Standard output cannot be written: {getattr(error, 'strerror', None) or 'it is closed'}.",
        "What there is to say could not be handed over, so nothing is concluded.",
        "Run it again with an output that is read to its end and has room.",
    )
