"""Before an action: exactly what it will do, and, where it cannot be taken back, the text that has to be typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from nexy_tui.core.target import Target
from screens.dialogs.dialog import Choice, Dialog, text
from screens.widgets.grid import grid
from screens.widgets.top_bar import world_name

GO = "go"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the action's title, its lines, the text to type if any, and whether it can be taken back."""

    title: str
    lines: tuple[str, ...]
    typed: str | None
    irreversible: bool
    target: Target
    verb: str = "Do it"


class ConfirmDialog(Dialog):
    """Ends with GO, and only after the text was typed exactly where one is asked for."""

    def __init__(self, question: Question) -> None:
        self._world = tone = "production" if question.target.world is None else "rehearsal"
        go = Choice(GO, question.verb, "y" if question.typed is None else "", "go")
        super().__init__(question.title, [go, Choice("no", "Leave it", "" if question.typed else "n")], tone=tone)
        self._question = question
        self.foot_rows = (2 if question.irreversible else 0) + (3 if question.typed is not None else 0) + 1

    def body(self) -> Sequence[Widget]:
        """The world and the lines."""
        question = self._question
        badge = (f" {world_name(question.target)} ", f"bold white on ${self._world}")
        lines = grid(self.app, [(" •", line) for line in question.lines], width=3, style="primary")
        return [text(badge, "  This is exactly what will be done:"), Static(lines, classes="space-above")]

    def foot(self) -> Sequence[Widget]:
        """Whether it can be taken back, and the text to type: always in sight, however many lines there are."""
        question = self._question
        parts: list[Widget] = []
        if question.irreversible:
            parts.append(text(("! It cannot be taken back.", "bold $warning"), classes="space-above"))
        if question.typed is not None:
            above = "" if question.irreversible else "space-above"
            parts.append(text("To go on, type  ", (question.typed, "bold"), classes=above))
            parts.append(Input(id="typed", compact=True, placeholder="type it here, then enter", select_on_focus=False))
            parts.append(Static("", id="typed-state", markup=False))
        return parts

    def on_mount(self) -> None:
        """Start in the field where there is one."""
        super().on_mount()
        if self._question.typed is not None:
            self.query_one("#typed", Input).focus()
            self._mark("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say whether the text is right so far."""
        self._mark(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on when the text is right."""
        self.action_choose(GO)

    def action_choose(self, value: str) -> None:
        """Go only with the right text."""
        if value == GO and not self._right():
            self.query_one("#typed-state", Static).update(
                Content.assemble(("✗ Not the same. ", "bold $error"), f"Type exactly: {self._question.typed}")
            )
            self.query_one("#typed", Input).focus()
            return
        self.dismiss(value)

    def _right(self) -> bool:
        wanted = self._question.typed
        return wanted is None or self.query_one("#typed", Input).value == wanted

    def _mark(self, value: str) -> None:
        right = self._right()
        self.query_one("#choice-go", Button).set_class(not right, "-dim")
        wanted = self._question.typed or ""
        state = self.query_one("#typed-state", Static)
        if right:
            state.update(Content.styled("✓ The same. Enter goes on.", "$success"))
        elif wanted.startswith(value):
            state.update(Content.styled("Not complete yet." if value else "Nothing is done until it is typed.", "$muted"))
        else:
            state.update(Content.styled("✗ Not the same.", "$error"))
