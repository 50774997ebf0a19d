"""The edition of the rulebook that the checklist mirrors, section by section, and how another copy differs from it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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

_FENCE = re.compile(r"\s*(```|~~~)")
_NUMBERED = re.compile(r"#{2,4} (?P<number>\d+(\.\d+)*)\.?\s.*")
_PHASE = re.compile(r"#{2,4} (?P<phase>Phase \d+(\.\d+)*)\b.*")
_PREFIX = "3 "
"""The phases stand in section 3."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Sections whose words differ from the edition's, that are only in this copy, and that it lacks."""

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.added or self.missing)

    def __str__(self) -> str:
        parts = (("changed", self.changed), ("added", self.added), ("missing", self.missing))
        return "; ".join(f"{word}: {', '.join(numbers)}" for word, numbers in parts if numbers)


def is_rulebook(text: str) -> bool:
    """Whether a document's first heading is the rulebook's title."""
    first = next((line for line in text.splitlines() if line.startswith("#")), "")
    return first.lstrip("#").strip() == TITLE


def updated(text: str) -> str:
    """What the copy says of its own date, or an empty text."""
    match = re.search(r"(?m)^\*\*Last Updated:\*\*\s*(.{1,60}?)\s*$", text)
    return match[1] if match else ""


def sections(text: str) -> dict[str, str]:
    """The digest of every section by its number, blank lines and the ends of lines aside. Commands' own `#` lines are no headings."""
    found: dict[str, list[str]] = {}
    for number, line in _numbered(text):
        found.setdefault(number, []).append(line)
    return {number: hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] for number, lines in found.items() if number}


def _numbered(text: str) -> Iterator[tuple[str, str]]:
    """Every line that says something, with the section it stands in; an empty number before the first."""
    number, fenced = "", False
    for line in (line.rstrip() for line in text.splitlines()):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (heading := _NUMBERED.fullmatch(line)):
            number = heading["number"]
        elif not fenced and (heading := _PHASE.fullmatch(line)):
            number = _PREFIX + heading["phase"]
        if line and line != "---":
            yield number, line


def drift(text: str) -> Drift:
    """How a copy differs from the edition."""
    found = sections(text)
    return Drift(
        changed=tuple(number for number in DIGESTS if number in found and found[number] != DIGESTS[number]),
        added=tuple(number for number in found if number not in DIGESTS),
        missing=tuple(number for number in DIGESTS if number not in found),
    )
