"""A wizard that is killed (`kill -9`) leaves a log that says how far it came, and `release --resume` finishes that very run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Inside, MakeWorld
from driving import NEXY, OPEN, SEALED, Bench, assert_released, begin, outside, release, verified_as
from leaving import AFTER_THE_TAG, BEFORE_THE_MANIFESTS, arriving, hook, kill, left, logs, slowly, until

from nexy_tui.core.target import DMG
from nexy_tui.rehearsal.names import CODE
from nexy_tui.runlog.read import read_log

LOCK = "refs/nexy/lock"


@pytest.fixture(scope="module")
def bench(make_module_world: MakeWorld) -> Iterator[Bench]:
    made = Bench(make_module_world)
    yield made
    made.drop()


@pytest.mark.exhaustive
def test_killed_right_after_genesis(bench: Bench, tmp_path: Path) -> None:
    inside, version = bench.take()
    before, known, said = outside(inside), logs(inside), tmp_path / "said"
    process = begin(inside, str(version), said=said)
    until("genesis", lambda: any(path.stat().st_size > 0 for path in logs(inside) - known), process, said)
    kill(process)
    (log,) = logs(inside) - known
    assert outside(inside).changed(before) == set()
    resumed(bench, inside, log, unknown=())
    assert_released(inside, version)


@pytest.mark.exhaustive
def test_killed_in_the_middle_of_the_upload(bench: Bench, tmp_path: Path) -> None:
    inside, version = bench.take()
    before, known, said = outside(inside), logs(inside), tmp_path / "said"
    with slowly(inside):
        process = begin(inside, str(version), said=said)
        until("the upload", lambda: arriving(inside), process, said)
        kill(process)
        (log,) = logs(inside) - known
        left = outside(inside)
    assert left.changed(before) == {"tag", "branch"}
    assert {state for name, (state, _) in left.assets.items() if name.startswith("incoming-")} == {"starter"}
    resumed(bench, inside, log, unknown=("publish",))
    assert_released(inside, version)


@pytest.mark.exhaustive
def test_killed_when_the_tag_was_pushed_while_another_run_waits_for_the_lock(bench: Bench, tmp_path: Path) -> None:
    inside, version = bench.take()
    before, known, said = outside(inside), logs(inside), tmp_path / "said"
    with hook(inside, *AFTER_THE_TAG) as marker:
        process = begin(inside, str(version), said=said)
        until("the push", marker.exists, process, said)
        (log,) = logs(inside) - known
        assert_locked_out(inside, str(version), log)
        kill(process)
    assert outside(inside).changed(before) == {"tag", "branch"}
    assert outside(inside).lock is not None
    resumed(bench, inside, log, unknown=("push",))
    assert_released(inside, version)


@pytest.mark.exhaustive
def test_killed_between_the_swap_and_the_manifests(bench: Bench, tmp_path: Path) -> None:
    inside, version = bench.take()
    before, known, said = outside(inside), logs(inside), tmp_path / "said"
    with hook(inside, *BEFORE_THE_MANIFESTS) as marker:
        process = begin(inside, str(version), said=said)
        until("the manifests' push", marker.exists, process, said)
        kill(process)
    (log,) = logs(inside) - known
    assert outside(inside).changed(before) == {"tag", "branch", "download"}
    resumed(bench, inside, log, unknown=("publish",))
    assert_released(inside, version)
    exposure = [record.message.split(" ")[1] for record in read_log(log) if record.message.startswith("Exposure ")]
    assert exposure == ["opened:", "closed"], "counted on over the kill, and once"


@pytest.mark.exhaustive
def test_killed_during_the_deploy(bench: Bench, tmp_path: Path) -> None:
    inside, version = bench.take()
    log = left(inside, str(version), "full", "in the deploy", tmp_path / "said")
    resumed(bench, inside, log, unknown=("deploy",))
    assert_released(inside, version)


def resumed(bench: Bench, inside: Inside, log: Path, unknown: tuple[str, ...]) -> None:
    """The run goes on to its end; its log names what was under way when it was killed, and is sealed."""
    run = log.name.partition(".")[0]
    assert verified_as(inside, log) == OPEN
    ended = release(inside, "--resume", run)
    assert (ended.exit, ended.document["outcome"], ended.id, ended.log) == (0, "verified", run, log), ended.said
    (resume,) = [record for record in ended.records if record.kind == "resume"]
    assert tuple(resume.details["dangling"]) == unknown
    assert all(action in resume.message for action in unknown)
    assert f"Going on with run {run}" in ended.said
    assert (f"cut off while it ran: {', '.join(unknown)};" in ended.said) == bool(unknown)
    assert verified_as(inside, log) == SEALED
    bench.whole = True


def assert_locked_out(inside: Inside, version: str, held_by: Path) -> None:
    """Another run, begun while this one lives, changes nothing and says who holds the lock."""
    before = outside(inside)
    other = release(inside, version)
    holder = read_log(held_by)[0].operator
    assert (other.exit, other.document["stopped_by"]) == (1, "remotes.lock"), other.said
    assert f"{holder.id} on {holder.host} is releasing" in other.document["message"]
    assert "Wait until" in other.said
    assert outside(inside) == before


@pytest.mark.exhaustive
def test_a_lock_is_taken_over_only_after_it_has_expired(bench: Bench, tmp_path: Path) -> None:
    inside, version = bench.take()
    write_lock(inside, datetime.now(UTC) + timedelta(seconds=600))
    refused = release(inside, str(version))
    assert (refused.exit, refused.document["stopped_by"]) == (1, "remotes.lock"), refused.said
    assert "ada@example.com on workbench is releasing" in refused.document["message"]
    write_lock(inside, datetime.now(UTC) - timedelta(seconds=1))
    ended = release(inside, "--resume", refused.id)
    assert ended.exit == 0, ended.said
    assert_released(inside, version)
    bench.whole = True


def write_lock(inside: Inside, expires: datetime) -> None:
    """Somebody else's lock, as their wizard writes it."""
    body = {"expires": expires.isoformat(), "host": "workbench", "operator": "ada@example.com", "run": "another"}
    bare = inside.world.bare(CODE)
    tree = inside.git("hash-object", "-t", "tree", "-w", os.devnull, cwd=bare)
    commit = inside.git("commit-tree", tree, "-m", "Release lock\n\n" + json.dumps(body), cwd=bare)
    inside.git("update-ref", LOCK, commit, cwd=bare)


