"""How long archives are kept (contracts: database): what may be removed, and what never is, whoever wrote the settings and records."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nexy_tui.core import strict_json
from nexy_tui.core.database_rules import LEAST_KEPT, SKEW
from nexy_tui.services.database.archive import taken_at
from nexy_tui.services.database.folder import BackupFolder


@dataclass(frozen=True, slots=True)
class Retired:
    """The archives that were, or would be, removed, and how many `more` there are than are named; or why none is."""

    removed: Sequence[str] = ()
    held: str = ""
    more: int = 0


def retire(folder: BackupFolder, made: str, days: int, now: datetime) -> Retired:
    """Remove what is `past`, with what lies beside each."""
    due = past(folder, made, days, now)
    return due if due.held else Retired([name for name in due.removed if folder.remove(name)])


def past(folder: BackupFolder, made: str, days: int, now: datetime) -> Retired:
    """Archives older than `days`, which a backup made now removes.

    Never the one just `made`, the one drilled last, or one that a record of the last seven days speaks of. Records are taken at
    their word, also where nobody would believe them: they can only keep an archive. Under seven days, or where a record is ahead
    of the clock, nothing is removed.
    """
    if timedelta(days=days) < LEAST_KEPT:
        return Retired(held=f"BACKUP_RETENTION_DAYS is {days}, and under {LEAST_KEPT.days} nothing is removed")
    names = folder.names()
    try:
        spoken = {name: [_finished(line) for line in folder.record_lines(name)] for name in names}
        drills = {name: [_finished(line) for line in folder.drill_lines(name)] for name in names}
    except PermissionError as error:
        return Retired(held=f"{error.filename} cannot be read")
    if ahead := next((name for name, moments in spoken.items() if any(moment > now + SKEW for moment in moments)), None):
        return Retired(held=f"a record of {ahead} is dated in the future, so the clock or that record is wrong")
    drilled = max(names, key=lambda name: max(drills[name], default=_NEVER), default=made)
    keep = {made, drilled, *(name for name, moments in spoken.items() if any(now - moment < LEAST_KEPT for moment in moments))}
    old = [name for name in names if name not in keep and (taken := taken_at(name)) is not None and now - taken > timedelta(days=days)]
    return Retired(old)


_NEVER = datetime.min.replace(tzinfo=UTC)


def _finished(line: bytes) -> datetime:
    """When a record says that it was finished; long ago for what is no record."""
    with contextlib.suppress(ValueError, KeyError, TypeError, OverflowError):
        statement = strict_json.loads(base64.b64decode(strict_json.loads(line)["payload"], validate=True))
        return datetime.fromisoformat(statement["predicate"]["finished"]).astimezone(UTC)
    return _NEVER
