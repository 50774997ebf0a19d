"""This phase's items, each with symbol, word and one line."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click, Key, Resize
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from nexy_tui.checklist import Item
from nexy_tui.core.finding import Finding
from nexy_tui.release import Refusal, Release
from screens.marks import WORD_WIDTH, finding_mark
from screens.text import one_line


class ItemList(OptionList):
    """One row an item, two where there is room. Enter opens the item."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Open", key_display="⏎")]

    def __init__(self, items: Sequence[Item]) -> None:
        super().__init__(id="items", markup=False, compact=True)
        self._items = tuple(items)
        self._state: Release | None = None
        self._looking: frozenset[str] = frozenset()
        self._awaited: frozenset[str] = frozenset()
        self._rows: list[Content | None] = [None] * len(self._items)
        self.clicked_another = False
        self.add_options(Option(Content(item.title), id=item.id) for item in self._items)
        self.highlighted = self._led = 0 if self._items else None

    @property
    def selected(self) -> Item | None:
        """The item the cursor is on."""
        return None if self.highlighted is None else self._items[self.highlighted]

    def select(self, item: str) -> None:
        """Put the cursor on an item of this phase."""
        names = [one.id for one in self._items]
        if item in names:
            self.highlighted = self._led = names.index(item)

    def lead(self, refusal: Refusal | None) -> None:
        """Put the cursor on the item in the way, as long as the operator has not chosen another."""
        if refusal is not None and self.highlighted == self._led:
            self.select(refusal.item)

    def show(self, state: Release, looking: set[str], awaited: Collection[str] = ()) -> None:
        """Draw the items as the state has them; `awaited` are the actions that are still to run."""
        self._state, self._looking, self._awaited = state, frozenset(looking), frozenset(awaited)
        self._draw()

    def on_click(self, event: Click) -> None:
        """Remember whether the click moved the cursor: it then opens the item instead of closing the one that is open."""
        option = event.style.meta.get("option")
        self.clicked_another = option is not None and option != self.highlighted

    def on_key(self, event: Key) -> None:
        """Keys are no clicks."""
        self.clicked_another = False

    def on_resize(self, event: Resize) -> None:
        """Rows depend on width and height."""
        self._draw()

    def watch_show_vertical_scrollbar(self) -> None:
        """A scrollbar that comes or goes changes the room as well, and is told by no resize."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if self._state is None or not self._items:
            return
        width = self.scrollable_content_region.width or self.size.width
        tall = self.size.height >= 2 * len(self._items)
        column = max(cell_len(item.title) for item in self._items)
        column = min(column, max(20, (width - WORD_WIDTH) * 3 // 5))
        for index, item in enumerate(self._items):
            finding = self._state.findings.get(item.id)
            mark = finding_mark(finding, looking=item.id in self._looking, awaited=item.action in self._awaited).content(WORD_WIDTH)
            row = _tall_row if tall else _row
            content = row(mark, item, finding, width, column)
            shown = self._rows[index]
            if shown is None or not content.is_same(shown):
                self._rows[index] = content
                self.replace_option_prompt_at_index(index, content)


def _row(mark: Content, item: Item, finding: Finding | None, width: int, column: int) -> Content:
    title = Content(item.title).truncate(column, ellipsis=True, pad=True)
    said = Content.styled(_said(finding), "$muted")
    return Content.assemble(mark, title, "  ", said).truncate(width, ellipsis=True)


def _tall_row(mark: Content, item: Item, finding: Finding | None, width: int, column: int) -> Content:
    first = Content.assemble(mark, (item.title, "bold")).truncate(width, ellipsis=True)
    said = Content.styled(" " * WORD_WIDTH + _said(finding), "$muted").truncate(width, ellipsis=True)
    return Content("\n").join([first, said])


def _said(finding: Finding | None) -> str:
    return "not looked at yet" if finding is None else one_line(finding.summary)
