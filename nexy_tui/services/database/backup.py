"""A backup made from here: one snapshot dumped, packed, read back, and only then given its name (contracts: database)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nexy_tui import __version__
from nexy_tui.core.database_record import Archive, BackupRecord
from nexy_tui.core.event import Emit, OutputLine, Progress
from nexy_tui.core.finding import rfc3339
from nexy_tui.core.problem import ActionFailed, Refused
from nexy_tui.core.remedy import Act
from nexy_tui.core.surroundings import Surroundings
from nexy_tui.services import processes
from nexy_tui.services.database import archive as archive_format
from nexy_tui.services.database.connect import connection, count_rows, refused
from nexy_tui.services.database.facts import BackupMade, Catalog, Tool
from nexy_tui.services.database.folder import PARTIAL, SUM_SUFFIX, BackupFolder
from nexy_tui.services.database.retention import retire
from nexy_tui.services.database.settings import DatabaseSettings
from nexy_tui.services.database.tools import Tools, said_by

if TYPE_CHECKING:
    from psycopg import Connection

_DUMP_TIMEOUT = 6 * 3600.0
_REMEDY = Act("backup", "db backup", "Mend that, then run again")


@dataclass(frozen=True)
class LocalBackup:
    """One backup in the making. `look` reads the catalog in a session; `now` is the time of day."""

    settings: DatabaseSettings
    tools: Tools
    folder: BackupFolder
    look: Callable[[Connection], Catalog]
    now: Callable[[], datetime]
    emit: Emit
    cancelled: Callable[[], bool]

    def run(self) -> BackupMade:
        """Make it. Raises Refused while another is made, Cancelled and ActionFailed with nothing left behind."""
        try:
            with self.folder.locked():
                return self._locked()
        except OSError as error:
            raise ActionFailed(
                f"The backup could not be written to {self.folder.path}: {error.strerror or error}.", "Nothing was kept of it.", _REMEDY
            ) from None

    def _locked(self) -> BackupMade:
        import psycopg

        started = self.now()
        name = self._name(started)
        if (self.folder.path / name).exists():
            raise Refused(f"{name} is there already.", "It was made this second.", Act("backup", "db backup", "Wait a second, then"))
        staging = self.folder.path / f"{PARTIAL}{archive_format.stem_of(name)}.partial"
        staging.mkdir(mode=0o700)
        try:
            with self._snapshot() as (session, snapshot):
                catalog = self.look(session)
                rows = count_rows(session)
                pg_dump = self.tools.find("pg_dump", catalog.number // 10000)
                self._dump(pg_dump, snapshot, name, staging)
            facts = self._facts(catalog, pg_dump, name, started)
            (staging / archive_format.METADATA).write_text(archive_format.metadata(facts, rows), encoding="utf-8")
            (staging / archive_format.SUMS).write_text(archive_format.sums(staging), encoding="ascii")
            archive = self._pack(name, staging, pg_dump)
        except psycopg.Error as error:
            raise refused(error, "Reading the database for the backup", _REMEDY) from None
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        finished = self.now()
        retired = retire(self.folder, name, self.settings.retention_days, finished)
        record = BackupRecord(
            archive=archive,
            database=catalog.identity(self.settings.address),
            started=started,
            finished=finished,
            server_version=catalog.short_version,
            pg_dump_version=pg_dump.version,
            rows=rows,
        )
        return BackupMade(record, str(self.folder.path), self.settings.offsite_provider, retired.removed, retired.held)

    def _name(self, started: datetime) -> str:
        """After every archive that is there: names tell which is the newest, also where the clock was set back meanwhile."""
        last = next(filter(None, map(archive_format.taken_at, self.folder.names())), None)
        return archive_format.archive_name(started if last is None else max(started, last + timedelta(seconds=1)))

    @contextmanager
    def _snapshot(self) -> Iterator[tuple[Connection, str]]:
        """A transaction whose view of the data is lent to both dumps, so that counts, data and schema are of one moment."""
        import psycopg

        with connection(self.settings, self.settings.dumper) as session:
            session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            session.read_only = True
            row = session.execute("SELECT pg_export_snapshot()").fetchone()
            yield session, str(row[0]) if row else ""

    def _dump(self, pg_dump: Tool, snapshot: str, name: str, staging: Path) -> None:
        common = [pg_dump.path, "--no-password", f"--snapshot={snapshot}"]
        for argv, target in (
            ([*common, "--format=custom"], staging / archive_format.DUMP),
            ([*common, "--schema-only"], staging / archive_format.SCHEMA),
        ):
            report = self._progress(name, f"dump {target.name}")
            environment = self.tools.environment(self.settings, self.settings.dumper)
            self._run([*argv, f"--file={target}"], environment, partial(_report_size, target, report))

    def _run(self, argv: list[str], environment: Surroundings, report: Callable[[], None]) -> None:
        """Run a client program; `report` is called while it runs."""
        archive_format.stopper(self.cancelled, lambda _: None)(0)

        def cancelled() -> bool:
            report()
            return self.cancelled()

        done = processes.run(argv, env=environment, timeout=_DUMP_TIMEOUT, emit=self.emit, cancelled=cancelled, check=False)
        report()
        if done.exit != 0:
            raise ActionFailed(
                f"{Path(argv[0]).name} ended with status {done.exit}: {said_by(done)}.", "There is no backup without it.", _REMEDY
            )

    def _facts(self, catalog: Catalog, pg_dump: Tool, name: str, started: datetime) -> dict[str, str]:
        address = self.settings.address
        return {
            "BACKUP_NAME": archive_format.stem_of(name),
            "BACKUP_CREATED_AT": rfc3339(started),
            "BACKUP_CREATED_BY": f"nexy-tui/{__version__}",
            "DB_HOST": address.host,
            "DB_PORT": str(address.port),
            "DB_NAME": catalog.database,
            "DB_USER": self.settings.dumper.name,
            "PG_SERVER_VERSION": catalog.short_version,
            "PG_DUMP_VERSION": pg_dump.version,
            "PG_SYSTEM_IDENTIFIER": catalog.system,
        }

    def _pack(self, name: str, staging: Path, pg_dump: Tool) -> Archive:
        unfinished = self.folder.path / f"{PARTIAL}{name}.partial"
        sidecar = self.folder.path / (name + SUM_SUFFIX)
        kept = False
        try:
            stem = archive_format.stem_of(name)
            watch = archive_format.stopper(self.cancelled, self._progress(name, "pack"))
            size, sha256 = archive_format.pack(staging, stem, unfinished, watch)
            archive = Archive(name, size, sha256)
            self._verify(unfinished, archive, staging, pg_dump)
            self.folder.put(sidecar.name, archive_format.sum_line(archive).encode("ascii"))
            unfinished.rename(self.folder.path / name)
            kept = True
            self.folder.sync()
            return archive
        finally:
            unfinished.unlink(missing_ok=True)
            if not kept:
                sidecar.unlink(missing_ok=True)

    def _verify(self, unfinished: Path, archive: Archive, staging: Path, pg_dump: Tool) -> None:
        """Read back what was written: gzip, tar and sums whole, the same bytes, and a dump that pg_restore can list."""
        watch = archive_format.stopper(self.cancelled, self._progress(archive.name, "verify"))
        contents = archive_format.read(unfinished, archive_format.stem_of(archive.name), watch=watch)
        if (contents.size, contents.sha256) != (archive.size, archive.sha256):
            raise ActionFailed(f"{archive.name} does not read back as it was written.", "The disk is not to be trusted.", _REMEDY)
        listing = self.tools.find("pg_restore", pg_dump.major)
        argv = [listing.path, "--list", "--file=/dev/null", str(staging / archive_format.DUMP)]
        self._run(argv, self.tools.offline(), lambda: None)
        self.emit(OutputLine(f"{archive.name}: archive, sums and dump read back whole", "nexy-tui"))

    def _progress(self, name: str, phase: str) -> archive_format.Watch:
        return lambda done: self.emit(Progress(name, phase, done, None))


def _report_size(path: Path, report: archive_format.Watch) -> None:
    with suppress(FileNotFoundError):
        report(path.stat().st_size)
