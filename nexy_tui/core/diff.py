"""What a change would do to a file, as people read it."""

from __future__ import annotations

import difflib

from nexy_tui.core.secret import redact
from nexy_tui.core.text import printable


def unified(path: str, before: bytes, after: bytes) -> list[str]:
    """The unified diff of a file, lines made printable and URL credentials taken out; empty when nothing differs."""
    old, new = (data.decode("utf-8", "replace").splitlines() for data in (before, after))
    return [
        printable(redact(line.expandtabs(4)), 400) for line in difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", n=2, lineterm="")
    ]
