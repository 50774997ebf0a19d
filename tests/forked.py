"""`nexy-tui` commands in processes of their own that do not pay for their imports: forked from one process that has done them.

Such a process is a whole one: environment, folder, streams, arguments, exit. Whoever measures a start, or gives `rehearse` and
`world` an owner, begins the program itself instead.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

_SERVER = """
import atexit, contextlib, gc, importlib, json, os, socket, sys, threading
sys.path[:] = [entry for entry in sys.path if entry]
import azure.identity, azure.mgmt.compute, cryptography.hazmat.primitives.asymmetric.ed25519, git, httpx, psycopg
for name in ("_strptime", "defusedxml.ElementTree", "importlib_metadata", "keyring.core", "keyrings.alt.file", "typer._adapters"):
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
import nexy_tui.checklist, nexy_tui.cli.commands, nexy_tui.engine.alone, nexy_tui.engine.document, nexy_tui.engine.mend, nexy_tui.plain
import nexy_tui.services.azure, nexy_tui.services.database.local, nexy_tui.services.database.vm
import typer.main
from nexy_tui.cli import commands, main
from nexy_tui.cli.top import app
commands.mount(app)
command, commands.mount = typer.main.get_command(app), lambda _: None
typer.main.get_command = lambda _: command
wire = socket.socket(fileno=int(sys.argv[1]))
orders = wire.makefile("r", encoding="utf-8")
gc.freeze()
while line := orders.readline():
    order = json.loads(line)
    child = os.fork()
    if child:
        wire.sendall(b"%d\\n" % child)
        wire.sendall(b"%d\\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        continue
    orders.close()
    wire.close()
    for number, (name, flags) in enumerate(((order["stdin"], os.O_RDONLY), (order["stdout"], os.O_WRONLY), (order["stderr"], os.O_WRONLY))):
        opened = os.open(name, flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8")
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)  # It may be a pipe, which is written otherwise.
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    sys.argv = ["nexy-tui", *order["words"]]
    try:
        main()
    except SystemExit as ended:
        status = ended.code or 0
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)
"""


class _Server:
    """The process that has done the imports, and the wire to it."""

    def __init__(self) -> None:
        self._wire, theirs = socket.socketpair()
        command = [sys.executable, "-c", _SERVER, str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True)
        theirs.close()
        atexit.register(self.end)

    def order(self, order: Mapping[str, object], timeout: float, meanwhile: Callable[[int], object]) -> int:
        """Have a command run; its exit status. One that takes longer is killed. Raises subprocess.TimeoutExpired."""
        self._wire.sendall(json.dumps(order).encode() + b"\n")
        child = self._answer()
        try:
            meanwhile(child)
            return self._answer(timeout)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            self._answer()
            if isinstance(error, TimeoutError):
                raise subprocess.TimeoutExpired(str(order["words"]), timeout) from None
            raise

    def _answer(self, timeout: float | None = None) -> int:
        """The next number on the wire, and nothing of what follows it. Raises TimeoutError."""
        self._wire.settimeout(timeout)
        line = b""
        while not line.endswith(b"\n"):
            piece = self._wire.recv(1)
            assert piece, "the process that has done the imports has ended"
            line += piece
        return int(line)

    def end(self) -> None:
        """Let it go."""
        self._wire.close()
        self._process.wait(timeout=30)


@cache
def _server() -> _Server:
    return _Server()


def run(
    words: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdin: str = "",
    timeout: float = 60,
    meanwhile: Callable[[int, Path], object] = lambda *_: None,
    pipe: bool = False,
) -> subprocess.CompletedProcess[str]:
    """`nexy-tui WORDS`, to its end. `meanwhile` has the process and what it says on standard error: a file, or a pipe for it to read."""
    with tempfile.TemporaryDirectory(prefix="nexy-forked-") as folder:
        streams = {name: Path(folder) / name for name in ("stdin", "stdout", "stderr")}
        streams["stdin"].write_text(stdin)
        streams["stdout"].touch()
        os.mkfifo(streams["stderr"]) if pipe else streams["stderr"].touch()
        arguments = [str(word) for word in words]
        order = {"words": arguments, "cwd": str(cwd), "env": dict(env), **{name: str(path) for name, path in streams.items()}}
        status = _server().order(order, timeout, lambda child: meanwhile(child, streams["stderr"]))
        said = {name: "" if streams[name].is_fifo() else streams[name].read_text(encoding="utf-8") for name in ("stdout", "stderr")}
        return subprocess.CompletedProcess(["nexy-tui", *arguments], status, said["stdout"], said["stderr"])
