"""The log's JSON: no floats, integers below 2^53, ASCII keys, no key twice; written compact, in ASCII, keys sorted.

A line must be in just that form, so that nobody can add a byte to it. What is signed inside it may come from other people's writers in any.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

MAX_INT = 2**53
"""Integers stay below this: other readers hold numbers as doubles (RFC 8259 section 6)."""

MAX_DEPTH = 32

_SURROGATE = re.compile("[\ud800-\udfff]")


class NotCanonical(ValueError):
    """The bytes or the value are not in the log's JSON form; the message says how."""


def encode(value: object) -> bytes:
    """The canonical bytes of a value. Raises NotCanonical for floats, large integers, non-ASCII keys, deep nesting and foreign types."""
    _demand(value)
    return json.dumps(value, ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":")).encode("ascii")


def decode(data: bytes) -> object:
    """Read canonical bytes. Raises NotCanonical for anything that would not be written so."""
    value = _read(data)
    if encode(value) != data:
        raise NotCanonical("not in the log's one JSON form (white space, order or escapes differ)")
    return value


def decode_object(data: bytes) -> dict[str, object]:
    """Read canonical bytes that hold a JSON object."""
    return _object(decode(data))


def read_object(data: bytes) -> dict[str, object]:
    """Read a JSON object of any white space, order and escapes, and otherwise as strictly. Raises NotCanonical."""
    return _object(_read(data))


def _read(data: bytes) -> object:
    try:
        value: object = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_int=_integer, parse_float=_no_float, parse_constant=_no_float
        )
        _demand(value)
    except NotCanonical:
        raise
    except RecursionError:
        raise NotCanonical("nested too deeply") from None
    except ValueError as error:
        raise NotCanonical(f"not JSON: {error}") from None
    return value


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise NotCanonical("not a JSON object")
    return value


def _demand(value: object, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise NotCanonical("nested too deeply")
    match value:
        case None | bool():
            return
        case str():
            if not value.isascii() and _SURROGATE.search(value):
                raise NotCanonical("a text contains half a surrogate pair")
        case int():
            if abs(value) >= MAX_INT:
                raise NotCanonical("an integer is not below 2^53")
        case list() | tuple():
            for element in value:
                _demand(element, depth + 1)
        case Mapping():
            for key, element in value.items():
                if not isinstance(key, str) or not key.isascii():
                    raise NotCanonical(f"the key {str(key)[:60]!r} is not an ASCII text")
                _demand(element, depth + 1)
        case _:
            raise NotCanonical(f"a value of type {type(value).__name__} has no place in the log")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise NotCanonical("a key stands twice in one object")
    return result


def _integer(text: str) -> int:
    if len(text) > 17:  # Python takes its time over long ones, and refuses very long ones with advice for programmers.
        raise NotCanonical("an integer is not below 2^53")
    return int(text)


def _no_float(text: str) -> object:
    raise NotCanonical(f"the number {text[:40]} is not an integer")
