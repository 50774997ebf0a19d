"""Apple disk images (UDIF): the trailer that shows a whole file, and the version of the application inside.

The trailer's layout: https://newosxbook.com/DMG.html; 512 bytes, big-endian, at the very end.
"""

from __future__ import annotations

import plistlib
import re
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.surroundings import Needs, Surroundings, surroundings
from nexy_tui.core.text import printable
from nexy_tui.services import processes
from nexy_tui.services.plain_file import read_plain

TRAILER = 512
HDIUTIL = "hdiutil"
SEVEN_ZIP = ("7zz", "7z", "7za")

_HEAD = struct.Struct(">4sIII")
_CRC32 = 2
_PLIST_LIMIT = 1 << 20
_PARTITION_LIMIT = 16 << 30
_TIMEOUT = 300.0
_APPLICATION = re.compile(r"(?:[^/]+/)?([^/]+)\.app/Contents/Info\.plist")
_PARTITION = re.compile(r"[^/]*\.(iso|hfs|hfsx|apfs|img)")
_VERSIONS = ("CFBundleShortVersionString", "CFBundleVersion")
_UPDATER = ("SUPublicEDKey", "SUFeedURL", "LSMinimumSystemVersion")


class NotAnImage(Exception):
    """The file is no whole disk image; the text is the reason, a clause that follows the file's name."""


class UnreadableImage(Exception):
    """Nothing on this machine could read the application's version; the text says why."""


@dataclass(frozen=True, slots=True)
class Application:
    """What the image's application says of itself in its Info.plist, which lies at `place`.

    `versions`: by key, without those it has not. `updater`: what decides whether it can be updated (Sparkle's public key and feed)
    and on which macOS it runs, by key, as text; without those it has not.
    """

    place: str
    versions: Mapping[str, str]
    updater: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Crc:
    """The CRC-32 an image's first `length` bytes must have."""

    length: int
    value: int


def read_trailer(path: Path) -> Crc | None:
    """The checksum of the image's data, or None where it carries none of that kind. Raises NotAnImage with the reason."""
    size = path.stat().st_size
    if size <= TRAILER:
        raise NotAnImage(f"is too short for a disk image ({size} bytes)")
    with path.open("rb") as stream:
        stream.seek(size - TRAILER)
        trailer = stream.read(TRAILER)
        mark, version, length, _ = _HEAD.unpack_from(trailer)
        if mark != b"koly":
            raise NotAnImage("is not a whole disk image: its last 512 bytes do not start with `koly` (broken off, or still being copied)")
        if length != TRAILER or version != 4:
            raise NotAnImage(f"has a trailer of an unknown kind (version {version}, {length} bytes)")
        data_at, data_length = struct.unpack_from(">QQ", trailer, 24)
        kind, bits, value = struct.unpack_from(">III", trailer, 80)
        xml_at, xml_length = struct.unpack_from(">QQ", trailer, 216)
        if data_at + data_length > size - TRAILER or xml_at + xml_length > size - TRAILER:
            raise NotAnImage("is truncated: its trailer speaks of bytes beyond its end")
        stream.seek(xml_at)
        if xml_length and not stream.read(min(xml_length, 64)).lstrip().startswith(b"<?xml"):
            raise NotAnImage("is damaged: its trailer points to no property list")
    return Crc(data_length, value) if kind == _CRC32 and bits == 32 and data_at == 0 else None


def reader(environ: Mapping[str, str], platform: str = sys.platform) -> str | None:
    """The program by which an image is read here: hdiutil on macOS, else 7-Zip; None where neither is in PATH."""
    names = (HDIUTIL, *SEVEN_ZIP) if platform == "darwin" else SEVEN_ZIP
    return next((found for name in names if (found := shutil.which(name, path=environ.get("PATH")))), None)


def application(path: Path, environ: Mapping[str, str], *, platform: str = sys.platform) -> Application:
    """What the application in the image says of itself. Raises UnreadableImage."""
    program = reader(environ, platform)
    try:
        if program is None:
            raise UnreadableImage("there is neither hdiutil nor 7-Zip (7zz, 7z or 7za) here to read the image with")
        if Path(program).name == HDIUTIL:
            return _from_mount(path, environ)
        with tempfile.TemporaryDirectory(prefix="nexy-dmg-") as folder:
            return _with_seven_zip(program, path, Path(folder), environ)
    except CouldNotLook as error:
        raise UnreadableImage(error.what) from None
    except OSError as error:
        raise UnreadableImage(f"the image could not be read: {error.strerror}") from None


def _with_seven_zip(program: str, archive: Path, folder: Path, environ: Mapping[str, str], *, nested: bool = True) -> Application:
    """List the image, take its application's Info.plist. An older 7-Zip shows partitions: then look into the largest."""
    name = Path(program).name
    done = processes.run([program, "l", "-ba", "-slt", "--", str(archive)], env=_env(environ), timeout=_TIMEOUT, check=False)
    sizes = _listing(done.stdout)
    plist = _application(list(sizes))
    if plist is not None:
        place = f"{printable(plist, 120)} ({name})"
        _demand_size(sizes[plist], _PLIST_LIMIT, place)
        return _read_plist(read_plain(_extracted(program, archive, plist, folder, environ), _PLIST_LIMIT + 1), place)
    partitions = [path for path in sizes if _PARTITION.fullmatch(path) and _is_literal(path)]
    if not nested or not partitions:
        raise UnreadableImage(f"{name} finds no application's Info.plist in the image")
    largest = max(partitions, key=lambda path: sizes[path])
    _demand_size(sizes[largest], _PARTITION_LIMIT, printable(largest, 120))
    inner = _extracted(program, archive, largest, folder, environ)
    return _with_seven_zip(program, inner, folder, environ, nested=False)


