"""This phase's items, each with symbol, word and title; the selected one is marked by a character too."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.events import Click, Key, Resize
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from nexy_tui.checklist import Item
from nexy_tui.core.finding import Finding
from nexy_tui.release import Refusal, Release
from screens.marks import WORD_WIDTH, finding_mark
from screens.text import one_line

_HERE, _ELSEWHERE = "▸ ", "  "


class ItemList(OptionList):
    """One row an item. What was found stands beside the title only where all of it fits; the open item has it whole."""

    def __init__(self, items: Sequence[Item]) -> None:
        super().__init__(id="items", markup=False, compact=True)
        self._items = tuple(items)
        self._state: Release | None = None
        self._looking: frozenset[str] = frozenset()
        self._awaited: frozenset[str] = frozenset()
        self._rows: list[Content | None] = [None] * len(self._items)
        self.clicked = False
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
        """A click chooses; it is no Enter."""
        self.clicked = True

    def on_key(self, event: Key) -> None:
        """Keys are no clicks."""
        self.clicked = False

    def on_resize(self, event: Resize) -> None:
        """Rows depend on the width."""
        self._draw()

    def watch_highlighted(self, highlighted: int | None) -> None:
        """The mark of the selected line moves."""
        super().watch_highlighted(highlighted)
        self._draw()

    def watch_show_vertical_scrollbar(self) -> None:
        """A scrollbar that comes or goes changes the room as well, and is told by no resize."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if not self.is_mounted or self._state is None or not self._items:
            return
        width = self.scrollable_content_region.width or self.size.width
        column = max(cell_len(item.title) for item in self._items)
        for index, item in enumerate(self._items):
            finding = self._state.findings.get(item.id)
            mark = finding_mark(finding, looking=item.id in self._looking, awaited=item.action in self._awaited).content(WORD_WIDTH)
            head = Content.assemble((_HERE if index == self.highlighted else _ELSEWHERE, "bold $primary"), mark, item.title)
            content = _row(head, finding, column - cell_len(item.title) + 2, width)
            shown = self._rows[index]
            if shown is None or not content.is_same(shown):
                self._rows[index] = content
                self.replace_option_prompt_at_index(index, content)


def _row(head: Content, finding: Finding | None, gap: int, width: int) -> Content:
    said = "" if finding is None else one_line(finding.summary)
    fits = bool(said) and head.cell_length + gap + cell_len(said) <= width
    return Content.assemble(head, " " * gap, (said, "$muted")) if fits else head
