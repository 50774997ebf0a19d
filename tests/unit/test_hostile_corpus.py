"""The corpus: small hostile files by parser, each named by what becomes of it; and files that are none, or lie elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hostile_kit import CONFIGURATION, MANIFEST, NEW, PARSERS, SETTINGS, SIGNERS, YAML, clear, meets

from nexy_tui.config import load_settings
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.layout import Layout
from nexy_tui.core.problem import CouldNotLook, Problem, Refused, Unusable
from nexy_tui.runlog import read
from nexy_tui.runlog.trust import AllowedSigners
from nexy_tui.services import artifact, sparkle, version_files
from nexy_tui.services.database.facts import NewestArchive, StrayFile
from nexy_tui.services.database.folder import DRILL_SUFFIX, RECORD_SUFFIX, SUM_SUFFIX, BackupFolder
from nexy_tui.services.database.reach import Reach
from nexy_tui.services.database.settings import load
from nexy_tui.services.plain_file import look_plain, read_plain, read_version_text

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(path.relative_to(CORPUS) for path in CORPUS.glob("*/*"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning")
@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_file_of_the_corpus_is_taken_or_refused_as_its_name_says(file: Path) -> None:
    said = meets(file.parent.name, (CORPUS / file).read_bytes())
    assert ("taken" if said is None else "refused") == file.name.partition("-")[0], said


def test_every_parser_has_files_of_both_kinds() -> None:
    kinds = {(file.parent.name, file.name.partition("-")[0]) for file in FILES}
    assert {name for name, _ in kinds} == set(PARSERS) and {kind for _, kind in kinds} == {"taken", "refused"}
    assert {name for name in PARSERS if (name, "refused") not in kinds} == {"config_env", "vm_facts", "release_lock"}


def test_odd_source_is_not_quoted_on_the_terminal() -> None:
    """The compiler's warnings hold the character itself. pytest sets filters of its own: a process that has none is asked."""
    code = "from nexy_tui.core.python_source import parse; parse(b'x = \"\\\\\\x1b[31m\"')"
    done = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, cwd=CORPUS.parents[2], timeout=60, check=True)
    assert done.stderr == b""


# --- files that are none, and files that lie elsewhere ---


@contextmanager
def unheard(pipe: Path) -> Iterator[None]:
    """A pipe that nobody writes to. Whoever waits for it is let go after a while, so that a hang fails instead of lasting."""
    os.mkfifo(pipe)
    gone = threading.Event()

    def let_go() -> None:
        if not gone.wait(20):
            os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))

    watch = threading.Thread(target=let_go)
    watch.start()
    try:
        yield
    finally:
        gone.set()
        watch.join()


def _layout(root: Path) -> Layout:
    return Layout("flat", root)


def _log(root: Path) -> object:
    path = root / "runs" / "1.6.1.43" / "r.intoto.jsonl"
    assert read.summary(path).looks == "unreadable"
    return read.read_log(path)


def _inbox(name: str) -> Callable[[Path], object]:
    return lambda root: artifact.inspect(root / "release_inbox", name, SystemClock(1e9), {})


_ARCHIVE = "nexy_db_20260214T120000Z.tar.gz"


READERS: dict[str, tuple[str, Callable[[Path], object], bytes]] = {
    # what is read: its path, how, and bytes that are right
    "VERSION": ("VERSION", lambda root: read_version_text(_layout(root)), b"1.6.1.43\n"),
    "manifest": ("server/m.json", lambda root: look_plain(root / "server/m.json", 1 << 20, root), MANIFEST),
    "bump": ("server/config/unified_config.yaml", lambda root: version_files.rewritings(_layout(root), NEW), YAML),
    "config.env": ("server/config.env", lambda root: load(_layout(root), {}, Reach((), root, root)), SETTINGS),
    "signature": (
        "release_inbox/Nexy.dmg.sig",
        lambda root: sparkle.read_signature(root / "release_inbox/Nexy.dmg.sig"),
        b"A" * 86 + b"==",
    ),
    "configuration": ("config.toml", lambda root: load_settings({"NEXY_CONFIG": str(root / "config.toml")}), CONFIGURATION),
    "allowed_signers": ("allowed_signers", lambda root: AllowedSigners.load(root / "allowed_signers"), SIGNERS),
    "run log": ("runs/1.6.1.43/r.intoto.jsonl", _log, PARSERS["run_log"].takes),
    "image": ("release_inbox/Nexy.dmg", _inbox("Nexy.dmg"), PARSERS["dmg"].takes),
    "package": ("release_inbox/Nexy.pkg", _inbox("Nexy.pkg"), PARSERS["xar"].takes),
}
OUTSIDE = ("VERSION", "manifest", "bump", "signature", "image", "package")
"""What others can push or lay down: a link of theirs must not lead this program to somebody's other files."""


