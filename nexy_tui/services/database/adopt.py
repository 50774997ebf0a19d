"""A backup that the team's own script made: read back whole and proved to be of now and of this database, before it is recorded."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import IO

from nexy_tui.core.database_record import Archive, BackupRecord
from nexy_tui.core.database_rules import REQUIRED_TABLES
from nexy_tui.core.event import Emit, Line, Progress
from nexy_tui.core.problem import ActionFailed
from nexy_tui.services import Services, processes
from nexy_tui.services.database import archive as archive_format
from nexy_tui.services.database.connect import connection, count_rows
from nexy_tui.services.database.facts import BackupMade, Catalog, seen
from nexy_tui.services.database.folder import PARTIAL, BackupFolder
from nexy_tui.services.database.settings import DatabaseSettings, settings_of
from nexy_tui.services.database.tools import Tools, said_by
from nexy_tui.services.surroundings import Surroundings

_AGAIN = "See what the script said, mend it, then make the backup again."
_CREATED = re.compile(r"^; Archive created at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.MULTILINE)
_OF = re.compile(r"^;\s+dbname: (.+)$", re.MULTILINE)
_SERVER = re.compile(r"^;\s+Dumped from database version: (\S+)", re.MULTILINE)
_DUMPER = re.compile(r"^;\s+Dumped by pg_dump version: (\S+)", re.MULTILINE)
_COPY = re.compile(rb'COPY public\.("?)([^"( ]+)\1 \(')
_SLACK = timedelta(seconds=2)
"""pg_dump notes whole seconds."""
_PIECE = 1 << 16
_LIST_TIMEOUT = 600.0


@dataclass(frozen=True, slots=True)
class Before:
    """The database and the backup folder as they were before the script ran."""

    settings: DatabaseSettings
    catalog: Catalog
    newest: Archive | None
    rows: Mapping[str, int]
    moment: datetime


def look_before(services: Services, emit: Emit) -> Before:
    """Look at both. Raises CouldNotLook when either is out of sight."""
    settings = settings_of(services)
    survey = services.database.place.survey(emit)
    catalog, vault = seen(survey.catalog), seen(survey.vault)
    with connection(settings, settings.dumper) as session:
        rows = count_rows(session)
    return Before(settings, catalog, None if vault.newest is None else vault.newest.archive, rows, services.clock.now())


def adopt(services: Services, before: Before, emit: Emit, cancelled: Callable[[], bool]) -> BackupMade:
    """What the script left, verified. Raises ActionFailed where nothing new is there, or it is not whole, of now, and of this database."""
    vault = seen(services.database.place.survey(emit).vault)
    newest = vault.newest
    if newest is None or newest.archive == before.newest:
        raise ActionFailed(f"The script left no new archive in {vault.directory}.", "Its word alone is no backup.", _AGAIN)
    if newest.sidecar != newest.archive.sha256:
        name = newest.archive.name
        raise ActionFailed(f"{name}.sha256 does not give the sha256 of {name} ({newest.sidecar or 'not there'}).", remedy=_AGAIN)
    return _Adoption(services, before, newest.archive, Path(vault.directory), emit, cancelled).run()


@dataclass(frozen=True)
class _Adoption:
    services: Services
    before: Before
    archive: Archive
    folder: Path
    emit: Emit
    cancelled: Callable[[], bool]

    def run(self) -> BackupMade:
        name, before = self.archive.name, self.before
        tools = Tools(self.services.environ)
        folder = BackupFolder(self.folder)
        with folder.locked(), tempfile.TemporaryDirectory(prefix=PARTIAL, dir=folder.path) as work:
            dump = Path(work) / archive_format.DUMP
            watch = archive_format.stopper(self.cancelled, lambda done: self.emit(Progress(name, "verify", done, self.archive.size)))
            archive_format.read(self.folder / name, archive_format.stem_of(name), dump, watch)
            pg_restore = tools.find("pg_restore", before.catalog.number // 10000).path
            listing = self._listed(pg_restore, dump)
            self._require_fresh(listing)
            rows = self._counted(pg_restore, dump)
        self._require_rows(rows)
        self.emit(Line(f"{name}: archive, sums and dump read back whole; {sum(rows.values())} rows counted in it", "nexy-tui"))
        record = BackupRecord(
            archive=self.archive,
            database=before.catalog.identity(before.settings.address),
            started=before.moment,
            finished=self.services.clock.now(),
            server_version=_first(_SERVER, listing),
            pg_dump_version=_first(_DUMPER, listing),
            rows=rows,
        )
        return BackupMade(record, str(self.folder), "none", ())

    def _listed(self, pg_restore: str, dump: Path) -> str:
        done = processes.run([pg_restore, "--list", str(dump)], env=self._offline(), timeout=_LIST_TIMEOUT, check=False)
        if done.exit != 0:
            raise self._unfit(f"pg_restore does not read its dump: {said_by(done)}")
        return done.stdout

    def _require_fresh(self, listing: str) -> None:
        """Of this database by name, and dumped since the script began, by pg_dump's own note: in UTC, or in the zone of this machine."""
        of, created = _first(_OF, listing), _first(_CREATED, listing)
        if of != self.before.catalog.database:
            raise self._unfit(f"its dump is of the database {of or 'of no name'}, not {self.before.catalog.database}")
        noted = datetime.fromisoformat(created) if created else datetime.min
        first, last = self.before.moment - _SLACK, self.services.clock.now() + _SLACK
        if any(_face(first, zone) <= noted <= _face(last, zone) for zone in (UTC, None)):
            return
        raise self._unfit(f"its dump was made at {created or 'an unknown time'}, not in this run")

    def _counted(self, pg_restore: str, dump: Path) -> dict[str, int]:
        """The rows in the dump itself, streamed."""
        argv = [pg_restore, "--data-only", "--file=-", str(dump)]
        with tempfile.TemporaryFile() as errors:
            child = processes.start(argv, env=self._offline(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
            try:
                rows = count_copied(child.stdout, archive_format.stopper(self.cancelled, lambda _: None)) if child.stdout else {}
                status = child.wait()
            finally:
                processes.end_group(child)
        if status != 0:
            raise self._unfit(f"pg_restore ended with status {status} while its rows were counted")
        return rows

    def _require_rows(self, rows: Mapping[str, int]) -> None:
        """The service's tables are never deleted from, so the dump has no fewer rows than they had before."""
        missing = [table for table in REQUIRED_TABLES if table not in rows]
        if missing:
            raise self._unfit(f"its dump holds no data of {', '.join(missing)}")
        fewer = [table for table in REQUIRED_TABLES if rows[table] < self.before.rows.get(table, 0)]
        if fewer:
            told = ", ".join(f"{table} ({rows[table]} of {self.before.rows[table]})" for table in fewer)
            raise self._unfit(f"its dump holds fewer rows than the database had: {told}")

    def _unfit(self, reason: str) -> ActionFailed:
        return ActionFailed(f"{self.archive.name} is no backup of this run: {reason}.", "Nothing is recorded of it.", _AGAIN)

    def _offline(self) -> Surroundings:
        return Tools(self.services.environ).offline({"TZ": "UTC", "LC_ALL": "C"})


def count_copied(stream: IO[bytes], watch: archive_format.Watch = lambda _: None) -> dict[str, int]:
    """The rows of each table of `public` in pg_restore's data script. A row is one line, however long."""
    rows: dict[str, int] = {}
    table, at_start, done = "", True, 0
    while piece := stream.readline(_PIECE):
        if at_start:
            if not table:
                match = _COPY.match(piece)
                table = match[2].decode("utf-8", "replace") if match else ""
                if table:
                    rows[table] = 0
            elif piece == b"\\.\n":
                table = ""
            else:
                rows[table] += 1
        at_start = piece.endswith(b"\n")
        done += len(piece)
        if done // (_PIECE * 64) != (done - len(piece)) // (_PIECE * 64):
            watch(done)
    return rows


def _face(moment: datetime, zone: tzinfo | None) -> datetime:
    """What a clock of that zone shows; of this machine's, for None."""
    return moment.astimezone(zone).replace(tzinfo=None)


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1].strip() if match else ""
