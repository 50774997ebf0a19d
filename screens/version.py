"""Version: raised everywhere, committed, tagged."""

from __future__ import annotations

from screens.phase import PhaseScreen


class VersionScreen(PhaseScreen):
    """Rulebook section 3, phase 1."""
