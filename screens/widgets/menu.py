"""A list whose chosen line is marked by a character too, not by colour alone."""

from __future__ import annotations

from rich.segment import Segment
from textual.binding import Binding
from textual.strip import Strip
from textual.widgets import OptionList
from textual.widgets.option_list import Option

MARK = "▸"


class Menu(OptionList):
    """An OptionList. The mark stands in the padding left of the line, so that no line moves; `enter` says what Enter does, at the foot."""

    def __init__(self, *options: Option, enter: str, id: str, compact: bool = False) -> None:
        super().__init__(*options, id=id, markup=False, compact=compact)
        self._bindings.key_to_bindings["enter"] = [Binding("enter", "select", enter, key_display="⏎")]

    def render_line(self, y: int) -> Strip:
        """The line, marked where it is the first of the chosen option."""
        strip, place = super().render_line(y), self.scroll_offset.y + y
        if place >= len(self._lines) or self._lines[place] != (self.highlighted, 0) or not strip.cell_length:
            return strip
        first = next(iter(strip), Segment(" "))
        return Strip([Segment(MARK, first.style), *strip.crop(1)], strip.cell_length)
