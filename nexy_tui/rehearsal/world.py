"""A world's life from outside: bring it up, look at it, enter it, bring it down. What the command line, rehearsals and tests call."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.core.problem import ActionFailed, Unusable
from nexy_tui.core.shield import interpreter
from nexy_tui.rehearsal import seed
from nexy_tui.rehearsal.artifacts import make as artifacts
from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.names import DEFAULT_ARTIFACT_SIZE, World, checked_directory
from nexy_tui.rehearsal.trees import features
from nexy_tui.rehearsal.vm import enclosure

LAYOUTS = ("flat", "nested")
SMALLEST_ARTIFACT = 500_000
_START_PATIENCE = 120.0
_STOP_PATIENCE = 30.0
_PROGRAMS = ("git", "bash", "curl")
_IGNORED = ("world.lock",)

Say = Callable[[str], None]


def create_or_start(
    directory: Path,
    layout: str | None = None,
    artifact_size: int | None = None,
    owner: int | None = None,
    say: Say = lambda _: None,
    *,
    passing: bool = False,
    seed: Sequence[str] = (),
) -> World:
    """Bring up the world of a directory: a new one in an empty directory, else the one that is there, as it was.

    With `owner` (a process id) the world ends when that process does; a `passing` one takes its directory away with it,
    unless it failed. `seed` are switches of what the code repository has (`trees.FEATURES`). A world that is up already
    is returned as it is. Raises Unusable for a directory that cannot hold a world, ActionFailed when the world does not come up.
    """
    directory = checked_directory(directory)
    _check_options(directory, layout, artifact_size, seed)
    _require_programs()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unusable(f"{directory} cannot be made: {error.strerror}.", "A world lives in a directory.", "Choose another one.") from None
    if not is_running(directory):
        _refuse_foreign(directory)
        _clean_up(directory)
        _launch(
            directory,
            layout or LAYOUTS[0],
            artifact_size or DEFAULT_ARTIFACT_SIZE,
            [*_ending(owner, passing), *(f"--seed={name}" for name in seed)],
            say,
        )
    elif not _until(lambda: _is_ready(directory) or not is_running(directory), _START_PATIENCE):
        raise ActionFailed(f"The world in {directory} is still coming up.", "Somebody else began it.", "Wait, then try again.")
    return World.load(directory)


def load(directory: Path) -> World:
    """The world of a directory, to be entered. Raises Unusable where there is none, or it is down."""
    world = World.load(directory)
    if not is_running(world.dir) or not _is_ready(world.dir):
        raise Unusable(
            f"The rehearsal world in {world.dir} is not up.",
            "Nothing in it would answer, and its ports may change when it comes back.",
            f"Bring it up: nexy-tui world up {world.dir}",
        )
    return world


def stop(directory: Path) -> bool:
    """Bring a world down, also one that is still coming up; everything it ran has ended when this returns. Whether it was up.

    Raises Unusable where there is no world, ActionFailed when it cannot be ended.
    """
    directory = checked_directory(directory)
    if not is_running(directory):
        World.load(directory)
        _clean_up(directory)
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        _until(lambda: _noted(directory, "pid") is not None or not is_running(directory), _STOP_PATIENCE)
        guardian = _noted(directory, "guardian")
        _signal(_noted(directory, "pid"), number)
        if _until(lambda: not is_running(directory), _STOP_PATIENCE):
            _wait_for(guardian)
            return True
    remedy = f"See {directory}/log/supervisor.log."
    raise ActionFailed(f"The world in {directory} does not end.", "A process of it cannot be killed.", remedy)


def is_running(directory: Path) -> bool:
    """Whether the world's guardian holds its lock. A crashed world holds none."""
    try:
        with (directory / "world.lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except (FileNotFoundError, NotADirectoryError):
        return False
    except BlockingIOError:
        return True


@dataclass(frozen=True, slots=True)
class WorldStatus:
    """A world as it stands."""

    world: World
    running: bool
    pid: int | None
    faults: dict[str, str | None]

    def document(self) -> dict[str, object]:
        """As JSON; no secrets in it."""
        world = self.world
        return {
            "world": world.id,
            "dir": str(world.dir),
            "running": self.running,
            "pid": self.pid,
            "layout": world.layout,
            "seed": list(world.seed),
            "artifact_size": world.artifact_size,
            "ports": world.ports,
            "proxy": world.proxy,
            "vm": {"enclosure": enclosure.kind(world)},
            "checkout": str(world.checkout),
            "previous": world.previous,
            "next": world.next,
            "faults": self.faults,
        }


def status(directory: Path) -> WorldStatus:
    """Look at a world. Raises Unusable where there is none."""
    world = World.load(directory)
    running = is_running(world.dir)
    return WorldStatus(world, running, _noted(world.dir, "pid") if running else None, Faults(world.faults).all())


def build(world: World, version: str, names: tuple[str, ...]) -> list[artifacts.Built]:
    """Build artifacts of a version into the operator's inbox."""
    return seed.build_into_inbox(world, version, names)


def _check_options(directory: Path, layout: str | None, artifact_size: int | None, seed: Sequence[str]) -> None:
    wanted_features = features(seed)
    if layout is not None and layout not in LAYOUTS:
        raise Unusable(f"There is no layout {layout!r}.", remedy="Use flat or nested.")
    if artifact_size is not None and not SMALLEST_ARTIFACT <= artifact_size <= artifacts.LARGEST:
        raise Unusable(
            f"Artifacts of {artifact_size} bytes cannot be made.",
            f"The release host takes less than 2 GiB, and an image needs {SMALLEST_ARTIFACT} bytes for its structure.",
            "Use a size as 1MB, 64MB or 316MB.",
        )
    if not (directory / "complete").exists():
        return
    world = World.load(directory)
    given = (
        (layout, world.layout, "layout"),
        (artifact_size, world.artifact_size, "artifact size"),
        (", ".join(sorted(wanted_features)) if seed else None, ", ".join(sorted(world.features)), "seed"),
    )
    for wanted, present, what in given:
        if wanted is not None and wanted != present:
            raise Unusable(
                f"The world in {directory} has the {what} {present}, not {wanted}.",
                "A world keeps what it was made with.",
                "Leave the option out, or make another world in an empty directory.",
            )


def _require_programs() -> None:
    if missing := [name for name in _PROGRAMS if shutil.which(name) is None]:
        raise Unusable(
            f"A rehearsal needs {', '.join(missing)} on PATH.",
            "Its git host and its VM run the real ones.",
            "Install what is missing with this machine's package manager, then run again.",
        )


def _refuse_foreign(directory: Path) -> None:
    """Only an empty directory, or one that a world was (or was being) made in, is written to."""
    if (directory / "world.json").exists():
        return
    if strange := sorted(path.name for path in directory.iterdir() if path.name not in _IGNORED):
        raise Unusable(
            f"{directory} is not empty and has no rehearsal world (there is {strange[0]}).",
            "A world is made in an empty directory, so that nothing of yours is touched.",
            "Choose another directory.",
        )


def _clean_up(directory: Path) -> None:
    """End what a world that crashed has left. One that ended well has taken its note away."""
    note = directory / "supervisor.json"
    if note.exists():
        from nexy_tui.rehearsal import leftovers

        leftovers.end(directory)
        note.unlink()


def _ending(owner: int | None, passing: bool) -> list[str]:
    """The guardian's options that say when the world ends, and what stays of it."""
    return [*([] if owner is None else ["--owner", str(owner)]), *(["--passing"] if passing else [])]


def _launch(directory: Path, layout: str, artifact_size: int, ending: list[str], say: Say) -> None:
    (directory / "log").mkdir(exist_ok=True)
    (directory / "tmp").mkdir(exist_ok=True)
    reading, writing = os.pipe()
    options = [str(directory), "--layout", layout, "--artifact-size", str(artifact_size), "--report", str(writing), *ending]
    with (directory / "log" / "supervisor.log").open("ab") as log:
        ended = start_guardian(directory, options, _surroundings(directory), log.fileno(), writing)
    os.close(writing)
    if not _wait_until_ready(reading, say):
        ended()
        raise ActionFailed(
            f"The world in {directory} did not come up.",
            "Its supervisor ended before it was ready.",
            f"See {directory}/log/supervisor.log.",
        )


def start_guardian(directory: Path, options: Sequence[str], env: Mapping[str, str], log: int, report: int) -> Callable[[], object]:
    """Start a guardian in a session of its own; the call that waits for its end. Tests have theirs from a process with its imports done."""
    command = [*interpreter("nexy_tui.rehearsal.guardian"), *options]
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(report,),
        start_new_session=True,
    )
    return process.wait


