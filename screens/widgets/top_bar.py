"""The line at the top of every screen: which world this is, which release, and how long the download has been exposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        self.add_class("-production" if target.world is None else "-rehearsal")

    def compose(self) -> ComposeResult:
        """The badge, the facts, the timer."""
        yield Line(Content(world_name(self._target)), id="world")
        yield Line(id="facts")
        yield Line(id="exposure")

    def show(self, session: Session | None) -> None:
        """Draw the session as it stands."""
        self.query_one("#facts", Line).put(facts(self._target, session))
        timer = self.query_one("#exposure", Line)
        exposed = None if session is None else session.exposure.since
        timer.display = exposed is not None
        if session is not None and exposed is not None:
            timer.put(Content(f"! EXPOSED {span(session.services.clock.monotonic() - exposed)}"), layout=True)


def world_name(target: Target) -> str:
    """`PRODUCTION`, or `REHEARSAL` and the world's id."""
    return "PRODUCTION" if target.world is None else f"REHEARSAL {one_line(target.world, 20)}"


def facts(target: Target, session: Session | None) -> Content:
    """Version, kind and target, the most needed first, since a narrow screen cuts the end."""
    host = one_line(target.update_server.host)
    where = f"{one_line(target.code_repository)} → {one_line(target.artifacts_repository)}"
    if session is None:
        return Content.assemble((host, ""), ("  ·  " + where, "$muted"))
    plan = session.plan
    version = "no version" if plan.version is None else str(plan.version)
    kind = "a look, not a run" if session.log is None else plan.kind.value
    return Content.assemble((version, "bold"), ("  ·  ", "$muted"), kind, (f"  ·  {host}  ·  {where}", "$muted"))
