"""Whether a record beside an archive is believed: signed by a trusted key that was valid then, and of the right form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from nexy_tui.core.database_record import BackupRecord, DatabaseId
from nexy_tui.core.database_rules import SKEW
from nexy_tui.core.finding import rfc3339
from nexy_tui.core.problem import Refused
from nexy_tui.runlog import dsse
from nexy_tui.runlog.sign import verify_line
from nexy_tui.runlog.trust import AllowedSigners
from nexy_tui.services.database.facts import Shelved


class _Record(Protocol):
    @property
    def finished(self) -> datetime: ...


_R = TypeVar("_R", bound=_Record)


@dataclass(frozen=True, slots=True)
class Believed(Generic[_R]):
    """A record whose signature verifies, and the key that made it."""

    record: _R
    keyid: str


@dataclass(frozen=True, slots=True)
class Doubted:
    """A record that is there, but not believed, and why."""

    reason: str


def believe(line: bytes, allowed: AllowedSigners, read: Callable[[Mapping[str, object]], _R]) -> Believed[_R] | Doubted:
    """Check a line's signature and read its statement. The key must have been valid when the record says it was made."""
    try:
        record = read(verify_line(line, allowed))
        verify_line(line, allowed, at=record.finished)
        return Believed(record, dsse.parse(line).keyid)
    except Refused as refusal:
        return Doubted(refusal.what)
    except ValueError as error:
        return Doubted(f"{error}.")


def vouched(shelved: Shelved, database: DatabaseId, allowed: AllowedSigners, now: datetime) -> BackupRecord | str:
    """An archive's record where it is believed and speaks of it, else why not. Whether its bytes are the record's is seen later."""
    if shelved.record is None:
        return "it has no signed record"
    said = believe(shelved.record, allowed, BackupRecord.read)
    if isinstance(said, Doubted):
        return f"its record is not believed: {said.reason}"
    if said.record.archive.name != shelved.name:
        return f"its record is of {said.record.archive.name[:60]}"
    if said.record.finished > now + SKEW:
        return f"its record is dated in the future ({rfc3339(said.record.finished)})"
    if not said.record.database.same_as(database):
        return f"it is of {said.record.database}, not of {database}"
    return said.record
