"""The one JSON form of the log: compact, ASCII, keys sorted, no floats, integers below 2^53, no key twice.

One value has one encoding, so a reader can demand that what it read re-encodes to the same bytes.
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
    try:
        value: object = json.loads(
            data.decode("ascii"), object_pairs_hook=_unique, parse_int=_integer, parse_float=_no_float, parse_constant=_no_float
        )
        again = encode(value)
    except NotCanonical:
        raise
    except RecursionError:
        raise NotCanonical("nested too deeply") from None
    except ValueError as error:
        raise NotCanonical(f"not JSON: {error}") from None
    if again != data:
        raise NotCanonical("not in the log's one JSON form (white space, order or escapes differ)")
    return value


def decode_object(data: bytes) -> dict[str, object]:
    """Read canonical bytes that hold a JSON object."""
    value = decode(data)
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
