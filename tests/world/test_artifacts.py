"""Artifacts of a rehearsal, looked at with 7-Zip and with readers written here from the formats' descriptions."""

from __future__ import annotations

import gzip
import hashlib
import plistlib
import shutil
import struct
import subprocess
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as XML

import pytest

from nexy_tui.core.target import DMG, PKG
from nexy_tui.rehearsal.artifacts import make as artifacts
from nexy_tui.rehearsal.artifacts.filler import CHUNK, Filler
from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.faults.inbox import FAULTS
from nexy_tui.rehearsal.invent import invent
from nexy_tui.rehearsal.names import World

SIZES = [artifacts.SMALLEST, 1_000_003, 3 << 20]
SEVEN_ZIP = shutil.which("7zz") or shutil.which("7z")


def seven_zip(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(SEVEN_ZIP), *map(str, arguments)], capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL)


# --- the disk image ---


@pytest.mark.parametrize("size", SIZES)
def test_a_dmg_has_its_exact_size_and_true_checksums(tmp_path: Path, size: int) -> None:
    built = artifacts.build_dmg(tmp_path / DMG, "1.6.1.43", size)
    data = built.path.read_bytes()
    assert (len(data), built.size, built.sha256) == (size, size, hashlib.sha256(data).hexdigest())
    assert list(tmp_path.iterdir()) == [built.path]
    koly = data[-512:]
    assert koly[:4] == b"koly" and struct.unpack(">II", koly[4:12]) == (4, 512)
    fork, length = struct.unpack(">QQ", koly[24:40])
    xml, xml_length = struct.unpack(">QQ", koly[216:232])
    assert (fork, xml, xml + xml_length) == (0, length, size - 512)
    assert struct.unpack(">III", koly[80:92]) == (2, 32, zlib.crc32(data[:length]))
    (partition,) = plistlib.loads(data[xml : xml + xml_length])["resource-fork"]["blkx"]
    mish = partition["Data"]
    assert mish[:4] == b"mish" and struct.unpack(">Q", mish[16:24])[0] == length // 512
    (checksum,) = struct.unpack(">I", mish[72:76])
    (count,) = struct.unpack(">I", mish[200:204])
    runs = [struct.unpack(">IIQQQQ", mish[at : at + 40]) for at in range(204, 204 + 40 * count, 40)]
    assert len(mish) == 204 + 40 * count and runs[-1][0] == 0xFFFFFFFF
    volume = b"".join(data[offset : offset + stored] for kind, _, _, _, offset, stored in runs[:-1] if kind == 1)
    assert checksum == zlib.crc32(volume) and len(volume) == sum(run[3] for run in runs) * 512
    assert struct.unpack(">III", koly[352:364]) == (2, 32, zlib.crc32(struct.pack(">I", checksum)))
    assert struct.unpack(">IQ", koly[488:500]) == (1, len(volume) // 512)
    assert volume[32768:32774] == b"\x01CD001"


@pytest.mark.parametrize("size", SIZES)
def test_7zip_reads_the_property_list_of_a_dmg_in_one_step(tmp_path: Path, size: int) -> None:
    built = artifacts.build_dmg(tmp_path / DMG, "1.6.1.43", size)
    read = seven_zip("e", "-so", built.path, "Nexy.app/Contents/Info.plist")
    assert read.returncode == 0, read.stderr
    plist = plistlib.loads(read.stdout)
    assert (plist["CFBundleShortVersionString"], plist["CFBundleVersion"]) == ("1.6.1.43", "1.6.1.43")
    for layer in ((), ("-tdmg",)):
        tested = seven_zip("t", *layer, built.path)
        assert tested.returncode == 0 and b"Everything is Ok" in tested.stdout, tested.stdout


def test_the_long_names_of_a_dmg_stand_in_rock_ridge_and_joliet(tmp_path: Path) -> None:
    from io import BytesIO

    from pycdlib.pycdlib import PyCdlib

    artifacts.build_dmg(tmp_path / DMG, "1.6.1.43", 1_000_000)
    for way in ("rr_path", "joliet_path"):
        volume = PyCdlib()
        volume.open(str(tmp_path / DMG))
        found = BytesIO()
        volume.get_file_from_iso_fp(found, **{way: "/Nexy.app/Contents/Info.plist"})
        volume.close()
        assert plistlib.loads(found.getvalue())["CFBundleVersion"] == "1.6.1.43"


# --- the package ---


def table(data: bytes) -> tuple[XML.Element, bytes]:
    """A xar's table of contents and its heap."""
    magic, header, version, packed, plain, kind = struct.unpack(">4sHHQQI", data[:28])
    assert (magic, header, version, kind) == (b"xar!", 28, 1, 1)
    raw = zlib.decompress(data[28 : 28 + packed])
    heap = data[28 + packed :]
    assert len(raw) == plain and heap[:20] == hashlib.sha1(data[28 : 28 + packed]).digest()
    return XML.fromstring(raw), heap


@pytest.mark.parametrize("size", SIZES)
def test_a_pkg_has_its_exact_size_and_true_checksums(tmp_path: Path, size: int) -> None:
    built = artifacts.build_pkg(tmp_path / PKG, "1.6.1.43", size)
    data = built.path.read_bytes()
    assert (len(data), built.sha256) == (size, hashlib.sha256(data).hexdigest())
    xml, heap = table(data)
    members: dict[str, bytes] = {}
    for file in xml.iter("file"):
        stored = file.find("data")
        if stored is not None:
            offset, length = int(stored.findtext("offset", "")), int(stored.findtext("length", ""))
            members[file.findtext("name", "")] = content = heap[offset : offset + length]
            assert stored.findtext("extracted-checksum") == hashlib.sha1(content).hexdigest()
    assert XML.fromstring(members["PackageInfo"]).get("version") == "1.6.1.43"
    product = XML.fromstring(members["Distribution"]).find("product")
    assert product is not None and product.get("version") == "1.6.1.43"
    assert sum(map(len, members.values())) + 20 == len(heap)
    archive = gzip.decompress(members["Payload"])
    assert archive.startswith(b"070707") and b"TRAILER!!!\0" in archive[-100:]
    assert b"./Nexy.app/Contents/Info.plist\0<?xml" in archive


def test_7zip_lists_and_reads_the_package_info_of_a_pkg(tmp_path: Path) -> None:
    built = artifacts.build_pkg(tmp_path / PKG, "1.6.1.43", 1_000_000)
    listed = seven_zip("l", "-ba", "-txar", built.path).stdout.decode()
    assert "Nexy-component.pkg/PackageInfo" in listed and "Distribution" in listed
    read = seven_zip("e", "-so", "-txar", built.path, "-r", "PackageInfo")
    assert read.returncode == 0 and XML.fromstring(read.stdout).get("version") == "1.6.1.43"
    assert seven_zip("t", built.path).returncode == 0
    payload = tmp_path / "payload.cpio"
    payload.write_bytes(gzip.decompress(seven_zip("e", "-so", "-txar", built.path, "-r", "Payload").stdout))
    plist = seven_zip("e", "-so", "-tcpio", payload, "-r", "Info.plist").stdout
    assert plistlib.loads(plist)["CFBundleVersion"] == "1.6.1.43"


# --- what they have in common ---


@pytest.mark.parametrize("build", [artifacts.build_dmg, artifacts.build_pkg])
def test_versions_and_seeds_differ_where_it_matters(tmp_path: Path, build: Callable[..., artifacts.Built]) -> None:
    digests = {
        build(tmp_path / f"{version}{seed}", version, 400_000, seed).sha256 for version in ("1.6.1.42", "1.6.1.43") for seed in ("", "x")
    }
    assert len(digests) == 4


def test_an_artifact_does_not_compress(tmp_path: Path) -> None:
    data = artifacts.build_dmg(tmp_path / DMG, "1.6.1.43", 2_000_000).path.read_bytes()
    assert len(zlib.compress(data)) > 0.9 * len(data)


@pytest.mark.parametrize("size", [artifacts.SMALLEST - 1, artifacts.LARGEST + 1])
def test_sizes_no_release_host_takes_are_refused(tmp_path: Path, size: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        artifacts.build_pkg(tmp_path / PKG, "1.6.1.43", size)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [DMG, PKG])
def test_building_takes_no_memory_in_proportion_to_the_size(tmp_path: Path, name: str) -> None:
    artifacts.build(tmp_path / name, name, "1.6.1.43", artifacts.SMALLEST)
    tracemalloc.start()
    try:
        artifacts.build(tmp_path / name, name, "1.6.1.43", 80_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000


def test_filler_is_the_same_from_any_position() -> None:
    whole = Filler("seed", 2 * CHUNK + 77).read()
    part = Filler("seed", 2 * CHUNK + 77)
    part.seek(CHUNK - 5)
    assert part.read(CHUNK) + part.read() == whole[CHUNK - 5 :]
    assert len(whole) == 2 * CHUNK + 77 and Filler("other", 100).read() != whole[:100]


# --- the inbox's faults ---


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = invent(tmp_path / "world", "flat", 600_000)
    inbox = made.checkout_layout.inbox
    inbox.mkdir(parents=True)
    (inbox / ".gitkeep").write_bytes(b"")
    artifacts.build_dmg(inbox / DMG, made.next, made.artifact_size)
    return made


def switch(world: World, name: str, on: bool, parameter: str | None = None) -> None:
    fault = next(fault for fault in FAULTS if fault.name == name)
    Faults(world.faults).switch(name, on, parameter)
    hook = fault.on if on else fault.off
    assert hook is not None
    hook(world, parameter)


def contents(inbox: Path) -> dict[str, str]:
    return {path.name: artifacts.sha256(path) for path in inbox.iterdir()}


@pytest.mark.parametrize("name", [fault.name for fault in FAULTS])
def test_an_inbox_fault_switched_off_leaves_the_inbox_as_it_was(world: World, name: str) -> None:
    inbox = world.checkout_layout.inbox
    before = contents(inbox)
    switch(world, name, on=True)
    assert not inbox.exists() or contents(inbox) != before
    switch(world, name, on=False)
    assert contents(inbox) == before
    assert not list(world.artifacts.iterdir())


def test_what_each_inbox_fault_does(world: World) -> None:
    inbox = world.checkout_layout.inbox
    whole = (inbox / DMG).read_bytes()
    switch(world, "dmg-truncated", on=True)
    cut = (inbox / DMG).read_bytes()
    assert whole.startswith(cut) and 0 < len(cut) < len(whole)
    switch(world, "dmg-html", on=True)
    assert (inbox / DMG).read_bytes().startswith(b"<!DOCTYPE html>")
    switch(world, "inbox-empty", on=True)
    assert [path.name for path in inbox.iterdir()] == [".gitkeep"]
    switch(world, "inbox-missing", on=True)
    assert not inbox.exists()
    for name in ("dmg-html", "inbox-missing", "inbox-empty"):
        switch(world, name, on=False)
    assert (inbox / DMG).read_bytes() == cut
    switch(world, "dmg-truncated", on=False)
    assert (inbox / DMG).read_bytes() == whole


@pytest.mark.parametrize(("parameter", "version"), [(None, "1.6.1.42"), ("1.5.0.9", "1.5.0.9")])
def test_the_fault_dmg_other_version_is_a_good_image_of_the_wrong_version(world: World, parameter: str | None, version: str) -> None:
    switch(world, "dmg-other-version", on=True, parameter=parameter)
    read = seven_zip("e", "-so", world.checkout_layout.inbox / DMG, "Nexy.app/Contents/Info.plist")
    assert plistlib.loads(read.stdout)["CFBundleVersion"] == version
