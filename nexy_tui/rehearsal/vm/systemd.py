"""The VM's service manager: one unit, really started and stopped, with a journal; asked over loopback by the stand-ins in the VM's PATH."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.rehearsal.vm.files import VmFiles
from nexy_tui.rehearsal.vm.seed import write_private

_START_LIMIT = 10.0
_STOP_LIMIT = 5.0
_LOOK_AGAIN = 0.02


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal: when (seconds since the epoch), by which program and process, and the text."""

    time: float
    by: str
    pid: int
    text: str


class Journal:
    """The journal's file: appended to as things happen, read back by `journalctl` and `systemctl status`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, by: str, pid: int, text: str) -> None:
        """Append one line, stamped now."""
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps([time.time(), by, pid, text]) + "\n")

    def read(self) -> list[JournalEntry]:
        """Every line so far."""
        if not self.path.is_file():
            return []
        with self.path.open(encoding="utf-8") as stream:
            return [JournalEntry(*json.loads(line)) for line in stream]


class Service:
    """One unit: its process, its state in systemd's words, and its lines in the journal.

    `argv` and `directory` are what its file says that it starts; what a world really starts is handed in with each start.
    """

    def __init__(self, unit: str, description: str, port: int, journal: Journal, *, argv: Sequence[str], directory: Path) -> None:
        self.argv = tuple(argv)
        self.directory = directory
        self.unit = unit
        self.description = description
        self.port = port
        self.journal = journal
        self.active = "inactive"
        self.sub = "dead"
        self.result = "success"
        self.exit_status = 0
        self.since = time.time()
        self._child: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    @property
    def identifier(self) -> str:
        """The unit's name without its suffix, as the journal shows it."""
        return self.unit.removesuffix(".service")

    @property
    def pid(self) -> int:
        """The main process; 0 while there is none."""
        return self._child.pid if self._child is not None and self._child.returncode is None else 0

    async def start(self, argv: Sequence[str], environment: dict[str, str], directory: Path) -> bool:
        """Start it and wait until it listens. False when it ended or did not listen in time; the journal says why."""
        async with self._turn:
            if self.active == "active":
                return True
            self._says(f"Starting {self.unit} - {self.description}...")
            self._become("activating", "start")
            self._child = await asyncio.create_subprocess_exec(
                *argv,
                env=environment,
                cwd=directory,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                process_group=0,
            )
            self._watch = asyncio.create_task(self._follow(self._child))
            if await self._listening(self._child):
                self._become("active", "running")
                self._says(f"Started {self.unit} - {self.description}.")
                return True
            await self._end()
            self._says(f"Failed to start {self.unit} - {self.description}.")
            return False

    async def stop(self) -> None:
        """End it, politely first."""
        async with self._turn:
            if self._child is None or self._child.returncode is not None:
                self._become("inactive", "dead")
                return
            self._says(f"Stopping {self.unit} - {self.description}...")
            self._become("deactivating", "stop-sigterm")
            await self._end()
            self.result, self.exit_status = "success", 0
            self._become("inactive", "dead")
            self._says(f"Stopped {self.unit} - {self.description}.")

    async def _listening(self, child: asyncio.subprocess.Process) -> bool:
        deadline = time.monotonic() + _START_LIMIT
        while time.monotonic() < deadline and child.returncode is None:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return child.returncode is None
            await asyncio.sleep(_LOOK_AGAIN)
        return False

    async def _end(self) -> None:
        """End the process and what it started, and wait until its last line is in the journal."""
        if self._child is None or self._watch is None:
            return
        for number, patience in ((signal.SIGTERM, _STOP_LIMIT), (signal.SIGKILL, None)):
            with contextlib.suppress(ProcessLookupError):
                if self._child.returncode is None:
                    self._child.send_signal(number)
            done, _ = await asyncio.wait([self._watch], timeout=patience)
            if done:
                return

    async def _follow(self, child: asyncio.subprocess.Process) -> None:
        """Keep what the process says in the journal, and note how it ended."""
        assert child.stdout is not None
        async for line in child.stdout:
            self.journal.write(self.identifier, child.pid, line.decode(errors="replace").rstrip("\n"))
        status = await child.wait()
        if self.active == "deactivating":
            return
        how = f"code=exited, status={status}/{'SUCCESS' if status == 0 else 'FAILURE'}" if status >= 0 else f"code=killed, status={-status}"
        self._says(f"{self.unit}: Main process exited, {how}")
        self.exit_status = status
        self.result = "success" if status == 0 else "exit-code" if status > 0 else "signal"
        if self.result != "success" or self.active == "activating":
            self._says(f"{self.unit}: Failed with result '{self.result}'.")
            self._become("failed", "failed")
        else:
            self._become("inactive", "dead")

    def _become(self, active: str, sub: str) -> None:
        if (self.active, self.sub) != (active, sub):
            self.active, self.sub, self.since = active, sub, time.time()

    def _says(self, text: str) -> None:
        self.journal.write("systemd", 1, text)


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """What a stand-in prints and exits with."""

    exit: int = 0
    stdout: str = ""
    stderr: str = ""


Ask = Callable[[str, list[str]], Awaitable[CommandOutput]]


class Desk:
    """The loopback socket the stand-ins ask at; `ask(program, arguments)` answers. A file with port and token tells them where."""

    def __init__(self, files: VmFiles, ask: Ask) -> None:
        self.files = files
        self.ask = ask
        self._token = secrets.token_hex(16)
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        """Listen, write where, and tell the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = int(self._server.sockets[0].getsockname()[1])
        write_private(self.files.manager, f"{port}\n{self._token}\n")
        return port

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
        self.files.manager.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Token, program, how many arguments, the arguments; then exit status, standard output, standard error: each ends with a NUL."""

        async def word() -> str:
            return (await reader.readuntil(b"\0"))[:-1].decode(errors="replace")

        try:
            if not secrets.compare_digest((await word()).encode(), self._token.encode()):
                return
            program, count = await word(), int(await word())
            answer = await self.ask(program, [await word() for _ in range(count)])
            texts = (str(answer.exit), *(text.replace("\0", "") for text in (answer.stdout, answer.stderr)))
            writer.write("".join(f"{text}\0" for text in texts).encode())
            await writer.drain()
        except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # not one of the stand-ins, or it has gone
        finally:
            writer.close()
