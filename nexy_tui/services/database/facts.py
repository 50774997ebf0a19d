"""What can be seen of the database and its backups, in one shape, whether it was seen from here or on the VM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from nexy_tui.core.database_record import Archive, BackupRecord, DatabaseId
from nexy_tui.core.problem import CouldNotLook, Problem, Refused
from nexy_tui.services.database.settings import Address


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why a part of the survey could not be looked at."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Excess:
    """A privilege on a table that the application must not have, and the role it comes by."""

    table: str
    privileges: str
    via: str


@dataclass(frozen=True, slots=True)
class Guard:
    """A hard-delete trigger of a table: whether it fires for every DELETE, and its function's language and text."""

    table: str
    armed: bool
    language: str
    source: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """The server and its catalog, as one query saw them."""

    version: str
    number: int
    system: str
    database: str
    tables: frozenset[str]
    app: str | None
    app_superuser: bool
    app_createrole: bool
    owned_count: int
    owned_some: tuple[str, ...]
    owned_via: tuple[str, ...]
    excess: tuple[Excess, ...]
    lacking: tuple[tuple[str, str], ...]
    may_create: bool
    default_granted: frozenset[str]
    default_excess: frozenset[str]
    guards: tuple[Guard, ...]

    @property
    def short_version(self) -> str:
        """The version without its packager's remarks."""
        return self.version.split()[0]

    def identity(self, address: Address) -> DatabaseId:
        """Which database this is, for a record."""
        return DatabaseId(address.host, address.port, self.database, self.system)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Catalog:
        """Read the survey query's JSON. Raises ValueError when it is not of that form."""
        try:
            app = document["app"]
            functions = document["functions"]
            return cls(
                version=document["version"],
                number=document["number"],
                system=document["system"],
                database=document["database"],
                tables=frozenset(document["tables"]),
                app=app and app["name"],
                app_superuser=bool(app and app["superuser"]),
                app_createrole=bool(app and app["createrole"]),
                owned_count=document["owned"]["count"],
                owned_some=tuple(document["owned"]["some"]),
                owned_via=tuple(document["owned"]["via"]),
                excess=tuple(Excess(*row) for row in document["excess"]),
                lacking=tuple((table, privileges) for table, privileges in document["lacking"]),
                may_create=document["create"],
                default_granted=frozenset(document["defaultGranted"]),
                default_excess=frozenset(document["defaultExcess"]),
                guards=tuple(Guard(table, armed, *functions[function]) for table, armed, function in document["guards"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"the catalog survey lacks {error}") from None


@dataclass(frozen=True, slots=True)
class Tool:
    """One of PostgreSQL's client programs: where it is, and its version as it prints it."""

    path: str
    version: str

    @property
    def major(self) -> int:
        """The major version, which alone decides whether a server's dump can be read."""
        return int(self.version.split(".")[0])


@dataclass(frozen=True, slots=True)
class NewestArchive:
    """The newest archive of the backup folder: its content, what its `.sha256` says, and its record's line, if there is one."""

    archive: Archive
    sidecar: str | None
    record: bytes | None


@dataclass(frozen=True, slots=True)
class DrillLine:
    """One line of an archive's drill journal."""

    archive: str
    line: bytes


@dataclass(frozen=True, slots=True)
class StrayFile:
    """What lies among the archives and is none, or cannot be one yet; and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Vault:
    """The backup folder: where it is, its newest archive, the drill journals' lines, and what does not belong there.

    `others` of the older archives have a record.
    """

    directory: str
    count: int
    newest: NewestArchive | None
    drills: tuple[DrillLine, ...]
    strays: tuple[StrayFile, ...] = ()
    others: int = 0


@dataclass(frozen=True, slots=True)
class Shelved:
    """An archive in the backup folder by name, and its record's line, if there is one; neither says that the bytes are the record's."""

    name: str
    record: bytes | None


@dataclass(frozen=True, slots=True)
class Shelf:
    """Archives of the backup folder, newest first, and the database they should be of. `more`: older ones follow on another page."""

    directory: str
    database: DatabaseId
    archives: tuple[Shelved, ...]
    more: bool = False


class Altered(Refused):
    """An archive is not the one that its record speaks of: another size or sha256, or not a plain file. It was not read any further."""


@dataclass(frozen=True, slots=True)
class Survey:
    """One look at everything. Each part may have been out of sight on its own."""

    where: str
    address: Address
    catalog: Catalog | Unseen
    pg_dump: Tool | Unseen
    vault: Vault | Unseen
    taken: datetime
    dumper: str | Unseen = ""
    """The role that backups are made with, where the database lets it in."""


_Part = TypeVar("_Part")


def seen(part: _Part | Unseen) -> _Part:
    """The part, or CouldNotLook with the reason why it was not seen."""
    if isinstance(part, Unseen):
        problem = part.problem
        raise CouldNotLook(problem.what, problem.why, problem.remedy)
    return part


@dataclass(frozen=True, slots=True)
class BackupMade:
    """A backup that was written and verified, its record not yet signed; where it lies, and the old archives that went, or why none.

    `offsite` is the configured BACKUP_OFFSITE_PROVIDER: the archive is not copied there from here.
    """

    record: BackupRecord
    directory: str
    offsite: str
    removed: Sequence[str] = ()
    held: str = ""