def refused(look: Callable[[Path], object], root: Path) -> str:
    with pytest.raises((Problem, artifact.Unfit)) as raised:
        look(root)
    return clear(raised.value)


def place(root: Path, name: str) -> Path:
    path = root / READERS[name][0]
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize("name", READERS)
def test_a_pipe_is_not_waited_for(name: str, tmp_path: Path) -> None:
    with unheard(place(tmp_path, name)):
        assert "plain file" in refused(READERS[name][1], tmp_path)


@pytest.mark.parametrize("name", READERS)
def test_a_device_without_end_is_not_read(name: str, tmp_path: Path) -> None:
    place(tmp_path, name).symlink_to("/dev/zero")
    refused(READERS[name][1], tmp_path)


@pytest.mark.parametrize("name", READERS)
def test_a_folder_under_the_name_is_refused(name: str, tmp_path: Path) -> None:
    place(tmp_path, name).mkdir()
    refused(READERS[name][1], tmp_path)


@pytest.mark.parametrize("name", READERS)
def test_a_link_to_itself_is_refused(name: str, tmp_path: Path) -> None:
    path = place(tmp_path, name)
    path.symlink_to(path)
    refused(READERS[name][1], tmp_path)


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_link_that_leaves_its_folder_is_refused(name: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(READERS[name][2])
    root = tmp_path / "checkout"
    place(root, name).symlink_to(elsewhere)
    assert "symbolic link" in refused(READERS[name][1], root)


@pytest.mark.parametrize("name", [name for name in READERS if name not in ("run log", "image", "package")])
def test_what_lies_there_as_it_must_is_read(name: str, tmp_path: Path) -> None:
    place(tmp_path, name).write_bytes(READERS[name][2])
    (tmp_path / "VERSION").write_bytes(b"1.6.1.43\n")
    assert READERS[name][1](tmp_path)


@pytest.mark.parametrize("suffix", ["", SUM_SUFFIX, RECORD_SUFFIX, DRILL_SUFFIX])
@pytest.mark.parametrize("lay", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to(path)])
def test_what_is_no_plain_file_among_the_archives_is_named(suffix: str, lay: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / _ARCHIVE).write_bytes(b"archive")
    (tmp_path / (_ARCHIVE + suffix)).unlink(missing_ok=True)
    lay(tmp_path / (_ARCHIVE + suffix))
    vault = BackupFolder(tmp_path).survey()
    assert vault.strays == (StrayFile(_ARCHIVE + suffix, "it is no plain file"),)
    assert vault.newest == (NewestArchive(vault.newest.archive, None, None) if suffix and vault.newest else None)


def test_a_link_inside_the_checkout_is_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"1.6.1.43\n")
    (tmp_path / "VERSION").symlink_to("kept")
    assert read_version_text(_layout(tmp_path)) == "1.6.1.43"


@pytest.mark.parametrize("name", ["a\0b", "a" * 300, "\udc80"])
def test_a_name_that_no_file_can_have_is_an_ordinary_failure(name: str, tmp_path: Path) -> None:
    with pytest.raises(OSError):
        read_plain(tmp_path / name, 10)


def test_only_so_much_is_read(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as stream:
        stream.truncate(1 << 30)
    assert len(read_plain(tmp_path / "large", 1000)) == 1000
    for path, look, error in (
        ("config.toml", lambda: load_settings({"NEXY_CONFIG": str(tmp_path / "config.toml")}), Unusable),
        ("VERSION", lambda: read_version_text(_layout(tmp_path)), CouldNotLook),
        ("server/config.env", lambda: load(_layout(tmp_path), {}, Reach((), tmp_path, tmp_path)), Unusable),
        ("server/config/unified_config.yaml", lambda: version_files.rewritings(_layout(tmp_path), NEW), Refused),
        ("allowed_signers", lambda: AllowedSigners.load(tmp_path / "allowed_signers"), Unusable),
        ("r.intoto.jsonl", lambda: read.read_log(tmp_path / "r.intoto.jsonl"), Unusable),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "large").rename(tmp_path / path)
        with pytest.raises(error, match="larger than"):
            look()
        (tmp_path / path).rename(tmp_path / "large")
