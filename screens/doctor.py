"""Ready?: whether this machine and its operator are set up for a release, line by line, with the next step of what is not."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from screens.base import WizardScreen
from screens.context import RunContext
from screens.text import one_line
from screens.widgets.grid import grid

if TYPE_CHECKING:
    from nexy_tui.core.finding import Finding
    from nexy_tui.engine.doctor import Diagnosis

_STYLES = {"passed": "$success", "not_applicable": "$muted", "failed": "bold $error", "inconclusive": "bold $warning"}


class DoctorScreen(WizardScreen):
    """The fourteen lines; below them the chosen one: what was seen, and the next step."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "look", "Check again"),
        Binding("y", "copy", "Copy the next step"),
        Binding("escape", "app.pop_screen", "Back", key_display="esc"),
    ]

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self._found: Diagnosis | None = None

    def body(self) -> Iterable[Widget]:
        """Title, list, and the chosen line."""
        with Vertical(id="listing"):
            yield Static(id="list-title", markup=False)
            yield OptionList(id="list", markup=False, compact=True)
            yield Static(id="about", markup=False)

    def on_mount(self) -> None:
        """Look."""
        self.query_one("#list").focus()
        self.action_look()
        self.redraw()

    def on_option_list_option_highlighted(self, _: OptionList.OptionHighlighted) -> None:
        """Show the line."""
        self._about()

    def action_look(self) -> None:
        """Look at every line, other machines included; nothing is changed."""
        self._title("checking …")
        self.context.start("Checking whether all is ready", partial(self.context.backend.diagnosis, offline=False), self._list)

    def action_copy(self) -> None:
        """Copy the chosen line's next step."""
        finding = self._chosen()
        if finding is not None and finding.remedy:
            self.context.copy(str(finding.remedy))

    def _title(self, about: str) -> None:
        self.query_one("#list-title", Static).update(Content.assemble(("Ready?", "bold"), (f"   {about}", "$muted")))

    def _chosen(self) -> Finding | None:
        index = self.query_one("#list", OptionList).highlighted
        return None if self._found is None or index is None else self._found.findings[index]

    def _list(self, found: Diagnosis) -> None:
        if not self.drawable:
            return
        from nexy_tui.engine.doctor import LINES

        if self._found is not None:
            self.context.tell(f"Checked again: {found.summary}.")
        self._found = found
        self._title(found.summary)
        listing = self.query_one("#list", OptionList)
        before = listing.highlighted
        listing.clear_options()
        listing.add_options(Option(_row(line.title, finding)) for line, finding in zip(LINES, found.findings, strict=True))
        wrong = next((place for place, finding in enumerate(found.findings) if finding.remedy), 0)
        listing.highlighted = wrong if before is None else min(before, len(LINES) - 1)
        self._about()

    def _about(self) -> None:
        finding = self._chosen()
        if finding is None:
            self.query_one("#about", Static).update("")
            return
        rows = [("seen", finding.summary), ("next step", str(finding.remedy))]
        self.query_one("#about", Static).update(grid(self.app, [row for row in rows if row[1]], width=11))


def _row(title: str, finding: Finding) -> Content:
    symbol, word = finding.shown
    style = _STYLES.get(finding.status.value, "$muted")
    return Content.assemble((f"{symbol} {title:<17}", "bold"), (f"{word:<12}", style), one_line(finding.summary))
