"""The box every question stands in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Static

from screens.text import one_line

_FRAME = 5
"""Rows of border and padding, and the one above the buttons."""

_WIDEST, _SHARE, _SIDES = 84, 94, 8
"""Columns of the box, at most and in percent of the screen's; those that border, padding and the first button's focus take of them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One button: the value the dialog ends with, its label, and its key."""

    value: str
    label: str
    key: str = ""
    tone: str = ""


class Dialog(ModalScreen[str | None]):
    """A title, a body that scrolls, and buttons. Escape always means: no, leave things as they are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "app.help", "Help", show=False),
        Binding("escape", "dismiss_dialog", "Close", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
        Binding("up", "scroll('up')", show=False),
        Binding("down", "scroll('down')", show=False),
        Binding("pageup", "scroll('page_up')", show=False),
        Binding("pagedown", "scroll('page_down')", show=False),
    ]

    foot_rows = 0
    """Rows that the foot takes."""

    def __init__(self, title: str, choices: Sequence[Choice], *, tone: str = "") -> None:
        super().__init__(classes=f"-{tone}" if tone else None)
        self._heading = title
        self._choices = tuple(choices)
        for choice in self._choices:
            if choice.key:
                self._bindings.bind(choice.key, f"choose('{choice.value}')", choice.label, show=False)

    def body(self) -> Sequence[Widget]:
        """What stands below the title; it scrolls where there is more of it than room."""
        return ()

    def foot(self) -> Sequence[Widget]:
        """What always stays in sight, between the body and the buttons."""
        return ()

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(id="box") as box:
            box.border_title = Content(one_line(self._heading, 200))
            with VerticalScroll(id="body", can_focus=False):
                yield from self.body()
            yield from self.foot()
            with Vertical(id="choices"):
                for row in self._rows():
                    with Horizontal():
                        yield from (self._button(choice) for choice in row)

    def on_mount(self) -> None:
        """Focus the first button unless the body took the focus."""
        if self.focused is None or isinstance(self.focused, Button):
            self.query("#choices Button").first(Button).focus()

    def on_resize(self) -> None:
        """Give the body what title, foot and buttons leave, and say when there is more of it."""
        body = self.query_one("#body", VerticalScroll)
        rows = len(self.query("#choices Horizontal"))
        body.styles.max_height = max(3, self.app.size.height * 92 // 100 - _FRAME - rows - self.foot_rows)
        self.call_after_refresh(self._hint)

    def action_scroll(self, where: str) -> None:
        """Scroll the body."""
        body = self.query_one("#body", VerticalScroll)
        getattr(body, f"scroll_{where}")(animate=False)
        self.call_after_refresh(self._hint)

    def _hint(self) -> None:
        body = self.query_one("#body", VerticalScroll)
        below = body.max_scroll_y - body.scroll_offset.y
        self.query_one("#box").border_subtitle = Content(f"{below:.0f} more lines ↓") if below > 0 else None

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """End with the button's value."""
        event.stop()
        self.action_choose((event.button.id or "").removeprefix("choice-"))

    def action_choose(self, value: str) -> None:
        """End with a choice."""
        self.dismiss(value)

    def action_dismiss_dialog(self) -> None:
        """End with nothing chosen."""
        self.dismiss(None)

    def _rows(self) -> list[list[Choice]]:
        """The choices in as many rows as it takes to cut none."""
        room = min(_WIDEST, self.app.size.width * _SHARE // 100) - _SIDES
        rows: list[list[Choice]] = [[]]
        for choice in self._choices:
            if rows[-1] and sum(map(_width, [*rows[-1], choice])) > room:
                rows.append([])
            rows[-1].append(choice)
        return rows

    @staticmethod
    def _button(choice: Choice) -> Button:
        label = Content.assemble((f" {choice.key} " if choice.key else "", "bold"), f" {choice.label} ")
        return Button(label, id=f"choice-{choice.value}", compact=True, classes=f"-{choice.tone}" if choice.tone else None)


def _width(choice: Choice) -> int:
    """Columns of a button and the gap after it."""
    return cell_len(choice.label) + 3 + (cell_len(choice.key) + 2 if choice.key else 0)


def text(*parts: str | tuple[str, str], classes: str = "") -> Static:
    """A paragraph of plain or styled text; nothing in it is read as markup."""
    return Static(Content.assemble(*parts), markup=False, classes=classes or None)


def labelled(rows: Sequence[tuple[str, str]]) -> Sequence[Widget]:
    """Label and text, one below the other; rows without text are left out."""
    return [text((label + "\n", "bold $primary"), body, classes="labelled") for label, body in rows if body]