@pytest.mark.exhaustive
def test_a_sealed_run_and_a_run_of_another_world_are_not_resumed(bench: Bench, make_world: MakeWorld) -> None:
    inside, version = bench.take()
    inside.fault("drill-never")
    open_run = release(inside, str(version))
    inside.fault("drill-never", False)
    left = open_run.log.read_bytes()
    elsewhere = make_world().run(NEXY, "release", "--resume", open_run.log, "--headless", "--auto", check=False)
    assert elsewhere.returncode == 2, elsewhere.stderr
    assert f"Run {open_run.id} belongs to the rehearsal world {inside.world.id}" in elsewhere.stderr
    assert "Enter that world, or start a run here." in elsewhere.stderr
    assert open_run.log.read_bytes() == left
    assert release(inside, "--resume", open_run.id).exit == 0
    sealed = open_run.log.read_bytes()
    before = outside(inside)
    again = inside.run(NEXY, "release", "--resume", open_run.id, "--headless", "--auto", check=False)
    assert again.returncode == 1, again.stderr
    assert f"The run in {open_run.log} is finished" in again.stderr and "nexy-tui runs report" in again.stderr
    assert open_run.log.read_bytes() == sealed and outside(inside) == before
    assert (inside.world.checkout_layout.inbox / DMG).exists()
    bench.whole = True
