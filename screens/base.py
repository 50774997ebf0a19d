"""What all full screens share: the top bar, the footer, and the size classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding
from textual.command import Provider
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from screens.commands import Command, ScreenCommands, everywhere
from screens.context import RunContext
from screens.widgets.key_bar import KeyBar
from screens.widgets.line import Line
from screens.widgets.top_bar import TopBar

ALWAYS = ("question_mark", "f1", "q", "ctrl+q", "ctrl+c")
"""Keys that do something at any time: help, and leaving."""

TALL = 32
"""Rows from which a screen has room for more than what matters."""


class WizardScreen(Screen[None]):
    """A full screen. `-narrow` is set below 100 columns, `-short` below 32 rows."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL, "-tall")]  # noqa: RUF012

    COMMANDS: ClassVar[set[type[Provider]]] = {ScreenCommands}  # type: ignore[assignment]

    def __init__(self, context: RunContext) -> None:
        super().__init__()
        self.context = context

    def body(self) -> Iterable[Widget]:
        """What stands between the top bar and the footer."""
        return ()

    def commands(self) -> Iterable[Command]:
        """What the command palette offers here."""
        return everywhere(self.context)

    def compose(self) -> ComposeResult:
        """Top bar, body, footer."""
        yield TopBar(self.context.backend.target)
        yield from self.body()
        yield Line(id="busy")
        yield KeyBar()

    def on_mount(self) -> None:
        """Draw what is known already."""
        self.redraw()

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """Of the keys those that do something now: while a question is being prepared, the few that always do."""
        found = super().active_bindings
        return {key: one for key, one in found.items() if key in ALWAYS} if self.context.jobs.asking else found

    @property
    def drawable(self) -> bool:
        """Whether all parts are there: not before mounting, nor while the screen is taken down."""
        return self.is_mounted and bool(self.query("TopBar > #exposure")) and bool(self.query(KeyBar))

    def on_screen_suspend(self) -> None:
        """Below a dialog no key of this screen does anything: the foot shows none."""
        for bar in self.query(KeyBar):
            bar.visible = False

    def on_screen_resume(self) -> None:
        """In front again."""
        for bar in self.query(KeyBar):
            bar.visible = True

    def redraw(self) -> None:
        """Draw the run as it stands, and what is under way."""
        self.query_one(TopBar).show(self.context.session)
        self.refresh_bindings()
        running = self.context.running
        for line in self.query("#busy").results(Line):
            line.display = running is not None
            line.put(Content.assemble(("◌ ", "$primary"), running or ""))

    def tick(self) -> None:
        """Half a second passed: draw what counts time."""
        self.query_one(TopBar).show(self.context.session)
