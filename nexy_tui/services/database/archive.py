"""A backup archive: `nexy_db_<stamp>.tar.gz`, one folder of that stem, readable by the team's own restore tool (contracts: database)."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import re
import stat
import tarfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

from nexy_tui.core.config_env import parse
from nexy_tui.core.database_record import Archive
from nexy_tui.core.problem import ActionFailed, Cancelled
from nexy_tui.core.remedy import Act

DUMP, SCHEMA, METADATA, SUMS = "db.dump", "schema.sql", "metadata.env", "SHA256SUMS"
MEMBERS = (DUMP, SCHEMA, METADATA, SUMS)

_NAME = re.compile(r"nexy_db_([0-9]{8}T[0-9]{6}Z)\.tar\.gz")
_STAMP = "%Y%m%dT%H%M%SZ"
_SUM = re.compile(r"([0-9a-f]{64}) [ *](?:.*/)?([^/]+)")
_ROWS = "ROWS_"
_SMALL = 1 << 20
_PIECE = 1 << 18
_MOST_MEMBERS = 64
MAGIC = b"PGDMP"
"""How a dump in pg_dump's custom format begins. Anything else is not taken for one: a script would be run by a program with a shell."""

EXPANSION, ROOM = 100, 64 << 20
"""An archive unpacks to at most so many times its size, and so many bytes. Its dump is compressed already: it hardly grows."""

Watch = Callable[[int], None]
"""Told how many bytes are done; raises Cancelled to stop."""


def archive_name(moment: datetime) -> str:
    """The file name of a backup taken at `moment`."""
    return f"nexy_db_{moment.astimezone(UTC).strftime(_STAMP)}.tar.gz"


def taken_at(name: str) -> datetime | None:
    """When the archive of that name was taken, or None for any other file."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        return datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def stem_of(name: str) -> str:
    """The archive's one folder."""
    return name.removesuffix(".tar.gz")


def metadata(facts: Mapping[str, str], rows: Mapping[str, int]) -> str:
    """The text of `metadata.env`: what was dumped, and the row counts a restore is compared with."""
    counts = {f"{_ROWS}{table}": str(count) for table, count in rows.items() if table.isidentifier() and table.isascii()}
    return "".join(f"{key}={value}\n" for key, value in {**facts, **counts}.items())


def sums(folder: Path) -> str:
    """`SHA256SUMS` of the folder's files, in sha256sum's format."""
    return "".join(f"{file_sha256(folder / name)}  {name}\n" for name in (DUMP, SCHEMA, METADATA))


def sum_line(archive: Archive) -> str:
    """The text of `<archive>.sha256`, as `sha256sum -c` reads it in the archive's folder."""
    return f"{archive.sha256}  {archive.name}\n"


def file_sha256(path: Path, watch: Watch = lambda _: None) -> str:
    """The sha256 of a file's bytes."""
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
            done += len(piece)
            watch(done)
    return digest.hexdigest()


class _Counted:
    """A file that counts and hashes what passes through it, and lets `watch` stop it."""

    def __init__(self, stream: IO[bytes], watch: Watch) -> None:
        self._stream = stream
        self._watch = watch
        self.size = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        self._count(data)
        return len(data)

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._count(data)
        return data

    def flush(self) -> None:
        self._stream.flush()

    def _count(self, data: bytes) -> None:
        before = self.size
        self.size += len(data)
        self.digest.update(data)
        if not data or before // _PIECE != self.size // _PIECE:
            self._watch(self.size)


def pack(folder: Path, stem: str, target: Path, watch: Watch = lambda _: None) -> tuple[int, str]:
    """Write the folder's four files as `target`, streaming and flushed to disk. Returns its size and sha256."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        counted = _Counted(raw, watch)
        # The dump inside is compressed already: level 1 is as small as level 9 and many times faster.
        with (
            gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=counted, mtime=0) as packed,
            tarfile.open(mode="w|", fileobj=packed, bufsize=_PIECE) as tar,
        ):
            top = tar.gettarinfo(str(folder), arcname=stem)
            tar.addfile(_plain(top, 0o700))
            for name in MEMBERS:
                with (folder / name).open("rb") as stream:
                    tar.addfile(_plain(tar.gettarinfo(arcname=f"{stem}/{name}", fileobj=stream), 0o600), stream)
        raw.flush()
        os.fsync(raw.fileno())
    return counted.size, counted.digest.hexdigest()


def _plain(entry: tarfile.TarInfo, mode: int) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = mode
    return entry


@dataclass(frozen=True, slots=True)
class ArchiveContents:
    """An archive that was read to its end: size and sha256 of the file, and its metadata."""

    size: int
    sha256: str
    metadata: Mapping[str, str]

    @property
    def rows(self) -> dict[str, int]:
        """The row counts the backup was taken with; empty for another tool's archive."""
        return {key.removeprefix(_ROWS): int(value) for key, value in self.metadata.items() if key.startswith(_ROWS) and value.isdigit()}


