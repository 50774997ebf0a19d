"""The database looked at and worked on from here (`database.where = "local"`)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from nexy_tui.core.clock import Clock
from nexy_tui.core.database_record import Archive, DrillRecord
from nexy_tui.core.event import Emit, silent
from nexy_tui.core.problem import ActionFailed, CouldNotLook, Problem, Refused
from nexy_tui.core.remedy import Act
from nexy_tui.core.text import printable
from nexy_tui.services.database.archive import measure, open_plain
from nexy_tui.services.database.backup import LocalBackup
from nexy_tui.services.database.connect import LOOKING, connection, refused, said
from nexy_tui.services.database.drill import LocalDrill
from nexy_tui.services.database.facts import BackupMade, Catalog, NewestArchive, Shelf, Survey, Tool, Unseen, Vault
from nexy_tui.services.database.folder import BackupFolder
from nexy_tui.services.database.retention import Retired, past
from nexy_tui.services.database.settings import Address, DatabaseSettings
from nexy_tui.services.database.sql import CATALOG, HARDEN, render
from nexy_tui.services.database.tools import Tools

if TYPE_CHECKING:
    from psycopg import Connection

_Part = TypeVar("_Part")


class LocalDatabase:
    """The database by psycopg and PostgreSQL's own programs, the archives in a folder of this machine."""

    def __init__(
        self,
        settings: Callable[[], DatabaseSettings],
        environ: Mapping[str, str],
        clock: Clock,
        require_own: Callable[[Path], None] = lambda _: None,
    ) -> None:
        """`require_own` refuses a backup folder that others can write to by pushing."""
        self._read_settings = settings
        self._tools = Tools(environ)
        self._clock = clock
        self._require_own = require_own
        self._folders: dict[Path, BackupFolder] = {}

    def address(self) -> Address:
        """Where the settings say the database is. Raises Unusable for settings that cannot be."""
        return self._read_settings().address

    def survey(self, emit: Emit = silent) -> Survey:
        """Look at server, catalog, tools and archives; what is out of sight is named in its place."""
        settings = self._read_settings()
        catalog = _try(lambda: self._catalog(settings))
        major = 0 if isinstance(catalog, Unseen) else catalog.number // 10000
        pg_dump: Tool | Unseen = _try(lambda: self._tools.find("pg_dump", major))
        vault: Vault | Unseen = _try(self._folder(settings).survey)
        dumper = _try(lambda: _logged_in(settings)) if settings.dumper != settings.reader else settings.dumper.name
        return Survey("local", settings.address, catalog, pg_dump, vault, self._clock.now(), dumper)

    def back_up(self, emit: Emit, cancelled: Callable[[], bool]) -> BackupMade:
        """Make a verified backup of the configured database."""
        settings = self._read_settings()
        folder = self._own_folder(settings)
        return LocalBackup(settings, self._tools, folder, lambda session: _look(session, settings), self._clock.now, emit, cancelled).run()

    def retiring(self) -> Retired:
        """What a backup made now would remove."""
        settings = self._read_settings()
        return past(self._own_folder(settings), "", settings.retention_days, self._clock.now())

    def keep_backup_record(self, archive: str, line: bytes) -> None:
        """Lay a backup's signed record beside its archive."""
        self._write(lambda folder: folder.keep_record(archive, line))

    def shelf(self, before: str = "", emit: Emit = silent) -> Shelf:
        """The archives with their records, all of them at once."""
        settings = self._read_settings()
        folder = self._own_folder(settings)
        catalog = self._catalog(settings)
        return Shelf(str(folder.path), catalog.identity(settings.address), tuple(folder.shelved()))

    def measure(self, name: str, emit: Emit = silent) -> Archive:
        """Size and sha256 of an archive of the folder."""
        folder = self._own_folder(self._read_settings())
        if name in folder.names():
            with contextlib.suppress(FileNotFoundError), _readable(folder.path / name) as stream:
                return measure(stream, name)
        raise no_such_archive(name, str(folder.path))

    def look_at(self, name: str, emit: Emit = silent) -> NewestArchive:
        """An archive with what lies beside it."""
        return self._folder(self._read_settings()).beside(self.measure(name))

    def drill(self, archive: Archive, emit: Emit, cancelled: Callable[[], bool]) -> DrillRecord:
        """Restore that archive into a fresh database, and drop it."""
        settings = self._read_settings()
        return LocalDrill(settings, self._tools, self._own_folder(settings), self._clock, emit, cancelled).run(archive)

    def keep_drill_record(self, archive: str, line: bytes) -> None:
        """Add a drill's signed record to its archive's journal."""
        self._write(lambda folder: folder.append_drill(archive, line))

    def harden(self) -> None:
        """Apply the hardening as the superuser, in one transaction. Whether it is in force is for the check to say."""
        import psycopg

        settings = self._read_settings()
        names = {"app": settings.app.name, "superuser": settings.superuser.name}
        with connection(settings, settings.superuser, autocommit=True) as session:
            if session.execute("SELECT FROM pg_roles WHERE rolname = %s", (settings.app.name,)).fetchone() is None:
                raise no_such_role(settings.app.name, settings.address)
            try:
                with session.transaction():
                    session.execute(render(HARDEN, names).encode())
            except psycopg.Error as error:
                raise refused(error, "Hardening", Act("harden", "db harden", "Mend that, then run again")) from None

    def _catalog(self, settings: DatabaseSettings) -> Catalog:
        import psycopg

        try:
            with connection(settings, settings.reader, options=LOOKING) as session:
                return _look(session, settings)
        except psycopg.Error as error:
            raise CouldNotLook(
                f"The catalog of {settings.address} could not be read: {said(error)}.", remedy="See the server's log, then look again."
            ) from None

    def _folder(self, settings: DatabaseSettings) -> BackupFolder:
        return self._folders.setdefault(settings.backup_dir, BackupFolder(settings.backup_dir, self._clock.now))

    def _own_folder(self, settings: DatabaseSettings) -> BackupFolder:
        self._require_own(settings.backup_dir)
        return self._folder(settings)

    def _write(self, write: Callable[[BackupFolder], None]) -> None:
        folder = self._folder(self._read_settings())
        try:
            write(folder)
        except OSError as error:
            raise ActionFailed(
                f"The signed record could not be written to {folder.path}: {error.strerror}.",
                "Without its record nobody can tell what was done, or when.",
                "Mend that, then do it again.",
            ) from None


