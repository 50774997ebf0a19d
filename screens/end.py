"""The end: what became of the run, where its sealed log lies, and how anybody verifies it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from nexy_tui.core.finding import Status
from screens.base import WizardScreen
from screens.context import RunContext
from screens.marks import STATUS
from screens.text import clean
from screens.widgets.grid import grid
from screens.widgets.top_bar import world_name


class EndScreen(WizardScreen):
    """Shown after the seal. The path and the commands can be copied through the terminal."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy_path", "Copy path"),
        Binding("y", "copy_commands", "Copy commands"),
        Binding("h,enter,n", "home", "Home", key_display="h"),
    ]

    def __init__(self, context: RunContext, log: Path, outcome: str) -> None:
        super().__init__(context)
        self._log, self._outcome = log, outcome
        self._commands: tuple[str, ...] = ()

    def body(self) -> Iterable[Widget]:
        """Verdict, log, commands."""
        with VerticalScroll(id="end"):
            yield Static(self._verdict(), id="verdict", markup=False)
            yield Static(self._counts(), classes="space-below", markup=False)
            yield Static(Content.assemble(("Sealed log\n", "bold $primary"), clean(str(self._log))), classes="space-below", markup=False)
            beside = "Its detached signature lies beside it, ending in .sig"
            yield Static(Content.styled(beside, "$muted"), classes="space-below", markup=False)
            yield Static(Content.styled("Verify it, here or anywhere", "bold $primary"), markup=False)
            yield Static(id="commands", markup=False)

    def on_mount(self) -> None:
        """Ask for the commands."""
        self.add_class("-complete" if self._outcome == "complete" else "-ended")
        for part in self.query("#end"):
            part.focus()
        self.context.start("Composing", partial(self.context.backend.verify_commands, self._log), self._show)
        self.redraw()

    def action_copy_path(self) -> None:
        """Copy the log's path."""
        self.context.copy(str(self._log), "The log's path is copied through the terminal (OSC 52).")

    def action_copy_commands(self) -> None:
        """Copy the commands."""
        self.context.copy("\n".join(self._commands), "The commands are copied through the terminal (OSC 52).")

    def action_home(self) -> None:
        """Back to the home screen."""
        self.context.go_home()

    def _show(self, commands: Sequence[str]) -> None:
        self._commands = tuple(commands)
        if self.drawable:
            self.query_one("#commands", Static).update(grid(self.app, [("$", command) for command in commands], width=1))

    def _verdict(self) -> Content:
        session = self.context.session
        plan = None if session is None else session.plan
        what = "" if plan is None else f"{plan.version} · {plan.kind.value} · {world_name(plan.target)}"
        if self._outcome == "complete":
            return Content.assemble(("✓ Released and sealed", "bold $success"), f"   {what}")
        rest = f"   {what}\nNothing more can be added to this run's log. A new run looks at what is there."
        return Content.assemble((f"! Sealed as {self._outcome}", "bold $warning"), rest)

    def _counts(self) -> Content:
        session = self.context.session
        if session is None:
            return Content("")
        counts = Counter(session.state.status(item.id) for item in session.checklist.items)
        parts: list[Content | str] = [f"{len(session.checklist.items)} items: "]
        for status in Status:
            if counts[status]:
                parts += [Content.styled(f"{STATUS[status].symbol} {counts[status]} {STATUS[status].word}", STATUS[status].style), "   "]
        attested = [item.title for item in session.checklist.items if session.state.status(item.id) is Status.ATTESTED]
        if attested:
            sentence = f"\nattested by {self.context.backend.operator}: {', '.join(attested)}"
            parts.append(Content.styled(sentence, STATUS[Status.ATTESTED].style))
        return Content.assemble(*parts)
