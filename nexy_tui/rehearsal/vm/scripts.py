"""Runs the scripts that reach the VM through run-command: as the agent does, under bash, in a folder of their own, output kept in files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from nexy_tui.rehearsal.vm.enclosure import Enclosure
from nexy_tui.rehearsal.vm.files import VmFiles
from nexy_tui.rehearsal.vm.rewrite import Rewrite
from nexy_tui.rehearsal.vm.seed import write_private

OUTPUT_LIMIT = 4096
"""How much of each stream Azure shows: its last bytes."""

LONGEST = 90 * 60
"""Seconds after which Azure ends a script."""

_GRACE = 2.0


@dataclass(frozen=True, slots=True)
class ScriptJob:
    """A script to run: its text, variables (the protected ones included, never written anywhere), arguments, and its time."""

    script: str
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    arguments: tuple[str, ...] = ()
    timeout: float = LONGEST


@dataclass(frozen=True, slots=True)
class ScriptOutcome:
    """How a script ended: exit status (None when it ran out of time), the last of its output, and when."""

    exit: int | None
    stdout: str
    stderr: str
    started: datetime
    ended: datetime


class ScriptRunner:
    """The agent's part: one folder per script, numbered; process groups that end with their script, its time, or the world."""

    def __init__(self, files: VmFiles, rewrite: Rewrite, enclosure: Enclosure) -> None:
        self.files = files
        self.enclosure = enclosure
        self.rewrite = rewrite
        self._running: set[asyncio.subprocess.Process] = set()

    async def run(self, job: ScriptJob, environment: Mapping[str, str]) -> ScriptOutcome:
        """Run one script to its end, or to the end of its time."""
        folder = self._folder()
        script = folder / "script.sh"
        text = self.rewrite.inward(job.script.replace("\r\n", "\n"))
        write_private(script, text, 0o700)
        argv = [str(script)] if text.startswith("#!") else ["bash", str(script)]
        started = datetime.now(UTC)
        with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as error:
            child = await asyncio.create_subprocess_exec(
                *self.enclosure.around([*argv, *job.arguments]),
                cwd=folder,
                env={**environment, **job.variables},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=error,
                process_group=0,
            )
        self._running.add(child)
        try:
            status = await self._wait(child, job.timeout)
        finally:
            await _end_group(child.pid)
            self._running.discard(child)
        return ScriptOutcome(status, self._shown(folder / "stdout"), self._shown(folder / "stderr"), started, datetime.now(UTC))

    async def end_all(self) -> None:
        """End every script that runs, and wait until each is over."""
        while self._running:
            for child in self._running:
                _signal_group(child.pid, signal.SIGKILL)
            await asyncio.sleep(0.02)

    async def _wait(self, child: asyncio.subprocess.Process, timeout: float) -> int | None:
        try:
            async with asyncio.timeout(timeout):
                status = await child.wait()
                return status if status >= 0 else 128 - status  # as a shell reports a signal
        except TimeoutError:
            _signal_group(child.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GRACE):
                    await child.wait()
            _signal_group(child.pid, signal.SIGKILL)
            await child.wait()
            return None

    def _folder(self) -> Path:
        taken = [int(folder.name) for folder in self.files.downloads.iterdir() if folder.name.isdigit()]
        folder = self.files.downloads / str(max(taken, default=-1) + 1)
        folder.mkdir(mode=0o700)
        return folder

    def _shown(self, path: Path) -> str:
        """The last bytes of a stream, as the real VM would have printed them."""
        with path.open("rb") as stream:
            # mapping back only ever shortens what it finds by the length of DIR: read enough for that
            stream.seek(max(0, path.stat().st_size - 32 * OUTPUT_LIMIT))
            printed = self.rewrite.outward(stream.read())
        return printed[-OUTPUT_LIMIT:].decode(errors="replace")


async def _end_group(group: int) -> None:
    """Kill whatever is left of a process group, and give it a moment to be gone."""
    for _ in range(50):
        if not _signal_group(group, signal.SIGKILL):
            return
        await asyncio.sleep(0.02)


def _signal_group(group: int, number: signal.Signals) -> bool:
    """Whether there was anything to signal."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
