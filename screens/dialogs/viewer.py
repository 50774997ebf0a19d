"""A text to read: a runbook, a run's records, the matrix, the keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.visual import VisualType
from textual.widgets import Static

from screens.text import one_line


class Viewer(ModalScreen[None]):
    """Scrolls with the arrows and page keys; escape, enter or q closes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", "Close", show=False),
        Binding("y", "copy", "Copy", show=False),
    ]

    def __init__(self, title: str, parts: Sequence[VisualType], *, copy: str = "", hint: str = "↑ ↓ scroll · esc closes") -> None:
        super().__init__()
        self._heading, self._parts, self._copy = title, tuple(parts), copy
        self._hint = hint + (" · y copies" if copy else "")

    def compose(self) -> ComposeResult:
        """The parts, one below the other."""
        with Vertical(id="page") as page:
            page.border_title = Content(one_line(self._heading, 200))
            page.border_subtitle = Content(self._hint)
            with VerticalScroll(id="text"):
                for part in self._parts:
                    yield Static(part, markup=False)

    def on_mount(self) -> None:
        """Let the keys scroll."""
        self.query_one("#text").focus()

    def action_close(self) -> None:
        """Back to the screen behind."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """Copy the text through the terminal (OSC 52)."""
        if self._copy:
            self.app.copy_to_clipboard(self._copy)
            self.app.notify("Copied through the terminal (OSC 52).", markup=False)
