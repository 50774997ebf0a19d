"""A tick and a choice whose state can be read without colour."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Checkbox, RadioButton


class Tick(Checkbox):
    """A checkbox that says yes or no."""

    BUTTON_LEFT, BUTTON_INNER, BUTTON_RIGHT = " ", "–", " "

    def __init__(self, question: str, *, value: bool, id: str) -> None:
        self._question = question
        super().__init__(value=value, id=id, compact=True)
        self._draw()

    def watch_value(self) -> None:
        """Draw the state as sign and word."""
        self._draw()
        super().watch_value()

    def _draw(self) -> None:
        self.BUTTON_INNER = "✓" if self.value else "–"
        self.label = Content.assemble(f"{self._question}: ", ("yes" if self.value else "no", "bold"))


class Choice(RadioButton):
    """One of several, filled or hollow."""

    BUTTON_LEFT, BUTTON_INNER, BUTTON_RIGHT = " ", "○", " "

    def watch_value(self) -> None:
        """Draw the state as a sign."""
        self.BUTTON_INNER = "●" if self.value else "○"
        super().watch_value()
