"""Two operators with a clone, a machine's folders and a key each: who comes second learns it, and has a way out that works."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Inside
from driving import NEXY, OPEN, SEALED, Run, assert_released, outside, release, verified_as
from leaving import left

from nexy_tui.core.version import Version
from nexy_tui.rehearsal import world as worlds
from nexy_tui.rehearsal.names import CODE

LOCK = "refs/nexy/lock"


class Clone(Inside):
    """A second operator's terminal in the same world."""

    place: Path

    @property
    def checkout(self) -> Path:
        return self.place


def second(inside: Inside, folder: Path) -> Clone:
    """Ben, at a laptop of his own."""
    clone, home, world = folder / "clone", folder / "home", inside.world
    home.mkdir()
    inside.git("clone", "-q", f"https://github.com/{CODE}.git", clone, cwd=folder)
    for name in ("user.name", "user.email"):
        inside.git("config", name, "ben@example.com", cwd=clone)
    own: dict[str, str | Path] = {
        "HOME": home,
        "NEXY_OPERATOR": "ben@example.com",
        "NEXY_STATE_DIR": folder / "state",
        "NEXY_CHECKOUT": clone,
        "KEYRING_PROPERTY_FILE_PATH": folder / "keyring.cfg",
        "NEXY_ALLOWED_SIGNERS": folder / "allowed_signers",
    }
    shutil.copy(inside.environ["KEYRING_PROPERTY_FILE_PATH"], own["KEYRING_PROPERTY_FILE_PATH"])
    shutil.copy(world.allowed_signers, own["NEXY_ALLOWED_SIGNERS"])
    made = Clone(world, home, {**inside.environ, **{name: str(value) for name, value in own.items()}})
    made.place = clone
    made.run(NEXY, "keys", "create")
    lay(inside, made)
    return made


def lay(inside: Inside, other: Clone) -> None:
    """The same image into the second clone's inbox."""
    inbox = other.checkout / "release_inbox"
    inbox.mkdir(exist_ok=True)
    shutil.copy(inside.world.checkout_layout.inbox / "Nexy.dmg", inbox)


@contextmanager
def held(inside: Inside) -> Iterator[None]:
    """Somebody else holds the release lock meanwhile."""
    body = {"expires": (datetime.now(UTC) + timedelta(minutes=10)).isoformat(), "host": "workbench", "operator": "eve", "run": "theirs"}
    bare = inside.world.bare(CODE)
    tree = inside.git("hash-object", "-t", "tree", "-w", os.devnull, cwd=bare)
    inside.git("update-ref", LOCK, inside.git("commit-tree", tree, "-m", "Release lock\n\n" + json.dumps(body), cwd=bare), cwd=bare)
    try:
        yield
    finally:
        inside.git("update-ref", "-d", LOCK, cwd=bare)


def locked_out(inside: Inside, version: str) -> Run:
    """Begun while the lock is held: refused, nothing done, its run left open, and both ways on are named."""
    before = outside(inside)
    run = release(inside, version)
    assert (run.exit, run.document["stopped_by"]) == (1, "remotes.lock"), run.said
    assert "eve on workbench is releasing (run theirs; the lock is valid until " in run.document["problem"]["what"]
    assert f"nexy-tui release --resume {run.id} --take-over" in run.document["problem"]["remedy"]
    assert f"nexy-tui release --resume {run.id}" in run.said and f"nexy-tui runs close {run.id}" in run.said
    assert outside(inside) == before and verified_as(inside, run.log) == OPEN
    return run


def backups(inside: Inside) -> list[str]:
    return sorted(path.name for path in inside.world.dir.rglob("nexy_db_*.tar.gz"))


