"""JSON from outside, read without forgiveness: no key twice, no NaN, no endless number, no half surrogate, no deep nesting (RFC 8259)."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

MAX_DEPTH = 32

MAX_DIGITS = 100
"""Of an integer. Reading and showing one takes time that grows with the square of its length; Python refuses very long ones."""


def loads(raw: bytes) -> Any:
    """The value of a JSON text in UTF-8. Raises ValueError naming what is wrong; never any other error."""
    try:
        text = raw.decode("utf-8")
        if text.startswith("\ufeff"):
            raise ValueError("it is not JSON (it begins with a byte order mark)")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_integer)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error.msg}, line {error.lineno})") from None
    _bounded(value)
    return value


def load_object(raw: bytes) -> dict[str, Any]:
    """As `loads`, for a text that must be an object."""
    value = loads(raw)
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise ValueError(f"the key {key[:60]!r} stands in it twice")
        made[key] = value
    return made


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("a number in it is too large")
    return int(text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _bounded(value: Any, depth: int = 0) -> None:
    """Refuse nesting beyond MAX_DEPTH and strings that cannot be written as UTF-8."""
    if depth > MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError("a string in it has an unpaired surrogate") from None
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a number in it is too large")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _bounded(key, depth + 1)
            _bounded(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _bounded(inner, depth + 1)
