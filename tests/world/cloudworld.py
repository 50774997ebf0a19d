"""A world of cloud, VM, update server and git host only, without artifacts and database: what the tests of those need, in half a second."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

from nexy_tui.rehearsal import seed
from nexy_tui.rehearsal.artifacts.make import Built
from nexy_tui.rehearsal.cloud import server as cloud
from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.git_host import GitHost
from nexy_tui.rehearsal.invent import invent
from nexy_tui.rehearsal.names import World
from nexy_tui.rehearsal.net import authority
from nexy_tui.rehearsal.net.front_door import FrontDoor
from nexy_tui.rehearsal.vm import machine as vm
from nexy_tui.rehearsal.vm import package_index as index
from nexy_tui.rehearsal.vm import update_server as updateserver
from nexy_tui.rehearsal.vm.scripts import ScriptJob, ScriptOutcome

T = TypeVar("T")


@dataclass
class CloudWorld:
    world: World
    faults: Faults
    loop: asyncio.AbstractEventLoop

    def wait(self, work: Coroutine[Any, Any, T], timeout: float = 60) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def run(self, script: str, **job: Any) -> ScriptOutcome:
        """Run a script on the VM, past the cloud."""
        return self.wait(vm.machine(self.world).run(ScriptJob(script, **job)))

    def client(self) -> Mapping[str, str]:
        """The environment of a stock client in this world."""
        made, ca = self.world, str(self.world.ca)
        return {
            "HTTPS_PROXY": made.proxy,
            "https_proxy": made.proxy,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "REQUESTS_CA_BUNDLE": ca,
            "SSL_CERT_FILE": ca,
            "CURL_CA_BUNDLE": ca,
            "AZURE_TENANT_ID": made.azure.tenant,
            "AZURE_CLIENT_ID": made.azure.client,
            "AZURE_CLIENT_SECRET": made.secrets.azure_client_secret,
            "AZURE_SUBSCRIPTION_ID": made.azure.subscription,
        }


async def _create(world: World) -> None:
    world.log.mkdir()
    world.faults.write_text("{}", encoding="utf-8")
    authority.create(world)
    image = world.dir / "image"
    image.write_bytes(b"an image whose bytes nobody looks at")
    world.allowed_signers.parent.mkdir(parents=True)
    world.allowed_signers.write_text("", encoding="utf-8")
    await seed.create_repositories(world, Built(image, world.previous, 36, "0" * 64))
    await index.create(world)
    await vm.create(world)


async def start(world: World) -> FrontDoor:
    faults = Faults(world.faults)

    async def after_push(_: str) -> None:
        return None

    git = GitHost(world, faults, after_push)
    handlers = {**cloud.handlers(world, faults), **updateserver.handlers(world, faults), "github.com": git.handle}
    door = FrontDoor(world, handlers, faults)
    await door.start()
    await index.start(world)
    await vm.start(world)
    return door


async def stop(world: World, door: FrontDoor) -> None:
    await vm.stop(world)
    await index.stop(world)
    await door.stop()


def has_gone(pid: int) -> bool:
    """Whether a process has ended; one that only waits to be reaped has."""
    try:
        psutil.wait_procs([psutil.Process(pid)], timeout=3)
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def runs(*command: str) -> bool:
    """Whether a process with this command line is there, seen from outside: a script's own number means nothing here."""
    return any(process.info["cmdline"] == list(command) for process in psutil.process_iter(["cmdline"]))


def has_ended(*command: str) -> bool:
    """Whether no process with this command line is there any more, or in a moment."""
    for _ in range(150):
        if not runs(*command):
            return True
        time.sleep(0.02)
    return False


RULEBOOKS = ("no-az-script", "no-tracked-config", "ignored-config", "ignored-backups")
"""A tree that the rulebook's own deploy script can deploy: it calls update_server_version.sh, and checks out over config.env."""


@contextmanager
def cloud_world(directory: Path, layout: str = "flat") -> Iterator[CloudWorld]:
    """Up inside the block, on a loop of its own in another thread."""
    directory.mkdir(exist_ok=True)
    world = invent(directory, layout, 1 << 20, RULEBOOKS)
    world.save()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made = CloudWorld(world, Faults(world.faults), loop)
    try:
        made.wait(_create(world))
        door = made.wait(start(world))
        try:
            yield made
        finally:
            made.wait(stop(world, door))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
