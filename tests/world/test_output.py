"""Whoever reads what is said may go away, or stop reading: what is being done goes on to its end, and the exit status is its own."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Inside, MakeWorld
from driving import NEXY, SEALED, verified_as

_MARK = b"past the point of no return"


def _until_the_mark(reading: int) -> bytes:
    seen = b""
    while _MARK not in seen:
        piece = os.read(reading, 256)
        assert piece, seen[-2000:]
        seen += piece
    return seen


def _told_to_a_pipe(inside: Inside, *arguments: str, leaves: bool) -> int:
    """Run a command whose output goes to somebody who reads up to the point of no return, and then leaves or reads no more."""
    reading, writing = os.pipe()
    if sys.platform == "linux":
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    with subprocess.Popen(
        [NEXY, *arguments], cwd=inside.checkout, env=inside.environ, stdin=subprocess.DEVNULL, stdout=writing, stderr=writing
    ) as child:
        os.close(writing)
        _until_the_mark(reading)
        if leaves:
            os.close(reading)
        try:
            status = child.wait(120)
        finally:
            child.kill()
    if not leaves:
        os.close(reading)
    return status


def test_a_release_ends_verified_though_its_reader_reads_no_more(make_world: MakeWorld) -> None:
    _read_no_more(make_world())


def _read_no_more(inside: Inside) -> None:
    assert _told_to_a_pipe(inside, "release", "--kind", "update-only", "--headless", "--auto", leaves=False) == 0
    (log,) = Path(inside.environ["NEXY_STATE_DIR"]).rglob("*.jsonl")
    assert verified_as(inside, log) == SEALED


@pytest.mark.exhaustive
def test_a_rollback_ends_verified_though_its_reader_leaves(make_world: MakeWorld) -> None:
    inside = make_world()
    _read_no_more(inside)
    assert _told_to_a_pipe(inside, "rollback", "--yes", "--json", leaves=True) == 0
    assert inside.world.previous in inside.run("curl", "-sf", f"https://{inside.world.update_host}/health").stdout


@pytest.mark.exhaustive
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_release_ends_verified_though_its_reader_leaves(make_world: MakeWorld, options: tuple[str, ...]) -> None:
    assert _told_to_a_pipe(make_world(), "release", "--headless", "--auto", *options, leaves=True) == 0
