"""The rehearsal VM as it runs: its service manager, and scripts that the cloud hands it, which bash really runs."""

from __future__ import annotations

import json
from pathlib import Path

from nexy_tui.core.problem import Unusable
from nexy_tui.rehearsal.fault import Fault, Faults
from nexy_tui.rehearsal.names import World
from nexy_tui.rehearsal.vm import seed as vmseed
from nexy_tui.rehearsal.vm import systemctl
from nexy_tui.rehearsal.vm import update_server as updateserver
from nexy_tui.rehearsal.vm.enclosure import Enclosure
from nexy_tui.rehearsal.vm.files import VmFiles, environment
from nexy_tui.rehearsal.vm.rewrite import Rewrite
from nexy_tui.rehearsal.vm.scripts import ScriptJob, ScriptOutcome, ScriptRunner
from nexy_tui.rehearsal.vm.systemd import CommandOutput, Desk, Journal, Service

_BREAKING = {"fetch": "--force --tags", "checkout": "--detach", "manifests": "checkout --", "restart": "restart"}
"""By a deploy's step, the words by which its command line is known."""
DEPLOY_EXIT_123 = Fault(
    "deploy-exit-123",
    "deploy",
    "git on the VM fails with exit status 123 when it changes the working tree, while Azure reports the run-command as succeeded; "
    "or another program, at the step that is named.",
    parameter="|".join(_BREAKING),
)
SERVICE_DOWN = Fault("service-down", "deploy", "The service on the VM ends as soon as it is started, and does not come up.")

DISK_FULL = Fault("vm-disk-full", "ready", "The VM has 40 MiB of disk left.")
EXEC_START_GONE = Fault("exec-start-gone", "ready", "The service's unit on the VM starts a file that no release has.")

FAULTS: tuple[Fault, ...] = (DISK_FULL, EXEC_START_GONE, DEPLOY_EXIT_123, SERVICE_DOWN)


_FAILING = 'echo "OSError: [Errno 12] Cannot allocate memory" >&2; exit 1'


class Machine:
    """One world's VM, switched on."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults
        self.files = VmFiles(world.vm)
        self.service = Service(
            world.target.vm.service,
            "Nexy voice assistant server",
            world.ports["update"],
            Journal(self.files.journal),
            argv=self._exec_start(),
            directory=self.files.app,
        )
        self._systemctl = systemctl.Systemctl(self.service, self.start_service, self.stop_service)
        self._desk = Desk(self.files, self._ask)
        self._enclosure = Enclosure(world)
        self._runner = ScriptRunner(self.files, Rewrite.of(world), self._enclosure)

    async def boot(self) -> None:
        """Open the service manager, and start the service if it ran when the world was last up, or never was."""
        await self._enclosure.open(await self._desk.open())
        if self._wanted():
            await self.start_service()

    async def shut_down(self) -> None:
        """End every script and the service; what was running comes back at the next boot."""
        await self._runner.end_all()
        self._desk.close()
        self._enclosure.close()
        await self.service.stop()

    async def start_service(self) -> bool:
        """Start the update server with the application's own Python, or a process that fails, if a fault says so."""
        self._want(True)
        app = [str(self.files.venv / "bin" / "python"), "-Iu", str(updateserver.PROGRAM)]
        ports = self.world.ports
        argv = [*app, "--app", str(self.files.app), "--port", str(ports["update"]), "--updates-port", str(ports["updates"])]
        argv += ["--switches", str(self.world.faults)]
        if self.faults.active(SERVICE_DOWN.name):
            argv = ["/bin/sh", "-c", _FAILING]
        return await self.service.start(argv, environment(self.world), self.files.app)

    async def stop_service(self) -> None:
        """Stop the update server until it is started again."""
        self._want(False)
        await self.service.stop()

    async def run(self, job: ScriptJob) -> ScriptOutcome:
        """Run a script, in the environment of this moment: faults that break the VM's programs apply from its first line on."""
        surroundings = environment(self.world)
        if self.faults.active(DEPLOY_EXIT_123.name):
            surroundings["PATH"] = f"{self.files.broken_bin}:{surroundings['PATH']}"
            surroundings["BROKEN_WORDS"] = _BREAKING.get(self.faults.param(DEPLOY_EXIT_123.name), "")
        if self.faults.active(DISK_FULL.name):
            surroundings["PATH"] = f"{self.files.full_bin}:{surroundings['PATH']}"
        return await self._runner.run(job, surroundings)

    async def _ask(self, program: str, arguments: list[str]) -> CommandOutput:
        if program == "systemctl":
            self.service.argv = self._exec_start()
            return await self._systemctl.run(arguments)
        return systemctl.journalctl(self.service, arguments)

    def _exec_start(self) -> tuple[str, str]:
        """What the unit's file says that it starts."""
        name = "server/voice_main.py" if self.faults.active(EXEC_START_GONE.name) else "server/main.py"
        return str(self.files.venv / "bin" / "python"), str(self.world.checkout_layout.relative(name))

    def _want(self, wanted: bool) -> None:
        (self.files.run / "service.json").write_text(json.dumps({"wanted": wanted}), encoding="utf-8")

    def _wanted(self) -> bool:
        try:
            return bool(json.loads((self.files.run / "service.json").read_text(encoding="utf-8"))["wanted"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return True


_machines: dict[Path, Machine] = {}


async def create(world: World) -> None:
    """Make the VM's directory. Needs the bare repositories and the index."""
    await vmseed.create(world)


async def start(world: World) -> None:
    """Switch the VM on."""
    vmseed.refresh(world)
    await vmseed.filter_again(world)
    booted = Machine(world, Faults(world.faults))
    _machines[world.dir] = booted
    await booted.boot()


async def stop(world: World) -> None:
    """Switch the VM off; no process of it stays."""
    booted = _machines.pop(world.dir, None)
    if booted is not None:
        await booted.shut_down()


def machine(world: World) -> Machine:
    """The world's VM. Raises Unusable while it is off."""
    booted = _machines.get(world.dir)
    if booted is None:
        raise Unusable("The rehearsal VM is switched off.", "Its world is not up.", f"Start it: nexy-tui world up {world.dir}")
    return booted
