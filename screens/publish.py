"""Publish: the artifacts replaced at their fixed addresses, the manifests written from what can be downloaded there."""

from __future__ import annotations

from nexy_tui.core.target import DMG, PKG
from screens.phase import PhaseScreen


class PublishScreen(PhaseScreen):
    """Rulebook section 3, phase 2, steps 4 to 6. Every artifact has its line of progress from the start."""

    def expected(self) -> tuple[str, ...]:
        """The artifacts this run publishes."""
        plan = self.session.plan
        if not plan.kind.publishes:
            return ()
        return (DMG, PKG) if plan.with_pkg else (DMG,)
