"""Faults of the restore drill's record: none was ever made, or the newest is 8 days old."""

from __future__ import annotations

import shutil
from pathlib import Path

from nexy_tui.rehearsal.fault import Fault
from nexy_tui.rehearsal.names import World
from nexy_tui.services.database.folder import DRILL_SUFFIX, BackupFolder

NEVER, OLD = "drill-never", "drill-old"


def prepare(world: World, archive: str, line: bytes) -> None:
    """Keep the record of a drill of eight days ago at hand: no server of the world holds the key that signs one."""
    _prepared(world).mkdir(mode=0o700)
    (_prepared(world) / (archive + DRILL_SUFFIX)).write_bytes(line + b"\n")


def _prepared(world: World) -> Path:
    return world.pg / "old-drill"


def _stash(world: World, fault: str) -> Path:
    return world.pg / f"stash-{fault}"


def _hide_drills(world: World, fault: str) -> None:
    """Move the drill journals out of the backup folder."""
    stash = _stash(world, fault)
    if stash.exists():
        return
    stash.mkdir(mode=0o700)
    for journal in _journals(world):
        shutil.move(journal, stash / journal.name)


def _bring_drills_back(world: World, fault: str) -> None:
    """Move the drill journals back; lines written meanwhile stay behind those that were there before."""
    stash = _stash(world, fault)
    if not stash.exists():
        return
    prepared = {line for path in _prepared(world).glob("*") for line in _lines(path)}
    folder = BackupFolder(world.checkout_layout.backups)
    folder.path.mkdir(parents=True, exist_ok=True)
    names = {path.name for path in (*stash.iterdir(), *_journals(world))}
    for name in names:
        kept = _lines(stash / name) + [line for line in _lines(folder.path / name) if line not in prepared]
        if kept:
            folder.put(name, b"\n".join(kept) + b"\n")
        else:
            (folder.path / name).unlink(missing_ok=True)
    shutil.rmtree(stash)


def _lines(path: Path) -> list[bytes]:
    try:
        return [line for line in path.read_bytes().split(b"\n") if line]
    except FileNotFoundError:
        return []


def _journals(world: World) -> list[Path]:
    return sorted(world.checkout_layout.backups.glob(f"*{DRILL_SUFFIX}"))


def _never_on(world: World, _: str | None) -> None:
    _hide_drills(world, NEVER)


def _never_off(world: World, _: str | None) -> None:
    _bring_drills_back(world, NEVER)


def _old_on(world: World, _: str | None) -> None:
    _hide_drills(world, OLD)
    for path in _prepared(world).iterdir():
        shutil.copy2(path, world.checkout_layout.backups / path.name)


def _old_off(world: World, _: str | None) -> None:
    _bring_drills_back(world, OLD)


FAULTS: tuple[Fault, ...] = (
    Fault(NEVER, "database", "No restore drill was ever recorded.", on=_never_on, off=_never_off),
    Fault(OLD, "database", "The newest restore drill was 8 days ago.", on=_old_on, off=_old_off),
)
