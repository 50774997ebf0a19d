"""Text from outside made fit for a terminal, a log line and a JSON document."""

from __future__ import annotations

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
