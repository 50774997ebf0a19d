"""A PostgreSQL cluster of a world: made, started and stopped, also where the user is root, who may not run one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil

from nexy_tui.core.problem import Unusable
from nexy_tui.rehearsal.bundled import postgresql

_CONFIGURATION = """
# A rehearsal's server: on loopback only, small, and nothing lost by it matters.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
shared_buffers = 16MB
max_connections = 40
io_method = sync
jit = off
lc_messages = 'C'
timezone = 'UTC'
log_timezone = 'UTC'
"""
_QUICK = "--set=scram_iterations=1"
"""A rehearsal's passwords guard nothing: each connection would compute for some milliseconds, and a release opens a hundred."""
_ENTER_ANY_FOLDER = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
"""setpriv(1): of root's rights the one to pass folders that are closed to others, as a home or a test's folder is."""

_START_LIMIT = 20.0
_STOP_LIMIT = 10.0


@dataclass(frozen=True)
class Launcher:
    """How a program of PostgreSQL's is started: what stands before it, and who it runs as (None: as we do).

    With both, what stands before it becomes that user and lets it into every folder.
    """

    prefix: tuple[str, ...] = ()
    user: pwd.struct_passwd | None = None

    def options(self) -> dict[str, Any]:
        """Arguments of a subprocess call. Nothing of this process's PG* settings gets in."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {"LC_ALL": "C", "TZ": "UTC"}
        if self.user is None or self.prefix:
            return {"env": environment}
        return {"env": environment, "user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": ()}

    def adopt(self, folder: Path) -> None:
        """Give a folder to the user the server runs as. Raises Unusable where that user cannot reach it."""
        if self.user is None:
            return
        for parent in () if self.prefix else folder.parents:
            if not parent.stat().st_mode & stat.S_IXOTH:
                raise Unusable(
                    f"A rehearsal world cannot live in {folder.parent}.",
                    f"PostgreSQL does not run as root; it would run as {self.user.pw_name}, who may not enter {parent}, "
                    "and neither user namespaces nor setpriv are available here.",
                    "Choose a directory that others may enter, as under /tmp, or rehearse as a user who is not root.",
                )
        self.own(folder)

    def own(self, path: Path) -> None:
        """Give a file to the user the server runs as."""
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)


@lru_cache(maxsize=1)
def launcher() -> Launcher:
    """As a plain user directly; as root in a user namespace where that is permitted, else under a user without rights."""
    if os.geteuid() != 0:
        return Launcher()
    prefix: tuple[str, ...] = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    if _works(prefix):
        return Launcher(prefix)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            prefix = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *_ENTER_ANY_FOLDER, "--")
            return Launcher(prefix if _works(prefix) else (), user)
    raise Unusable(
        "PostgreSQL does not run as root, and there is no other user to run it as.",
        "Neither user namespaces nor a user `nobody` are available here.",
        "Rehearse as a user who is not root.",
    )


def _works(prefix: tuple[str, ...]) -> bool:
    if shutil.which(prefix[0]) is None:
        return False
    return subprocess.run([*prefix, "true"], stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False).returncode == 0


@dataclass
class Cluster:
    """One data directory and the server on it."""

    data: Path
    log: Path
    _process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def running(self) -> bool:
        """Whether the server that was started here still runs."""
        return self._process is not None and self._process.returncode is None

    async def initialise(self, superuser: str, password: str) -> None:
        """Make the data directory, with one superuser who needs this password."""
        how = launcher()
        self.data.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        how.adopt(self.data.parent)
        arguments = (
            f"--username={superuser}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--wal-segsize=1",
            "--no-sync",
            _QUICK,
        )
        secret = self.data.parent / "initdb.password"
        secret.touch(mode=0o600)
        try:
            secret.write_text(password + "\n", encoding="ascii")
            how.own(secret)
            argv = (*how.prefix, str(postgresql() / "initdb"), "-D", str(self.data), *arguments, f"--pwfile={secret}")
            made = await asyncio.create_subprocess_exec(
                *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, **how.options()
            )
            output, _ = await made.communicate()
        finally:
            secret.unlink()
        if made.returncode != 0:
            said = output.decode("utf-8", "replace").strip().splitlines()
            raise Unusable(
                f"initdb ended with status {made.returncode}: {said[-1][:300] if said else 'it printed nothing'}",
                "Without it this world has no database.",
                "See the message; then make the world in an empty directory.",
            )
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(_CONFIGURATION)

    async def start(self, port: int) -> None:
        """Start the server and wait until it takes connections. A server left by a killed world is ended first."""
        await self._end_stray()
        how = launcher()
        setpriv = shutil.which("setpriv")
        # Linux: the server shuts down when the process that started it dies, however that happens.
        bound = (setpriv, "--pdeathsig", "INT", "--") if setpriv is not None else ()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            argv = (*how.prefix, *bound, str(postgresql() / "postgres"), "-D", str(self.data), "-p", str(port))
            self._process = await asyncio.create_subprocess_exec(
                *argv, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **how.options()
            )
        try:
            async with asyncio.timeout(_START_LIMIT):
                while self._state() != "ready":
                    if self._process.returncode is not None:
                        raise self._not_started(f"it ended with status {self._process.returncode}")
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self.stop()
            raise self._not_started(f"it was not ready after {_START_LIMIT:.0f} s") from None

    async def stop(self) -> None:
        """Stop the server: sessions are ended, nothing of it stays."""
        process, self._process = self._process, None
        if process is None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(number)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), _STOP_LIMIT)

    def _state(self) -> str:
        """The server's own word on how far it is (the last line of postmaster.pid), for the process we started."""
        lines = self._pid_file()
        if self._process is None or len(lines) < 8 or lines[0].strip() != str(self._process.pid):
            return ""
        return lines[7].strip()

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []

    async def _end_stray(self) -> None:
        """End a server that still runs on this directory, and forget the file of one that does not."""
        lines = self._pid_file()
        if not lines or not lines[0].strip().isdigit():
            return
        pid = int(lines[0])
        if _runs_on(pid, self.data):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            async with asyncio.timeout(_STOP_LIMIT):
                while _runs_on(pid, self.data):
                    await asyncio.sleep(0.05)
        # The number may belong to another process by now; the server itself would then refuse to start.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _not_started(self, reason: str) -> Unusable:
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        said = [line for line in lines if " FATAL: " in line or " WARNING: " in line]
        return Unusable(
            f"The rehearsal's PostgreSQL did not start: {reason}{f' ({said[-1][:300]})' if said else ''}.",
            "The database phase cannot be rehearsed without it.",
            f"See {self.log}.",
        )


def _runs_on(pid: int, data: Path) -> bool:
    """Whether the process is a PostgreSQL server on that data directory."""
    with contextlib.suppress(psutil.Error):
        arguments = psutil.Process(pid).cmdline()
        return "-D" in arguments and str(data) in arguments
    return False
