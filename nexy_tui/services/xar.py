"""Installer packages (xar archives): read without any program's help, with a cap on everything that is read.

Format: https://github.com/apple-oss-distributions/xar, include/xar.h; a header, a zlib-compressed XML table of
contents, and a heap of the files' bytes.
"""

from __future__ import annotations

import bz2
import hashlib
import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from nexy_tui.core.problem import Cancelled
from nexy_tui.core.text import printable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_HEADER = struct.Struct(">4sHHQQI")
_TABLE_LIMIT = 4 << 20
_DOCUMENT_LIMIT = 4 << 20
_FILES_LIMIT = 10_000
_DOCUMENTS_LIMIT = 100
_NUMBER_LIMIT = 1 << 48
_PIECE = 1 << 20
_CHECKSUMS = ("sha1", "sha256", "sha512", "md5")
_IDENTITY = ("", "application/octet-stream")


class NotAnArchive(Exception):
    """The file is no whole xar archive; the text is the reason, a clause that follows the file's name."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive: its path, where its stored bytes lie, how they are encoded, and their checksum."""

    path: str
    start: int
    length: int
    encoding: str
    style: str
    checksum: str


def read_table(path: Path) -> tuple[Member, ...]:
    """Every file of the archive. Raises NotAnArchive when header, table or heap are not whole."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(_HEADER.size)
        if len(head) < _HEADER.size or head[:4] != b"xar!":
            raise NotAnArchive("is not an installer package: it does not start with `xar!`")
        _, header, version, stored, plain, _ = _HEADER.unpack(head)
        if version != 1 or not _HEADER.size <= header <= 4096:
            raise NotAnArchive(f"is a xar archive of an unknown kind (version {version}, header of {header} bytes)")
        if stored > _TABLE_LIMIT or plain > _TABLE_LIMIT:
            raise NotAnArchive(f"has a table of contents of {max(stored, plain)} bytes, more than is read ({_TABLE_LIMIT})")
        stream.seek(header)
        table = stream.read(stored)
        if len(table) < stored:
            raise NotAnArchive("is truncated: it ends inside its table of contents")
        root = _parse(_inflate(table, plain))
        heap = header + stored
        _check_table(stream, root, table, heap, size)
    members = tuple(_members(root, heap))
    for member in members:
        if member.start < heap or member.start + member.length > size:
            raise NotAnArchive(f"is truncated: {printable(member.path, 80)} lies beyond its end")
    if sum(length for _, length in {(member.start, member.length) for member in members}) > size:
        raise NotAnArchive("is damaged: files in it lie over each other")
    return members


def verify(path: Path, cancelled: Callable[[], bool] = lambda: False) -> None:
    """Read every file's stored bytes and compare their checksums. Raises NotAnArchive naming the first that differs."""
    with path.open("rb", buffering=0) as stream:
        for member in _distinct(read_table(path)):
            found = hashlib.new(member.style, usedforsecurity=False)
            for piece in _pieces(stream, member):
                if cancelled():
                    raise Cancelled(f"Reading {path.name} was stopped by the operator.")
                found.update(piece)
            if found.hexdigest() != member.checksum:
                raise NotAnArchive(f"is damaged: {printable(member.path, 80)} does not have its {member.style} checksum")


def _distinct(members: tuple[Member, ...]) -> Iterator[Member]:
    """Members with a checksum; of those that share bytes and checksum one, for equal files may be stored once."""
    seen: set[tuple[int, int, str, str]] = set()
    for member in members:
        what = (member.start, member.length, member.style, member.checksum)
        if member.style in _CHECKSUMS and what not in seen:
            seen.add(what)
            yield member


def versions(path: Path) -> dict[str, str]:
    """The versions that Distribution and PackageInfo name, by place. Raises NotAnArchive when neither names one."""
    found: dict[str, str] = {}
    members = read_table(path)
    wanted = [member for member in members if member.path == "Distribution" or member.path.rpartition("/")[2] == "PackageInfo"]
    if len(wanted) > _DOCUMENTS_LIMIT or len({member.path for member in wanted}) < len(wanted):
        raise NotAnArchive(f"has {len(wanted)} documents that name versions, or several under one name")
    infos = [member for member in wanted if member.path != "Distribution"]
    for member in wanted:
        root, place = _parse(_document(path, member)), member.path
        if member not in infos:
            _take(found, "product in Distribution", root.find("product"), "version")
            continue
        bundle = next((bundle for bundle in root.findall("bundle") if bundle.get("path", "").endswith("Nexy.app")), None)
        if bundle is None and len(infos) > 1:
            continue  # A helper's component has a version of its own.
        _take(found, place, root, "version")
        _take(found, f"CFBundleShortVersionString in {place}", bundle, "CFBundleShortVersionString")
        _take(found, f"CFBundleVersion in {place}", bundle, "CFBundleVersion")
    if not found:
        raise NotAnArchive("names no version: it has neither a Distribution nor a PackageInfo that does")
    return found


