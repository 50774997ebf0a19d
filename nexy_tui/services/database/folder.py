"""The backup folder: its lock, its archives with what lies beside them, and how long they are kept (contracts: database)."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from nexy_tui.core.database_record import Archive
from nexy_tui.core.database_rules import SKEW
from nexy_tui.core.finding import rfc3339
from nexy_tui.core.problem import CouldNotLook, Refused
from nexy_tui.services.database.archive import file_sha256, taken_at
from nexy_tui.services.database.facts import DrillLine, NewestArchive, Shelved, StrayFile, Vault
from nexy_tui.services.plain_file import read_plain

LOCK = ".backup.lock"
SUM_SUFFIX, RECORD_SUFFIX, DRILL_SUFFIX = ".sha256", ".backup.json", ".drill.jsonl"
PARTIAL = ".nexy_db_"
"""What work in progress is called until it is renamed; anything of that name without a holder of the lock is a remnant."""

_OWNER = "owner"
_LINE_LIMIT = 64 * 1024
_JOURNALS, _LINES = 50, 20


class BackupFolder:
    """One directory of archives. Hashes of archives are remembered as long as the file is untouched."""

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = path
        self._now = now
        self._hashes: dict[tuple[int, ...], str] = {}

    def names(self) -> list[str]:
        """The archives' names, newest first, but for strays. Raises CouldNotLook when the folder is there but cannot be read."""
        return [name for name, reason in self._listed().items() if not reason and taken_at(name) is not None]

    def strays(self) -> tuple[StrayFile, ...]:
        """What is named like an archive or what lies beside one, and is none, or is dated in the future."""
        return tuple(StrayFile(name, reason) for name, reason in self._listed().items() if reason)

    def _listed(self) -> dict[str, str]:
        """Everything that is named like that, newest first, with the reason why it does not count, if any."""
        try:
            with os.scandir(self.path) as entries:
                found = {entry.name: entry.is_file(follow_symlinks=False) for entry in entries if entry.name.startswith("nexy_db_")}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise CouldNotLook(
                f"The backup folder {self.path} cannot be read: {error.strerror}.", remedy="Mend its permissions, or set BACKUP_LOCAL_DIR."
            ) from None
        return {name: self._fault(name, found[name]) for name in sorted(found, reverse=True)}

    def _fault(self, name: str, plain: bool) -> str:
        taken = taken_at(name)
        if taken is None and not _is_beside(name):
            return "its name is not an archive's"
        if not plain:
            return "it is no plain file"
        return "it is dated in the future" if taken is not None and taken > self._now() + SKEW else ""

    def shelved(self) -> Iterator[Shelved]:
        """The archives with their records, newest first. Raises CouldNotLook when the folder cannot be read."""
        for name in self.names():
            try:
                yield Shelved(name, self._line(name + RECORD_SUFFIX))
            except OSError:
                yield Shelved(name, b"")  # Nobody has signed that.

    def survey(self) -> Vault:
        """What lies in the folder. Raises CouldNotLook when it cannot be read."""
        names = self.names()
        try:
            newest = self.beside(self.archive(names[0])) if names else None
            others = sum((self.path / (name + RECORD_SUFFIX)).is_file() for name in names[1:])
            return Vault(str(self.path), len(names), newest, tuple(self._drills()), self.strays(), others)
        except OSError as error:
            raise CouldNotLook(
                f"{error.filename or self.path} cannot be read: {error.strerror}.", remedy="Mend its permissions, then look again."
            ) from None

    def archive(self, name: str) -> Archive:
        """One archive's size and sha256. Raises OSError."""
        path = self.path / name
        status = path.stat()
        stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if stamp not in self._hashes:
            self._hashes[stamp] = file_sha256(path)
        return Archive(name, status.st_size, self._hashes[stamp])

    def keep_record(self, name: str, line: bytes) -> None:
        """Lay a backup's record beside its archive, whole or not at all."""
        self.put(name + RECORD_SUFFIX, line + b"\n")

    def append_drill(self, name: str, line: bytes) -> None:
        """Add a line to an archive's drill journal; a line torn by a crash before it stays a line of its own."""
        with (self.path / (name + DRILL_SUFFIX)).open("a+b", buffering=0) as journal:
            os.fchmod(journal.fileno(), 0o600)
            fcntl.flock(journal, fcntl.LOCK_EX)
            end = journal.seek(0, os.SEEK_END)
            journal.seek(max(0, end - 1))
            torn = end > 0 and journal.read(1) != b"\n"
            journal.write((b"\n" if torn else b"") + line + b"\n")
            os.fsync(journal.fileno())

    def put(self, name: str, data: bytes) -> None:
        """Write a small file under a temporary name, then give it its own."""
        temporary = self.path / f".writing-{name}.{os.getpid()}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self.path / name)
        self.sync()

    def sync(self) -> None:
        """Make the folder's names durable."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def record_lines(self, name: str) -> list[bytes]:
        """The lines of an archive's records, a backup's and the last drills'. Raises PermissionError."""
        return [line for line in (self._line(name + RECORD_SUFFIX), *self.drill_lines(name)) if line]

    def drill_lines(self, name: str) -> list[bytes]:
        """The last lines of an archive's drill journal. Raises PermissionError."""
        path = self.path / (name + DRILL_SUFFIX)
        if not path.is_file() or path.is_symlink():
            return []
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _LINES * _LINE_LIMIT))
            return [line for line in stream.read().split(b"\n") if line][-_LINES:]

    def remove(self, name: str) -> bool:
        """Remove an archive with what lies beside it, plain files or links alone. Whether it is gone."""
        for suffix in ("", SUM_SUFFIX, RECORD_SUFFIX, DRILL_SUFFIX):
            with contextlib.suppress(OSError):
                (self.path / (name + suffix)).unlink(missing_ok=True)
        return not (self.path / name).exists()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder's lock directory, the one the team's own backup script makes. Raises Refused while somebody else does.

        The holder keeps a file inside it locked, so that a directory left by a killed process is known as left.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = self.path / LOCK
        guard = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(guard, fcntl.LOCK_EX)
            owner = self._acquire(lock)
        finally:
            os.close(guard)
        try:
            self._clear_remnants()
            yield
        finally:
            (lock / _OWNER).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                lock.rmdir()
            os.close(owner)

    def _acquire(self, lock: Path) -> int:
        try:
            lock.mkdir(mode=0o700)
        except FileExistsError:
            if not (lock / _OWNER).exists():
                raise self._held(lock, "") from None
        owner = os.open(lock / _OWNER, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(owner, 4096, 0).decode("utf-8", "replace").strip()
            os.close(owner)
            raise self._held(lock, holder) from None
        note = json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "since": rfc3339(datetime.now(UTC))})
        os.ftruncate(owner, 0)
        os.pwrite(owner, note.encode(), 0)
        return owner

    def _held(self, lock: Path, holder: str) -> Refused:
        since = datetime.fromtimestamp(lock.stat().st_mtime, UTC)
        return Refused(
            f"Another backup is running: {lock} is there since {since:%Y-%m-%d %H:%M:%S} UTC{f', held by {holder}' if holder else ''}.",
            "Two backups at a time would write over each other.",
            "Wait for its end; if you know that nothing runs" + (", end that process." if holder else f", remove it: rmdir {lock}"),
        )

    def _clear_remnants(self) -> None:
        for path in self.path.glob(f"{PARTIAL}*"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def beside(self, archive: Archive) -> NewestArchive:
        """An archive with what lies beside it. Raises PermissionError."""
        said = self._line(archive.name + SUM_SUFFIX, 64)
        sidecar = None if said is None else said.decode("ascii", "replace").lower()
        return NewestArchive(archive, sidecar, self._line(archive.name + RECORD_SUFFIX))

    def _line(self, name: str, limit: int = _LINE_LIMIT) -> bytes | None:
        """A small file's one line; None where it is not there, or is nothing that can be read."""
        try:
            return read_plain(self.path / name, limit, self.path).removesuffix(b"\n")
        except PermissionError:
            raise
        except OSError:
            return None

    def _drills(self) -> Iterator[DrillLine]:
        """The lines of the journals written to last. What is dated in the future comes last: it was not written by a drill."""
        journals = [path for path in self.path.glob(f"*{DRILL_SUFFIX}") if path.is_file() and not path.is_symlink()]
        for path in sorted(journals, key=self._written, reverse=True)[:_JOURNALS]:
            name = path.name.removesuffix(DRILL_SUFFIX)
            if taken_at(name) is not None:
                yield from (DrillLine(name, line) for line in self.drill_lines(name))

    def _written(self, path: Path) -> float:
        moment = path.stat().st_mtime
        return moment if moment <= (self._now() + SKEW).timestamp() else 0.0


def _is_beside(name: str) -> bool:
    """Whether this lies beside an archive of whatever date."""
    return any(name.endswith(suffix) and taken_at(name.removesuffix(suffix)) for suffix in (SUM_SUFFIX, RECORD_SUFFIX, DRILL_SUFFIX))
