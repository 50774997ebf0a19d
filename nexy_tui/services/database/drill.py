"""A restore drill made from here: an archive into a fresh database, checked, counted, and dropped again (contracts: database).

The archive is one whose signed record is believed, yet whatever it carries runs with the rights of a role that has none.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import IO, TYPE_CHECKING

from nexy_tui.core.clock import Clock
from nexy_tui.core.database_record import Archive, DatabaseId, DrillRecord
from nexy_tui.core.database_rules import REQUIRED_TABLES
from nexy_tui.core.event import Emit, OutputLine, Progress
from nexy_tui.core.problem import ActionFailed
from nexy_tui.core.remedy import Act
from nexy_tui.services import processes
from nexy_tui.services.database import archive as archive_format
from nexy_tui.services.database import dump as dumps
from nexy_tui.services.database.connect import count_rows, refused
from nexy_tui.services.database.drill_room import DrillRoom, alone
from nexy_tui.services.database.facts import Altered, Tool
from nexy_tui.services.database.folder import BackupFolder
from nexy_tui.services.database.settings import DatabaseSettings, Role
from nexy_tui.services.database.sql import UNFORCE
from nexy_tui.services.database.tools import Tools, said_by

if TYPE_CHECKING:
    from psycopg import Connection

_RESTORE_TIMEOUT = 6 * 3600.0
_WORK = ".restore_drill_"
_REMEDY = Act("drill", "db drill", "Mend that, then run again")


@dataclass(frozen=True)
class LocalDrill:
    """One restore drill."""

    settings: DatabaseSettings
    tools: Tools
    folder: BackupFolder
    clock: Clock
    emit: Emit
    cancelled: Callable[[], bool]

    def run(self, archive: Archive) -> DrillRecord:
        """Drill that archive. Raises Altered where the file is another one, Refused where another drill runs, Cancelled, CouldNotLook.

        An archive that does not restore is a drill that ended, too: the record says why.
        """
        import psycopg

        try:
            with self._opened(archive) as stream, alone(self.settings, self.emit) as room:
                self._clear_remnants()
                return self._drill(room, archive, stream)
        except psycopg.Error as error:
            raise refused(error, "The restore drill", _REMEDY) from None
        except OSError as error:
            raise ActionFailed(f"The drill could not write to {self.folder.path}: {error.strerror}.", remedy=_REMEDY) from None

    def _opened(self, archive: Archive) -> IO[bytes]:
        """The archive, whose bytes are those it was vouched for with; of another one not one more byte is taken."""
        try:
            stream = archive_format.open_plain(self.folder.path / archive.name)
        except OSError as error:
            raise Altered(f"it cannot be read: {error.strerror}") from None
        try:
            found = archive_format.measure(stream, archive.name, self._watch(archive, "read"))
            if found != archive:
                raise altered(found, archive)
            stream.seek(0)
        except BaseException:
            stream.close()
            raise
        return stream

    def _clear_remnants(self) -> None:
        for path in self.folder.path.glob(f"{_WORK}*"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _drill(self, room: DrillRoom, archive: Archive, stream: IO[bytes]) -> DrillRecord:
        started, from_ = self.clock.now(), self.clock.monotonic()
        restored_as = f"restore_drill_{started.astimezone(UTC):%Y%m%d_%H%M%S}"
        rows: dict[str, int] = {}
        problem = ""
        work = self.folder.path / f"{_WORK}{started.astimezone(UTC):%Y%m%d_%H%M%S}"
        work.mkdir(mode=0o700)
        try:
            rows = self._restore(room, archive, stream, restored_as, work)
        except ActionFailed as failure:
            problem = failure.what
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return DrillRecord(
            archive=archive,
            database=self._identity(room.session),
            started=started,
            finished=self.clock.now(),
            duration_ms=round((self.clock.monotonic() - from_) * 1000),
            server_version=_parameter(room.session, "server_version"),
            restored_as=restored_as,
            rows=rows,
            passed=not problem,
            reason=problem,
        )

    def _restore(self, room: DrillRoom, archive: Archive, stream: IO[bytes], restored_as: str, work: Path) -> dict[str, int]:
        dump = work / archive_format.DUMP
        stem = archive_format.stem_of(archive.name)
        contents = archive_format.read_open(stream, archive.name, stem, dump, self._watch(archive, "unpack"))
        found = Archive(archive.name, contents.size, contents.sha256)
        if found != archive:  # It was written to since it was measured.
            raise altered(found, archive)
        major = contents.metadata.get("PG_DUMP_VERSION", "").partition(".")[0]
        restore = _Restore(self, self.tools.find("pg_restore", int(major) if major.isdigit() else 0), dump)
        listed = restore.listed()
        extensions = restore.extensions(listed)
        with room.made(restored_as) as role:
            with room.inside(role):
                pass  # The server lets the role in.
            room.furnish(role, extensions)
            restore.into(role, listed, extensions)
            with room.inside(role) as restored:
                restored.execute(UNFORCE.encode())
                rows = count_rows(restored)
        judge_rows(archive.name, rows, contents.rows)
        return rows

    def _watch(self, archive: Archive, phase: str) -> archive_format.Watch:
        return archive_format.stopper(self.cancelled, lambda done: self.emit(Progress(archive.name, phase, done, archive.size)))

    def _identity(self, session: Connection) -> DatabaseId:
        row = session.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone()
        address = self.settings.address
        return DatabaseId(address.host, address.port, address.name, str(row[0]) if row else "")


@dataclass(frozen=True)
class _Restore:
    """pg_restore on one dump. What it prints is read, and nothing of it run, but by a server, as the drill's role."""

    drill: LocalDrill
    tool: Tool
    dump: Path

    def listed(self) -> dumps.TableOfContents:
        """Its table of contents. Raises ActionFailed where it has none that pg_restore can read."""
        return dumps.TableOfContents(self._run("--list"))

    def extensions(self, listed: dumps.TableOfContents) -> list[dumps.Extension]:
        """The extensions that it wants and a drill makes."""
        if not listed.extensions:
            return []
        return dumps.wanted_extensions(self._run("--file=-", use=listed.extensions))

    def into(self, role: Role, listed: dumps.TableOfContents, made: list[dumps.Extension]) -> None:
        """Restore it as that role into its database. Raises ActionFailed with what pg_restore complained of."""
        left_out = listed.left_out(made)
        self.drill.emit(OutputLine(f"restoring into {role.name} with {self.tool.path} {self.tool.version}", "nexy-tui"))
        if left_out:
            self.drill.emit(OutputLine(f"left out, since only a superuser may make it: {', '.join(left_out[:9])}", "nexy-tui"))
        without = f"; the drill left out {', '.join(left_out[:3])}" if left_out else ""
        options = ("--exit-on-error", "--no-owner", "--no-acl", "--no-tablespaces", f"--dbname={role.name}")
        self._run(*options, use=listed.kept(made), role=role, without=without)

    def _run(self, *options: str, use: str | None = None, role: Role | None = None, without: str = "") -> str:
        settings = self.drill.settings
        selected = self.dump.with_name("restore.list")
        if use is not None:
            selected.write_text(use, encoding="utf-8")
            options = (*options, f"--use-list={selected}")
        argv = [self.tool.path, "--no-password", "--format=custom", *options, str(self.dump)]
        environment = self.drill.tools.environment(settings, role or Role("nobody"), role.name if role else None)
        emit, cancelled = self.drill.emit, self.drill.cancelled
        done = processes.run(argv, env=environment, timeout=_RESTORE_TIMEOUT, emit=emit, cancelled=cancelled, check=False)
        if done.exit != 0:
            raise ActionFailed(f"pg_restore ended with status {done.exit}: {said_by(done)}{without}")
        return done.stdout


def altered(found: Archive, expected: Archive) -> Altered:
    """The file of that name is another one than was vouched for."""
    return Altered(f"it has {found.size} bytes and sha256 {found.sha256}, where its record says {expected.size} and {expected.sha256}")


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
