"""`rehearse`: a whole release in a complete local world, by hand in the wizard or played."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexy_tui.cli import common
from nexy_tui.cli.extra import require_rehearsal
from nexy_tui.cli.world import SEED_HELP
from nexy_tui.core.problem import Problem, Unusable
from nexy_tui.core.shield import interpreter

if TYPE_CHECKING:
    from nexy_tui.rehearsal.names import World

_ENDED = 128 + signal.SIGTERM
"""The exit status after SIGTERM or SIGHUP."""


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command()(rehearse)


def rehearse(
    *,
    headless: Annotated[bool, typer.Option("--headless", help="No screen: plain lines.")] = False,
    auto: Annotated[bool, typer.Option("--auto", help="Play the operator, attestations included.")] = False,
    fault: Annotated[list[str] | None, typer.Option(help="Switch a fault on first: NAME or NAME=PARAMETER.")] = None,
    artifact_size: Annotated[str | None, typer.Option(help="Size of the artifacts, as 64MB.")] = None,
    layout: Annotated[str | None, typer.Option(help="Layout of the checkout: flat or nested.")] = None,
    seed: Annotated[list[str] | None, typer.Option(metavar="NAME", help=SEED_HELP)] = None,
    dir: Annotated[Path | None, typer.Option("--dir", help="Where the world lies (default: a temporary folder).")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the world up at the end.")] = False,
    json: Annotated[bool, typer.Option("--json", help="With --headless: one JSON document on standard output.")] = False,
) -> None:
    """Rehearse a release: real git, PostgreSQL, TLS and bash on this machine alone; nothing leaves it."""
    from nexy_tui.rehearsal.artifacts.sizes import parse_size

    if json and not headless:
        raise Unusable("--json goes with --headless.", remedy="Add --headless, or leave --json out.")
    require_rehearsal()
    size = parse_size(artifact_size) if artifact_size else None
    made = dir is None
    new = dir is None or not os.path.exists(dir / "world.json")  # noqa: PTH110  Where that may not be looked at, what comes next says so.
    place = Path(tempfile.mkdtemp(prefix="nexy-rehearsal-")) if dir is None else dir
    _end_gently()
    try:
        with _world(place, layout, size, seed or [], keep=keep, passing=made and not keep) as world:
            status = _wizard(world, fault or [], new=new, headless=headless, auto=auto, json=json)
    except _Ended:
        status = _ENDED
    finally:
        if made:
            with contextlib.suppress(OSError):
                place.rmdir()  # Only where no world was begun: one that passes takes its directory away itself.
    if keep:
        common.say(f'The world is kept in {place}. Enter it: eval "$(nexy-tui world env {place})"')
        common.say(f"End it: nexy-tui world down {place}")
    if status < 0 or status == _ENDED:
        raise _ended_by(abs(status) % 128)
    if made and not keep:
        common.say("The world is gone, and with it every run and log in it. Once more: nexy-tui rehearse (with --keep the world stays)")
    raise typer.Exit(status)


def _ended_by(number: int) -> Problem:
    """What to say where a signal ended the rehearsal, since its wizard had no more time to."""
    problem = Problem(
        f"The rehearsal was ended by signal {number}.", "What it was doing is unfinished.", "Practise once more: nexy-tui rehearse"
    )
    problem.exit_code = 128 + number
    return problem


@contextmanager
def _world(place: Path, layout: str | None, size: int | None, seed: list[str], *, keep: bool, passing: bool) -> Iterator[World]:
    """A world that is up meanwhile. Unless it is kept, or was up before, it ends with this process, however that ends."""
    from nexy_tui.rehearsal import world as worlds

    common.say(f"Bringing a rehearsal world up in {place}")
    stays = keep or worlds.is_running(place)
    owner = None if stays else os.getpid()
    try:
        yield worlds.create_or_start(place, layout, size, owner, say=lambda step: common.say(f"   {step}"), passing=passing, seed=seed)
    finally:
        if not stays and worlds.is_running(place):
            worlds.stop(place)


def _wizard(world: World, faults: list[str], *, new: bool, headless: bool, auto: bool, json: bool) -> int:
    """Enter the world with all that this process does from now on, and run the wizard in it."""
    from nexy_tui.core.given import become
    from nexy_tui.core.surroundings import Needs, surroundings
    from nexy_tui.rehearsal.environment import environment
    from nexy_tui.rehearsal.faults.switchboard import set_fault

    become(environment(world).apply(surroundings(Needs.REHEARSAL, os.environ).variables))
    version = world.next if new else _prepare(world)
    for named in faults:
        name, equals, parameter = named.partition("=")
        set_fault(world, name, True, parameter if equals else None)
    return _child(_command(version, headless=headless, auto=auto, json=json), world.checkout)


def _prepare(world: World) -> str:
    """See to it that the inbox of a world that was used holds the next version's artifact, as the build machine would; the version."""
    from nexy_tui.config import load_settings
    from nexy_tui.core.target import DMG
    from nexy_tui.engine.before import look_before, propose_version
    from nexy_tui.rehearsal import world as worlds
    from nexy_tui.services import Services

    services = Services(load_settings(), world.checkout)
    proposed = propose_version(services, look_before(services))
    version = world.next if proposed is None else str(proposed)
    marker = world.dir / "inbox-version"
    built = marker.read_text("utf-8").strip() if marker.exists() else world.next
    if built != version:
        common.say(f"   building {DMG} {version}")
        worlds.build(world, version, (DMG,))
        marker.write_text(version + "\n", "utf-8")
    return version


def _command(version: str, *, headless: bool, auto: bool, json: bool) -> list[str]:
    if not headless and not auto:
        return interpreter("nexy_tui")
    options = [*(["--headless"] if headless else []), *(["--auto"] if auto else []), *(["--json"] if json else [])]
    return interpreter("nexy_tui", "release", version, *options)


def _child(command: list[str], folder: Path) -> int:
    """Run the wizard inside the world and wait for its end, whatever signals come; it does not outlive this process."""
    from nexy_tui.core.given import given
    from nexy_tui.rehearsal.guardian import end_with_parent

    child = subprocess.Popen(command, cwd=folder, env=given(), preexec_fn=end_with_parent)  # noqa: PLW1509  No other thread runs here.
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue  # The terminal sent it to the child too; its end is waited for.
        except _Ended:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=30)
            child.kill()
            return _ENDED


class _Ended(BaseException):
    """SIGTERM or SIGHUP came: end the child, then the world."""


def _end_gently() -> None:
    def ended(*_: object) -> None:
        raise _Ended

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ended)
