"""The payload of `Nexy.pkg`: a gzip-compressed cpio archive of the application, of an exact size."""

from __future__ import annotations

import io
import stat
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from nexy_tui.rehearsal.artifacts.bundle import FOLDERS, RESOURCES, Updater, small_files
from nexy_tui.rehearsal.artifacts.filler import Filler

_STORED = 65535
"""The most a stored deflate block holds (RFC 1951 section 3.2.4); its header takes five bytes."""

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x13"
_GZIP_FRAME = len(_GZIP_HEADER) + 8


def write_payload(version: str, seed: str, size: int) -> Iterator[bytes]:
    """The payload in pieces, `size` bytes in all. The archive is stored in the gzip stream: it would not compress."""
    blocks = -(-(size - _GZIP_FRAME) // (_STORED + 5))
    length = size - _GZIP_FRAME - 5 * blocks
    source = _archive(version, seed, length)
    checksum = 0
    yield _GZIP_HEADER
    for number in range(1, blocks + 1):
        piece = source.read(min(_STORED, length))
        length -= len(piece)
        checksum = zlib.crc32(piece, checksum)
        yield struct.pack("<BHH", number == blocks, len(piece), len(piece) ^ 0xFFFF) + piece
    yield struct.pack("<II", checksum, (size - _GZIP_FRAME - 5 * blocks) & 0xFFFFFFFF)


class _Chain:
    """Several streams read as one."""

    def __init__(self, *streams: BinaryIO) -> None:
        self._streams = list(streams)

    def read(self, size: int) -> bytes:
        pieces: list[bytes] = []
        while size and self._streams:
            piece = self._streams[0].read(size)
            pieces.append(piece)
            size -= len(piece)
            if size:
                self._streams.pop(0)
        return b"".join(pieces)


def _archive(version: str, seed: str, length: int) -> _Chain:
    """A cpio archive (the old portable format, as pkgbuild writes) of `length` bytes."""
    head = _entry(".", stat.S_IFDIR | 0o755, b"")
    for folder in FOLDERS:
        head += _entry(f"./{folder}", stat.S_IFDIR | 0o755, b"")
    for path, content, mode in small_files(version, Updater()):
        head += _entry(f"./{path}", stat.S_IFREG | mode, content)
    tail = _entry("TRAILER!!!", 0, b"")
    big = length - len(head) - len(tail) - len(_header(f"./{RESOURCES}", 0, 0))
    head += _header(f"./{RESOURCES}", stat.S_IFREG | 0o644, big)
    return _Chain(io.BytesIO(head), cast(BinaryIO, Filler(seed, big)), io.BytesIO(tail))


def _entry(name: str, mode: int, content: bytes) -> bytes:
    return _header(name, mode, len(content)) + content


def _header(name: str, mode: int, size: int) -> bytes:
    inode = zlib.crc32(name.encode()) & 0o777777
    fixed = f"070707{0:06o}{inode:06o}{mode:06o}{0:06o}{0:06o}{1:06o}{0:06o}{0:011o}{len(name) + 1:06o}{size:011o}"
    return fixed.encode() + name.encode() + b"\0"
