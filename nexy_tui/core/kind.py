"""The three kinds of run (contracts: kinds of run)."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a run publishes and deploys."""

    FULL = "full"
    UPDATE_ONLY = "update-only"
    CODE_ONLY = "code-only"

    @property
    def publishes(self) -> bool:
        """Whether artifacts are uploaded and manifests rewritten."""
        return self is not Kind.CODE_ONLY

    @property
    def tags(self) -> bool:
        """Whether a release commit and tag are made."""
        return self is not Kind.UPDATE_ONLY
