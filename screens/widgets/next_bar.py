"""The way on: how this phase stands, and the one next step with its key."""

from __future__ import annotations

from collections.abc import Collection

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button

from nexy_tui.checklist import Checklist
from nexy_tui.core.finding import Status
from nexy_tui.engine.next_step import NextStep
from nexy_tui.release import Release
from screens.marks import STATUS
from screens.widgets.line import Line, relabel


class NextBar(Horizontal):
    """A sentence, and the button that Enter presses."""

    def __init__(self, checklist: Checklist) -> None:
        super().__init__(id="next-bar")
        self._checklist = checklist

    def compose(self) -> ComposeResult:
        """The sentence, then the button."""
        yield Line(id="standing")
        yield Button(Content("Next"), id="next", compact=True)

    def show(
        self, state: Release, step: NextStep | None, running: str | None, awaited: Collection[str] = (), *, look_only: bool = False
    ) -> None:
        """Draw the step; nothing is to be pressed while something runs. `awaited`: the actions that are still to run."""
        standing, button = self.query_one("#standing", Line), self.query_one("#next", Button)
        button.display = running is None
        words = "Home" if look_only else "Finish: seal the log" if step is None else step.words
        relabel(button, Content.assemble((" ⏎ ", "bold"), f"{words} "))
        if running:
            standing.put(Content.assemble(("◌ ", "$primary"), running))
        elif look_only or step is None or state.phase is None:
            standing.put(Content("A check without a run: nothing is recorded" if look_only else "Every phase is done"))
        else:
            room = (self.size.width or self.app.size.width) - cell_len(words) - 6
            told = (_counts(state, self._checklist, state.phase, awaited, details=details) for details in (True, False))
            standing.put(next((counts for counts in told if counts.cell_length <= room), Content("")))


def _counts(state: Release, checklist: Checklist, phase: str, awaited: Collection[str], *, details: bool) -> Content:
    """How many of a phase's items are done, to do, wrong, unknown, not checked."""
    items = checklist.phase(phase).items
    waits = {item.id for item in items if item.id not in state.findings and item.action in awaited}
    statuses = [Status.PENDING if item.id in waits else state.status(item.id) for item in items]
    done = sum(status.satisfied for status in statuses)
    if done == len(items):
        return Content.styled(f"✓ all {done} done", "$success")
    parts = [Content(f"{done} of {len(items)} done")]
    for status in (Status.PENDING, Status.FAILED, Status.INCONCLUSIVE) if details else ():
        if count := statuses.count(status):
            parts.append(Content.styled(f"{STATUS[status].symbol} {count} {STATUS[status].word}", STATUS[status].style))
    return Content(" · ").join(parts)
