"""Guardians of worlds, forked from one process that has done a world's imports: half a second of processor time less for each world."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

_SERVER = """
import contextlib, gc, json, os, signal, socket, sys
sys.path[:] = [entry for entry in sys.path if entry]
import keyrings.alt.file, psycopg, pycdlib
from nexy_tui.rehearsal import guardian, supervisor
wire = socket.socket(fileno=int(sys.argv[1]))
sys.path.append(sys.argv[2])
import pathlib, templated
templated.install(pathlib.Path(sys.argv[3]))
def reap(*_):
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
signal.signal(signal.SIGCHLD, reap)
gc.freeze()
while True:
    line, given, _, _ = socket.recv_fds(wire, 1 << 16, 2)
    if not line:
        break
    child = os.fork()
    if child:
        for number in given:
            os.close(number)
        wire.sendall(b"%d\\n" % child)
        continue
    wire.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    order = json.loads(line)
    os.setsid()
    log, report = given
    for number in (1, 2):
        os.dup2(log, number)
    os.close(log)
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    words = order["words"]
    words[words.index("--report") + 1] = str(report)
    sys.argv = ["guardian", *words]
    sys.dont_write_bytecode = True
    try:
        guardian.main()
    except SystemExit as ended:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1 if ended.code else 0)
    os._exit(0)
"""


@cache
def _wire() -> socket.socket:
    """The wire to that process; it ends when this one does."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-c", _SERVER, str(theirs.fileno()), str(Path(__file__).parent), tempfile.mkdtemp()]
    subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True)
    theirs.close()
    return ours


def start_guardian(directory: Path, options: Sequence[str], env: Mapping[str, str], log: int, report: int) -> Callable[[], object]:
    """As `nexy_tui.rehearsal.world.start_guardian`; nothing has to be waited for, its parent reaps it."""
    order = {"cwd": str(directory), "words": list(options), "env": dict(env)}
    socket.send_fds(_wire(), [json.dumps(order).encode()], [log, report])
    answer = b""
    while not answer.endswith(b"\n"):
        answer += _wire().recv(16)
    return lambda: None
