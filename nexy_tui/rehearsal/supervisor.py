"""The world's one process: makes the world if its directory is empty, runs every server, and takes everything down again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from nexy_tui.core.problem import ActionFailed, Problem, Unusable
from nexy_tui.rehearsal import home, seed
from nexy_tui.rehearsal.cloud import server as cloud
from nexy_tui.rehearsal.database import server as database
from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.faults import code as codefaults
from nexy_tui.rehearsal.git_host import GitHost, is_git
from nexy_tui.rehearsal.invent import invent
from nexy_tui.rehearsal.names import World
from nexy_tui.rehearsal.net import authority, ports
from nexy_tui.rehearsal.net.front_door import FrontDoor
from nexy_tui.rehearsal.net.wire import Handler, Request, Response
from nexy_tui.rehearsal.release_host import server as releasehost
from nexy_tui.rehearsal.vm import machine as vm
from nexy_tui.rehearsal.vm import package_index as index
from nexy_tui.rehearsal.vm import update_server as updateserver
from nexy_tui.runlog.sign import Signer

_log = logging.getLogger(__name__)
_OWNER_INTERVAL = 0.25
_OWN_FILES = ("world.lock", "log", "tmp", "supervisor.json")
"""What stands in a directory before its world is made."""

Say = Callable[[dict[str, object]], None]
Step = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Order:
    """What the supervisor is told: where the world is, how to make it if there is none, and with whom it ends."""

    directory: Path
    layout: str
    artifact_size: int
    owner: int | None
    seed: tuple[str, ...] = ()


def main(order: Order, report: int) -> int:
    """Run the world of a directory until it is told to stop or its owner is gone. Reports steps and readiness as JSON lines on a pipe."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    with os.fdopen(report, "w", encoding="utf-8", buffering=1) as pipe:

        def say(message: dict[str, object]) -> None:
            if not pipe.closed:
                with contextlib.suppress(OSError):
                    pipe.write(json.dumps(message) + "\n")

        try:
            asyncio.run(_live(order, say, pipe.close))
        except Exception as error:
            _log.exception("the world could not be brought up")
            problem = _problem(error, order.directory)
            said = {"what": problem.what, "why": problem.why, "remedy": problem.remedy}
            say({"error": said, "unusable": isinstance(problem, Unusable)})
            return 1
    return 0


def _problem(error: Exception, directory: Path) -> Problem:
    """What went wrong, in words for the operator; parts are made side by side, so the first of several failures speaks."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, Problem):
        return error
    what = f"The world could not be brought up: {type(error).__name__}: {error}"
    return ActionFailed(what, "A part of it failed.", f"See {directory}/log/supervisor.log.")


async def _live(order: Order, say: Say, done: Callable[[], None]) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    _note(order.directory, ready=False)
    complete = order.directory / "complete"
    signer = None
    if complete.exists():
        world = _back(order.directory)
    else:
        world, signer = await _made(order, say)
    async with contextlib.AsyncExitStack() as running:
        await _start(world, running, say)
        if signer is not None:
            say({"step": "making the first backup and drilling it"})
            await database.seed_drill_record(world, signer)
            complete.touch()
        _note(order.directory, ready=True)
        say({"ready": True})
        with contextlib.suppress(OSError):
            done()
        watching = asyncio.create_task(_watch(order.owner, stopping))
        await stopping.wait()
        watching.cancel()


def _back(directory: Path) -> World:
    """The world that is there, on ports that are free now."""
    known = World.load(directory)
    world = known.with_ports(ports.allocate(known.ports))
    world.save()
    seed.refresh_settings(world)
    home.refresh(world)
    return world


async def _made(order: Order, say: Say) -> tuple[World, Signer]:
    """A new world and its operator's key; one whose making was broken off is made anew."""
    _clear(order.directory)
    world = invent(order.directory, order.layout, order.artifact_size, order.seed)
    world.save()
    return world, await _create(world, say)


async def _create(world: World, say: Say) -> Signer:
    started = time.monotonic()

    def step(text: str) -> None:
        say({"step": text})
        _log.info("%.2f s: %s", time.monotonic() - started, text)

    authority.create(world)
    signer = home.create(world)
    home.refresh(world)
    step("initialising the database and building artifacts")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(database.create(world))
        dmg = await asyncio.to_thread(seed.build_previous, world)
        step("filling the git host")
        await seed.create_repositories(world, dmg)
        await seed.create_checkout(world)
        step("publishing the release before")
        await releasehost.create(world)
        step("setting up the VM")
        await index.create(world)
        await vm.create(world)
    return signer


async def _start(world: World, running: contextlib.AsyncExitStack, say: Say) -> None:
    say({"step": "starting the servers"})
    faults = Faults(world.faults)
    door = FrontDoor(world, servers(world, faults), faults)
    parts: tuple[tuple[str, Step, Step], ...] = (
        ("database", lambda: database.start(world), lambda: database.stop(world)),
        ("index", lambda: index.start(world), lambda: index.stop(world)),
        ("front door", door.start, door.stop),
        ("vm", lambda: vm.start(world), lambda: vm.stop(world)),
    )
    for name, start, stop in parts:
        running.push_async_callback(_quietly, name, stop)
        await start()


def servers(world: World, faults: Faults) -> dict[str, Handler]:
    """Every host name of the world with its server. The web host is shared: git's requests go to the git host."""

    async def after_push(repository: str) -> None:
        await asyncio.to_thread(codefaults.disturb_after_push, world, faults)

    git = GitHost(world, faults, after_push)
    found = {**releasehost.handlers(world, faults), **cloud.handlers(world, faults), **updateserver.handlers(world, faults)}
    pages = found[world.target.hosts.web]

    async def web(request: Request) -> Response:
        return await (git.handle(request) if is_git(request) else pages(request))

    return {**found, world.target.hosts.web: web}


async def _quietly(name: str, stop: Step) -> None:
    """Stop one part; a failure must not keep the others from being stopped."""
    try:
        await stop()
    except Exception:
        _log.exception("stopping %s failed", name)


async def _watch(owner: int | None, stopping: asyncio.Event) -> None:
    """End the world with its owner."""
    if owner is None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(owner)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(_OWNER_INTERVAL)
    _log.info("the owner %d has gone", owner)
    stopping.set()


def _clear(directory: Path) -> None:
    """Take away what a broken-off making has left."""
    for path in directory.iterdir():
        if path.name in _OWN_FILES:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _note(directory: Path, *, ready: bool) -> None:
    """Leave word who runs the world, and whether it can be entered yet."""
    temporary = directory / "supervisor.tmp"
    temporary.write_text(json.dumps({"pid": os.getpid(), "guardian": os.getppid(), "ready": ready}), encoding="utf-8")
    temporary.replace(directory / "supervisor.json")
