"""Text that breaks a word longer than its column where a reader would: a path at its slashes, a digest in groups of eight."""

from __future__ import annotations

import re
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.containers import Lines
from rich.text import Text

_WORD = re.compile(r"\S+")
_DIGEST = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{40}(?:[0-9a-f]{24})?(?![0-9A-Za-z])")
_HEX = re.compile(r"[0-9a-fA-F]{8}(?=[0-9a-fA-F])")
_SLASH = re.compile(r"(?<=[/\\])(?=[^/\\])")
_OTHER = re.compile(r"(?<=[?&=,:;@_-])(?=\w)|(?<=\w)(?=\.\w)")


class Folded(Text):
    """As Text, folded at such places first and within words only where there is none."""

    def wrap(self, console: Console, width: int, **options: Any) -> Lines:
        """The lines."""
        cuts = breaks(self.plain, width)
        text = Text("\n").join(self.divide(cuts)) if cuts else self
        return Text.wrap(text, console, width, **options)


def breaks(text: str, width: int) -> list[int]:
    """Where the words of a text that are longer than `width` cells are to be broken."""
    return [found.start() + place for found in _WORD.finditer(text) if cell_len(found[0]) > width for place in _broken(found[0], width)]


def _broken(word: str, width: int) -> list[int]:
    slashes = [place.start() for place in _SLASH.finditer(word)]
    others = [place.start() for place in _OTHER.finditer(word)] + [place.end() for place in _HEX.finditer(word)]
    cuts, begun = list[int](), 0
    while cell_len(word[begun:]) > width:
        fitting = [[place for place in places if place > begun and cell_len(word[begun:place]) <= width] for places in (slashes, others)]
        begun = next((max(places) for places in fitting if places), begun + max(1, width))
        cuts.append(begun)
    return cuts


def shortened(text: str) -> str:
    """The text with each digest's middle left out; whole it stands among what was looked at."""
    return _DIGEST.sub(lambda found: f"{found[0][:8]}...{found[0][-8:]}", text)
