"""Work that is bounded by its structure: bytes taken from the line, lines run, files read. None of it is measured by a clock."""

from __future__ import annotations

import ast
import contextlib
import gzip
import hashlib
import os
import subprocess
import sys
import tomllib
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import httpx
import pytest
from hostile_kit import Clients, OneToken, folder, host, meets, member, packed, pkg
from ruamel.yaml import YAML

from checks import rulebook_sources
from nexy_tui.config import file as config
from nexy_tui.core import python_source, secret
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.event import silent
from nexy_tui.core.problem import CouldNotLook, Unusable
from nexy_tui.core.target import Target
from nexy_tui.core.vm_facts import unpack_survey
from nexy_tui.runlog import trust
from nexy_tui.runlog.chain import dangling
from nexy_tui.services import dmg, download, git, processes, version_fields, xar
from nexy_tui.services.download import Downloader
from nexy_tui.services.git import reading
from nexy_tui.services.github import ReleaseHost
from nexy_tui.services.update_server import MAX_BODY, UpdateService

MIB = 1 << 20

# --- bodies without end: only so much is taken from the line ---


class Endless(httpx.SyncByteStream):
    """A gigabyte, made as it is taken; `taken` counts."""

    SIZE = 1 << 30

    def __init__(self, piece: bytes = b" " * 65536) -> None:
        self.piece, self.taken = piece, 0

    def __iter__(self) -> Iterator[bytes]:
        while self.taken < self.SIZE:
            self.taken += len(self.piece)
            yield self.piece


@pytest.mark.parametrize("look", ["health", "updates_health", "appcast"])
def test_of_a_gigabyte_from_the_update_server_a_little_is_taken(look: str) -> None:
    body = Endless()
    service = UpdateService(Target(), Clients(body), SystemClock(1e9))  # type: ignore[arg-type]
    assert "larger than" in getattr(service, look)().problem
    assert body.taken <= MAX_BODY + 65536


def test_of_a_gigabyte_from_the_release_host_a_little_is_taken() -> None:
    body = Endless()
    with pytest.raises(CouldNotLook, match="more than"):
        host(body).release("Update")
    assert body.taken <= (8 << 20) + 65536


def test_what_the_release_host_compresses_is_not_expanded() -> None:
    body = Endless(gzip.compress(bytes(MIB)))
    with pytest.raises(CouldNotLook, match="compressed"):
        host(body, headers=httpx.Headers({"content-encoding": "gzip"})).release("Update")
    assert body.taken == 0


def test_a_release_host_that_trickles_is_a_broken_line() -> None:
    class Slow(SystemClock):
        time = 0.0

        def monotonic(self) -> float:
            Slow.time += 30
            return Slow.time

    body = Endless(b" ")
    slow = ReleaseHost(Target(), Clients(body), OneToken(), Slow(1e9))  # type: ignore[arg-type]
    with pytest.raises(CouldNotLook, match="broke each time"):
        slow.release("Update")
    assert body.taken < 100


def downloader(body: httpx.SyncByteStream | bytes, status: int = 200, headers: httpx.Headers | None = None) -> Downloader:
    return Downloader(Clients(body, status, headers), SystemClock(1e9), silent, lambda: False)  # type: ignore[arg-type]


def test_a_download_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "LIMIT", 4 * MIB)
    body = Endless()
    with pytest.raises(CouldNotLook, match="does not end"):
        downloader(body).fetch("https://h/f", "f", "p")
    assert body.taken <= 5 * MIB


NO_ADDRESSES = (
    "",
    "https://[::1",
    "https://",
    "javascript:x",
    "//",
    "https://a b/",
    "http://h/f",
    "https://h:port/",
    "\x7f2J",
    "https://\u0661/",
)


