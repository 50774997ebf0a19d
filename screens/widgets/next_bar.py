"""The way on: what the phase still wants, and the Next key, which is never disabled, only drawn dim."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button

from nexy_tui.checklist import Checklist
from nexy_tui.release import Release
from screens.marks import STATUS, holding
from screens.widgets.line import Line, relabel


class NextBar(Horizontal):
    """A sentence and a button."""

    def __init__(self, checklist: Checklist) -> None:
        super().__init__(id="next-bar")
        self._checklist = checklist

    def compose(self) -> ComposeResult:
        """The sentence, then the button."""
        yield Line(id="standing")
        yield Button(Content("Next"), id="next", compact=True)

    def show(self, state: Release, running: str | None, *, look_only: bool = False) -> None:
        """Draw what stands in the way, or that nothing does."""
        standing, button = self.query_one("#standing", Line), self.query_one("#next", Button)
        phase = state.phase
        if look_only or phase is None:
            idle = "A look without a run: nothing is recorded, nothing can act." if look_only else "Every phase is done."
            standing.put(Content(running or idle))
            relabel(button, Content(" n  Home " if look_only else " n  Seal the log "))
            return
        refusal = state.may_advance()
        held, count = holding(state, self._checklist, phase)
        button.set_class(refusal is not None, "-dim")
        relabel(button, Content(f" n  {self._label(state)} "))
        if running:
            standing.put(Content.assemble(("◌ ", "$primary"), running))
        elif refusal is None:
            standing.put(Content.assemble(("✓ verified ", "$success"), f"all {count} items hold"))
        else:
            mark = STATUS[refusal.status]
            title = self._checklist.item(refusal.item).title
            way = (f"{mark.symbol} {title}, {mark.word}", mark.style)
            standing.put(Content.assemble(f"{held} of {count} hold", ("  ·  in the way: ", "$muted"), way))

    def _label(self, state: Release) -> str:
        following = state.phases[state.position + 1 : state.position + 2]
        return f"Next ▸ {self._checklist.phase(following[0]).title}" if following else "Next ▸ Seal the log"
