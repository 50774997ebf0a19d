"""A restore drill made from here: the newest archive into a fresh database, checked, counted, and dropped again (contracts: database)."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from nexy_tui.core.clock import Clock
from nexy_tui.core.database_record import Archive, DatabaseId, DrillRecord
from nexy_tui.core.database_rules import DRILL_DATABASE, REQUIRED_TABLES
from nexy_tui.core.event import Emit, Line, Progress
from nexy_tui.core.problem import ActionFailed, Refused
from nexy_tui.services import processes
from nexy_tui.services.database import archive as archive_format
from nexy_tui.services.database.connect import connection, count_rows, refused
from nexy_tui.services.database.folder import BackupFolder
from nexy_tui.services.database.settings import DatabaseSettings
from nexy_tui.services.database.sql import DRILL_COMMENT, DRILL_LOCK, MAINTENANCE
from nexy_tui.services.database.tools import Tools, said_by

if TYPE_CHECKING:
    from psycopg import Connection

_RESTORE_TIMEOUT = 6 * 3600.0
_WORK = ".restore_drill_"
_REMEDY = "Mend that, then run again: nexy-tui db drill"


@dataclass(frozen=True)
class LocalDrill:
    """One restore drill."""

    settings: DatabaseSettings
    tools: Tools
    folder: BackupFolder
    clock: Clock
    emit: Emit
    cancelled: Callable[[], bool]

    def run(self) -> DrillRecord:
        """Drill the newest archive. Raises Refused where there is none or another drill runs, Cancelled, CouldNotLook.

        An archive that does not restore is a drill that ended, too: the record says why.
        """
        import psycopg

        names = self.folder.names()
        if not names:
            raise Refused(
                f"There is no backup in {self.folder.path}.", "A drill restores the newest archive.", "Make one first: nexy-tui db backup"
            )
        try:
            with self._alone() as session:
                return self._drill(session, names[0])
        except psycopg.Error as error:
            raise refused(error, "The restore drill", _REMEDY) from None
        except OSError as error:
            raise ActionFailed(f"The drill could not write to {self.folder.path}: {error.strerror}.", remedy=_REMEDY) from None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[Connection]:
        """The superuser's session on the maintenance database, which holds the drill lock; leftovers of killed drills are removed."""
        with connection(self.settings, self.settings.superuser, database=MAINTENANCE, autocommit=True) as session:
            row = session.execute("SELECT pg_try_advisory_lock(%s)", (DRILL_LOCK,)).fetchone()
            if row is None or not row[0]:
                raise Refused(
                    f"Another restore drill is running on {self.settings.address.host}.", "Each counts on being alone.", "Wait for its end."
                )
            rows = session.execute(
                "SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') = %s", (DRILL_COMMENT,)
            ).fetchall()
            for (name,) in rows:
                self._drop(session, str(name))
                self.emit(Line(f"removed {name}, left by a drill that was killed", "nexy-tui"))
            for folder in self.folder.path.glob(f"{_WORK}*"):
                shutil.rmtree(folder)
            yield session

    def _drill(self, session: Connection, name: str) -> DrillRecord:
        started, from_ = self.clock.now(), self.clock.monotonic()
        archive = self.folder.archive(name)
        restored_as = f"restore_drill_{started.astimezone(UTC):%Y%m%d_%H%M%S}"
        rows: dict[str, int] = {}
        problem = ""
        work = self.folder.path / f"{_WORK}{started.astimezone(UTC):%Y%m%d_%H%M%S}"
        work.mkdir(mode=0o700)
        try:
            rows = self._restore(session, archive, restored_as, work)
        except ActionFailed as failure:
            problem = failure.what
        finally:
            shutil.rmtree(work, ignore_errors=True)
            self._drop(session, restored_as)
        return DrillRecord(
            archive=archive,
            database=self._identity(session),
            started=started,
            finished=self.clock.now(),
            duration_ms=round((self.clock.monotonic() - from_) * 1000),
            server_version=_parameter(session, "server_version"),
            restored_as=restored_as,
            rows=rows,
            passed=not problem,
            reason=problem,
        )

    def _restore(self, session: Connection, archive: Archive, restored_as: str, work: Path) -> dict[str, int]:
        from psycopg import sql

        dump = work / archive_format.DUMP
        watch = archive_format.stopper(self.cancelled, lambda done: self.emit(Progress(archive.name, "read", done, archive.size)))
        stem = archive_format.stem_of(archive.name)
        contents = archive_format.read(self.folder.path / archive.name, stem, dump, watch)
        name = sql.Identifier(restored_as)
        session.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
        session.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, sql.Literal(DRILL_COMMENT)))
        self._pg_restore(dump, restored_as, contents.metadata.get("PG_DUMP_VERSION", ""))
        with connection(self.settings, self.settings.superuser, database=restored_as) as restored:
            rows = count_rows(restored)
        judge_rows(archive.name, rows, contents.rows)
        return rows

    def _pg_restore(self, dump: Path, restored_as: str, dumped_by: str) -> None:
        major = dumped_by.partition(".")[0]
        tool = self.tools.find("pg_restore", int(major) if major.isdigit() else 0)
        self.emit(Line(f"restoring into {restored_as} with {tool.path} {tool.version}", "nexy-tui"))
        done = processes.run(
            [tool.path, "--no-password", "--exit-on-error", f"--dbname={restored_as}", str(dump)],
            env=self.tools.environment(self.settings, self.settings.superuser, restored_as),
            timeout=_RESTORE_TIMEOUT,
            cancelled=self.cancelled,
            check=False,
        )
        if done.exit != 0:
            raise ActionFailed(f"pg_restore ended with status {done.exit}: {said_by(done)}")

    def _drop(self, session: Connection, name: str) -> None:
        """Drop a drill's database, and no other one, also while a killed client's session is still in it."""
        from psycopg import sql

        if DRILL_DATABASE.fullmatch(name) is None:
            raise ActionFailed(
                f"{name!r} is marked as a drill's database, but has not the name of one.",
                "Only databases named restore_drill_<date>_<time> are dropped.",
                "Drop it by hand if it is not needed.",
            )
        session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _identity(self, session: Connection) -> DatabaseId:
        row = session.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone()
        address = self.settings.address
        return DatabaseId(address.host, address.port, address.name, str(row[0]) if row else "")


def judge_rows(archive: str, rows: dict[str, int], expected: dict[str, int]) -> None:
    """Hold what was restored against what must be there. Raises ActionFailed naming the difference.

    `expected` are the counts the archive itself carries; another tool's archive carries none.
    """
    missing = [table for table in REQUIRED_TABLES if table not in rows]
    if missing:
        raise ActionFailed(f"{archive} restored without {', '.join(missing)}")
    for table, count in expected.items():
        if rows.get(table) != count:
            found = f"{rows[table]} rows" if table in rows else "no such table"
            raise ActionFailed(f"{archive} restored {table} with {found} where the backup had {count}")


def _parameter(session: Connection, name: str) -> str:
    return (session.info.parameter_status(name) or "").split()[0]
