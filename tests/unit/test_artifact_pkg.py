from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import pytest

from nexy_tui.core.clock import SystemClock
from nexy_tui.rehearsal.artifacts import make as artifacts
from nexy_tui.services import xar
from nexy_tui.services.artifact import Unfit, inspect

SIZE = 300_000
PAGE = b"<!DOCTYPE html>\n<html><body><h1>Sign in</h1></body></html>\n"
HEADER = struct.Struct(">4sHHQQI")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return artifacts.build_pkg(tmp_path_factory.mktemp("pkg") / "Nexy.pkg", "1.6.1.43", SIZE).path.read_bytes()


def refused(folder: Path, content: bytes) -> str:
    (folder / "Nexy.pkg").write_bytes(content)
    with pytest.raises(Unfit) as raised:
        inspect(folder, "Nexy.pkg", SystemClock(1000), os.environ)
    return str(raised.value)


def archive(toc: str, heap: bytes = b"", *, style: int = 0, plain: int | None = None) -> bytes:
    """A xar archive with this table of contents."""
    text = f"<?xml version='1.0'?><xar><toc>{toc}</toc></xar>".encode() if not toc.startswith("<!") else toc.encode()
    table = zlib.compress(text)
    return HEADER.pack(b"xar!", HEADER.size, 1, len(table), len(text) if plain is None else plain, style) + table + heap


def member(name: str, offset: int, length: int, encoding: str = "application/octet-stream") -> str:
    return (
        f"<file id='1'><name>{name}</name><type>file</type><data><length>{length}</length><size>{length}</size>"
        f"<offset>{offset}</offset><encoding style='{encoding}'/></data></file>"
    )


def test_a_whole_package_names_its_version_everywhere(built: bytes, tmp_path: Path) -> None:
    (tmp_path / "Nexy.pkg").write_bytes(built)
    found = inspect(tmp_path, "Nexy.pkg", SystemClock(1000), {})
    assert found is not None and found.size == SIZE
    assert set(found.contents.versions) == {
        "product in Distribution",
        "Nexy-component.pkg/PackageInfo",
        "CFBundleShortVersionString in Nexy-component.pkg/PackageInfo",
        "CFBundleVersion in Nexy-component.pkg/PackageInfo",
    }
    assert set(found.contents.versions.values()) == {"1.6.1.43"}


@pytest.mark.parametrize("left", [3, 27, 200, 5000, SIZE // 2, SIZE - 1])
def test_a_package_cut_short_anywhere_is_refused(built: bytes, tmp_path: Path, left: int) -> None:
    text = refused(tmp_path, built[:left])
    assert "truncated" in text or "does not start with" in text


def test_a_changed_byte_in_the_payload_or_the_table_is_noticed(built: bytes, tmp_path: Path) -> None:
    for place, says in ((SIZE - 100, "Nexy-component.pkg/Payload does not have its sha1 checksum"), (200, "table of contents")):
        spoilt = bytearray(built)
        spoilt[place] ^= 1
        assert says in refused(tmp_path, bytes(spoilt))


def test_other_files_are_no_package(tmp_path: Path) -> None:
    assert refused(tmp_path, b"PK\x03\x04" * 100) == "is not an installer package: it does not start with `xar!`"
    assert "web page" in refused(tmp_path, PAGE)


def test_a_table_that_expands_without_end_is_not_expanded(tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(64 << 20), 9)
    assert "more than is read" in refused(tmp_path, HEADER.pack(b"xar!", HEADER.size, 1, len(bomb), 64 << 20, 0) + bomb)
    assert "another length" in refused(tmp_path, HEADER.pack(b"xar!", HEADER.size, 1, len(bomb), 1000, 0) + bomb)


def test_entities_and_document_types_are_refused(tmp_path: Path) -> None:
    toc = '<!DOCTYPE x [<!ENTITY a "aaaa">]><xar><toc>&a;</toc></xar>'
    assert "XML document in it cannot be read" in refused(tmp_path, archive(toc))


@pytest.mark.parametrize("encoding", ["application/octet-stream", "application/x-gzip", "application/x-bzip2"])
def test_a_distribution_is_read_however_it_is_stored(tmp_path: Path, encoding: str) -> None:
    import bz2

    text = b"<installer-gui-script><product id='a' version='1.2.3.4'/></installer-gui-script>"
    ways = {"application/octet-stream": text, "application/x-gzip": zlib.compress(text), "application/x-bzip2": bz2.compress(text)}
    stored = ways[encoding]
    path = tmp_path / "Nexy.pkg"
    path.write_bytes(archive(member("Distribution", 0, len(stored), encoding), stored))
    assert xar.versions(path) == {"product in Distribution": "1.2.3.4"}


def test_a_distribution_that_expands_without_end_is_refused(tmp_path: Path) -> None:
    stored = zlib.compress(bytes(8 << 20), 9)
    text = refused(tmp_path, archive(member("Distribution", 0, len(stored), "application/x-gzip"), stored))
    assert "expands to more than is read" in text


def test_a_package_without_any_version_is_refused(tmp_path: Path) -> None:
    assert "names no version" in refused(tmp_path, archive(member("Bom", 0, 4), b"bom!"))


@pytest.mark.parametrize("field", ["-1", "1e3", "99999999999999999999", "", "0x10"])
def test_a_number_that_is_none_is_refused(tmp_path: Path, field: str) -> None:
    toc = member("Bom", 0, 4).replace("<offset>0", f"<offset>{field}")
    assert "where a number stands" in refused(tmp_path, archive(toc, b"bom!"))


def test_a_helpers_component_with_a_version_of_its_own_does_not_count(tmp_path: Path) -> None:
    ours = b"<pkg-info version='1.6.1.43'><bundle path='./Nexy.app' CFBundleVersion='1.6.1.43'/></pkg-info>"
    helper = b"<pkg-info version='9.9'><bundle path='./Helper.app' CFBundleVersion='9.9'/></pkg-info>"
    files = "".join(
        f"<file id='{n}'><name>{name}</name>{member('PackageInfo', offset, length)}</file>"
        for n, (name, offset, length) in enumerate([("a.pkg", 0, len(ours)), ("b.pkg", len(ours), len(helper))])
    )
    path = tmp_path / "Nexy.pkg"
    path.write_bytes(archive(files, ours + helper))
    assert xar.versions(path) == {"a.pkg/PackageInfo": "1.6.1.43", "CFBundleVersion in a.pkg/PackageInfo": "1.6.1.43"}
