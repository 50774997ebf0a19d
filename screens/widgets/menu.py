"""A list whose chosen line is marked by a character too, not by colour alone."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import OptionList

MARK = "▸"


class Menu(OptionList):
    """An OptionList. The mark stands in the padding left of the line, so that no line moves."""

    def render_line(self, y: int) -> Strip:
        """The line, marked where it is the first of the chosen option."""
        strip, place = super().render_line(y), self.scroll_offset.y + y
        if place >= len(self._lines) or self._lines[place] != (self.highlighted, 0) or not strip.cell_length:
            return strip
        first = next(iter(strip), Segment(" "))
        return Strip([Segment(MARK, first.style), *strip.crop(1)], strip.cell_length)
