"""The line at the top of every screen: which world this is, which release, and how long the download has been exposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from nexy_tui.core.target import Target
from screens.text import one_line, span
from screens.widgets.line import Line

if TYPE_CHECKING:
    from nexy_tui.engine.session import Session


class TopBar(Horizontal):
    """World, version, kind and target; while the download and the live appcast disagree, the exposure's timer."""

    def __init__(self, target: Target) -> None:
        super().__init__()
        self._target = target
        self._session: Session | None = None
        self.add_class("-production" if target.world is None else "-rehearsal")

    def compose(self) -> ComposeResult:
        """The badge, the facts, the timer."""
        yield Line(Content(world_name(self._target)), id="world")
        yield Line(id="facts")
        yield Line(id="exposure")

    def show(self, session: Session | None) -> None:
        """Draw the session as it stands; of the facts those that fit whole, the most needed first."""
        self._session = session
        timer = self.query_one("#exposure", Line)
        exposed = None if session is None else session.exposure.since
        timer.display = exposed is not None
        taken = cell_len(world_name(self._target)) + 2 + 4
        if session is not None and exposed is not None:
            said = f"customers cannot update: {span(session.services.clock.monotonic() - exposed)} · normal until Deploy"
            timer.put(Content(said), layout=True)
            taken += cell_len(said) + 2
        self.query_one("#facts", Line).put(facts(self._target, session, (self.size.width or self.app.size.width) - taken))

    def on_resize(self) -> None:
        """What fits depends on the width."""
        self.show(self._session)


def world_name(target: Target) -> str:
    """`PRODUCTION`, or `REHEARSAL` and the world's id."""
    return "PRODUCTION" if target.world is None else f"REHEARSAL {one_line(target.world, 20)}"


def facts(target: Target, session: Session | None, room: int) -> Content:
    """Version, kind and target, as many of them as fit into `room` columns."""
    host = one_line(target.update_server.host)
    where = f"{one_line(target.code_repository)} → {one_line(target.artifacts_repository)}"
    told = [host, where]
    if session is not None:
        plan = session.plan
        version = "no version" if plan.version is None else str(plan.version)
        told = [version, "a check, not a run" if session.log is None else plan.kind.value, *told]
    while told and cell_len("  ·  ".join(told)) > room:
        told.pop()
    if not told:
        return Content("")
    first, *rest = told
    return Content.assemble((first, "bold" if session is not None else ""), *((f"  ·  {part}", "$muted") for part in rest))
