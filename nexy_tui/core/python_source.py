"""Python source from outside as a syntax tree: never run, and bounded in what it may cost."""

from __future__ import annotations

import ast
import io
import threading
import tokenize
import warnings

MAX_SIZE = 256 * 1024
"""A script of the team's is some tens of kilobytes; more than this is refused unread. A tree takes two hundred times its source."""

_FILE = "<from outside>"

_ONE = threading.Lock()
"""Before 3.11.5 two threads that make trees of Python at once can break each other's (SystemError)."""

# The compiler warns of odd source by quoting it on standard error, control characters included.
warnings.filterwarnings("ignore", module=_FILE)


def tree(source: bytes | str, name: str = _FILE) -> ast.Module:
    """`ast.parse`, one thread at a time."""
    with _ONE:
        return ast.parse(source, name)


def parse(source: bytes) -> ast.Module:
    """The syntax tree of UTF-8 source; positions in it are those of the bytes behind a byte-order mark.

    Raises ValueError saying why there is none: it is too large, no UTF-8, in another coding by its own word, no Python, or
    nested more deeply than can be read.
    """
    if len(source) > MAX_SIZE:
        raise ValueError(f"it is larger than {MAX_SIZE} bytes")
    try:
        source.decode("utf-8")
        coding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        if coding not in ("utf-8", "utf-8-sig"):
            raise ValueError(f"it names the coding {coding[:40]!r}, where UTF-8 is expected")
        if b"\0" in source:
            raise ValueError("it is not valid Python: it contains a NUL byte")  # Its SyntaxError is a bare ValueError before 3.11.4.
        return tree(source)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except SyntaxError as error:
        raise ValueError(f"it is not valid Python (line {error.lineno or 1})") from None
    except (RecursionError, MemoryError):
        raise ValueError("it cannot be read as Python: it is nested too deeply") from None
