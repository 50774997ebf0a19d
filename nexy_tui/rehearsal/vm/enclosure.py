"""How the VM is shut in: in namespaces where this machine permits them, else only by what `rewrite` turns into the world's own.

What is permitted is found out once a process, when a VM is switched on, and left in the VM's `run` for `world status`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import nexy_tui
from nexy_tui.rehearsal.home import client_programs
from nexy_tui.rehearsal.names import World
from nexy_tui.rehearsal.vm.files import VmFiles, search_path

NAMESPACES, REWRITING = "namespaces", "rewriting"

_INSIDE = Path(__file__).with_name("inside.py")
_STAND_INS = ("sudo", "apt-get", "apt", "systemctl", "journalctl")


_permitted: bool | None = None
"""What this process found; nothing is known yet while it is None."""


class Enclosure:
    """One VM's: the words before a command that shut it in, and the relay from its loopback to the world's servers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.files = VmFiles(world.vm)
        self.kind = REWRITING
        self._ports: set[int] = set()
        self._server: asyncio.Server | None = None

    async def open(self, *more_ports: int) -> None:
        """Find out what is permitted here, and where namespaces are, listen for what comes out of them."""
        global _permitted  # noqa: PLW0603
        self._ports = {*self.world.ports.values(), *more_ports}
        if _permitted is None:
            _permitted = sys.platform == "linux" and await self._try()
        if _permitted:
            self.kind = NAMESPACES
            await self._listen()
        (self.files.run / "enclosure").write_text(self.kind, encoding="utf-8")

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
        (self.files.run / "relay").unlink(missing_ok=True)

    def around(self, argv: Sequence[str]) -> list[str]:
        """A command line as it is run: shut in, where that is permitted."""
        return [*self._words(), *argv] if self.kind == NAMESPACES else list(argv)

    async def _try(self) -> bool:
        child = await asyncio.create_subprocess_exec(
            *self._words(),
            "true",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return await child.wait() == 0

    def _words(self) -> list[str]:
        return [sys.executable, "-IS", str(_INSIDE), json.dumps(self._order())]

    def _order(self) -> dict[str, object]:
        files = self.files
        # /etc and /root stay this machine's, to be read: what the VM has of its own there is named by its environment
        over = {"/tmp": files.tmp, "/var/tmp": files.var_tmp, "/home": files.root / "home"}
        needed: list[str | Path] = [sys.prefix, sys.base_prefix, Path(nexy_tui.__file__).parents[1], client_programs(self.world)]
        needed += [path for path in search_path(files).split(":") if not path.startswith(str(files.root))]
        kept = sorted({str(Path(path).resolve()) for path in needed} | {str(path) for path in needed})
        programs = {shutil.which(name): str(files.bin / name) for name in _STAND_INS}
        return {
            "world": str(self.world.dir),
            "vm": str(files.root),
            "over": {place: str(source) for place, source in over.items() if Path(place).is_dir() and not Path(place).is_symlink()},
            "kept": [path for path in kept if Path(path).is_dir()],
            "programs": {str(Path(place).resolve()): stand_in for place, stand_in in programs.items() if place is not None},
            "ports": sorted(self._ports),
        }

    async def _listen(self) -> None:
        """Open the relay's socket, named through its folder's descriptor: a socket's path may have 107 bytes, DIR may have more."""
        (self.files.run / "relay").unlink(missing_ok=True)
        folder = os.open(self.files.run, os.O_RDONLY)
        try:
            self._server = await asyncio.start_unix_server(self._serve, f"/proc/self/fd/{folder}/relay")
        finally:
            os.close(folder)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a connection from inside with the world's server it names."""
        with contextlib.suppress(OSError, ValueError):
            port = int(await reader.readline())
            if port in self._ports:
                there, back = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(_pump(reader, back), _pump(there, writer))
                back.close()
        writer.close()


def kind(world: World) -> str:
    """How the VM's scripts are shut in now: what is permitted was found when it was last switched on."""
    try:
        return (VmFiles(world.vm).run / "enclosure").read_text(encoding="utf-8")
    except FileNotFoundError:
        return REWRITING


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
        sink.write_eof()
