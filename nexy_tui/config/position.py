"""Where a key stands in a TOML text, for messages; the text has been read by tomllib already, or was refused by it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?\s*(?P<key>{_DOTTED})\s*\]")
_ASSIGNMENT = re.compile(rf"\s*(?P<key>{_DOTTED})\s*=\s*(?P<value>.*)")
_BLOCK = re.compile(r"\"\"\"|'''")


def position(text: str, path: Sequence[str]) -> tuple[int, int] | None:
    """Line and column, both from 1, of the key that `path` names, or of the nearest table around it; None where neither stands there."""
    best: tuple[int, int, int] | None = None
    table: tuple[str, ...] = ()
    block = ""
    for number, line in enumerate(text.split("\n"), 1):
        if block:
            block = "" if block in line else block
            continue
        if (header := _HEADER.match(line)) is not None:
            table = found = _parts(header["key"])
            column = header.start("key")
        elif (assignment := _ASSIGNMENT.match(line)) is not None:
            found, column = (*table, *_parts(assignment["key"])), assignment.start("key")
            opened = _BLOCK.match(assignment["value"])
            block = opened[0] if opened and opened[0] not in assignment["value"][3:] else ""
        else:
            continue
        if found == tuple(path[: len(found)]) and (best is None or len(found) > best[0]):
            best = (len(found), number, column + 1)
            if len(found) < len(path):
                inner = re.search(rf"[{{,.]\s*(?P<key>{re.escape(path[-1])})\s*=", line)
                best = best if inner is None else (len(found), number, inner.start("key") + 1)
    return None if best is None else best[1:]


def worded(text: str, path: Sequence[str]) -> str:
    """`, line L, column C` of a key, or an empty text where it cannot be told."""
    found = position(text, path)
    return "" if found is None else f", line {found[0]}, column {found[1]}"


def refused_line(text: str) -> int | None:
    """The line whose value tomllib's own readers of numbers and dates refuse, without saying where."""
    for number, line in enumerate(text.split("\n"), 1):
        try:
            tomllib.loads(line)
        except tomllib.TOMLDecodeError:
            continue
        except (ValueError, RecursionError):
            return number
    return None


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in re.findall(_PART, dotted))
