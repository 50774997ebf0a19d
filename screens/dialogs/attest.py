"""Attesting: the operator's word in place of a check that could not see."""

from __future__ import annotations

from collections.abc import Sequence

from textual.widget import Widget
from textual.widgets import Input, Static

from nexy_tui.checklist import Item
from nexy_tui.core.finding import Finding
from nexy_tui.engine.session import Session
from screens.dialogs.dialog import Choice, Dialog, labelled, text
from screens.text import clean


class AttestDialog(Dialog):
    """Ends with the reason. Whether a reason will do is asked of the session's state."""

    def __init__(self, session: Session, item: Item, finding: Finding | None) -> None:
        super().__init__("Attest what could not be verified", [Choice("attest", "Attest", tone="go"), Choice("no", "Leave it")])
        self._session, self._item, self._finding = session, item, finding

    def body(self) -> Sequence[Widget]:
        """Item, what was seen, and the field for the reason."""
        seen = "" if self._finding is None else clean(self._finding.summary)
        return [
            text((self._item.title, "bold"), (f"   rulebook {self._item.section}", "$muted")),
            *labelled([("Why it matters", self._item.why), ("What could not be seen", seen)]),
            text("The log will say attested, with your name and this reason; it will never say verified.", classes="space-above"),
            Input(id="reason", compact=True, placeholder="how you know that it is right", max_length=400),
            Static("", id="reason-state", markup=False),
        ]

    def on_mount(self) -> None:
        """Start in the field."""
        super().on_mount()
        self.query_one("#reason", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter attests."""
        self.action_choose("attest")

    def action_choose(self, value: str) -> None:
        """End with the reason when it will do."""
        if value != "attest":
            self.dismiss(None)
            return
        reason = self.query_one("#reason", Input).value.strip()
        refusal = self._session.state.may_attest(self._item.id, reason)
        if refusal is None:
            self.dismiss(reason)
        else:
            self.query_one("#reason-state", Static).update(f"✗ {refusal.reason}")
            self.query_one("#reason", Input).focus()
