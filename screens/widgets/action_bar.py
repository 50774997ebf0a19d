"""The phase's actions as a row of buttons: the main path's first, then the repairs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import HorizontalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button

from nexy_tui.checklist import Phase
from nexy_tui.engine.session import Session
from nexy_tui.release import Release
from screens.widgets.line import relabel

_RUNNING, _REPAIR, _WANTED, _DONE = "◌", "+", "▸", "✓"
_WORDS = {_RUNNING: " is running", _REPAIR: " (repair)", _WANTED: "", _DONE: " (done)"}


class ActionChosen(Message):
    """The operator asks for an action; nothing has begun."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action


class ActionBar(HorizontalScroll, can_focus=False):
    """A button an action, with its number as key; none where nothing is journalled and so nothing may act."""

    def __init__(self, session: Session, phase: Phase) -> None:
        super().__init__(id="actions")
        self._checklist = session.checklist
        main = self._checklist.main_actions(phase) if session.log is not None else ()
        repairs = self._checklist.repairs(phase) if session.log is not None else ()
        self._main = tuple(name for name in main if session.applies(name))
        self._repairs = tuple(name for name in repairs if name not in self._main and session.applies(name))
        self.display = bool(self.actions)

    @property
    def actions(self) -> Sequence[str]:
        """Every action that this kind of run has use for, in the order of the buttons."""
        return (*self._main, *self._repairs)

    @property
    def main(self) -> Sequence[str]:
        """Those of the main path."""
        return self._main

    def compose(self) -> ComposeResult:
        """The buttons."""
        yield from (Button(Content(name), id=f"action-{index}", compact=True) for index, name in enumerate(self.actions))

    def show(self, state: Release, running: str | None) -> None:
        """Draw each action with its number and a symbol: wanted, done, running or a repair; words where there is room."""
        signs = [self._sign(name, state, running) for name in self.actions]
        titles = [self._checklist.actions[name].title for name in self.actions]
        worded = [f"{sign} {title}{_WORDS[sign]}" for sign, title in zip(signs, titles, strict=True)]
        room = max(20, self.size.width) - 7 * len(titles)
        bare = [f"{sign} {title}" for sign, title in zip(signs, titles, strict=True)]
        texts = worded if sum(map(cell_len, worded)) <= room else bare
        count = len(self._main)
        texts = texts[:count] + _fitting(texts[count:], room - sum(map(cell_len, texts[:count])))
        for index, (text, sign) in enumerate(zip(texts, signs, strict=True)):
            button = self.query_one(f"#action-{index}", Button)
            relabel(button, Content.assemble((f" {index + 1} ", "bold"), f"{text} "))
            button.set_class(sign == _WANTED, "-wanted")

    def _sign(self, name: str, state: Release, running: str | None) -> str:
        if name == running:
            return _RUNNING
        if name in self._repairs:
            return _REPAIR
        return _WANTED if state.wants(name) else _DONE

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Ask for the action."""
        event.stop()
        if event.button.id is not None:
            self.post_message(ActionChosen(self.actions[int(event.button.id.removeprefix("action-"))]))


def _fitting(repairs: list[str], room: int) -> list[str]:
    """Repairs cut short where the main path's actions leave them too little room; what is still too wide scrolls."""
    if sum(map(cell_len, repairs)) <= room:
        return repairs
    return [Content(text).truncate(max(10, room // len(repairs)), ellipsis=True).plain for text in repairs]
