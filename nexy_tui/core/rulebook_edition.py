"""The edition of the rulebook that the checklist mirrors, section by section, and how another copy differs from it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nexy_tui.core.rulebook_demands import DEMANDS, Block, blocks, lines_with_headings, number_of
from nexy_tui.core.text import printable

TITLE = "Server Release & Update Guide"
UPDATED = "February 14, 2026"
MAX_SIZE = 1 << 20

DIGESTS: Mapping[str, str] = {
    "0": "cf116ea20e74c3fa",
    "0.1": "17f1d79a94e41d8a",
    "1": "d8081951630d9835",
    "1.1": "0c839fd4ffda945a",
    "1.2": "ab7834b79bf2f326",
    "1.3": "02f13037dc75167b",
    "2": "92858d42c237327e",
    "3": "3d9e47725cd30374",
    "3 Phase 1": "a5ef2b838907ee19",
    "3 Phase 1.1": "94d4a84ceb4d8bc2",
    "3 Phase 2": "1e0a1f5d42bb9fa1",
    "3 Phase 3": "6a9ba67bc5f07192",
    "4": "88ba23b694aabd72",
    "4.1": "34630ee337183a0f",
    "4.2": "7d16fdf2057d62b3",
    "4.3": "e4b127a2c1b7baa9",
    "4.4": "186966a7801964eb",
    "4.5": "9db671ecdc4cddc9",
    "4.6": "c74be7d3596bc621",
    "4.7": "5850af39e99a073b",
    "4.8": "1505af3ebdf59a1f",
    "4.9": "7254e496d0ab6938",
    "5": "269b2d5f1e4cd6c1",
    "6": "84973df0518217aa",
}
"""The first 16 hex digits of the SHA-256 of each section, as `sections` cuts and trims it."""

_RESEMBLES = 12
"""A document without the title that meets so many of the demands is an edition of the rulebook."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How another copy differs from the edition, by section.

    `changed` demand the same in other words, `moved` do so under another heading, `added` are only in the copy, and what
    `missing` ones demand is not found in it.
    """

    changed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.moved or self.added or self.missing)

    def __str__(self) -> str:
        parts = (("changed", self.changed), ("moved", self.moved), ("added", self.added), ("missing", self.missing))
        return "; ".join(f"{word}: {', '.join(numbers)}" for word, numbers in parts if numbers)

    @property
    def hollow(self) -> bool:
        """Whether nothing of what the rulebook demands is found."""
        return set(self.missing) >= set(DEMANDS)


def is_rulebook(text: str) -> bool:
    """Whether a document's first heading is the rulebook's title."""
    first = next((line for line in text.splitlines() if line.startswith("#")), "")
    return first.lstrip("#").strip() == TITLE


def resembles(text: str) -> bool:
    """Whether a document demands most of what the rulebook does, under whatever title."""
    found = blocks(text)
    return sum(any(block.meets(section) for block in found) for section in DEMANDS) >= _RESEMBLES


def updated(text: str) -> str:
    """What the copy says of its own date, or an empty text."""
    match = re.search(r"(?mi)^\*\*(?:Last Updated|Обновлено|Последнее обновление):\*\*\s*(.{1,60}?)\s*$", text)
    return match[1] if match else ""


def sections(text: str) -> dict[str, str]:
    """The digest of every section by its number, blank lines and the ends of lines aside. Commands' own `#` lines are no headings."""
    found: dict[str, list[str]] = {}
    number = ""
    for line, heading in lines_with_headings(text):
        if heading is not None and 2 <= len(heading["marks"]) <= 4:
            number = number_of(heading["title"]) or number
        if line and line != "---" and number:
            found.setdefault(number, []).append(line)
    return {number: hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] for number, lines in found.items()}


def drift(text: str) -> Drift:
    """How a copy differs from the edition: what it demands, whatever the language of its headings and their numbers."""
    found, copy = sections(text), blocks(text)
    at_home = {number for number in DEMANDS if any(block.name == number and block.meets(number) for block in copy)}
    elsewhere = [block for block in copy if block.name not in DIGESTS or (block.name in DEMANDS and block.name not in at_home)]
    differing = [number for number in DEMANDS if found.get(number) != DIGESTS[number]]
    moved = [number for number in differing if number not in at_home and any(block.meets(number) for block in elsewhere)]
    return Drift(
        changed=tuple(number for number in differing if number in at_home),
        moved=tuple(moved),
        added=tuple(dict.fromkeys(_added(copy, {*DIGESTS, *found}, moved))),
        missing=tuple(number for number in differing if number not in at_home and number not in moved),
    )


def _added(copy: tuple[Block, ...], numbered: set[str], moved: list[str]) -> Iterator[str]:
    """Headings under which none of the edition's demands stands. One without a number within a numbered section is part of that."""
    within, deep = "", 0
    for block in copy:
        if block.name in numbered:
            within, deep = block.name, block.level
        elif block.level <= deep:
            within = ""
        known = block.name in DIGESTS or (bool(within) and block.name not in numbered)
        if block.own and not known and not any(block.meets(number) for number in moved):
            yield printable(block.name, 60)