def _demand_size(size: int, limit: int, what: str) -> None:
    """Little may expand to very much: what the image says of a file's size is looked at before it is taken out."""
    if size > limit:
        raise UnreadableImage(f"{what} has {size} bytes, more than is taken out of an image ({limit})")


def _is_literal(path: str) -> bool:
    """Whether 7-Zip takes it for the one path that it is: no wildcard, no list of files, nothing that is not seen."""
    return path.isprintable() and not set(path) & set("*?@")


def _listing(text: str) -> dict[str, int]:
    """Paths and sizes from `7z l -slt`."""
    sizes: dict[str, int] = {}
    path = ""
    for line in text.splitlines():
        name, _, value = line.partition(" = ")
        if name == "Path":
            path = value.replace("\\", "/")
            sizes[path] = 0
        elif name == "Size" and value.isascii() and value.isdigit():
            sizes[path] = int(value[:19])
    return sizes


def _application(paths: list[str]) -> str | None:
    """The Info.plist of the image's one application: Nexy's where there are several. Wildcards in a path rule it out."""
    found = {match[1]: path for path in paths if (match := _APPLICATION.fullmatch(path)) and _is_literal(path)}
    if "Nexy" in found:
        return found["Nexy"]
    if len(found) > 1:
        raise UnreadableImage(f"the image contains {len(found)} applications and none of them is Nexy.app")
    return next(iter(found.values()), None)


def _extracted(program: str, archive: Path, member: str, folder: Path, environ: Mapping[str, str]) -> Path:
    processes.run([program, "e", "-y", f"-o{folder}", "--", str(archive), member], env=_env(environ), timeout=_TIMEOUT, check=False)
    target = folder / PurePosixPath(member).name
    if target.is_symlink() or not target.is_file():
        raise UnreadableImage(f"{Path(program).name} could not take {printable(member, 80)} out of the image")
    return target


def _from_mount(path: Path, environ: Mapping[str, str]) -> Application:
    with _mounted(path, environ) as volumes:
        plists = [plist for volume in volumes for plist in sorted(volume.glob("*.app/Contents/Info.plist")) if _is_on(volume, plist)]
        chosen = next((plist for plist in plists if plist.parts[-3] == "Nexy.app"), plists[0] if len(plists) == 1 else None)
        if chosen is None:
            raise UnreadableImage(f"the image contains {len(plists)} applications and none of them is Nexy.app")
        return _read_plist(read_plain(chosen, _PLIST_LIMIT + 1), f"{printable('/'.join(chosen.parts[-3:]), 120)} (hdiutil)")


def _is_on(volume: Path, path: Path) -> bool:
    """Whether a file lies on the volume itself: a link could lead to the application that is installed here."""
    return path.resolve().is_relative_to(volume.resolve()) and path.is_file()


@contextmanager
def _mounted(path: Path, environ: Mapping[str, str]) -> Iterator[list[Path]]:
    """The image's volumes, mounted read-only out of sight and taken away again. A licence is agreed to on stdin."""
    with tempfile.TemporaryDirectory(prefix="nexy-dmg-") as folder:
        attach = ["hdiutil", "attach", "-readonly", "-nobrowse", "-noautoopen", "-plist", "-mountrandom", folder, str(path)]
        done = processes.run(attach, env=_env(environ), timeout=_TIMEOUT, input=b"Y\n", check=False)
        _, mark, document = done.stdout.partition("<?xml")
        if done.exit != 0 or not mark:
            raise UnreadableImage(f"hdiutil could not attach the image: {printable(done.tail)}")
        try:
            entities = plistlib.loads((mark + document).encode()).get("system-entities", [])
            volumes = [Path(entity["mount-point"]) for entity in entities if "mount-point" in entity]
        except Exception as error:  # As in _read_plist.
            raise UnreadableImage(f"what hdiutil said cannot be understood ({type(error).__name__})") from None
        try:
            yield volumes
        finally:
            for volume in volumes:
                processes.run(["hdiutil", "detach", "-force", str(volume)], env=_env(environ), timeout=60, check=False)


def _read_plist(data: bytes, place: str) -> Application:
    if len(data) > _PLIST_LIMIT:
        raise UnreadableImage(f"{place} is larger than {_PLIST_LIMIT} bytes")
    try:
        values = plistlib.loads(data)
    except Exception as error:  # plistlib raises whatever its two parsers raise: ExpatError, ValueError, struct.error and more.
        raise UnreadableImage(f"{place} is no property list ({type(error).__name__})") from None
    if not isinstance(values, dict) or not isinstance(values.get(_VERSIONS[1]), str):
        raise UnreadableImage(f"{place} names no {_VERSIONS[1]}")
    named = {key: printable(values[key], 60) for key in _VERSIONS if isinstance(values.get(key), str)}
    return Application(place, named, {key: printable(str(values[key]), 200) for key in _UPDATER if key in values})


def _env(environ: Mapping[str, str]) -> Surroundings:
    return surroundings(Needs.PLAIN, environ)
