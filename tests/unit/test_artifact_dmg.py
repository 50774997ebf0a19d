from __future__ import annotations

import os
import plistlib
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from nexy_tui.core.clock import SystemClock
from nexy_tui.core.problem import Cancelled
from nexy_tui.rehearsal.artifacts import make as artifacts
from nexy_tui.services import dmg
from nexy_tui.services.artifact import Inspected, Known, Unfit, inspect

CLOCK = SystemClock(1000)
SIZE = 400_000
PAGE = b"<!DOCTYPE html>\n<html><body><h1>Sign in</h1></body></html>\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return artifacts.build_dmg(tmp_path_factory.mktemp("dmg") / "Nexy.dmg", "1.6.1.43", SIZE).path


@pytest.fixture
def image(built: Path, tmp_path: Path) -> Path:
    path = tmp_path / "Nexy.dmg"
    path.write_bytes(built.read_bytes())
    return path


def look(path: Path, **environ: str) -> Inspected | None:
    return inspect(path.parent, path.name, CLOCK, {**os.environ, **environ})


def refused(path: Path) -> str:
    with pytest.raises(Unfit) as raised:
        look(path)
    return str(raised.value)


def test_a_whole_image_says_size_digest_and_version(image: Path) -> None:
    found = look(image)
    assert found is not None
    digest = subprocess.run(["sha256sum", image], capture_output=True, text=True, check=True).stdout.split()[0]
    assert (found.size, found.sha256) == (SIZE, digest)
    assert set(found.contents.versions.values()) == {"1.6.1.43"} and len(found.contents.versions) == 2
    assert found.contents.unlike("1.6.1.43") == ()
    assert len(found.contents.unlike("1.6.1.44")) == 2


def test_an_image_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert look(tmp_path / "Nexy.dmg") is None


def test_an_empty_file_is_refused(image: Path) -> None:
    image.write_bytes(b"")
    assert refused(image) == "is empty"


