"""Artifacts for a rehearsal: a true disk image and a true installer package of any version and of an exact size.

The application's property list is read from the image in one step, without unpacking it, because 7-Zip opens the
file system of an image by itself; from a package `-txar` keeps it from opening the payload instead:

    7z e -so Nexy.dmg Nexy.app/Contents/Info.plist
    7z e -so -txar Nexy.pkg -r PackageInfo
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree as XML

from nexy_tui.core.target import DMG
from nexy_tui.rehearsal.artifacts import udif, xar
from nexy_tui.rehearsal.artifacts.bundle import APP, IDENTIFIER, Updater
from nexy_tui.rehearsal.artifacts.filler import CHUNK, Filler
from nexy_tui.rehearsal.artifacts.payload import write_payload

SMALLEST = 200_000
"""Bytes below which an artifact has no room for its structure."""

LARGEST = (1 << 31) - 1
"""What the release host takes at most: just under 2 GiB."""

_CREATED = "2026-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Built:
    """An artifact as it lies on the disk."""

    path: Path
    version: str
    size: int
    sha256: str


_NO_UPDATER = Updater()


def build(path: Path, name: str, version: str, size: int, seed: str = "", *, updater: Updater = _NO_UPDATER) -> Built:
    """Build the artifact of this name (`Nexy.dmg` or `Nexy.pkg`) at `path`."""
    return build_dmg(path, version, size, seed, updater=updater) if name == DMG else build_pkg(path, version, size, seed)


def build_dmg(path: Path, version: str, size: int, seed: str = "", *, updater: Updater = _NO_UPDATER) -> Built:
    """Write a UDIF image of exactly `size` bytes with the application of `version` in it. `seed` varies the filler."""

    def write(stream: BinaryIO) -> None:
        from nexy_tui.rehearsal.artifacts import iso

        base = iso.overhead(version, updater)
        room = size - udif.TRAILER - udif.xml_size(size) - base
        filler = Filler(f"dmg {version} {seed}", room // iso.SECTOR * iso.SECTOR)
        iso.write_volume(stream, version, updater, filler)
        udif.close_image(stream, base + filler.length, size)

    return _written(path, version, size, write)


def build_pkg(path: Path, version: str, size: int, seed: str = "") -> Built:
    """Write a xar installer package of exactly `size` bytes with the application of `version` in it. `seed` varies the filler."""
    distribution, info = _distribution(version), _package_info(version, size)
    payload = size - xar.OVERHEAD - len(distribution) - len(info)
    members = (
        xar.NewMember("Distribution", len(distribution), [distribution]),
        xar.NewMember("Nexy-component.pkg/PackageInfo", len(info), [info]),
        xar.NewMember("Nexy-component.pkg/Payload", payload, write_payload(version, f"pkg {version} {seed}", payload)),
    )
    return _written(path, version, size, lambda stream: xar.write_archive(stream, members, _CREATED))


def copy(source: Path, path: Path) -> None:
    """Put a file's content under another name: a hard link where possible. Nothing in a world changes an artifact in place."""
    if path.exists() and path.samefile(source):
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.copying")
    try:
        temporary.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, temporary)
    temporary.replace(path)


def truncate(source: Path, path: Path) -> None:
    """A copy of an artifact that ends at two thirds, as a broken-off download leaves it: the image's trailer is missing."""
    left = source.stat().st_size * 2 // 3
    with source.open("rb") as whole, path.open("wb") as part:
        while left and (piece := whole.read(min(CHUNK, left))):
            part.write(piece)
            left -= len(piece)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _written(path: Path, version: str, size: int, write: Callable[[BinaryIO], None]) -> Built:
    """Write through a temporary name, so that a half-built artifact never stands under its own."""
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"an artifact of {size} bytes: the release host takes {SMALLEST} to {LARGEST}")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.building")
    try:
        with temporary.open("w+b") as stream:
            write(stream)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return Built(path, version, size, sha256(path))


def _package_info(version: str, size: int) -> bytes:
    root = XML.Element(
        "pkg-info",
        {
            "format-version": "2",
            "identifier": IDENTIFIER,
            "version": version,
            "install-location": "/Applications",
            "auth": "root",
            "relocatable": "false",
        },
    )
    XML.SubElement(root, "payload", numberOfFiles="8", installKBytes=str(size // 1024))
    XML.SubElement(root, "bundle", path=f"./{APP}", id=IDENTIFIER, CFBundleShortVersionString=version, CFBundleVersion=version)
    return xar.DECLARATION + bytes(XML.tostring(root, encoding="utf-8"))


def _distribution(version: str) -> bytes:
    root = XML.Element("installer-gui-script", minSpecVersion="1")
    XML.SubElement(root, "title").text = "Nexy"
    XML.SubElement(root, "options", customize="never", hostArchitectures="arm64,x86_64")
    outline = XML.SubElement(root, "choices-outline")
    XML.SubElement(outline, "line", choice="default")
    choice = XML.SubElement(root, "choice", id="default")
    XML.SubElement(choice, "pkg-ref", id=IDENTIFIER)
    XML.SubElement(root, "pkg-ref", id=IDENTIFIER, version=version, auth="root").text = "#Nexy-component.pkg"
    XML.SubElement(root, "product", id=IDENTIFIER, version=version)
    return xar.DECLARATION + bytes(XML.tostring(root, encoding="utf-8"))
