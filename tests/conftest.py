"""Rehearsal worlds for tests: small, in a temporary folder each, and always brought down again."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import forked
import forkedworlds
import pytest
from _pytest.mark import ParameterSet
from piped import told_to_a_pipe
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from nexy_tui.cli import OBJECTS
from nexy_tui.rehearsal import bundled
from nexy_tui.rehearsal import world as worlds
from nexy_tui.rehearsal.environment import environment
from nexy_tui.rehearsal.faults.switchboard import set_fault
from nexy_tui.rehearsal.home import WAITING_SPEED
from nexy_tui.rehearsal.names import World

if TYPE_CHECKING:
    from publishing import Publisher

gc.set_threshold(OBJECTS, 20, 20)  # As in the program.

SMALL = 1_000_000
MEMORY = Path("/dev/shm")
ROOM = 4_000_000_000
"""Bytes that must be free in memory for the tests' files to lie there: a world is made of a thousand small ones."""
SPEED = 200
"""What every wait of the tool is divided by, ten times a rehearsal's; a test that waits for something real asks for less."""


if (
    "TMPDIR" not in os.environ
    and os.access(MEMORY, os.W_OK)
    and shutil.disk_usage(MEMORY).free > ROOM
    and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


os.environ["PATH"] += os.pathsep + str(bundled.seven_zip().parent)  # For a machine without its own, as in a world.


@dataclass
class Inside:
    """A world that is up, and the environment of a terminal inside it. HOME is an empty folder of the test's own."""

    world: World
    home: Path
    environ: dict[str, str] = field(repr=False)

    @property
    def checkout(self) -> Path:
        return self.world.checkout

    def run(
        self, *argv: str | Path, cwd: Path | None = None, check: bool = True, env: Mapping[str, str] | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run somebody's program, or ours, inside the world; a failure shows what it said."""
        place, environ = cwd or self.checkout, {**self.environ, **(env or {})}
        if argv[0] == "nexy-tui" and argv[1] not in ("rehearse", "world"):
            done = forked.run(argv[1:], cwd=place, env=environ, timeout=timeout)
        else:
            done = subprocess.run(
                [str(word) for word in argv],
                cwd=place,
                env=environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        if check and done.returncode != 0:
            raise AssertionError(f"{argv[0]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def git(self, *arguments: str | Path, cwd: Path | None = None) -> str:
        """git's output."""
        return self.run("git", *arguments, cwd=cwd).stdout.strip()

    def changes(self) -> list[str]:
        """What git calls changed or new, but for what a real checkout differs in always: the operator's settings and the backups."""
        layout = self.world.checkout_layout
        apart = (*(str(path) for path in layout.settings), f"{layout.backups.relative_to(layout.root)}/")
        return self.git("status", "--porcelain", "-uall", "--", ":/", *(f":(top,exclude){path}" for path in apart)).splitlines()

    def reset(self, commit: str = "HEAD") -> None:
        """`git reset --hard`, but for the operator's own settings: git tracks that file, and would put its placeholders in their place."""
        kept = {path: path.read_bytes() for path in self._settings()}
        self.git("reset", "--quiet", "--hard", commit)
        for path, content in kept.items():
            path.write_bytes(content)

    def commit(self, message: str) -> None:
        """Commit whatever git tracks and has changed, but for the operator's own settings."""
        settings = (f":(top,exclude){path}" for path in self.world.checkout_layout.settings)
        self.git("commit", "--quiet", "--message", message, "--", ":/", *settings)

    def _settings(self) -> list[Path]:
        return [path for name in self.world.checkout_layout.settings if (path := self.checkout / name).is_file()]

    def fault(self, name: str, on: bool = True, param: str | None = None) -> None:
        """Switch a fault."""
        set_fault(self.world, name, on, param)

    @contextmanager
    def faulty(self, fault: str) -> Iterator[None]:
        """While a fault is on, `NAME` or `NAME=PARAMETER`."""
        name, _, parameter = fault.partition("=")
        self.fault(name, True, parameter or None)
        try:
            yield
        finally:
            self.fault(name, False)

    def up_again(self) -> None:
        """Bring the world up after a test has brought it down."""
        self.world = worlds.create_or_start(self.world.dir, owner=os.getpid())
        self.environ = _environ(self.world, self.home)


AFTER_A_RELEASE = frozenset(f"tests/world/{name}.py" for name in ("test_breakages", "test_checks", "test_output"))
"""Modules that share the one world in which a release has been done, and so one process."""


class Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """A file's tests in one process, and those of the files that share a world."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return min(AFTER_A_RELEASE) if file in AFTER_A_RELEASE else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling | None:
    """For `--dist loadfile`; any other way of spreading is xdist's own."""
    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """What was collected stays: no collection of garbage goes through it."""
    gc.freeze()


def seldom(*values: object, id: str | None = None) -> ParameterSet:
    """A case that only the exhaustive run walks: one of its kind stands in the ordinary run."""
    return pytest.param(*values, marks=pytest.mark.exhaustive, id=id)


def some(values: Iterable[object], ordinary: Container[object]) -> list[object]:
    """Every value as a case; those that are not in the ordinary run's, seldom."""
    return [value if value in ordinary else seldom(value) for value in values]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests counted (a property `counted`, figures by name), added up once over all of them and all workers."""
    reports = [one for reports in terminalreporter.stats.values() for one in reports if getattr(one, "when", "") == "teardown"]
    total: Counter[str] = Counter()
    for figures in (value for report in reports for name, value in report.user_properties if name == "counted"):
        total.update(figures)
    if total:
        terminalreporter.write_line("counted: " + ", ".join(f"{figure} {name.replace('_', ' ')}" for name, figure in total.items()))


@pytest.fixture(autouse=True, scope="session")
def heeded_signals() -> None:
    """What a test starts heeds an interrupt, though the tests themselves were started by something that has it ignored (nohup, `&`)."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(autouse=True, scope="session")
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever a killed process leaves lies in the tests' own folder, and goes with it."""
    folder = tmp_path_factory.mktemp("tmp")
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = str(folder)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, as `build` makes it with what is installed here."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(Path(__file__).parents[1])]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return next(out.glob("*.whl"))


@pytest.fixture(autouse=True, scope="session")
def forked_worlds() -> Iterator[None]:
    """Worlds of tests begin with their imports done; what `nexy-tui rehearse` and `world up` start begins as everybody's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "start_guardian", forkedworlds.start_guardian)
        yield


MakeWorld = Callable[..., Inside]


def _environ(world: World, home: Path) -> dict[str, str]:
    return environment(world).apply({**os.environ, "HOME": str(home)})


def _factory(folder: Path, made: list[World]) -> MakeWorld:
    def make(layout: str = "flat", artifact_size: int = SMALL, speed: int = SPEED, seed: Sequence[str] = ()) -> Inside:
        number = len(made)
        home = folder / f"home{number}"
        home.mkdir()
        world = worlds.create_or_start(folder / f"world{number}", layout, artifact_size, owner=os.getpid(), seed=seed)
        made.append(world)
        config = world.config.read_text(encoding="utf-8")
        world.config.write_text(config.replace(f"speed = {WAITING_SPEED}", f"speed = {speed}"), encoding="utf-8")
        return Inside(world, home, _environ(world, home))

    return make


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[MakeWorld]:
    """Makes worlds of this test's own: `make_world(layout="flat", artifact_size=1_000_000)`."""
    made: list[World] = []
    try:
        yield _factory(tmp_path, made)
    finally:
        for world in made:
            worlds.stop(world.dir)


@pytest.fixture(scope="module")
def make_module_world(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[MakeWorld]:
    """As `make_world`, for worlds that several tests of a module use one after the other; they stay where a test has failed."""
    made: list[World] = []
    folder = tmp_path_factory.mktemp("module")
    try:
        yield _factory(folder, made)
    finally:
        for world in made:
            worlds.stop(world.dir)
        if not request.session.testsfailed:
            shutil.rmtree(folder)
            folder.mkdir()  # Its number is not given again: what a process of an earlier module stands in is no later module's.


@pytest.fixture(scope="module")
def module_world(make_module_world: MakeWorld) -> Inside:
    """One world for all tests of a module that leave it as they find it, or do not mind what the others did."""
    return make_module_world()


@pytest.fixture
def work(module_world: Inside) -> Iterator[Publisher]:
    """A publisher in the module's world, with the image of a version that no run has seen in the inbox."""
    from publishing import publisher

    with publisher(module_world) as found:
        found.lay()
        yield found


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    """A world in which a whole release has been done, said to somebody who reads no more; each test leaves it as it finds it."""
    made: list[World] = []
    try:
        inside = _factory(tmp_path_factory.mktemp("released"), made)()
        assert told_to_a_pipe("release", "--headless", "--auto", cwd=inside.checkout, env=inside.environ, leaves=False) == 0
        yield inside
    finally:
        for world in made:
            worlds.stop(world.dir)
