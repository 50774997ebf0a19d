"""Inbox: are the artifacts there, whole, and of this version?"""

from __future__ import annotations

from screens.phase import PhaseScreen


class InboxScreen(PhaseScreen):
    """Rulebook section 3, phase 2, steps 1 to 3. What a machine cannot read of an artifact is attested here."""
