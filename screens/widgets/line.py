"""A piece of text that is drawn again only when it changed, since screens are redrawn up to ten times a second."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Button, Static


def relabel(button: Button, label: Content) -> None:
    """Give a button another label, and the width that goes with it."""
    shown = button.label
    if not isinstance(shown, Content) or not label.is_same(shown):
        button.label = label
        button.refresh(layout=True)


class Line(Static):
    """Static text. `put` does nothing when the text and its styles are what they were."""

    def __init__(self, content: Content | None = None, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(content or "", id=id, classes=classes, markup=False)
        self._put = content

    def put(self, content: Content, *, layout: bool = False) -> None:
        """Show `content`; `layout` where its height may differ."""
        if self._put is None or not content.is_same(self._put):
            self._put = content
            self.update(content, layout=layout)
