"""Which paths of a checkout belong in no commit: secrets, artifacts, the database's backups; and the settings, which are left alone."""

from __future__ import annotations

import re
from enum import StrEnum

from nexy_tui.core.layout import Layout


class Private(StrEnum):
    """What a path that belongs in no commit holds."""

    SECRET = "what looks like a secret"
    BACKUP = "a dump of the database"
    ARTIFACT = "an artifact"


_KINDS = {
    Private.SECRET: re.compile(
        r"(^|/)(config\.env|\.env(\.[a-z]+)?|id_(rsa|ed25519|ecdsa)|\.netrc|\.pgpass|credentials\.json)$|\.(pem|p12|pfx|key|keystore)$",
        re.IGNORECASE,
    ),
    Private.BACKUP: re.compile(
        r"(^|/)server/backups/(?!.*(\.md|\.gitkeep|\.gitignore)$)|(^|/)nexy_db_\d{8}T\d{6}Z|(^|/)db\.dump$", re.IGNORECASE
    ),
    Private.ARTIFACT: re.compile(r"\.(dmg|pkg)$", re.IGNORECASE),
}


def private(path: str) -> Private | None:
    """What a path holds that belongs in no commit, by its name; None for any other."""
    return next((kind for kind, pattern in _KINDS.items() if pattern.search(path)), None)


def settings_files(layout: Layout) -> frozenset[str]:
    """Both settings files, from the git root."""
    return frozenset(map(str, layout.settings))
