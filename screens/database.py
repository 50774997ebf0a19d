"""Database: a backup of this run, a recent restore drill, and the runbooks at hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from nexy_tui.core.problem import CouldNotLook
from nexy_tui.engine.places import read_document
from screens.dialogs.dialog import Choice
from screens.dialogs.message import MessageDialog
from screens.dialogs.viewer import Viewer
from screens.phase import PhaseScreen
from screens.text import clean

RUNBOOKS = ("server/Docs/DB_BACKUP_AND_RESTORE_RUNBOOK.md", "server/Docs/DATABASE_SETUP_GUIDE.md")
"""Rulebook section 3, phase 1.1, step 4."""


class DatabaseScreen(PhaseScreen):
    """Rulebook section 3, phase 1.1."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("m", "runbooks", "Runbooks", show=False)]

    def panels(self) -> Iterable[Widget]:
        """The line that names the runbooks."""
        names = " · ".join(Path(name).name for name in RUNBOOKS)
        yield Static(Content.assemble(("Runbooks ", "bold $primary"), (" m ", "bold reverse"), f"  {names}"), id="runbooks", markup=False)

    def action_runbooks(self) -> None:
        """Choose a runbook to read."""
        choices = [Choice(str(index), Path(name).name.removesuffix(".md"), str(index + 1)) for index, name in enumerate(RUNBOOKS)]
        lines = ["The team's canon for everything that touches the database (rulebook 1.1.4).", *RUNBOOKS]
        self.app.push_screen(MessageDialog("Runbooks", lines, choices), self._open)

    def on_click(self, event: object) -> None:
        """A click on the line opens the choice."""
        if self.query_one("#runbooks").mouse_hover:
            self.action_runbooks()

    def _open(self, choice: str | None) -> None:
        if choice is None or not choice.isdigit():
            return
        path = self.session.services.layout.path(RUNBOOKS[int(choice)])
        try:
            text = read_document(self.session.services, path)
        except CouldNotLook as problem:
            self.context.tell(problem.what)
            return
        self.app.push_screen(Viewer(str(path), [Content(clean(text))], copy=str(path)))
