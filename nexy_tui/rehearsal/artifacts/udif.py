"""Apple's disk image format (UDIF): a data fork, an XML property list that maps it, and a 512-byte `koly` trailer."""

from __future__ import annotations

import io
import plistlib
import struct
import uuid
import zlib
from typing import BinaryIO

TRAILER = 512
SECTOR = 512
_RUN_SECTORS = 2048  # one run a megabyte, as hdiutil writes
_RAW, _END = 0x00000001, 0xFFFFFFFF
_CRC32 = 2
_PARTITION = "Nexy (Apple_ISO : 0)"


def xml_size(volume_size: int) -> int:
    """How many bytes the property list of a volume of this size takes at least."""
    return len(_property_list(volume_size, 0))


def close_image(image: BinaryIO, volume_size: int, total: int) -> None:
    """Make a disk image of the volume that `image` holds: append property list and trailer, so that it is `total` bytes long.

    The runs are stored raw: the content does not compress, and a reader may then seek. White space behind the property
    list takes up what is left to the exact size.
    """
    checksum = _crc32(image, volume_size)
    xml = _property_list(volume_size, checksum)
    room = total - TRAILER - volume_size
    if len(xml) > room:
        raise ValueError(f"a volume of {volume_size} bytes does not fit an image of {total} bytes")
    image.seek(volume_size)
    image.write(xml.ljust(room, b"\n"))
    image.write(_trailer(volume_size, room, checksum))


def _crc32(image: BinaryIO, length: int) -> int:
    image.seek(0)
    value = 0
    while length:
        piece = image.read(min(length, 1 << 20))
        if not piece:
            raise ValueError("the volume is shorter than it says")
        value = zlib.crc32(piece, value)
        length -= len(piece)
    return value


def _checksum(value: int) -> bytes:
    return struct.pack(">II128s", _CRC32, 32, struct.pack(">I", value))


def _block_table(volume_size: int, checksum: int) -> bytes:
    """The `mish` table of the one partition: where each run of sectors lies in the data fork."""
    sectors = volume_size // SECTOR
    runs = [
        struct.pack(">IIQQQQ", _RAW, 0, first, count, first * SECTOR, count * SECTOR)
        for first in range(0, sectors, _RUN_SECTORS)
        for count in (min(_RUN_SECTORS, sectors - first),)
    ]
    runs.append(struct.pack(">IIQQQQ", _END, 0, sectors, 0, volume_size, 0))
    head = struct.pack(">4sIQQQII24x", b"mish", 1, 0, sectors, 0, _RUN_SECTORS + 8, 0)
    return head + _checksum(checksum) + struct.pack(">I", len(runs)) + b"".join(runs)


def _property_list(volume_size: int, checksum: int) -> bytes:
    partition = {"Attributes": "0x0050", "CFName": _PARTITION, "Data": _block_table(volume_size, checksum), "ID": "0", "Name": _PARTITION}
    return plistlib.dumps({"resource-fork": {"blkx": [partition]}})


def _trailer(volume_size: int, xml_length: int, checksum: int) -> bytes:
    """The `koly` block. Its master checksum is the CRC-32 of the partitions' checksums, one after another."""
    segment = uuid.uuid5(uuid.NAMESPACE_URL, f"nexy:{volume_size}:{checksum}").bytes
    out = io.BytesIO()
    out.write(struct.pack(">4sIII", b"koly", 4, TRAILER, 1))
    out.write(struct.pack(">QQQQQ", 0, 0, volume_size, 0, 0))
    out.write(struct.pack(">II16s", 1, 1, segment))
    out.write(_checksum(checksum))
    out.write(struct.pack(">QQ120x", volume_size, xml_length))
    out.write(_checksum(zlib.crc32(struct.pack(">I", checksum))))
    out.write(struct.pack(">IQ12x", 1, volume_size // SECTOR))
    return out.getvalue()
