"""Asking for a secret: it is not shown, and it is kept nowhere but where the fixer puts it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.widget import Widget
from textual.widgets import Input

from screens.dialogs.dialog import Choice, Dialog, text


class SecretDialog(Dialog):
    """Ends with the secret, or with None where it was left."""

    foot_rows = 2

    def __init__(self, title: str, question: str) -> None:
        super().__init__(title, [Choice("give", "Go on", tone="go"), Choice("no", "Leave it")])
        self._question = question

    def body(self) -> Sequence[Widget]:
        """What is asked, and what becomes of it."""
        kept = "It reaches no log, no command line and no other screen; it is proved before it is kept."
        return [text((self._question.strip(" :"), "bold")), text(kept, classes="space-above")]

    def foot(self) -> Sequence[Widget]:
        """The field."""
        return [Input(id="secret", password=True, compact=True, placeholder="type or paste it here, then enter", max_length=4096)]

    def on_mount(self) -> None:
        """Start in the field."""
        super().on_mount()
        self.query_one("#secret", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter gives it."""
        self.action_choose("give")

    def action_choose(self, value: str) -> None:
        """End with what was typed; nothing typed is nothing given."""
        given = self.query_one("#secret", Input).value.strip()
        self.dismiss(given if value == "give" and given else None)