def no_such_archive(name: str, directory: str) -> Refused:
    """No archive of that name is in the folder."""
    return Refused(
        f"{directory} has no archive {printable(name, 80)}.",
        "An archive is called nexy_db_<YYYYMMDDTHHMMSSZ>.tar.gz, and is a file of that folder itself.",
        Act("backup", "db backup", f"See what lies in {directory}; a new one is made by"),
    )


def _readable(path: Path) -> IO[bytes]:
    try:
        return open_plain(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.", "It is no archive then.", f"See what lies there: {path}") from None


def no_such_role(name: str, address: Address) -> Refused:
    """The application's role is not on the server."""
    return Refused(
        f"{address.host} has no role {name}.",
        "Hardening takes rights from the application's role.",
        "Create it as server/Docs/DATABASE_SETUP_GUIDE.md says, or set DB_USER.",
    )


def _logged_in(settings: DatabaseSettings) -> str:
    """The role that backups are made with, once it was let in. Raises CouldNotLook."""
    with connection(settings, settings.dumper, options=LOOKING) as session:
        session.execute("SELECT 1")
    return settings.dumper.name


def _look(session: Connection, settings: DatabaseSettings) -> Catalog:
    names = {"app": settings.app.name, "superuser": settings.superuser.name}
    row = session.execute(render(CATALOG, names).encode()).fetchone()
    return Catalog.read(json.loads(row[0] if row else "{}"))


def _try(look: Callable[[], _Part]) -> _Part | Unseen:
    try:
        return look()
    except Problem as problem:
        return Unseen(problem)
