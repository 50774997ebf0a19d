"""`nexy-tui publish` on the command line, interrupted in the upload, killed between its renames and its guard too: healed and finished
at once, though the run that died has left the release lock; and somebody else's lock is taken only when that was typed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Inside
from driving import NEXY, outside, terminal
from striking import guards, length, rows, strike, strikes

from nexy_tui.checklist import CHECKLIST
from nexy_tui.config import load_settings
from nexy_tui.core.kind import Kind
from nexy_tui.core.version import Version
from nexy_tui.engine.begin import RunRequest, start_run
from nexy_tui.rehearsal.names import CODE
from nexy_tui.runlog.read import read_log
from nexy_tui.runlog.state import Errand, Purpose
from nexy_tui.services import Services

NEXT = "1.6.1.43"
LOCK = "refs/nexy/lock"


@pytest.fixture(scope="module")
def ready(module_world: Inside) -> Inside:
    """A release written, committed, tagged and pushed, and the database backed up: the publish may begin."""
    inside = module_world
    inside.run(NEXY, "bump", NEXT)
    inside.commit(f"Release v{NEXT}")
    inside.git("tag", f"v{NEXT}")
    inside.git("push", "-q", "server_repo", "HEAD:main", f"v{NEXT}")
    inside.run(NEXY, "db", "backup", "--yes")
    return inside


def begin(inside: Inside, said: Path) -> subprocess.Popen[bytes]:
    with said.open("wb") as stream:
        return subprocess.Popen(
            [NEXY, "publish", "--yes"],
            cwd=inside.checkout,
            env=inside.environ,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def until(happened: Callable[[], bool], process: subprocess.Popen[bytes], said: Path) -> None:
    while not happened():
        assert process.poll() is None, said.read_text()
        time.sleep(0.02)


def arriving(inside: Inside) -> bool:
    return any(part.stat().st_size > 0 for part in (inside.world.releases / "blobs").glob("*.part"))


def interrupted_in_the_upload(inside: Inside, said: Path) -> None:
    inside.fault("bandwidth", param="2000000")
    try:
        process = begin(inside, said)
        until(lambda: arriving(inside), process, said)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130, said.read_text()
    finally:
        inside.fault("bandwidth", False)
    assert "Stopping publish." in said.read_text()


def killed_between_the_renames(inside: Inside, said: Path) -> None:
    account = strikes(inside)
    since = length(account)
    with strike(inside, "PATCH3", "hold"):
        process = begin(inside, said)
        until(lambda: length(account) > since, process, said)
        for guard in guards(process.pid):
            guard.kill()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def interrupted_past_the_point_of_no_return(inside: Inside, said: Path) -> None:
    account = strikes(inside)
    since, carried = length(account), "publish is past the point of no return and goes on to its end."
    with strike(inside, "PATCH2", "hold") as let_go:
        process = begin(inside, said)
        until(lambda: length(account) > since, process, said)
        process.send_signal(signal.SIGINT)
        until(lambda: carried in said.read_text(), process, said)
        let_go()
        assert process.wait(60) == 0, said.read_text()
    assert "RELEASE COMPLETE" in said.read_text().splitlines()


@pytest.mark.exhaustive
def test_a_publish_stopped_then_killed_then_healed_is_run_again_at_once(ready: Inside, tmp_path: Path) -> None:
    before = outside(ready)
    interrupted_in_the_upload(ready, tmp_path / "stopped")
    stopped = outside(ready)
    assert stopped.changed(before) == set() and stopped.lock is None, "before the swap it is as if it had never been"
    killed_between_the_renames(ready, tmp_path / "killed")
    left = outside(ready)
    assert left.download is None and left.lock is not None, "nothing to download, and the lock of a run that no longer lives"
    healed = ready.run(NEXY, "publish", "--recover", "--yes", check=False)
    assert healed.returncode == 0, healed.stdout + healed.stderr
    assert outside(ready).download == before.download and outside(ready).lock is None
    since = length(ready.world.log / "requests.jsonl")
    interrupted_past_the_point_of_no_return(ready, tmp_path / "said")
    now = outside(ready)
    assert now.changed(before) == {"branch", "manifests", "download"} and now.lock is None
    uploads = [row for row in rows(ready.world.log / "requests.jsonl", since) if row["host"] == "uploads.github.com"]
    assert uploads == [], "the host held the bytes already"


@pytest.mark.exhaustive
def test_somebody_elses_lock_is_waited_for_or_taken_over_with_a_record(ready: Inside) -> None:
    body = {"expires": (datetime.now(UTC) + timedelta(minutes=10)).isoformat(), "host": "workbench", "operator": "ada", "run": "another"}
    bare = ready.world.bare(CODE)
    tree = ready.git("hash-object", "-t", "tree", "-w", os.devnull, cwd=bare)
    ready.git("update-ref", LOCK, ready.git("commit-tree", tree, "-m", "Release lock\n\n" + json.dumps(body), cwd=bare), cwd=bare)
    theirs = outside(ready).lock
    refused = ready.run(NEXY, "publish", "--recover", "--yes", check=False)
    said = refused.stdout + refused.stderr
    assert refused.returncode == 1 and "The release lock is held by ada on workbench" in said and "--take-over" in said
    untyped = ready.run(NEXY, "publish", "--recover", "--yes", "--take-over", check=False)
    assert untyped.returncode == 2 and "asks for a confirmation" in untyped.stderr, "--yes does not type it"
    assert outside(ready).lock == theirs
    with terminal(ready):
        services = Services(load_settings(ready.environ), ready.checkout, environ=ready.environ)
        recovering = Purpose(Errand.ACTION, ("recover",))
        session = start_run(services, CHECKLIST, RunRequest(Version.parse(NEXT), Kind.FULL, purpose=recovering, take_over=True))
        assert outside(ready).lock not in (None, theirs)
        assert not session.runner.perform("recover").changed
        log = session.seal("failed")
        session.close()
        services.github.close()
    assert outside(ready).lock is None
    [record] = [record for record in read_log(log) if record.action == "take-over"]
    assert "taken over from ada on workbench (run another, until " in record.message and "as the operator typed" in record.message
