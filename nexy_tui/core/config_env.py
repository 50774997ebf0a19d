"""`config.env`: `KEY=VALUE` lines, read as the server reads them (contracts: config.env)."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTES = ("'", '"')


def parse(text: str) -> dict[str, str]:
    """The value that counts for each name, the last one; a name that no environment variable can have is left out (rulebook 4.8).

    The first `=` of a line separates; a pair of quotes around a value is not part of it.
    """
    assignments = (_assignment(line) for line in text.split("\n"))
    return {found[0]: _unquoted(found[1]) for found in assignments if found is not None and _NAME.fullmatch(found[0])}


def line_of(text: str, name: str) -> int:
    """The number of the line whose value counts for a name that `parse` has found."""
    return max(number for number, line in enumerate(text.split("\n"), start=1) if (_assignment(line) or ("",))[0] == name)


def _assignment(line: str) -> tuple[str, str] | None:
    stripped = line.strip()
    if not stripped or stripped.startswith("#"):
        return None
    name, separator, value = stripped.partition("=")
    return (name.strip(), value.strip()) if separator else None


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in _QUOTES:
        return value[1:-1]
    return value
