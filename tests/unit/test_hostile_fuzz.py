"""Hostile input to every parser, made up: whatever comes, it is taken or refused by a documented error that says why."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hostile_kit import EVIL, PARSERS, meets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ORDINARY = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
MANY = settings(ORDINARY, max_examples=1500)
PROCESSES = {"git_config": 20}
"""Parsers that start a process for each input: so many times fewer."""

FRAGMENTS = (
    b"\x00",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\r\n",
    b"\r",
    b"\x0b",
    "\u2028\u0085".encode(),
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\\udc00\\ud800",
    b"\\u0000",
    EVIL.encode(),
    b"\x1b]52;c;aGk=\x07",
    b"\xc2\x9b2J",
    "\u202e".encode(),
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"9" * 40,
    b"-" + b"9" * 5000,
    b"true",
    b"null",
    b"[" * 200,
    b"{" * 200,
    b'{"a":' * 60,
    b"(" * 300,
    b"- " * 300,
    b"<a>" * 300,
    b'<!DOCTYPE a [<!ENTITY b "&b;&b;">]>',
    b"&b;",
    b"<?xml version='1.0' encoding='utf-7'?>",
    b"# coding: utf-7\n",
    b"!!python/object/apply:os.system [x]",
    b"&a [*a]",
    b"<<: *a",
    b'"""',
    b"'",
    b'"',
    b"=",
    b"*" * 60,
    b"x" * 5000,
    b"../../../../etc/passwd",
    b"%s%n{0}",
    b"2026-13-45T99:99:99Z",
    b"0001-01-01T00:00:00+23:59",
    b"\t",
    b"\n",
)

edits = st.lists(
    st.tuples(
        st.floats(min_value=0, max_value=1),
        st.integers(min_value=0, max_value=40),
        st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=20)),
    ),
    min_size=1,
    max_size=4,
)


def edited(raw: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """Each change cuts some bytes at a place and puts others there."""
    for place, cut, put in changes:
        at = int(place * len(raw))
        raw = raw[:at] + put + raw[at + cut :]
    return raw


def runs(name: str, limits: settings, strategy: st.SearchStrategy[bytes]) -> int:
    """Meet the parser with everything the strategy gives; how much that was."""
    met = 0

    def one(raw: bytes) -> None:
        nonlocal met
        met += 1
        meets(name, raw)

    fewer = settings(limits, max_examples=max(5, limits.max_examples // PROCESSES.get(name, 1)))
    property_: Callable[[], None] = fewer(given(strategy)(one))
    property_()
    return met


def damaged(name: str) -> st.SearchStrategy[bytes]:
    """What the parser takes, spoilt in a few places."""
    return edits.map(lambda changes: edited(PARSERS[name].takes, changes))


@pytest.mark.parametrize("name", PARSERS)
def test_what_is_right_is_taken(name: str) -> None:
    assert meets(name, PARSERS[name].takes) is None


@pytest.mark.parametrize("name", PARSERS)
def test_damaged_input_is_taken_or_refused_with_the_reason(name: str) -> None:
    assert runs(name, ORDINARY, damaged(name)) >= 5


@pytest.mark.parametrize("name", PARSERS)
def test_any_bytes_are_taken_or_refused_with_the_reason(name: str) -> None:
    assert runs(name, ORDINARY, st.binary(max_size=400)) >= 5


@pytest.mark.parametrize("name", PARSERS)
def test_each_hostile_fragment_at_the_beginning_in_the_middle_and_at_the_end(name: str) -> None:
    right = PARSERS[name].takes
    places = (0, len(right) // 3, len(right))
    for fragment in FRAGMENTS[:: 6 if name in PROCESSES else 1]:
        for place in places:
            meets(name, right[:place] + fragment + right[place:])
        meets(name, fragment)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", PARSERS)
def test_exhaustively(name: str) -> None:
    spoilt, any_ = runs(name, MANY, damaged(name)), runs(name, MANY, st.binary(max_size=2000))
    print(f"\n{name}: {spoilt} damaged inputs, {any_} of any bytes, every one taken or refused with its reason")
    assert min(spoilt, any_) >= 50