@pytest.mark.parametrize("location", NO_ADDRESSES)
def test_a_redirect_to_what_is_no_address_is_refused(location: str) -> None:
    headers = httpx.Headers([(b"location", location.encode())])
    with pytest.raises(CouldNotLook, match=r"is not https|redirected more than|could not be downloaded"):
        downloader(b"", 302, headers).fetch("https://h/f", "f", "p")
    service = UpdateService(Target(), Clients(b"", 302, headers), SystemClock(1e9))  # type: ignore[arg-type]
    with contextlib.suppress(CouldNotLook):
        assert service.health().problem == "it answered HTTP 302"
    with pytest.raises(CouldNotLook):
        host(b"", 302, headers).release("Update")


def test_of_a_gigabyte_for_the_rulebooks_gate_a_little_is_taken() -> None:
    body = Endless()
    assert "larger than" in rulebook_sources._get(Clients(body), "https://h/health").why  # type: ignore[arg-type]
    assert body.taken <= rulebook_sources.MAX_BODY + 65536


# --- work that is bounded by its structure ---


def lines_run(function: Callable[[], object]) -> int:
    """How many lines of Python a call runs."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("pattern", ["*a" * 30 + "b", "*" * 200 + "b", "a*" * 40, "?*" * 40 + "b"])
def test_no_pattern_in_a_list_of_keys_takes_long(pattern: str) -> None:
    value = "a" * 300
    assert lines_run(lambda: trust._glob(value, pattern)) < 30 * len(value) * len(pattern)


@pytest.mark.parametrize(
    ("value", "pattern", "covers"),
    [
        ("ada@example.com", "ada@example.com", True),
        ("ada@example.com", "*", True),
        ("ada@example.com", "*@example.com", True),
        ("ada@example.com", "ada@*.com", True),
        ("ada@example.com", "a?a@example.com", True),
        ("ada@example.com", "*@example.org", False),
        ("ada@example.com", "ada@example.com?", False),
        ("", "*", True),
        ("", "?", False),
        ("aXbXc", "a*b*c", True),
        ("aXbXcd", "a*b*c", False),
        ("a*c", "a*c", True),
        ("a.c", "a?c", True),
        ("abc", "a.c", False),
    ],
)
def test_patterns_mean_what_openssh_means(value: str, pattern: str, covers: bool) -> None:
    assert trust._glob(value, pattern) is covers


def test_settings_files_of_a_survey_are_few_however_many_it_names() -> None:
    def lines(files: int) -> int:
        text = "".join(f"settings f{n} there\n" for n in range(files)) + "setting f0 SERVER_VERSION 1\n" * 200
        return lines_run(lambda: unpack_survey(packed(text).decode(), ""))

    assert lines(8) < 60_000
    with pytest.raises(ValueError, match="more settings files"):
        lines(9)


def test_documents_of_a_package_are_read_once_each_and_few(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    document = xar._document

    def noted(path: Path, of: Any) -> Any:
        read.append(of.path)
        return document(path, of)

    monkeypatch.setattr(xar, "_document", noted)
    toc = "".join(member(f"p{n}.pkg/PackageInfo", 0, 40) for n in range(500))
    assert "500 documents" in (meets("xar", pkg(toc, b"<pkg-info version='1.6.1.43'/>".ljust(40))) or "")
    assert read == []


def test_equal_files_of_a_package_are_read_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    taken = 0
    pieces = xar._pieces

    def counted(*arguments: Any) -> Iterator[bytes]:
        nonlocal taken
        for piece in pieces(*arguments):
            taken += len(piece)
            yield piece

    monkeypatch.setattr(xar, "_pieces", counted)
    check = f"<archived-checksum style='sha1'>{hashlib.sha1(bytes(1000)).hexdigest()}</archived-checksum>"
    (tmp_path / "Nexy.pkg").write_bytes(pkg("".join(member(f"f{n}", 0, 1000, check) for n in range(500)), bytes(1000)))
    xar.verify(tmp_path / "Nexy.pkg")
    assert taken == 1000


def test_what_costs_much_is_not_even_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(tomllib, "loads", never)
    monkeypatch.setattr(YAML, "compose", never)
    monkeypatch.setattr(ast, "parse", never)
    with pytest.raises(Unusable):
        config.parse_config("a." * 3000 + "a = 1", "config.toml")
    for text in ("a: " + "[" * 70, "[" * 40 + "\n" + "[" * 40, "x" * 5000):
        with pytest.raises(ValueError, match="than people write"):
            version_fields.yaml_fields(text)
    with pytest.raises(ValueError, match="larger than"):
        python_source.parse(b" " * (python_source.MAX_SIZE + 1))


class Counted(SimpleNamespace):
    """A record that counts how often it is asked for its action."""

    asked = 0

    @property
    def action(self) -> str:
        Counted.asked += 1
        return str(self.of)


def test_a_log_of_many_intents_and_results_is_walked_once() -> None:
    made = [("intent", f"a{n}") for n in range(1000)] + [("result", f"b{n}") for n in range(1000)] + [("result", "a7"), ("intent", "a8")]
    records: Any = [Counted(kind=kind, of=name, status="done") for kind, name in made]
    Counted.asked = 0
    found: Any = dangling(records)
    assert [record.of for record in found] == [f"a{n}" for n in range(1000) if n != 7] + ["a8"]
    assert Counted.asked <= 2 * len(records) + 2000


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(secret._ADDRESS, "http://" * 5000), (secret._JWT, "eyJaaaaaaaaaaaa-" * 5000), (secret._ADDRESS, "https://x/" + "a" * 50_000)],
)
def test_redaction_walks_each_stretch_of_text_once(pattern: Any, text: str) -> None:
    """One match takes all of it; a pattern that fails at its end would be tried again from every beginning inside."""
    assert [found.span() for found in pattern.finditer(text)] == [(0, len(text))]


def test_redaction_still_hides_what_it_hid() -> None:
    token = f"eyJ{'a' * 20}.{'b' * 20}.{'c' * 20}"
    text = f"see http://h/x?sig=1 and <https://u:p@h/y?t=2>http://z?q {token} eyJnotatoken12345"
    assert (
        secret.redact(text)
        == "see http://h/x?[redacted] and <https://[redacted]@h/y?[redacted]>http://z?[redacted] [redacted] eyJnotatoken12345"
    )


# --- what others pushed ---


def test_a_pushed_file_of_a_gigabyte_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}

    def run(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *who, "-C", str(tmp_path), *arguments], env=environ, check=True, capture_output=True, timeout=60)

    (tmp_path / "manifest.json").write_bytes(bytes(2 * MIB))
    (tmp_path / "VERSION").write_bytes(b"1.6.1.43")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        run(*arguments)
    monkeypatch.setattr(reading, "LARGEST", MIB)
    here = git.Git(tmp_path, Target(), environ)
    assert here.show("HEAD", "VERSION") == b"1.6.1.43", "and what is imported for it is not counted"
    tracemalloc.start()
    try:
        with pytest.raises(CouldNotLook, match="more than is read"):
            here.show("HEAD", "manifest.json")
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()


# --- images that expand ---


@pytest.mark.parametrize(
    ("listing", "says"),
    [
        (f"Path = Nexy.app/Contents/Info.plist\nSize = {1 << 30}\n", "more than is taken out"),
        (f"Path = 0.hfs\nSize = {1 << 40}\n", "more than is taken out"),
        ("Path = @list.hfs\nSize = 1\n", "finds no application"),
        ("Path = N\x1b[31m.app/Contents/Info.plist\nSize = 1\n", "finds no application"),
        ("Path = 0.hfs\nSize = ²\n", "could not take"),
    ],
)
def test_what_an_image_says_of_itself_is_not_believed(listing: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(argv: list[str], **_: Any) -> Any:
        asked.append(argv[1])
        return processes.Completed(0, listing if argv[1] == "l" else "", "")

    monkeypatch.setattr(processes, "run", run)
    with folder() as here, pytest.raises(dmg.UnreadableImage, match=says):
        dmg._with_seven_zip("7z", here / "Nexy.dmg", here, {})
    assert asked == (["l", "e"] if "could not" in says else ["l"])
