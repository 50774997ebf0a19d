"""Final verification: the rulebook's seven points, with a run or without one."""

from __future__ import annotations

from screens.phase import PhaseScreen


class FinalScreen(PhaseScreen):
    """Rulebook section 6. Opened from home it only looks: nothing is recorded and nothing can act."""
