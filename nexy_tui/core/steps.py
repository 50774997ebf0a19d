"""Who does a step of the release: this program, or the team's own script in the checkout."""

from __future__ import annotations

from dataclasses import dataclass

BUILTIN, SCRIPT = "builtin", "script"

INSIDE = "NEXY_STEP"
"""The environment variable that names the step to a script and to whatever it calls."""


@dataclass(frozen=True, slots=True)
class Steps:
    """`builtin` or `script` for each step that the rulebook gives a script. The same checks judge both.

    `drill` knows `builtin` alone: the team's drill leaves no record, so nobody could see afterwards that it was done.
    """

    bump: str = BUILTIN
    backup: str = BUILTIN
    drill: str = BUILTIN
    harden: str = BUILTIN
    publish: str = BUILTIN
    sync_manifests: str = BUILTIN
    deploy: str = BUILTIN

    def by_script(self, key: str) -> bool:
        """Whether the step of that key is done by the checkout's script."""
        return bool(getattr(self, key) == SCRIPT)