def _take(found: dict[str, str], place: str, element: Element | None, key: str) -> None:
    if element is not None and element.get(key):
        found[printable(place, 120)] = printable(element.get(key, ""), 60)


def _inflate(table: bytes, plain: int) -> bytes:
    try:
        inflater = zlib.decompressobj()
        data = inflater.decompress(table, plain + 1)
    except zlib.error:
        raise NotAnArchive("is damaged: its table of contents does not decompress") from None
    if len(data) != plain:
        raise NotAnArchive("is damaged: its table of contents has another length than its header says")
    return data


def _parse(data: bytes) -> Element:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise NotAnArchive(f"is damaged: an XML document in it cannot be read ({type(error).__name__})") from None
    return root


def _check_table(stream: BinaryIO, root: Element, table: bytes, heap: int, size: int) -> None:
    element = root.find("toc/checksum")
    style = "" if element is None else element.get("style", "").lower()
    if element is None or style not in _CHECKSUMS:
        return
    start = heap + _number(element, "offset")
    if start > size:
        raise NotAnArchive("is truncated: its table of contents' checksum lies beyond its end")
    stream.seek(start)
    wanted = stream.read(min(_number(element, "size"), 64))
    if hashlib.new(style, table, usedforsecurity=False).digest() != wanted:
        raise NotAnArchive(f"is damaged: its table of contents does not have its {style} checksum")


def _members(root: Element, heap: int) -> Iterator[Member]:
    waiting = deque(("", element) for element in root.findall("toc/file"))
    count = 0
    while waiting:
        folder, element = waiting.popleft()
        count += 1
        if count > _FILES_LIMIT:
            raise NotAnArchive(f"has more than {_FILES_LIMIT} files")
        path = f"{folder}{(element.findtext('name') or '').strip()}"
        if len(path) > 4096:
            raise NotAnArchive("has a path of more than 4096 characters")
        waiting.extend((f"{path}/", inner) for inner in element.findall("file"))
        data = element.find("data")
        if data is None:
            continue
        encoding = data.find("encoding")
        checksum = data.find("archived-checksum")
        yield Member(
            path=path,
            start=heap + _number(data, "offset"),
            length=_number(data, "length"),
            encoding="" if encoding is None else encoding.get("style", ""),
            style="" if checksum is None else checksum.get("style", "").lower(),
            checksum="" if checksum is None else (checksum.text or "").strip().lower(),
        )


def _number(element: Element, name: str) -> int:
    text = (element.findtext(name) or "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) > _NUMBER_LIMIT:
        raise NotAnArchive(f"is damaged: its table of contents has {printable(text, 30)!r} where a number stands ({name})")
    return int(text)


def _pieces(stream: BinaryIO, member: Member) -> Iterator[bytes]:
    stream.seek(member.start)
    left = member.length
    while left:
        piece = stream.read(min(left, _PIECE))
        if not piece:
            raise NotAnArchive(f"is truncated inside {printable(member.path, 80)}")
        left -= len(piece)
        yield piece


def _document(path: Path, member: Member) -> bytes:
    """A small member's bytes, decoded: no more than the limit, whatever it expands to."""
    if member.length > _DOCUMENT_LIMIT:
        raise NotAnArchive(f"has a {printable(member.path, 80)} of {member.length} bytes, more than is read")
    with path.open("rb", buffering=0) as stream:
        raw = b"".join(_pieces(stream, member))
    try:
        if member.encoding == "application/x-gzip":
            raw = zlib.decompressobj(wbits=47).decompress(raw, _DOCUMENT_LIMIT + 1)
        elif member.encoding == "application/x-bzip2":
            raw = bz2.BZ2Decompressor().decompress(raw, _DOCUMENT_LIMIT + 1)
        elif member.encoding not in _IDENTITY:
            raise NotAnArchive(f"stores {printable(member.path, 80)} in a way that is not read here ({printable(member.encoding, 40)})")
    except (zlib.error, OSError, EOFError):
        raise NotAnArchive(f"is damaged: {printable(member.path, 80)} does not decompress") from None
    if len(raw) > _DOCUMENT_LIMIT:
        raise NotAnArchive(f"has a {printable(member.path, 80)} that expands to more than is read")
    return raw
