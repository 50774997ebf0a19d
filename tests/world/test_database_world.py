"""The world's database as a part of a world: its creation, its faults, and that no process of it outlives its supervisor."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from databaseworld import Bench, Loop, bench, running

from checks import backups
from checks import database as checks
from nexy_tui.core.finding import Status, Verdict
from nexy_tui.core.problem import Unusable
from nexy_tui.rehearsal.bundled import postgresql
from nexy_tui.rehearsal.database import cluster
from nexy_tui.rehearsal.database import drill_faults as drillfaults
from nexy_tui.rehearsal.database import server as database
from nexy_tui.rehearsal.database.cluster import Cluster, Launcher
from nexy_tui.rehearsal.fault import Fault, Faults

__all__ = ["bench", "running"]

FAULTS = {fault.name: fault for fault in database.FAULTS}


def switch(bench: Bench, name: str, on: bool) -> None:
    """As `world fault` does it: the file first, then the hook."""
    fault: Fault = FAULTS[name]
    Faults(bench.world.faults).switch(name, on)
    hook = fault.on if on else fault.off
    assert hook is not None
    hook(bench.world, None)


def servers_on(data: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and str(data) in process.cmdline():
                found.append((process, process.ppid()))
        except psutil.Error:
            continue
    ours = {process.pid for process, _ in found}
    return [process for process, parent in found if parent not in ours]  # A child just forked looks like its server.


def gone(data: Path) -> bool:
    end = time.monotonic() + 10
    while servers_on(data) and time.monotonic() < end:
        time.sleep(0.05)
    return not servers_on(data)


def drill(bench: Bench) -> Verdict:
    scope = bench.scope()
    return backups.judge_drill(backups.look_drill(scope), scope.plan)


@pytest.fixture
def seeded(bench: Bench) -> Bench:
    shutil.rmtree(bench.world.pg / "old-drill", ignore_errors=True)
    bench.loop.run(database.seed_drill_record(bench.world, bench.signer))
    return bench


def test_a_new_world_is_hardened_and_was_drilled_two_days_ago(seeded: Bench) -> None:
    scope = seeded.scope()
    for check in (checks.REACHABLE, checks.TOOLS, checks.TABLES, checks.HARDENING, backups.DRILL):
        assert check.judge(check.look(scope), scope.plan).status is Status.PASSED
    assert "2 days ago" in drill(seeded).summary
    found = backups.judge_backup(backups.look_backup(scope), scope.plan)
    assert found.status is Status.FAILED and "before this run began" in found.summary


def test_the_server_listens_on_loopback_alone_and_wants_a_password(bench: Bench) -> None:
    [server] = servers_on(bench.world.pg / "data")
    assert {connection.laddr.ip for connection in server.net_connections() if connection.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
    assert [connection for connection in server.net_connections("unix") if connection.laddr] == []
    with pytest.raises(psycopg.OperationalError, match=r"no password supplied|fe_sendauth"):
        psycopg.connect(host="127.0.0.1", port=bench.world.ports["database"], user="postgres", dbname="postgres", passfile="/nonexistent")
    assert stat.S_IMODE((bench.world.pg / "data").stat().st_mode) == 0o700
    assert not (bench.world.pg / "initdb.password").exists()


@pytest.mark.parametrize(("name", "word"), [("drill-never", "age is unknown"), ("drill-old", "8 days ago")])
def test_a_drill_fault_fails_the_item_and_goes_again(seeded: Bench, name: str, word: str) -> None:
    before = {path.name: path.read_bytes() for path in seeded.backups.iterdir()}
    for _ in range(2):  # switched on twice is switched on
        switch(seeded, name, True)
    found = drill(seeded)
    assert found.status is Status.FAILED and word in found.summary and "nexy-tui db drill" in str(found.remedy)
    for _ in range(2):
        switch(seeded, name, False)
    assert {path.name: path.read_bytes() for path in seeded.backups.iterdir()} == before
    assert drill(seeded).status is Status.PASSED


def test_a_drill_made_during_the_fault_stays(seeded: Bench) -> None:
    switch(seeded, "drill-old", True)
    place = seeded.place()
    record = seeded.drill()
    place.keep_drill_record(record.archive.name, drillfaults._lines(next(seeded.backups.glob("*.drill.jsonl")))[0] + b"!")
    switch(seeded, "drill-old", False)
    assert [len(drillfaults._lines(path)) for path in seeded.backups.glob("*.drill.jsonl")] == [2]


def test_the_database_goes_down_and_comes_back(bench: Bench) -> None:
    bench.world.running.write_text("{}")
    try:
        switch(bench, "database-down", True)
        assert gone(bench.world.pg / "data")
        scope = bench.scope()
        found = checks.judge_reachable(checks.look_survey(scope), scope.plan)
        assert found.status is Status.FAILED and "refused" in found.summary
    finally:
        switch(bench, "database-down", False)
        bench.world.running.unlink()
    assert bench.sql("SELECT 1") == [(1,)]


def test_starting_takes_less_than_a_second(bench: Bench) -> None:
    bench.loop.run(database.stop(bench.world))
    assert servers_on(bench.world.pg / "data") == []
    begun = time.monotonic()
    bench.loop.run(database.start(bench.world))
    assert time.monotonic() - begun < 2
    assert bench.sql("SELECT 1") == [(1,)]


# --- clusters by themselves ---


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory nobody uses."""
    data = tmp_path_factory.mktemp("cluster") / "data"
    asyncio.run(Cluster(data, data.parent / "log").initialise("postgres", "secret"))
    return data