def _wait_until_ready(reading: int, say: Say) -> bool:
    """Follow the supervisor's report. False when it ends without being ready. Raises Unusable or ActionFailed with its own words."""
    with os.fdopen(reading, encoding="utf-8") as report:
        for line in report:
            message = json.loads(line)
            if "step" in message:
                say(message["step"])
            elif "error" in message:
                raise (Unusable if message["unusable"] else ActionFailed)(**message["error"])
            else:
                return True
    return False


def _surroundings(directory: Path) -> dict[str, str]:
    """The supervisor's environment: nothing of the user's but the way to programs."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH") if name in os.environ}
    here = str(directory)
    return {**kept, "HOME": here, "TMPDIR": f"{here}/tmp", "PYTHONDONTWRITEBYTECODE": "1"}


def _noted(directory: Path, what: str) -> int | None:
    """What the supervisor noted of itself: its `pid`, its `guardian`, whether it is `ready`."""
    try:
        noted = json.loads((directory / "supervisor.json").read_text(encoding="utf-8"))[what]
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return int(noted)


def _is_ready(directory: Path) -> bool:
    return bool(_noted(directory, "ready"))


def _until(holds: Callable[[], bool], patience: float) -> bool:
    end = time.monotonic() + patience
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.02)
    return held


def _signal(pid: int | None, number: int) -> None:
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _wait_for(pid: int | None) -> None:
    """Wait for the last moments of a process that has let go of the lock, and reap it where it is our child."""
    if pid is None:
        return
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        _until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, _STOP_PATIENCE)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
