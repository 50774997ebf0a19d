"""Artifacts in the inbox: whether a file is what its name says, what version it carries, and its digest (contracts: artifacts)."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.core.clock import Clock
from nexy_tui.core.event import Emit, silent
from nexy_tui.core.problem import Cancelled, CouldNotLook
from nexy_tui.core.target import DMG
from nexy_tui.services import dmg, xar
from nexy_tui.services.meter import ByteMeter

LARGEST = (1 << 31) - 1
"""GitHub takes an asset of just under 2 GiB."""

PIECE = 1 << 20
_SETTLING = 2.0
"""A file written to within the last seconds may still be growing: it is looked at again after as long."""

_HTML = (b"<!doctype html", b"<html", b"<head", b"<?xml version")


class Unfit(Exception):
    """A file that must not be published; the text is the reason, a clause that follows the file's name."""


@dataclass(frozen=True, slots=True)
class ArtifactContents:
    """What an artifact says of itself.

    `versions` maps each place that names a version to what it says; empty where nothing here can read it, and then
    `unread` says why. `application` is what was read in an image.
    """

    versions: Mapping[str, str]
    unread: str = ""
    application: dmg.Application | None = None

    def unlike(self, version: str) -> tuple[str, ...]:
        """The places that name another version."""
        return tuple(f"{place} says {found}" for place, found in self.versions.items() if found != version)


Known = dict[tuple[str, str], ArtifactContents]
"""What artifacts say of themselves that were found intact before, by name and SHA-256: the same bytes are not opened twice."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """An intact artifact: where it lies, its exact bytes, and the versions it names."""

    name: str
    path: Path
    size: int
    sha256: str
    contents: ArtifactContents


def inspect(
    inbox: Path,
    name: str,
    clock: Clock,
    environ: Mapping[str, str],
    *,
    known: Known | None = None,
    emit: Emit = silent,
    cancelled: Callable[[], bool] = lambda: False,
) -> Inspected | None:
    """Look at one artifact of the inbox; None when it is not there. `known` is read and added to.

    Raises Unfit with the reason when the file must not be published: empty, truncated, damaged, a web page, too large,
    not a plain file, a link that leaves the inbox, or still being written. Raises CouldNotLook when it cannot be read.
    """
    path = inbox / name
    try:
        before = _plain_file(path, inbox)
        if before is None:
            return None
        if clock.now().timestamp() - before.st_mtime < _SETTLING:
            clock.sleep(_SETTLING, cancelled)
            _same(before, path.stat())
        _refuse_page(path, before.st_size)
        crc = _require_structure(path, name)
        meter = ByteMeter(emit, name, "reading", before.st_size)
        known = {} if known is None else known
        seen_before = any(name == other for other, _ in tuple(known))
        with ThreadPoolExecutor(1, "contents") as beside:
            opened = None if seen_before else beside.submit(_contents, path, name, crc, environ, cancelled)
            sha256 = digest(path, meter, cancelled)
            _same(before, path.stat())
            contents = known.get((name, sha256)) or (opened.result() if opened else _contents(path, name, crc, environ, cancelled))
            _same(before, path.stat())
        if not contents.unread:
            known[name, sha256] = contents
        return Inspected(name, path, before.st_size, sha256, contents)
    except (dmg.NotAnImage, xar.NotAnArchive) as error:
        raise Unfit(str(error)) from None
    except OSError as error:
        raise CouldNotLook(f"{path} cannot be read: {error.strerror}.", remedy="Mend its permissions, then look again.") from None


def digest(path: Path, meter: ByteMeter | None = None, cancelled: Callable[[], bool] = lambda: False) -> str:
    """SHA-256 of a whole file in hex; read once, in constant memory."""
    sha, done = hashlib.sha256(), 0
    for piece in _pieces(path, cancelled):
        sha.update(piece)
        done += len(piece)
        if meter is not None:
            meter.at(done)
    if meter is not None:
        meter.end()
    return sha.hexdigest()


def _crc32(path: Path, length: int, cancelled: Callable[[], bool]) -> int:
    import zlib

    crc, left = 0, length
    for piece in _pieces(path, cancelled):
        crc = zlib.crc32(piece[:left], crc)
        left -= len(piece)
        if left <= 0:
            break
    return crc


def _pieces(path: Path, cancelled: Callable[[], bool]) -> Iterator[memoryview]:
    """A file's bytes, each time in the same memory."""
    buffer = memoryview(bytearray(PIECE))
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            if cancelled():
                raise Cancelled(f"Reading {path.name} was stopped by the operator.")
            yield buffer[:count]


def _plain_file(path: Path, inbox: Path) -> os.stat_result | None:
    if not path.is_symlink() and not path.exists():
        return None
    if path.is_symlink():
        end = Path(os.path.realpath(path))
        if not end.is_relative_to(os.path.realpath(inbox)):
            raise Unfit("is a symbolic link that leaves the inbox")
        if not end.exists():
            raise Unfit("is a symbolic link to a file that is not there")
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise Unfit("is not a plain file")
    if found.st_size == 0:
        raise Unfit("is empty")
    if found.st_size > LARGEST:
        raise Unfit(f"has {found.st_size} bytes, more than the release host takes ({LARGEST})")
    return found


def _same(before: os.stat_result, after: os.stat_result) -> None:
    if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
        raise Unfit(f"is still being written: it had {before.st_size} bytes, now {after.st_size}")


def _refuse_page(path: Path, size: int) -> None:
    with path.open("rb") as stream:
        start = stream.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(_HTML):
        raise Unfit(f"is a web page ({size} bytes of text), as a failed download leaves")


def _require_structure(path: Path, name: str) -> dmg.Crc | None:
    if name == DMG:
        return dmg.read_trailer(path)
    xar.read_table(path)
    return None


def _contents(path: Path, name: str, crc: dmg.Crc | None, environ: Mapping[str, str], cancelled: Callable[[], bool]) -> ArtifactContents:
    """Whether the file has the checksums it names, and what it says of itself."""
    if name != DMG:
        xar.verify(path, cancelled)
        return ArtifactContents(xar.versions(path))
    if crc is not None and _crc32(path, crc.length, cancelled) != crc.value:
        raise Unfit("is damaged: its data does not have the checksum that its trailer names")
    try:
        found = dmg.application(path, environ)
        return ArtifactContents({f"{key} in {found.place}": value for key, value in found.versions.items()}, application=found)
    except dmg.UnreadableImage as error:
        return ArtifactContents({}, str(error))
