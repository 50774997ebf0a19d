"""The story of a run: when, in which phase, what, by whom, and how it ended; the raw records are one key away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import App
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from nexy_tui.engine.story import Step, Tone
from screens.base import WizardScreen
from screens.context import RunContext
from screens.dialogs.viewer import Viewer
from screens.text import clean, one_line

_MARKS = {Tone.GOOD: ("✓", "success"), Tone.BAD: ("✗", "error"), Tone.UNSEEN: ("?", "warning"), Tone.PLAIN: ("·", "muted")}


class StoryScreen(WizardScreen):
    """One run, step by step."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "show_records", "Records"),
        Binding("p", "report", "Page for others"),
        Binding("y", "copy", "Copy path"),
        Binding("escape", "app.pop_screen", "Back", key_display="esc"),
    ]

    def __init__(self, context: RunContext, name: str, log: Path) -> None:
        super().__init__(context)
        self._called, self._log = name, log

    def body(self) -> Iterable[Widget]:
        """The name, and the steps."""
        with Vertical(id="listing"):
            yield Static(
                Content.assemble((one_line(self._called, 100), "bold"), ("   what was done, step by step; times UTC", "$muted")),
                markup=False,
            )
            with VerticalScroll(id="story"):
                yield Static(id="steps", markup=False)

    def on_mount(self) -> None:
        """Read the log."""
        self.query_one("#story").focus()
        self.context.start("Reading the log", partial(self.context.backend.story, self._log), self._told)
        self.redraw()

    def action_show_records(self) -> None:
        """The records themselves, one line each."""
        self.context.start("Reading the records", partial(self.context.backend.records, self._log), self._records)

    def action_report(self) -> None:
        """Write the run as a page that can be sent to others."""
        report(self.context, self._log)

    def action_copy(self) -> None:
        """Copy the log's path."""
        self.context.copy(str(self._log))

    def _told(self, steps: Sequence[Step]) -> None:
        if self.drawable:
            self.query_one("#steps", Static).update(steps_table(self.app, steps))

    def _records(self, lines: Sequence[str]) -> None:
        parts = [Content(one_line(line, 600)) for line in lines]
        self.app.push_screen(Viewer(f"Records: {one_line(self._called, 100)}", parts, copy=str(self._log)))


def report(context: RunContext, log: Path) -> None:
    """Write a run's page beside its log, and say where it lies."""

    def written(page: Path) -> None:
        context.copy(str(page), f"Written: {page}. The path is copied.")

    context.start("Writing the page", partial(context.backend.report, log), written)


def steps_table(app: App[Any], steps: Sequence[Step]) -> Table:
    """When and where on the left; what, by whom and how it ended on the right, folded between words."""
    colours = app.theme_variables
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    table.add_column(width=8, no_wrap=True)
    table.add_column(width=12, overflow="fold")
    table.add_column(ratio=1, overflow="fold")
    day = ""
    for step in steps:
        if step.when[:10] != day:
            day = step.when[:10]
            table.add_row(Text(""), Text(""), Text(day, colours["muted"]))
        sign, colour = _MARKS[step.tone]
        told = Text.assemble((clean(step.what), "bold" if step.acted else ""), (f" · {one_line(step.by, 40)}", colours["muted"]))
        told.append(f"\n{sign} {one_line(step.ended, 120)}", colours[colour])
        if step.said:
            told.append(f"\n{one_line(step.said, 600)}")
        table.add_row(Text(step.when[11:19], colours["muted"]), Text(one_line(step.phase, 40), colours["muted"]), told)
    return table
