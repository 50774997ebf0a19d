"""The world's small values: its file, its directory's name, sizes, and the faults that are on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nexy_tui.core.problem import Unusable
from nexy_tui.rehearsal.artifacts.sizes import parse_size
from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.faults.switchboard import registry
from nexy_tui.rehearsal.invent import invent
from nexy_tui.rehearsal.names import ARTIFACTS, CODE, World, checked_directory
from nexy_tui.rehearsal.net import ports


def test_a_world_is_read_back_as_it_was_written_and_for_its_owner_only(tmp_path: Path) -> None:
    made = invent(tmp_path, "nested", 5)
    made.save()
    assert World.load(tmp_path) == made
    assert made.file.stat().st_mode & 0o077 == 0
    assert made.secrets.world_token not in repr(made)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"dir": 1}'])
def test_a_damaged_world_file_is_unusable(tmp_path: Path, content: str) -> None:
    (tmp_path / "world.json").write_text(content)
    with pytest.raises(Unusable, match="cannot be read"):
        World.load(tmp_path)


def test_no_world_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="no rehearsal world"):
        World.load(tmp_path)


def test_each_token_has_its_rights_and_no_other(tmp_path: Path) -> None:
    world = invent(tmp_path, "flat", 1)
    made = world.secrets
    assert world.rights(made.world_token) == frozenset({CODE, ARTIFACTS})
    assert world.rights(made.code_token) == frozenset({CODE})
    assert world.rights(made.artifacts_token) == frozenset({ARTIFACTS})
    assert world.rights(made.readonly_token) == frozenset()
    assert world.rights("ghp_of_another_world") is None


@pytest.mark.parametrize("name", ["a b", "a'b", 'a"b', "a$b", "a;b", "a\nb", "ä", "a*b", "a:b", "a\\b"])
def test_a_path_with_anything_to_quote_is_refused(name: str) -> None:
    with pytest.raises(Unusable, match="may hold only"):
        checked_directory(Path("/nonexistent") / name)
    assert checked_directory(Path("/nonexistent/a-b_c.d/E9")) == Path("/nonexistent/a-b_c.d/E9")


@pytest.mark.parametrize(
    ("text", "size"), [("1MB", 10**6), ("316MB", 316_000_000), ("1GiB", 1 << 30), ("500000", 500_000), (" 2 kB ", 2000)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "1.5GB", "-1MB", "1XB", "1mb", "1e6"])
def test_what_is_not_a_size(text: str) -> None:
    with pytest.raises(Unusable, match="not a size"):
        parse_size(text)


def test_ports_are_kept_while_free_and_never_shared() -> None:
    first = ports.allocate({})
    assert len(set(first.values())) == len(ports.PORTS)
    assert ports.allocate(first) == first
    same = dict.fromkeys(ports.PORTS, first["front"])
    assert len(set(ports.allocate(same).values())) == len(ports.PORTS)


def test_faults_are_seen_as_soon_as_they_are_switched(tmp_path: Path) -> None:
    mine, theirs = Faults(tmp_path / "faults.json"), Faults(tmp_path / "faults.json")
    assert not theirs.active("a")
    mine.switch("a", True)
    mine.switch("b", True, "7")
    assert theirs.active("a")
    assert theirs.param("a", "default") == "default"
    assert theirs.param("b") == "7"
    mine.switch("a", False)
    assert theirs.all() == {"b": "7"}


def test_a_counted_fault_strikes_so_often_and_no_more(tmp_path: Path) -> None:
    faults = Faults(tmp_path / "faults.json")
    faults.switch("busy", True, "2")
    assert [faults.spend("busy") for _ in range(3)] == [True, True, False]
    assert not faults.active("busy")
    faults.switch("busy", True)
    assert all(faults.spend("busy") for _ in range(5))


def test_a_fault_file_never_stands_half_written(tmp_path: Path) -> None:
    faults = Faults(tmp_path / "faults.json")
    for number in range(50):
        faults.switch(f"f{number}", True)
        assert len(Faults(tmp_path / "faults.json").all()) == number + 1
    assert {entry.name for entry in os.scandir(tmp_path)} == {"faults.json", "faults.lock"}


ASKED_FOR = """
wrong-code-remote missing-tag token-invalid token-without-scope inbox-missing inbox-empty dmg-truncated dmg-html dmg-other-version
dmg-other-key dmg-other-feed dmg-newer-macos
upload-502 upload-drop download-other-bytes download-stale-once manifests-differ push-rejected database-down drill-never drill-old
server-down server-third-version appcast-broken run-command-busy deploy-exit-123 wheel-broken service-down
"""


def test_every_fault_is_there_once_with_phase_and_description() -> None:
    known = registry()
    assert set(ASKED_FOR.split()) <= set(known)
    for name, fault in known.items():
        assert name == fault.name
        assert fault.phase in ("remotes", "ready", "version", "database", "inbox", "publish", "gate", "deploy", "final")
        assert fault.description.endswith(".")
