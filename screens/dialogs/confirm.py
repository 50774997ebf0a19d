"""Before an action: what will be different for whom; folded, exactly what is done; and the text to type where there is no way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.binding import Binding
from textual.content import Content
from textual.events import Key
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from nexy_tui.core.target import Target
from screens.dialogs.dialog import Choice, Dialog, text
from screens.widgets.grid import grid
from screens.widgets.top_bar import world_name

GO = "go"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a title, the deed line by line, the text to type if any, and whether it cannot be undone.

    `plain` says in a sentence or two what will be different for whom; the lines are then folded. `usual` are the seconds it usually
    takes, None where nobody knows.
    """

    title: str
    lines: tuple[str, ...]
    typed: str | None
    irreversible: bool
    target: Target
    verb: str = "Do it"
    plain: tuple[str, ...] = ()
    usual: float | None = None


class ConfirmDialog(Dialog):
    """Ends with GO, and only after the text was typed exactly where one is asked for."""

    BINDINGS = [Binding("d", "details", "Exactly what is done", show=False)]  # noqa: RUF012

    def __init__(self, question: Question) -> None:
        self._world = tone = "production" if question.target.world is None else "rehearsal"
        go = Choice(GO, question.verb, "y" if question.typed is None else "", "go")
        super().__init__(question.title, [go, Choice("no", "Leave it", "" if question.typed else "n")], tone=tone)
        self._question = question
        self._warned = question.irreversible and not question.plain
        self.foot_rows = (2 if self._warned else 0) + (3 if question.typed is not None else 0) + 1
        if not question.plain:
            self.add_class("-unfolded")

    def body(self) -> Sequence[Widget]:
        """The world, what it means, and the deed."""
        question = self._question
        badge = (f" {world_name(question.target)} ", f"bold white on ${self._world}")
        lines = grid(self.app, [(" •", line) for line in question.lines], width=3, style="primary")
        deed = Static(lines, classes="space-above", id="deed")
        if not question.plain:
            return [text(badge, "  This is exactly what will be done:"), deed]
        said = [text(sentence, classes="space-above") for sentence in question.plain]
        key = "dd" if (question.typed or "").startswith("d") else "d"
        unfolds = text((f" {key} ", "bold reverse"), "  exactly what is done, word for word", classes="space-above")
        return [text(badge), *said, unfolds, deed]

    def foot(self) -> Sequence[Widget]:
        """Whether it can be undone, and the text to type: always in sight, however many lines there are."""
        question = self._question
        parts: list[Widget] = []
        if self._warned:
            parts.append(text(("! It cannot be undone.", "bold $warning"), classes="space-above"))
        if question.typed is not None:
            above = "" if self._warned else "space-above"
            parts.append(text("To go on, type  ", (question.typed, "bold"), classes=above))
            parts.append(_Typed(question.typed))
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

    def action_details(self) -> None:
        """Unfold the deed, or fold it again."""
        self.toggle_class("-unfolded")
        self.call_after_refresh(self._to_the_deed)

    def _to_the_deed(self) -> None:
        self.on_resize()
        if self.has_class("-unfolded"):
            self.query_one("#body").scroll_to_widget(self.query_one("#deed"), top=True, animate=False)
            self.call_after_refresh(self._hint)

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


class _Typed(Input):
    """The field. A `d` that the text does not want unfolds the deed, as it does where nothing is typed."""

    def __init__(self, wanted: str) -> None:
        super().__init__(id="typed", compact=True, placeholder="type it here, then enter", select_on_focus=False)
        self._wanted = wanted

    async def _on_key(self, event: Key) -> None:
        if event.key == "d" and not self._wanted.startswith(f"{self.value}d"):
            event.stop()
            event.prevent_default()
            await self.run_action("screen.details")
        else:
            await super()._on_key(event)
