"""Remotes: does code go to the code repository, and artifacts to the artifacts repository?"""

from __future__ import annotations

from screens.phase import PhaseScreen


class RemotesScreen(PhaseScreen):
    """Rulebook section 0.1. Only looks; what is wrong is mended in git's own configuration."""