def close(inside: Inside, run: str, exit_code: int = 0) -> dict[str, Any]:
    done = inside.run(NEXY, "runs", "close", run, "--json", check=False)
    assert done.returncode == exit_code, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def refused_as_released(inside: Inside, words: tuple[str, ...], *, whose: str, run: str | None, following: Version) -> None:
    """Nothing is done, nothing written; who released it, and what comes next, is said."""
    before, kept, logs = outside(inside), backups(inside), sorted(Path(inside.environ["NEXY_STATE_DIR"]).rglob("*.intoto.jsonl"))
    data = [path.read_bytes() for path in logs]
    refused = release(inside, *words)
    problem = refused.document["problem"]
    assert (refused.exit, refused.document["outcome"]) == (1, "refused"), refused.said
    assert "is released already" in problem["what"] and whose in problem["what"], problem
    assert f"nexy-tui release {following}" in problem["remedy"] and "nexy-tui verify" in problem["remedy"]
    assert (f"nexy-tui runs close {run}" in problem["remedy"]) == (run is not None)
    assert outside(inside) == before and backups(inside) == kept
    assert sorted(Path(inside.environ["NEXY_STATE_DIR"]).rglob("*.intoto.jsonl")) == logs and [path.read_bytes() for path in logs] == data


def free(inside: Inside) -> Version:
    """A version above every tag, whose image lies in the inbox."""
    tags = [Version.parse_tag(tag) for tag in inside.git("tag", "--list", "v*", cwd=inside.world.bare(CODE)).split()]
    version = max([Version.parse(inside.world.previous), *tags]).next_build()
    worlds.build(inside.world, str(version), ("Nexy.dmg",))
    return version


def test_who_comes_second_releases_nothing_again_and_ends_his_run(module_world: Inside, tmp_path: Path) -> None:
    """One story: two begin while a third holds the lock; one of them, and somebody in the same clone, comes too late."""
    ada, version = module_world, free(module_world)
    following = version.next_build()
    ben = second(ada, tmp_path)
    with held(ada):
        mine, his = locked_out(ada, str(version)), locked_out(ben, str(version))
    as_ben = {"NEXY_OPERATOR": "ben@example.com"}
    his_name = ada.run(NEXY, "release", "--resume", mine.id, "--headless", "--auto", env=as_ben, check=False)
    assert his_name.returncode == 1 and "here ben@example.com releases (from environment NEXY_OPERATOR)" in his_name.stderr
    won = release(ada, str(version))
    assert won.exit == 0, won.said
    assert_released(ada, version)
    ben.git("pull", "-q", "--rebase")
    refused_as_released(ada, ("--resume", mine.id), whose=f"(run {won.id})", run=mine.id, following=following)
    refused_as_released(ben, ("--resume", his.id), whose=f"(run {won.id})", run=his.id, following=following)
    refused_as_released(ada, (str(version),), whose=f"(run {won.id})", run=None, following=following)
    refused_as_released(ben, (str(version), "--kind", "code-only"), whose=f"(run {won.id})", run=None, following=following)
    for inside, run in ((ada, mine), (ben, his)):
        closed = close(inside, run.id)
        assert (closed["run"], closed["outcome"], closed["already"]) == (run.id, "aborted", False)
        assert not any("lock" in left for left in closed["left"]), "the world was asked"
        assert verified_as(inside, run.log) == SEALED
        assert close(inside, run.id)["already"]
    assert "is sealed" in ada.run(NEXY, "release", "--resume", won.id, "--headless", "--auto", check=False).stderr
    with held(ada):
        worlds.build(ada.world, str(following), ("Nexy.dmg",))
        lay(ada, ben)
        assert locked_out(ben, str(following)).document["version"] == str(following), "the next one is begun"


@pytest.mark.exhaustive
def test_a_run_that_left_customers_without_an_update_is_closed_after_the_way_back(module_world: Inside, tmp_path: Path) -> None:
    inside, version = module_world, free(module_world)
    log = left(inside, str(version), "full", "between the swap and the branch", tmp_path / "said")
    run = log.name.partition(".")[0]
    refused = close(inside, run, exit_code=1)["problem"]
    assert "has replaced the download" in refused["what"] and "Customers cannot update" in refused["why"]
    assert f"nexy-tui release --resume {run}" in refused["remedy"] and "nexy-tui rollback" in refused["remedy"]
    assert verified_as(inside, log) == OPEN
    inside.run(NEXY, "rollback", "--yes")
    assert close(inside, run)["outcome"] == "aborted"
    assert verified_as(inside, log) == SEALED and outside(inside).lock is None
