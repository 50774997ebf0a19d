"""The records that lie beside a backup archive: what a backup or a restore drill did, as in-toto statements.

Other tools leave no record, so the age of a drill could not be known from outside (contracts: database). The
statements hold no floats and no secrets; signing and checking signatures is the run log's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from nexy_tui.core.finding import rfc3339

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATES = "https://github.com/Seregawpn/Nexy_server/attestations"
BACKUP_PREDICATE = f"{_PREDICATES}/database-backup/v1"
DRILL_PREDICATE = f"{_PREDICATES}/database-restore-drill/v1"

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class DatabaseId:
    """Which database: where it was reached, its name, and the cluster's own identifier, which a copy elsewhere does not share."""

    host: str
    port: int
    name: str
    system: str

    def same_as(self, other: DatabaseId) -> bool:
        """Whether both name one database, however each was reached."""
        return (self.system, self.name) == (other.system, other.name)

    def __str__(self) -> str:
        return f"{self.name} at {self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Archive:
    """A backup archive by name, size and content."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BackupRecord:
    """One backup that was written and verified. `rows` are the counts of the very snapshot that was dumped.

    An adopted one was made by another tool: its operator vouches for the archive's bytes, `started` is what its name says,
    and `finished` when it was adopted. It may be restored, and is no backup of a release.
    """

    archive: Archive
    database: DatabaseId
    started: datetime
    finished: datetime
    server_version: str
    pg_dump_version: str
    rows: Mapping[str, int]
    run: str | None = None
    adopted: bool = False

    def statement(self) -> dict[str, object]:
        """The record as an in-toto statement."""
        return _statement(
            self.archive,
            BACKUP_PREDICATE,
            {
                **({"adopted": True} if self.adopted else {}),
                "database": _database(self.database),
                "finished": rfc3339(self.finished),
                "pgDumpVersion": self.pg_dump_version,
                "rows": dict(self.rows),
                "run": self.run,
                "serverVersion": self.server_version,
                "size": self.archive.size,
                "started": rfc3339(self.started),
            },
        )

    @classmethod
    def read(cls, statement: Mapping[str, object]) -> BackupRecord:
        """Read a statement. Raises ValueError saying what is missing or of the wrong form."""
        reader = _Reader(statement, BACKUP_PREDICATE)
        return cls(
            archive=reader.archive(),
            database=reader.database(),
            started=reader.moment("started"),
            finished=reader.moment("finished"),
            server_version=reader.text("serverVersion"),
            pg_dump_version=reader.text("pgDumpVersion"),
            rows=reader.rows(),
            run=reader.optional_text("run"),
            adopted=reader.flag("adopted"),
        )


@dataclass(frozen=True, slots=True)
class DrillRecord:
    """One restore drill: an archive restored into a fresh database, its tables checked and counted, the database dropped.

    A drill that failed is recorded too, with the reason: it says that the archive does not restore.
    """

    archive: Archive
    database: DatabaseId
    started: datetime
    finished: datetime
    duration_ms: int
    server_version: str
    restored_as: str
    rows: Mapping[str, int]
    passed: bool
    reason: str = ""
    run: str | None = None

    def statement(self) -> dict[str, object]:
        """The record as an in-toto statement."""
        return _statement(
            self.archive,
            DRILL_PREDICATE,
            {
                "database": _database(self.database),
                "durationMs": self.duration_ms,
                "finished": rfc3339(self.finished),
                "outcome": "passed" if self.passed else "failed",
                "reason": self.reason,
                "restoredAs": self.restored_as,
                "rows": dict(self.rows),
                "run": self.run,
                "serverVersion": self.server_version,
                "size": self.archive.size,
                "started": rfc3339(self.started),
            },
        )

    @classmethod
    def read(cls, statement: Mapping[str, object]) -> DrillRecord:
        """Read a statement. Raises ValueError saying what is missing or of the wrong form."""
        reader = _Reader(statement, DRILL_PREDICATE)
        outcome = reader.text("outcome")
        if outcome not in ("passed", "failed"):
            raise ValueError(f"the outcome {outcome[:40]!r} is neither passed nor failed")
        return cls(
            archive=reader.archive(),
            database=reader.database(),
            started=reader.moment("started"),
            finished=reader.moment("finished"),
            duration_ms=reader.number("durationMs"),
            server_version=reader.text("serverVersion"),
            restored_as=reader.text("restoredAs"),
            rows=reader.rows(),
            passed=outcome == "passed",
            reason=reader.text("reason"),
            run=reader.optional_text("run"),
        )


def _statement(archive: Archive, predicate_type: str, predicate: dict[str, object]) -> dict[str, object]:
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": archive.name, "digest": {"sha256": archive.sha256}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    }


def _database(database: DatabaseId) -> dict[str, object]:
    return {"host": database.host, "port": database.port, "name": database.name, "system": database.system}


def _is_port(number: int) -> bool:
    return not isinstance(number, bool) and 0 < number < 65536


class _Reader:
    """Takes a statement of one kind apart, naming whatever is not as it was written."""

    def __init__(self, statement: Mapping[str, object], predicate_type: str) -> None:
        if statement.get("_type") != STATEMENT_TYPE or statement.get("predicateType") != predicate_type:
            raise ValueError(f"it is not a statement of the kind {predicate_type.rsplit('/', 2)[1]}")
        predicate = statement.get("predicate")
        if not isinstance(predicate, Mapping):
            raise ValueError("it has no predicate")
        self._subject = statement.get("subject")
        self._predicate: Mapping[str, object] = predicate

    def archive(self) -> Archive:
        match self._subject:
            case [{"name": str(name), "digest": {"sha256": str(sha256)}}] if _SHA256.fullmatch(sha256):
                return Archive(name, self.number("size"), sha256)
            case _:
                raise ValueError("its subject is not one archive with its sha256")

    def database(self) -> DatabaseId:
        match self._predicate.get("database"):
            case {"host": str(host), "port": int(port), "name": str(name), "system": str(system)} if _is_port(port):
                return DatabaseId(host, port, name, system)
            case _:
                raise ValueError("it does not name its database")

    def text(self, key: str) -> str:
        value = self._predicate.get(key)
        if not isinstance(value, str):
            raise ValueError(f"its {key} is not a text")
        return value

    def optional_text(self, key: str) -> str | None:
        return None if self._predicate.get(key) is None else self.text(key)

    def flag(self, key: str) -> bool:
        value = self._predicate.get(key, False)
        if not isinstance(value, bool):
            raise ValueError(f"its {key} is neither true nor false")
        return value

    def number(self, key: str) -> int:
        value = self._predicate.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ValueError(f"its {key} is not a count")
        return value

    def moment(self, key: str) -> datetime:
        text = self.text(key)
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError(f"its {key} is not a time") from None
        raise ValueError(f"its {key} does not say which time zone it is in")

    def rows(self) -> dict[str, int]:
        value = self._predicate.get("rows")
        if not isinstance(value, Mapping):
            raise ValueError("it has no row counts")
        rows: dict[str, int] = {}
        for table, count in value.items():
            if not isinstance(table, str) or not isinstance(count, int) or isinstance(count, bool) or count < 0:
                raise ValueError("a row count in it is not a count")
            rows[table] = count
        return rows