def read(path: Path, stem: str, dump_to: Path | None = None, watch: Watch = lambda _: None) -> ArchiveContents:
    """Read an archive whole and verify every member of its folder `stem` by its SHA256SUMS; `dump_to` takes the dump.

    Raises ActionFailed naming what is wrong with it.
    """
    try:
        with open_plain(path) as raw:
            return read_open(raw, path.name, stem, dump_to, watch)
    except OSError as error:
        raise _damaged(path.name, error.strerror or str(error)) from None


def open_plain(path: Path) -> IO[bytes]:
    """An archive to read, itself and no link, pipe or device in its place. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a plain file", str(path))
    return os.fdopen(descriptor, "rb")


def measure(raw: IO[bytes], name: str, watch: Watch = lambda _: None) -> Archive:
    """Size and sha256 of an open archive, from where it stands."""
    counted = _Counted(raw, watch)
    while counted.read(_PIECE):
        pass
    return Archive(name, counted.size, counted.digest.hexdigest())


def read_open(raw: IO[bytes], archive: str, stem: str, dump_to: Path | None = None, watch: Watch = lambda _: None) -> ArchiveContents:
    """As `read`, of a file that is open, from where it stands."""
    found: dict[str, str] = {}
    texts: dict[str, str] = {}
    most = ROOM + EXPANSION * os.fstat(raw.fileno()).st_size
    counted = _Counted(raw, watch)
    try:
        with _Limited(counted, most) as unpacked:
            with tarfile.open(mode="r|", fileobj=unpacked, bufsize=_PIECE) as tar:
                for seen, entry in enumerate(tar):
                    name = _member(entry, stem)
                    if seen > _MOST_MEMBERS or name in found:
                        raise tarfile.TarError(f"it contains {'too many files' if name not in found else f'{name} twice'}")
                    if name is not None:
                        found[name] = _take(tar, entry, name, texts, dump_to)
            while unpacked.read(_PIECE):  # to the end: gzip's own checksum stands there
                pass
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise _damaged(archive, str(error) or type(error).__name__) from None
    missing = [name for name in MEMBERS if name not in found]
    if missing:
        raise _damaged(archive, f"{', '.join(missing)} is not in it")
    _hold(archive, found, texts[SUMS])
    return ArchiveContents(counted.size, counted.digest.hexdigest(), parse(texts[METADATA]))


class _Limited(gzip.GzipFile):
    """What is packed in a stream; an error once more than `most` bytes came out of it."""

    def __init__(self, stream: _Counted, most: int) -> None:
        super().__init__(fileobj=stream, mode="rb")
        self._left = most

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(_PIECE if size is None or size < 0 else min(size, _PIECE))
        self._left -= len(data)
        if self._left < 0:
            raise tarfile.TarError("it unpacks to far more than a backup of its size")
        return data


def _member(entry: tarfile.TarInfo, stem: str) -> str | None:
    """The name of a file of the archive's folder; None for the folder itself. Raises TarError for anything else.

    A sparse file has holes of any size: it would unpack to more than came out of the archive.
    """
    parts = PurePosixPath(entry.name).parts
    if entry.isdir() and parts in ((stem,), ()):
        return None
    if not entry.isreg() or entry.issparse() or len(parts) != 2 or parts[0] != stem:
        raise tarfile.TarError(f"{entry.name[:80]!r} has no place in a backup")
    return parts[1]


def _take(tar: tarfile.TarFile, entry: tarfile.TarInfo, name: str, texts: dict[str, str], dump_to: Path | None) -> str:
    stream = tar.extractfile(entry)
    if stream is None or (name in (METADATA, SUMS) and entry.size > _SMALL):
        raise tarfile.TarError(f"{name} cannot be read")
    digest = hashlib.sha256()
    sink = dump_to.open("xb") if name == DUMP and dump_to is not None else None
    small = bytearray()
    begun = False
    try:
        while piece := stream.read(_PIECE):
            if name == DUMP and not begun and not piece.startswith(MAGIC):
                raise tarfile.TarError(f"{name} is not in pg_dump's custom format")
            begun = True
            digest.update(piece)
            if sink is not None:
                sink.write(piece)
            if name in (METADATA, SUMS):
                small += piece
    finally:
        if sink is not None:
            sink.close()
    texts[name] = small.decode("utf-8", "replace")
    return digest.hexdigest()


def _hold(archive: str, found: Mapping[str, str], text: str) -> None:
    listed = {match[2]: match[1] for line in text.splitlines() if (match := _SUM.fullmatch(line.strip()))}
    for name in (DUMP, SCHEMA, METADATA):
        if name not in listed:
            raise _damaged(archive, f"its {SUMS} does not list {name}")
        if listed[name] != found[name]:
            raise _damaged(archive, f"{name} does not have the sha256 that its {SUMS} gives")


def _damaged(archive: str, reason: str) -> ActionFailed:
    return ActionFailed(
        f"The backup archive {archive} cannot be read whole: {reason}.",
        "A damaged archive restores nothing.",
        Act("backup", "db backup", "Make a new backup"),
    )


def stopper(cancelled: Callable[[], bool], report: Watch) -> Watch:
    """A `Watch` that reports and stops when `cancelled()` turns true."""

    def watch(done: int) -> None:
        if cancelled():
            raise Cancelled("The operator stopped it.", "Nothing was kept of it.", "Start it again when you are ready.")
        report(done)

    return watch
