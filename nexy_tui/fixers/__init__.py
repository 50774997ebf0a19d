"""The rulebook's troubleshooting chapter (sections 4.1 to 4.9), one file each: detected, shown, mended, and seen again."""

from __future__ import annotations

from nexy_tui.fixers.azure_busy import AZURE_BUSY
from nexy_tui.fixers.base import Fixer, Part, SecretRequest, Trouble
from nexy_tui.fixers.config_env import CONFIG_ENV
from nexy_tui.fixers.gemini_key import GEMINI_KEY
from nexy_tui.fixers.github_auth import GITHUB_AUTH
from nexy_tui.fixers.inbox import INBOX
from nexy_tui.fixers.manifest_repository import MANIFEST_REPOSITORY
from nexy_tui.fixers.script_paths import SCRIPT_PATHS
from nexy_tui.fixers.stale_appcast import STALE_APPCAST
from nexy_tui.fixers.target_repository import TARGET_REPOSITORY

__all__ = ["FIXERS", "TROUBLES", "Fixer", "Part", "SecretRequest", "Trouble", "fixer", "trouble"]

FIXERS: tuple[Fixer, ...] = (
    INBOX,
    SCRIPT_PATHS,
    GITHUB_AUTH,
    TARGET_REPOSITORY,
    MANIFEST_REPOSITORY,
    AZURE_BUSY,
    GEMINI_KEY,
    CONFIG_ENV,
    STALE_APPCAST,
)
"""Every fixer, in the order of the rulebook's sections."""

TROUBLES: tuple[Trouble, ...] = tuple(one.trouble for one in FIXERS)


def fixer(name: str) -> Fixer | None:
    """The fixer of a name or a section number, or None."""
    return next((one for one in FIXERS if name in (one.trouble.name, one.trouble.section)), None)
