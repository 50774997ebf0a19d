"""Which screen shows which phase: the plain one, where a phase has nothing particular."""

from __future__ import annotations

from nexy_tui.core.target import DMG, PKG
from screens.context import RunContext
from screens.database import DatabaseScreen
from screens.final import FinalScreen
from screens.gate import GateScreen
from screens.phase import PhaseScreen


class PublishScreen(PhaseScreen):
    """Rulebook section 3, phase 2, steps 4 to 6. Every artifact has its line of progress from the start."""

    def expected(self) -> tuple[str, ...]:
        """The artifacts this run publishes."""
        plan = self.session.plan
        if not plan.kind.publishes:
            return ()
        return (DMG, PKG) if plan.with_pkg else (DMG,)


SCREENS: dict[str, type[PhaseScreen]] = {"database": DatabaseScreen, "publish": PublishScreen, "gate": GateScreen}


def screen_for(context: RunContext, phase: str) -> PhaseScreen:
    """The screen of a phase."""
    assert context.session is not None
    if context.look_only:
        return FinalScreen(context, context.session.checklist.phase(phase))
    return SCREENS.get(phase, PhaseScreen)(context, context.session.checklist.phase(phase))
