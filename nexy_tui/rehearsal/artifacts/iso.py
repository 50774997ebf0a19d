"""The file system inside `Nexy.dmg`: ISO 9660 with Rock Ridge and Joliet names, the one that can be made without root."""

from __future__ import annotations

import posixpath
import stat
from io import BytesIO
from typing import BinaryIO, cast

from pycdlib.pycdlib import PyCdlib

from nexy_tui.rehearsal.artifacts.bundle import FOLDERS, RESOURCES, Updater, small_files
from nexy_tui.rehearsal.artifacts.filler import CHUNK, Filler

SECTOR = 2048


def overhead(version: str, updater: Updater) -> int:
    """The size of the volume beside the filler, in bytes: whole sectors, whatever the filler's length."""
    sink = BytesIO()
    write_volume(sink, version, updater, Filler("", SECTOR))
    return len(sink.getvalue()) - SECTOR


def write_volume(sink: BinaryIO, version: str, updater: Updater, filler: Filler) -> None:
    """Write the volume to `sink`, reading `filler` once and in pieces."""
    volume = PyCdlib()
    volume.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident="NEXY", sys_ident="NEXY")
    for folder in FOLDERS:
        volume.add_directory(
            _iso_path(folder), rr_name=posixpath.basename(folder), joliet_path=f"/{folder}", file_mode=stat.S_IFDIR | 0o755
        )
    for path, content, mode in small_files(version, updater):
        _add(volume, path, BytesIO(content), len(content), mode)
    _add(volume, RESOURCES, cast(BinaryIO, filler), filler.length, 0o644)
    volume.write_fp(sink, blocksize=CHUNK)
    volume.close()


def _add(volume: PyCdlib, path: str, source: BinaryIO, length: int, mode: int) -> None:
    volume.add_fp(
        source,
        length,
        iso_path=f"{_iso_path(posixpath.dirname(path))}/{posixpath.basename(path).upper()};1",
        rr_name=posixpath.basename(path),
        joliet_path=f"/{path}",
        file_mode=stat.S_IFREG | mode,
    )


def _iso_path(folder: str) -> str:
    """The plain ISO 9660 name of a directory: upper case, no dot. Rock Ridge and Joliet carry the true one."""
    return "/" + folder.upper().replace(".", "_")
