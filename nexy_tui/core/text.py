"""Text from outside made fit for a terminal, a log line and a JSON document."""

from __future__ import annotations

import difflib

from nexy_tui.core.secret import redact

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def printable(text: str, limit: int = 200) -> str:
    """One line of at most `limit` characters: anything a terminal would obey rather than show becomes a visible escape."""
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def printable_lines(text: str, width: int = 1000) -> str:
    """Text of several lines, each made printable; only a newline begins another one."""
    return "\n".join(printable(line, width) for line in text.split("\n"))


def last_lines(text: str, count: int = 12, width: int = 300) -> str:
    """The last lines that say anything, each made printable."""
    lines = [line for line in text.splitlines() if line.strip()]
    return "\n".join(printable(line.rstrip(), width) for line in lines[-count:])


def age(seconds: float) -> str:
    """An age for people: in its largest whole unit."""
    return next((f"{seconds // size:.0f} {unit}" for size, unit in _UNITS if seconds >= size), f"{seconds:.0f} s")


def unified(path: str, before: bytes, after: bytes) -> list[str]:
    """The unified diff of a file, lines made printable and URL credentials taken out; empty when nothing differs."""
    old, new = (data.decode("utf-8", "replace").splitlines() for data in (before, after))
    return [
        printable(redact(line.expandtabs(4)), 400) for line in difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", n=2, lineterm="")
    ]


def roughly(seconds: float) -> str:
    """A usual time as people say it: `20 seconds`, `about 4 minutes`."""
    if seconds < 90:
        return f"{max(5, round(seconds / 5) * 5)} seconds"
    return f"about {round(seconds / 60)} minutes"
