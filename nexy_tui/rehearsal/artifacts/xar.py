"""The xar archive format: a 28-byte header, a zlib-compressed XML table of contents, and a heap with the files' bytes."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO
from xml.etree import ElementTree as XML

DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'
"""The first line of every XML document in a package."""

_HEADER = struct.Struct(">4sHHQQI")
_SHA1 = 1
_DIGEST = 20
_TABLE = 4096
"""The table's size before compression. It is padded to it and stored, so that the heap's place is known before the
checksums in the table are."""

HEAP = _HEADER.size + len(zlib.compress(bytes(_TABLE), 0))
"""Where the heap begins; its first bytes are the table's checksum."""

OVERHEAD = HEAP + _DIGEST
"""The size of an archive beside its files."""


@dataclass(frozen=True, slots=True)
class NewMember:
    """A file of the archive: its path, its size, and its bytes in pieces, read once."""

    path: str
    size: int
    content: Iterable[bytes]


@dataclass(frozen=True, slots=True)
class _Stored:
    path: str
    size: int
    offset: int
    sha1: str


def write_archive(sink: BinaryIO, members: Iterable[NewMember], created: str) -> None:
    """Write an archive of `members`, in their order. `created` is a time as RFC 3339 writes it."""
    sink.seek(OVERHEAD)
    stored = list(_write_heap(sink, members))
    xml = _table(stored, created)
    if len(xml) > _TABLE:
        raise ValueError(f"the table of contents of {len(stored)} files is longer than {_TABLE} bytes")
    table = zlib.compress(xml.ljust(_TABLE, b"\n"), 0)
    sink.seek(0)
    sink.write(_HEADER.pack(b"xar!", _HEADER.size, 1, len(table), _TABLE, _SHA1))
    sink.write(table)
    sink.write(hashlib.sha1(table, usedforsecurity=False).digest())


def _write_heap(sink: BinaryIO, members: Iterable[NewMember]) -> Iterator[_Stored]:
    offset = _DIGEST
    for member in members:
        digest, written = hashlib.sha1(usedforsecurity=False), 0
        for piece in member.content:
            digest.update(piece)
            written += sink.write(piece)
        if written != member.size:
            raise ValueError(f"{member.path} has {written} bytes, not the {member.size} it was announced with")
        yield _Stored(member.path, written, offset, digest.hexdigest())
        offset += written


def _table(files: Iterable[_Stored], created: str) -> bytes:
    root = XML.Element("xar")
    toc = XML.SubElement(root, "toc")
    checksum = XML.SubElement(toc, "checksum", style="sha1")
    _values(checksum, offset=0, size=_DIGEST)
    _values(toc, **{"creation-time": created})
    folders: dict[str, XML.Element] = {"": toc}
    for number, file in enumerate(files, start=1):
        folder, _, name = file.path.rpartition("/")
        if folder not in folders:
            folders[folder] = XML.SubElement(toc, "file", id=str(number + 1000))
            _values(folders[folder], name=folder, type="directory", mode="0755")
        element = XML.SubElement(folders[folder], "file", id=str(number))
        _values(element, name=name, type="file", mode="0644")
        data = XML.SubElement(element, "data")
        for which in ("archived-checksum", "extracted-checksum"):
            XML.SubElement(data, which, style="sha1").text = file.sha1
        XML.SubElement(data, "encoding", style="application/octet-stream")
        _values(data, length=file.size, size=file.size, offset=file.offset)
    return DECLARATION + bytes(XML.tostring(root, encoding="utf-8"))


def _values(parent: XML.Element, **values: object) -> None:
    for name, value in values.items():
        XML.SubElement(parent, name).text = str(value)