@pytest.mark.parametrize("left", [1, 100, 512, SIZE // 2, SIZE - 1])
def test_an_image_cut_short_anywhere_is_refused(image: Path, left: int) -> None:
    image.write_bytes(image.read_bytes()[:left])
    assert "disk image" in refused(image)


def test_an_image_with_a_piece_missing_in_the_middle_is_refused(image: Path) -> None:
    whole = image.read_bytes()
    image.write_bytes(whole[:1000] + whole[3048:])
    assert "truncated" in refused(image) or "damaged" in refused(image)


def test_one_changed_byte_of_the_data_is_noticed(image: Path) -> None:
    whole = bytearray(image.read_bytes())
    whole[SIZE // 2] ^= 1
    image.write_bytes(whole)
    assert "checksum" in refused(image)


@pytest.mark.parametrize("page", [PAGE, b"\xef\xbb\xbf\n <HTML><body>404</body></HTML>" * 50])
def test_a_web_page_is_called_one(image: Path, page: bytes) -> None:
    image.write_bytes(page)
    assert "is a web page" in refused(image)


def test_a_link_out_of_the_inbox_is_refused_and_one_inside_is_not(built: Path, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "Nexy.dmg").symlink_to(built)
    assert refused(inbox / "Nexy.dmg") == "is a symbolic link that leaves the inbox"
    (inbox / "Nexy-1.6.1.43.dmg").write_bytes(built.read_bytes())
    (inbox / "Nexy.dmg").unlink()
    (inbox / "Nexy.dmg").symlink_to("Nexy-1.6.1.43.dmg")
    assert look(inbox / "Nexy.dmg") is not None
    (inbox / "Nexy-1.6.1.43.dmg").unlink()
    assert "not there" in refused(inbox / "Nexy.dmg")


def test_a_folder_and_a_pipe_are_no_artifacts(tmp_path: Path) -> None:
    (tmp_path / "Nexy.dmg").mkdir()
    assert refused(tmp_path / "Nexy.dmg") == "is not a plain file"
    (tmp_path / "Nexy.dmg").rmdir()
    os.mkfifo(tmp_path / "Nexy.dmg")
    assert refused(tmp_path / "Nexy.dmg") == "is not a plain file"


def test_a_file_that_still_grows_is_refused(image: Path) -> None:
    class Growing(SystemClock):
        def sleep(self, seconds: float, cancelled: object = None) -> None:
            with image.open("ab") as stream:
                stream.write(b"more")

    with pytest.raises(Unfit, match=f"still being written: it had {SIZE} bytes, now {SIZE + 4}"):
        inspect(image.parent, image.name, Growing(), os.environ)


def test_reading_can_be_stopped(image: Path) -> None:
    with pytest.raises(Cancelled):
        inspect(image.parent, image.name, CLOCK, os.environ, cancelled=lambda: True)


def test_the_same_bytes_are_not_opened_twice_and_others_always_are(image: Path, tmp_path: Path) -> None:
    known: Known = {}
    nowhere = {"PATH": str(tmp_path)}
    unread = inspect(image.parent, image.name, CLOCK, nowhere, known=known)
    assert unread is not None and unread.contents.unread and not known
    first = inspect(image.parent, image.name, CLOCK, os.environ, known=known)
    assert first is not None and inspect(image.parent, image.name, CLOCK, nowhere, known=known) == first
    artifacts.build_dmg(image, "1.6.1.44", SIZE)
    other = inspect(image.parent, image.name, CLOCK, os.environ, known=known)
    assert other is not None and set(other.contents.versions.values()) == {"1.6.1.44"}
    damaged = bytearray(image.read_bytes())
    damaged[SIZE // 2] ^= 1
    image.write_bytes(damaged)
    with pytest.raises(Unfit, match="is damaged"):
        inspect(image.parent, image.name, CLOCK, os.environ, known=known)


def test_without_a_reader_the_version_is_unread_and_says_so(image: Path, tmp_path: Path) -> None:
    found = look(image, PATH=str(tmp_path))
    assert found is not None and found.contents.versions == {}
    assert found.contents.unread == "there is neither hdiutil nor 7-Zip (7zz, 7z or 7za) here to read the image with"


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_an_older_seven_zip_that_shows_partitions_is_led_inside(image: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    own = next(filter(None, map(shutil.which, dmg.SEVEN_ZIP)))
    program(programs, "7zz", f'case "$*" in *Nexy.dmg*) what=$1; shift; exec {own} "$what" -tdmg "$@";; esac\nexec {own} "$@"')
    found = dmg.application(image, {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
    assert set(found.versions.values()) == {"1.6.1.43"} and "7zz" in found.place


def test_on_a_mac_the_image_is_mounted_read_only_and_detached(image: Path, tmp_path: Path) -> None:
    volume, programs = tmp_path / "Volume", tmp_path / "bin"
    contents = volume / "Nexy.app" / "Contents"
    contents.mkdir(parents=True)
    (contents / "Info.plist").write_bytes(
        plistlib.dumps({"CFBundleShortVersionString": "1.6.1.43", "CFBundleVersion": "1.6.1.43"}, fmt=plistlib.FMT_BINARY)
    )
    programs.mkdir()
    answer = tmp_path / "answer.plist"
    answer.write_bytes(plistlib.dumps({"system-entities": [{"dev-entry": "/dev/disk9"}, {"mount-point": str(volume)}]}))
    script = f'echo "$@" >> {tmp_path}/calls\ncase $1 in attach) read agreed; echo "Licence: agree? $agreed"; cat {answer};; esac'
    program(programs, "hdiutil", script)
    environ = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    found = dmg.application(image, environ, platform="darwin")
    assert set(found.versions.values()) == {"1.6.1.43"} and "hdiutil" in found.place
    calls = (tmp_path / "calls").read_text().splitlines()
    assert "-readonly" in calls[0] and "-nobrowse" in calls[0]
    assert calls[1] == f"detach -force {volume}"
    program(programs, "hdiutil", "echo 'image not recognized' >&2; exit 1")
    with pytest.raises(dmg.UnreadableImage, match="image not recognized"):
        dmg.application(image, environ, platform="darwin")


@pytest.mark.parametrize(
    ("listing", "says"),
    [
        ("Path = A.app/Contents/Info.plist\nPath = B.app/Contents/Info.plist\n", "2 applications"),
        ("Path = README.txt\nSize = 5\n", "no application's Info.plist"),
        ("", "no application's Info.plist"),
    ],
)
def test_an_image_with_another_content_is_unread_with_the_reason(image: Path, tmp_path: Path, listing: str, says: str) -> None:
    (tmp_path / "listing").write_text(listing)
    program(tmp_path, "7zz", f"cat {tmp_path}/listing")
    with pytest.raises(dmg.UnreadableImage, match=says):
        dmg.application(image, {**os.environ, "PATH": f"{tmp_path}:/bin:/usr/bin"})


def test_a_link_under_the_property_lists_name_is_not_followed(image: Path, tmp_path: Path) -> None:
    script = 'case $1 in l) echo "Path = Nexy.app/Contents/Info.plist";; e) ln -s /etc/passwd "${3#-o}/Info.plist";; esac'
    program(tmp_path, "7zz", script)
    with pytest.raises(dmg.UnreadableImage, match="could not take"):
        dmg.application(image, {**os.environ, "PATH": f"{tmp_path}:/bin:/usr/bin"})
