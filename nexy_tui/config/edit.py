"""Setting keys in the operator's own configuration file: comments and everything else in it stay as they are."""

from __future__ import annotations

import contextlib
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nexy_tui.config.file import parse_config
from nexy_tui.config.position import position
from nexy_tui.core.problem import Unusable

Value = str | int | float


def with_values(text: str, values: Mapping[str, Value], name: str) -> str:
    """The text with these keys set, by their dotted names. Raises Unusable where a value is refused, or cannot be put in its place."""
    for key, value in values.items():
        text = _with(text, tuple(key.split(".")), value, name)
    parse_config(text, name)
    return text


def write_config(path: Path, text: str) -> None:
    """Put the configuration in its place in one step, its owner's alone to read (mode 0600). Raises Unusable where that cannot be.

    Where a link stands in its place, what that leads to is written: the link is the operator's.
    """
    place = path.resolve()
    part = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
        part.replace(place)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        what = f"The configuration {path} cannot be written: {error.strerror}."
        raise Unusable(what, remedy="Make its folder writable, or name another file in NEXY_CONFIG.") from None


def _with(text: str, path: tuple[str, ...], value: Value, name: str) -> str:
    before = tomllib.loads(text)
    wanted = _nested(before, path, value)
    if wanted == before:
        return text
    *table, key = path
    line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    lines = text.split("\n")
    place, header = position(text, path), position(text, table)
    if _value(before, path) is not None and place is not None:
        lines[place[0] - 1] = line
    elif _value(before, tuple(table)) is not None and header is not None:
        lines.insert(header[0], line)
    else:
        above = [*text.rstrip("\n").split("\n"), ""] if text.strip() else []
        lines = [*above, f"[{'.'.join(table)}]", line, ""]
    made = "\n".join(lines)
    try:
        fits = tomllib.loads(made) == wanted
    except ValueError:
        fits = False
    if not fits:
        raise Unusable(
            f"{'.'.join(path)} cannot be set in {name} without changing other things in it.",
            remedy=f"Write it there yourself: {line} under [{'.'.join(table)}]",
        )
    return made


def _value(data: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _nested(data: dict[str, Any], path: tuple[str, ...], value: Value) -> dict[str, Any]:
    head, *rest = path
    return {**data, head: _nested(data.get(head, {}), tuple(rest), value) if rest else value}