@pytest.fixture
def data(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "data", copy_function=shutil.copy2))


def free_port() -> int:
    from nexy_tui.rehearsal.net import ports

    return ports.allocate({})["database"]


_STARTS = """
import asyncio, sys, time
from pathlib import Path
from nexy_tui.rehearsal.database.cluster import Cluster
async def main():
    await Cluster(Path(sys.argv[1]), Path(sys.argv[1] + ".log")).start(int(sys.argv[2]))
    print("ready", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.fixture
def supervisor(data: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has started the cluster, as a world's supervisor does."""
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    argv = [sys.executable, "-c", _STARTS, str(data), str(free_port())]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environ) as started:
        try:
            assert started.stdout is not None
            assert started.stdout.readline() == "ready\n"
            yield started
        finally:
            started.kill()
    assert gone(data)


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="the kernel is asked to end the server through setpriv")
def test_the_server_ends_with_a_killed_supervisor(data: Path, supervisor: subprocess.Popen[str]) -> None:
    assert len(servers_on(data)) == 1
    supervisor.kill()
    supervisor.wait()
    assert gone(data)


def test_a_stray_server_is_ended_before_the_next_starts(data: Path, supervisor: subprocess.Popen[str]) -> None:
    [stray] = servers_on(data)
    loop, again = Loop(), Cluster(data, data.parent / "log")
    try:
        loop.run(again.start(free_port()))
        assert not stray.is_running() or stray.status() == psutil.STATUS_ZOMBIE
        loop.run(again.stop())
    finally:
        loop.close()
    assert gone(data)
    assert supervisor.poll() is None


def test_a_pid_file_of_another_process_does_not_stop_the_start(data: Path) -> None:
    other = subprocess.Popen(["sleep", "60"])
    try:
        (data / "postmaster.pid").write_text(f"{other.pid}\n{data}\n1\n5432\n\n127.0.0.1\n\nready\n")
        loop, again = Loop(), Cluster(data, data.parent / "log")
        loop.run(again.start(free_port()))
        loop.run(again.stop())
        loop.close()
        assert other.poll() is None
    finally:
        other.send_signal(signal.SIGTERM)
        other.wait()


def test_a_port_that_is_taken_is_said(data: Path, running: Bench) -> None:
    loop = Loop()
    try:
        with pytest.raises(Unusable, match="did not start") as failure:
            loop.run(Cluster(data, data.parent / "log").start(running.world.ports["database"]))
        assert "could not create any TCP/IP sockets" in failure.value.what
    finally:
        loop.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
def test_root_without_user_namespaces_runs_it_as_nobody(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = pwd.getpwnam("nobody")
    monkeypatch.setattr(cluster, "launcher", lambda: Launcher(user=nobody))
    closed = tmp_path_factory.mktemp("closed")
    with pytest.raises(Unusable, match="may not enter"):
        asyncio.run(Cluster(closed / "pg" / "data", closed / "log").initialise("postgres", "secret"))
    if not os.access(postgresql(), os.X_OK) or any(not parent.stat().st_mode & stat.S_IXOTH for parent in postgresql().parents):
        return
    open_to_all = Path("/tmp") / f"nexy-open-{os.getpid()}"
    (open_to_all / "pg").mkdir(parents=True)
    try:
        loop, made = Loop(), Cluster(open_to_all / "pg" / "data", open_to_all / "log")
        loop.run(made.initialise("postgres", "secret"))
        loop.run(made.start(free_port()))
        [server] = servers_on(made.data)
        assert server.username() == "nobody"
        loop.run(made.stop())
        loop.close()
    finally:
        shutil.rmtree(open_to_all)
