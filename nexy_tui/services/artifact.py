"""Artifacts in the inbox: whether a file is what its name says, what version it carries, and its digest (contracts: artifacts)."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.core.clock import Clock
from nexy_tui.core.event import Emit, silent
from nexy_tui.core.problem import Cancelled, CouldNotLook
from nexy_tui.core.target import DMG
from nexy_tui.services import dmg, xar
from nexy_tui.services.meter import Meter

LARGEST = (1 << 31) - 1
"""GitHub takes an asset of just under 2 GiB."""

PIECE = 1 << 20
_SETTLING = 2.0
"""A file written to within the last seconds may still be growing: it is looked at again after as long."""

_HTML = (b"<!doctype html", b"<html", b"<head", b"<?xml version")


class Unfit(Exception):
    """A file that must not be published; the text is the reason, a clause that follows the file's name."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What an artifact says of itself.

    `versions` maps each place that names a version to what it says; empty where nothing here can read it, and then
    `unread` says why.
    """

    versions: Mapping[str, str]
    unread: str = ""

    def unlike(self, version: str) -> tuple[str, ...]:
        """The places that name another version."""
        return tuple(f"{place} says {found}" for place, found in self.versions.items() if found != version)


@dataclass(frozen=True, slots=True)
class Inspected:
    """An intact artifact: where it lies, its exact bytes, and the versions it names."""

    name: str
    path: Path
    size: int
    sha256: str
    contents: Contents


def inspect(
    inbox: Path,
    name: str,
    clock: Clock,
    environ: Mapping[str, str],
    *,
    emit: Emit = silent,
    cancelled: Callable[[], bool] = lambda: False,
) -> Inspected | None:
    """Look at one artifact of the inbox; None when it is not there.

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
        meter = Meter(emit, name, "reading", before.st_size)
        sha256, found_crc = digest(path, meter, cancelled, crc_of=crc.length if crc is not None else None)
        _same(before, path.stat())
        if crc is not None and found_crc != crc.value:
            raise Unfit("is damaged: its data does not have the checksum that its trailer names")
        if name != DMG:
            xar.verify(path, cancelled)
        return Inspected(name, path, before.st_size, sha256, _contents(path, name, environ))
    except (dmg.NotAnImage, xar.NotAnArchive) as error:
        raise Unfit(str(error)) from None
    except OSError as error:
        raise CouldNotLook(f"{path} cannot be read: {error.strerror}.", remedy="Mend its permissions, then look again.") from None


def digest(
    path: Path, meter: Meter | None = None, cancelled: Callable[[], bool] = lambda: False, *, crc_of: int | None = None
) -> tuple[str, int]:
    """SHA-256 of a whole file in hex, and the CRC-32 of its first `crc_of` bytes; read once, in constant memory."""
    import zlib

    sha, crc, done = hashlib.sha256(), 0, 0
    buffer = memoryview(bytearray(PIECE))
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            if cancelled():
                raise Cancelled(f"Reading {path.name} was stopped by the operator.")
            sha.update(buffer[:count])
            if crc_of is not None and done < crc_of:
                crc = zlib.crc32(buffer[: min(count, crc_of - done)], crc)
            done += count
            if meter is not None:
                meter.at(done)
    if meter is not None:
        meter.end()
    return sha.hexdigest(), crc


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


def _contents(path: Path, name: str, environ: Mapping[str, str]) -> Contents:
    try:
        return Contents(dmg.versions(path, environ) if name == DMG else xar.versions(path))
    except dmg.Unreadable as error:
        return Contents({}, str(error))
