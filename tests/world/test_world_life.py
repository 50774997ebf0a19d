"""A world's life as the operator sees it: up, down, killed, kept, beside another, as somebody else, a hundred times over."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from conftest import SMALL, seldom

from nexy_tui.rehearsal import world as worlds
from nexy_tui.rehearsal.home import package_root
from nexy_tui.rehearsal.names import NEXT, World

REHEARSE = ("rehearse", "--headless", "--auto", "--json", "--artifact-size", "1MB")


@dataclass
class Terminal:
    """A terminal of the test's own: home, temporary folder and environment hold nothing of anybody else's."""

    folder: Path
    before: tuple[str, ...] = ()
    python: str = sys.executable
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(package_root()),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def command(self, *words: str | Path) -> list[str]:
        return [*self.before, self.python, "-m", "nexy_tui", *map(str, words)]

    def run(self, *words: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            cwd=self.folder / "work",
            env={**self.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            self.command(*words),
            cwd=self.folder / "work",
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(child)
        return child

    def left(self) -> list[str]:
        """What lies about outside the worlds' own folder."""
        return sorted(str(path.relative_to(self.folder)) for name in ("home", "tmp", "work") for path in (self.folder / name).rglob("*"))


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal; whatever it began has ended afterwards."""
    made = _terminal(tmp_path)
    try:
        yield made
    finally:
        _end(made)


def _terminal(folder: Path) -> Terminal:
    for name in ("home", "tmp", "work"):
        (folder / name).mkdir()
    return Terminal(folder)


def _end(terminal: Terminal) -> None:
    for child in terminal.started:
        if child.poll() is None:
            child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()
    for noted in terminal.folder.rglob("world.json"):
        worlds.stop(noted.parent)


def processes_of(*folders: Path) -> dict[int, str]:
    """Every process that names one of the folders in its command line, environment, working directory or open files."""
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            words = [*process.cmdline(), *process.environ().values(), process.cwd(), *(each.path for each in process.open_files())]
            if process.pid != os.getpid() and any(str(folder) in word for word in words for folder in folders):
                found[process.pid] = " ".join(process.cmdline())[:200]
    return found


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def shared_memory(pids: set[int]) -> list[str]:
    """System V segments made by these processes (a PostgreSQL holds one while it runs)."""
    table = Path("/proc/sysvipc/shm")
    if not table.exists():
        return []
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    return [row[1] for row in rows if int(row[4]) in pids]


def ours_in(*places: str) -> set[str]:
    """Entries of the machine's shared folders that a world's programs could have made."""
    marks = ("nexy", "pgsql", "postgres", "psql", "embedded")
    found = (path for place in places if Path(place).is_dir() for path in Path(place).iterdir())
    return {str(path) for path in found if any(mark in path.name.lower() for mark in marks)}


def until(holds: Callable[[], bool], what: str, patience: float = 20.0) -> None:
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def read_until(child: subprocess.Popen[str], words: str) -> str:
    """What a child says, up to a line that holds `words`."""
    assert child.stdout is not None
    said = []
    for line in child.stdout:
        said.append(line)
        if words in line:
            return "".join(said)
    raise AssertionError(f"it ended without saying {words!r}:\n{''.join(said)}")


# --- up and down ---


@pytest.mark.exhaustive
def test_up_and_down_leave_nothing(terminal: Terminal) -> None:
    terminal.folder.chmod(0o700)
    place = terminal.folder / "w"
    shared = ("/tmp", "/var/tmp", "/dev/shm", "/run/postgresql", "/var/run/postgresql")
    before = ours_in(*shared)
    up = terminal.run("world", "up", place, "--artifact-size", "1MB", "--json")
    assert up.returncode == 0, up.stderr
    ports = json.loads(up.stdout)["ports"]
    alive = processes_of(place)
    assert len(alive) >= 4  # guardian, supervisor, database, update server
    assert all(listens(port) for port in ports.values())
    assert shared_memory(set(alive)) or sys.platform != "linux"
    assert terminal.run("world", "down", place).returncode == 0
    assert processes_of(terminal.folder) == {}
    assert [port for port in ports.values() if listens(port)] == []
    assert shared_memory(set(alive)) == []
    assert terminal.left() == []
    assert {name for name in ours_in(*shared) - before if World.load(place).id in name or "pgsql" in name.lower()} == set()
    again = terminal.run("world", "down", place)
    assert (again.returncode, "was not up" in again.stdout) == (0, True)


@pytest.mark.parametrize("name", ["with space", "quote'"])
def test_a_directory_that_would_need_quoting_is_refused_with_the_reason(terminal: Terminal, name: str) -> None:
    for command in (("world", "up"), ("rehearse", "--headless", "--auto", "--dir")):
        refused = terminal.run(*command, terminal.folder / "work" / name)
        assert refused.returncode == 2
        assert "letters, digits and . _ / -" in refused.stderr
        assert "Choose another directory" in refused.stderr
    assert terminal.left() == []


def test_a_killed_world_is_recovered_by_up(terminal: Terminal) -> None:
    place = terminal.folder / "w"
    world = worlds.create_or_start(place, artifact_size=SMALL)
    (world.checkout / "note").write_text("mine\n")
    seen: set[int] = set()
    for killed in ("pid", "guardian"):
        seen |= set(processes_of(place))
        note = json.loads(world.running.read_text())
        os.kill(note[killed], signal.SIGKILL)
        up = terminal.run("world", "up", place, "--json")
        assert up.returncode == 0, up.stderr
        status = json.loads(up.stdout)
        assert (status["running"], status["world"]) == (True, world.id)
        assert status["pid"] != note["pid"]
        assert all(listens(port) for port in status["ports"].values())
        assert (world.checkout / "note").read_text() == "mine\n"
        assert seen.isdisjoint(processes_of(place))
    assert worlds.stop(place)
    assert processes_of(terminal.folder) == {}
    assert shared_memory(seen) == []


def test_a_directory_that_cannot_be_used_is_refused(terminal: Terminal) -> None:
    place = terminal.folder / "work" / "file"
    place.write_text("mine")
    for words in (("world", "up"), ("world", "down"), ("world", "status"), ("rehearse", "--headless", "--auto", "--dir")):
        refused = terminal.run(*words, place)
        assert refused.returncode == 2, refused.stderr
        assert "Traceback" not in refused.stderr
    assert place.read_text() == "mine"


# --- two worlds, kept worlds ---


@pytest.mark.exhaustive
def test_two_worlds_release_side_by_side_and_come_back_as_they_were(terminal: Terminal) -> None:
    places = {layout: terminal.folder / f"w-{layout}" for layout in ("flat", "nested")}
    children = [terminal.start(*REHEARSE, "--keep", "--layout", layout, "--dir", place) for layout, place in places.items()]
    for child in children:
        said, _ = child.communicate(timeout=150)
        assert child.returncode == 0, said
        assert f'"version": "{NEXT}"' in said
    for place in places.values():
        assert terminal.run("world", "down", place).returncode == 0
    assert processes_of(terminal.folder) == {}
    for layout, place in places.items():
        world = worlds.create_or_start(place)
        assert (world.layout, world.checkout_layout.version_file.read_text()) == (layout, f"{NEXT}\n")
        found = terminal.run("--world", place, "check", "final.live", "final.assets", "final.manifest", "version.tag", "--json")
        document = json.loads(found.stdout)
        assert (document["outcome"], document["version"], document["world"]) == ("verified", NEXT, world.id), found.stdout
        runs = json.loads(terminal.run("--world", place, "runs", "list", "--json").stdout)["runs"]
        assert [run["version"] for run in runs] == [NEXT]
        assert worlds.stop(place)
    assert terminal.left() == []


# --- a rehearsal that is ended from outside ---


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("filling the git host", signal.SIGTERM),
        seldom("filling the git host", signal.SIGKILL),
        seldom("== Database", signal.SIGTERM),
        seldom("== Database", signal.SIGKILL),
    ],
)
def test_a_killed_rehearsal_leaves_no_world(terminal: Terminal, moment: str, number: signal.Signals) -> None:
    child = terminal.start(*REHEARSE)
    read_until(child, moment)
    child.send_signal(number)
    said, _ = child.communicate(timeout=60)
    assert child.returncode == (-number if number == signal.SIGKILL else 128 + signal.SIGTERM), said
    assert "Traceback" not in said
    if number != signal.SIGKILL:
        assert processes_of(terminal.folder) == {}
    until(lambda: processes_of(terminal.folder) == {}, f"still there: {processes_of(terminal.folder)}")
    assert terminal.left() == []


@pytest.mark.exhaustive
def test_a_kept_world_outlives_its_rehearsal_and_the_next_one(terminal: Terminal) -> None:
    place = terminal.folder / "w"

    def up() -> bool:
        return worlds.is_running(place) and all(listens(port) for port in World.load(place).ports.values())

    child = terminal.start(*REHEARSE, "--keep", "--dir", place)
    read_until(child, "== Database")
    child.kill()
    child.wait()
    until(lambda: not any("nexy_tui release" in line for line in processes_of(place).values()), "the wizard outlived its rehearsal")
    assert up()
    refused = terminal.run("rehearse", "--headless", "--auto", "--dir", place, "--layout", "nested")
    assert (refused.returncode, up()) == (2, True), refused.stderr
    stopped = terminal.run(*REHEARSE, "--dir", place, "--fault", "missing-tag")
    assert (stopped.returncode, up()) == (1, True), stopped.stderr
    assert terminal.run("world", "down", place).returncode == 0
    assert processes_of(terminal.folder) == {}
    assert terminal.left() == []


# --- as somebody else ---


def _python_of(user: pwd.struct_passwd, folder: Path, setpriv: tuple[str, ...]) -> str:
    """A Python this user may run that imports what this one does; skips where there is none."""
    own = folder / "venv"
    for base in dict.fromkeys((sys.executable, f"/usr/bin/python3.{sys.version_info.minor}")):
        if shutil.which(base) is None:
            continue
        shutil.rmtree(own, ignore_errors=True)
        subprocess.run([base, "-m", "venv", "--without-pip", str(own)], check=True)
        packages = own / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
        (packages / "tests.pth").write_text(f"{sysconfig.get_path('purelib')}\n{package_root()}\n")
        python = str(own / "bin" / "python")
        probe = "import subprocess, sys, psycopg, cryptography, nexy_tui.cli.commands; subprocess.run([sys.executable, '-V'], check=True)"
        if subprocess.run([*setpriv, python, "-c", probe], cwd="/", capture_output=True, check=False).returncode == 0:
            return python
    pytest.skip(f"{user.pw_name} may not run this Python, and there is no other of its version")


@pytest.mark.exhaustive
def test_a_user_without_rights_releases_in_a_folder_of_mode_0700() -> None:
    """Root's tests are run as somebody else here, anybody else's as themselves."""
    folder = Path(tempfile.mkdtemp(prefix="nexy-life-", dir="/tmp")).resolve()
    try:
        terminal = _terminal(folder)
        if os.geteuid() == 0:
            setpriv, nobody = shutil.which("setpriv"), pwd.getpwnam("nobody")
            if setpriv is None:
                pytest.skip("setpriv is not installed: root cannot become somebody else")
            for path in (folder, *folder.iterdir()):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
            terminal.before = (setpriv, f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "--")
            terminal.python = _python_of(nobody, folder, terminal.before)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        done = terminal.run(*REHEARSE, "--dir", folder / "w")
        assert done.returncode == 0, done.stderr[-3000:]
        assert processes_of(folder) == {}
        assert terminal.left() == []
    finally:
        shutil.rmtree(folder)


@pytest.mark.exhaustive
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may not run PostgreSQL as itself")
def test_where_user_namespaces_are_not_permitted_root_is_served_too(terminal: Terminal) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    terminal.folder.chmod(0o700)
    refusing = terminal.folder / "bin" / "unshare"
    refusing.parent.mkdir()
    refusing.write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2\nexit 1\n")
    refusing.chmod(0o755)
    place, path = terminal.folder / "w", f"{refusing.parent}:{os.environ['PATH']}"
    up = terminal.run("world", "up", place, "--artifact-size", "1MB", env={"PATH": path})
    assert up.returncode == 0, up.stderr
    server = next(psutil.Process(pid) for pid, line in processes_of(place).items() if "bin/postgres" in line)
    assert server.uids().effective != 0
    found = terminal.run("--world", place, "check", "database.reachable", "--json", env={"PATH": path})
    assert found.returncode == 0, found.stdout + found.stderr
    assert terminal.run("world", "down", place, env={"PATH": path}).returncode == 0
    assert processes_of(terminal.folder) == {}


# --- a hundred times ---


@pytest.mark.exhaustive
def test_a_hundred_cycles_leak_nothing(terminal: Terminal) -> None:
    print(cycles(terminal, 100))


def cycles(terminal: Terminal, number: int) -> str:
    """Up and down, as often with a new world as with the one that was there; what is counted must not grow."""
    me, place = psutil.Process(), terminal.folder / "w"
    seen: set[int] = set()
    ports: set[int] = set()
    times: list[tuple[float, float]] = []
    first: dict[str, int] = {}

    def counts() -> dict[str, int]:
        return {
            "children": len(me.children(recursive=True)),
            "processes": len(processes_of(place)),
            "threads": me.num_threads(),
            "descriptors": me.num_fds(),
            "files outside": len(terminal.left()),
            "shared memory": len(shared_memory(seen)),
            "ports": sum(listens(port) for port in ports),
        }

    for cycle in range(number):
        begun = time.monotonic()
        world = worlds.create_or_start(place, artifact_size=SMALL, owner=os.getpid())
        up = time.monotonic()
        seen |= set(processes_of(place))
        ports |= set(world.ports.values())
        between = time.monotonic()
        worlds.stop(place)
        times.append((up - begun, time.monotonic() - between))
        if cycle % 2:
            shutil.rmtree(place)
        now = counts()
        first = first or now
        assert now == first, f"after cycle {cycle + 1}: {now}, at first {first}"
    ups, downs = (sorted(column) for column in zip(*times, strict=True))
    medians = f"up {ups[number // 2]:.2f} s, down {downs[number // 2]:.2f} s (medians)"
    return f"{number} cycles, {len(seen)} processes and {len(ports)} ports seen; after each: {first}; {medians}"
