"""A full disk under the run log: the release stops before the next action starts, says so, and goes on once there is room."""

from __future__ import annotations

import contextlib
import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Inside, MakeWorld
from driving import OPEN, SEALED, Bench, Outside, assert_released, begin, outside, release, release_here, verified_as

from nexy_tui.core.version import Version
from nexy_tui.runlog.read import read_log

BALLAST = "ballast"


@pytest.fixture(scope="module")
def bench(make_module_world: MakeWorld) -> Iterator[Bench]:
    made = Bench(make_module_world)
    yield made
    made.drop()


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of two megabytes, where one may be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "nexy-test", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True, timeout=30)


def fill(folder: Path) -> None:
    """Leave no byte free."""
    with (folder / BALLAST).open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(b"\0" * 4096)


@pytest.mark.exhaustive
def test_a_full_file_system_stops_the_run_before_anything_is_pushed(bench: Bench, tmp_path: Path) -> None:
    inside, version = bench.take()
    with small_disk(tmp_path / "state") as state:
        inside.environ["NEXY_STATE_DIR"] = str(state)
        before, said = outside(inside), tmp_path / "said"
        process = begin(inside, str(version), said=said)
        end = time.monotonic() + 60
        while "== Version ==" not in said.read_text():
            assert process.poll() is None and time.monotonic() < end, said.read_text()
            time.sleep(0.01)
        fill(state)
        assert process.wait(timeout=120) == 1, said.read_text()
        (log,) = (state / "runs").glob("*/*.intoto.jsonl")
        assert_stopped(inside, said.read_text(), log, before, "No space left on device")
        (state / BALLAST).unlink()
        assert_goes_on(bench, inside, log, version)
    inside.environ["NEXY_STATE_DIR"] = str(inside.world.state)


@pytest.mark.exhaustive
def test_a_log_that_may_not_grow_stops_the_run_in_another_process(bench: Bench, tmp_path: Path) -> None:
    inside, version = bench.take()
    before, said, known = outside(inside), tmp_path / "said", logs(inside)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    process = begin(inside, str(version), said=said, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (24_000, hard)))
    assert process.wait(timeout=120) == 1, said.read_text()
    (log,) = logs(inside) - known
    assert_stopped(inside, said.read_text(), log, before, "File too large")
    assert_goes_on(bench, inside, log, version)


@pytest.mark.exhaustive
def test_a_log_that_may_not_grow_any_more_stops_the_run_before_the_deploy(bench: Bench) -> None:
    inside, version = bench.take()
    known, limits = logs(inside), resource.getrlimit(resource.RLIMIT_FSIZE)
    left: list[Outside] = []

    def stop_growing() -> None:
        left.append(outside(inside))
        (log,) = logs(inside) - known
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 100, limits[1]))

    try:
        run = release_here(inside, version, {"deploy": stop_growing})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    (log,) = logs(inside) - known
    assert (run.exit, run.log, run.document["outcome"]) == (1, log, "refused")
    assert_stopped(inside, run.document["message"], log, left[0], "File too large")
    assert f"nexy-tui release --resume {run.id}" in run.said
    assert "deploy" not in {record.action for record in read_log(log)}
    assert_goes_on(bench, inside, log, version)


def logs(inside: Inside) -> set[Path]:
    return set((inside.world.state / "runs").glob("*/*.intoto.jsonl"))


def assert_stopped(inside: Inside, said: str, log: Path, before: Outside, reason: str) -> None:
    """Nothing outside has changed, the message names the file and what to do, and what is in the log holds."""
    assert outside(inside).changed(before) == set()
    assert f"The run log {log} cannot be written: {reason}." in said
    assert "An action whose record is not on disk is not started." in said
    assert "Make room" in said and "resume the run" in said
    assert verified_as(inside, log) == OPEN


def assert_goes_on(bench: Bench, inside: Inside, log: Path, version: Version) -> None:
    """There is room again: the same run ends verified."""
    ended = release(inside, "--resume", str(log))
    assert (ended.exit, ended.log) == (0, log), ended.said
    assert verified_as(inside, log) == SEALED
    assert_released(inside, version)
    bench.whole = True
