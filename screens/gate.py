"""Gate: every source of a version, a size or a digest side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from screens.dialogs.viewer import Viewer
from screens.phase import PhaseScreen
from screens.theme import status_styles
from screens.widgets.matrix import facts, listing, matrix


class GateScreen(PhaseScreen):
    """Rulebook section 3, phase 2, step 7: it must pass before deploy. The matrix is built from the findings' evidence."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("m", "matrix", "Matrix")]

    def panels(self) -> Iterable[Widget]:
        """The matrix, where the screen is large enough."""
        yield Static(id="matrix", markup=False)

    def redraw(self) -> None:
        """Draw the matrix with the rest."""
        super().redraw()
        found = facts(self.phase.items, self.session.state)
        self.set_class(bool(found.cells), "-compared")
        if found.cells:
            self.query_one("#matrix", Static).update(matrix(found, self.query_one("#middle").size.width or 80, status_styles(self.app)))

    def action_matrix(self) -> None:
        """The matrix on a page of its own, with every value in words."""
        found = facts(self.phase.items, self.session.state)
        if not found.cells:
            self.context.tell("Nothing has been looked at yet, so there is no matrix. r looks.")
            return
        styles = status_styles(self.app)
        table = matrix(found, self.app.size.width - 6, styles)
        self.app.push_screen(
            Viewer("Gate: what every source says", [listing(found, styles, holding=False), table, "", listing(found, styles, holding=True)])
        )
