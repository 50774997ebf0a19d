"""`config.env`: `KEY=VALUE` lines, read as the server reads them and changed without touching the rest (contracts: config.env)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTES = ("'", '"')


@dataclass(frozen=True, slots=True)
class BadName:
    """A line whose name no environment variable can have: the server crashes on it at start (rulebook 4.8)."""

    line: int
    name: str


@dataclass(frozen=True, slots=True)
class ConfigEnv:
    """What a `config.env` says: the value that counts for each name (the last one), and the names that break the server."""

    values: Mapping[str, str]
    bad: tuple[BadName, ...]


def parse(text: str) -> ConfigEnv:
    """Read a `config.env`. The first `=` of a line separates; a pair of quotes around a value is not part of it."""
    values: dict[str, str] = {}
    bad: list[BadName] = []
    for number, line in enumerate(text.split("\n"), start=1):
        assignment = _assignment(line)
        if assignment is None:
            continue
        name, value = assignment
        if _NAME.fullmatch(name):
            values[name] = _unquoted(value)
        else:
            bad.append(BadName(number, name[:60]))
    return ConfigEnv(values, tuple(bad))


def set_value(text: str, name: str, value: str) -> str:
    """`text` with `name` set to `value` wherever it stands, or added at the end; every other byte stays.

    Raises ValueError for a name the server would crash on, and for a value that is more than one line.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name[:60]!r} is not a name the server can read")
    if any(character in value for character in "\n\r\0"):
        raise ValueError(f"the value of {name} is not a single line")
    lines = text.split("\n")
    found = False
    for index, line in enumerate(lines):
        assignment = _assignment(line)
        if assignment is not None and assignment[0] == name:
            lines[index] = f"{name}={value}" + ("\r" if line.endswith("\r") else "")
            found = True
    if not found:
        ending = "\r" if text.endswith("\r\n") else ""
        if lines[-1]:
            lines.append("")
        lines[-1:] = [f"{name}={value}{ending}", ""]
    return "\n".join(lines)


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
