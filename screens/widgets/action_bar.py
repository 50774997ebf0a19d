"""What may be done here besides the next step: the main path's actions as they stand, repairs where something is to repair."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import HorizontalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button

from nexy_tui.checklist import Phase
from nexy_tui.engine.next_step import offered
from nexy_tui.engine.session import Session
from screens.widgets.line import relabel

_RUNNING, _WANTED, _DONE = "◌", "○", "✓"


class ActionChosen(Message):
    """The operator asks for an action; nothing has begun."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action


class ActionBar(HorizontalScroll, can_focus=False):
    """A button an action, with its number as key; none where nothing is journalled and so nothing may act.

    The main path's come first. What is offered besides is never number 1, and not there where nothing is to repair.
    """

    def __init__(self, session: Session, phase: Phase) -> None:
        super().__init__(id="actions")
        self._session, self._phase = session, phase
        checklist = session.checklist
        main = checklist.main_actions(phase) if session.log is not None else ()
        self._main = tuple(name for name in main if session.applies(name))
        others = checklist.repairs(phase) if session.log is not None else ()
        self._others = tuple(name for name in others if name not in self._main and session.applies(name))

    @property
    def main(self) -> Sequence[str]:
        """Those of the main path that this kind of run has use for."""
        return self._main

    @property
    def actions(self) -> Sequence[str]:
        """What may be done now, the main path's first."""
        return (*self._main, *(name for name in offered(self._session, self._phase.id) if name in self._others))

    def numbered(self, number: int) -> str | None:
        """The action of a number key that is shown now."""
        return next((name for name, its in self._numbers().items() if its == number), None)

    def compose(self) -> ComposeResult:
        """The buttons."""
        yield from (Button(Content(name), id=f"action-{name}", compact=True) for name in (*self._main, *self._others))

    def show(self, running: str | None) -> None:
        """Draw each action with its number and a symbol."""
        numbers = self._numbers()
        self.display = bool(numbers)
        for name in (*self._main, *self._others):
            button = self.query_one(f"#action-{name}", Button)
            button.display = name in numbers
            label = self._session.checklist.release_action(name).label
            relabel(button, Content.assemble((f" {numbers.get(name, '')} ", "bold"), self._sign(name, running), f"{label} "))

    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.actions, 1 if self._main else 2)}

    def _sign(self, name: str, running: str | None) -> str:
        """How it stands; nothing before what is only offered."""
        if name == running:
            return f"{_RUNNING} "
        if name not in self._main:
            return ""
        return f"{_WANTED} " if self._session.state.wants(name) else f"{_DONE} "

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Ask for the action."""
        event.stop()
        if event.button.id is not None:
            self.post_message(ActionChosen(event.button.id.removeprefix("action-")))
