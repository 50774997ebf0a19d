"""Runs one command shut in: mount, network, process, IPC and host-name namespaces of its own (Linux). Standard library only.

    inside.py '{"world": DIR, "vm": DIR/vm, "over": {…}, "kept": […], "programs": {…}, "ports": […]}' COMMAND…

The VM's own directories stand over /tmp, /home and their like, the rest of this machine can only be read. Loopback is the
command's own; the ports of the world's servers are there while somebody listens outside, relayed through a socket in the VM's `run`.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_USER, _NEW_ALL = 0x10000000, 0x00020000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000
_BIND, _REC, _PRIVATE = 4096, 16384, 1 << 18
_MOUNT_SETATTR, _AT_FDCWD, _RECURSIVE, _RDONLY = 442, -100, 0x8000, 1
_UP, _SET_FLAGS, _DIE_WITH_PARENT = 0x41, 0x8914, 1
_LOOK_AGAIN = 0.1
NOT_POSSIBLE = 125
"""Exit status where the namespaces are not permitted."""


def main() -> int:
    """Shut in, run, and exit as the command does; a signal as a shell reports it."""
    order, command = json.loads(sys.argv[1]), sys.argv[2:]
    outside = os.open("/proc/self/net/tcp", os.O_RDONLY)  # tells of the namespace it was opened in
    try:
        _leave_this_machine()
        child = os.fork()
    except OSError as error:
        sys.stderr.write(f"not permitted: {error}\n")
        return NOT_POSSIBLE
    if child == 0:
        try:
            os._exit(_first_process(order, command, outside))
        except OSError as error:
            sys.stderr.write(f"not permitted: {error}\n")
            os._exit(NOT_POSSIBLE)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the command is told by its group; it may still tidy up
    return _status(os.waitpid(child, 0)[1])


def _leave_this_machine() -> None:
    user, group = os.geteuid(), os.getegid()
    if user != 0:
        _called(_LIBC.unshare(_NEW_USER))
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as stream:  # noqa: PTH123 - pathlib would double this program's start
                stream.write(text)
    _called(_LIBC.unshare(_NEW_ALL))


def _first_process(order: dict[str, Any], command: list[str], outside: int) -> int:
    _called(_LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL))
    here = os.getcwd()  # noqa: PTH109
    _mount_all(order)
    socket.sethostname("Nexy")
    _bring_loopback_up()
    relay = Relay(order["ports"], outside, os.open(f"{order['vm']}/run", os.O_PATH))
    relay.look()
    os.chdir(here)
    script = os.fork()
    if script == 0:
        try:
            os.execvp(command[0], command)
        except OSError as error:
            sys.stderr.write(f"{command[0]}: {error.strerror}\n")
            os._exit(127)
    relay.start()
    while True:
        ended, status = os.wait()
        if ended == script:
            return _status(status)


def _mount_all(order: dict[str, Any]) -> None:
    _mount("none", "/", _REC | _PRIVATE)
    # what is mounted over /tmp may itself lie in it: each place is held open before any is covered
    handles = {path: os.open(path, os.O_PATH) for path in [order["world"], *order["kept"]]}
    over = {place: os.open(source, os.O_PATH) for place, source in order["over"].items()}
    for place, handle in over.items():
        _mount(f"/proc/self/fd/{handle}", place, _BIND)
    for path, handle in handles.items():
        if any(path.startswith(f"{place}/") for place in order["over"]):
            os.makedirs(path, exist_ok=True)  # noqa: PTH103
            _mount(f"/proc/self/fd/{handle}", path, _BIND | _REC)
    _mount(order["vm"], order["vm"], _BIND)
    for place, source in order["programs"].items():
        _mount(source, place, _BIND)
    _mount("proc", "/proc", 0, "proc")
    _read_only("/", _RECURSIVE, True)
    for place in (*order["over"], order["vm"]):
        _read_only(place, 0, False)
    for handle in (*handles.values(), *over.values()):
        os.close(handle)


def _bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        fcntl.ioctl(plain, _SET_FLAGS, struct.pack("16sH22x", b"lo", _UP))


class Relay:
    """The world's ports on this loopback. One is listened at only while its server is: a connection to one that is down is refused."""

    def __init__(self, ports: list[int], outside: int, folder: int) -> None:
        self.ports = set(ports)
        self._outside, self._socket = outside, f"/proc/self/fd/{folder}/relay"
        self._open: dict[int, socket.socket] = {}
        self._turn = threading.Lock()
        self._started = False

    def start(self) -> None:
        """Accept, and look again and again. Only once the command is forked: a fork takes no thread along."""
        with self._turn:
            self._started = True
            for port, listener in self._open.items():
                self._thread(self._accept, port, listener)
        self._thread(self._keep_looking)

    def look(self) -> None:
        """Listen as the servers outside do now."""
        with self._turn:
            up = self.ports & _listened_at(self._outside)
            for port in self._open.keys() - up:
                listener = self._open.pop(port)
                listener.shutdown(socket.SHUT_RDWR)  # ends the accept that waits
                listener.close()
            for port in up - self._open.keys():
                with contextlib.suppress(OSError):  # the command itself listens there
                    self._open[port] = listener = socket.create_server(("127.0.0.1", port), backlog=128)
                    if self._started:
                        self._thread(self._accept, port, listener)

    def _keep_looking(self) -> None:
        while True:
            time.sleep(_LOOK_AGAIN)
            self.look()

    def _accept(self, port: int, listener: socket.socket) -> None:
        while True:
            try:
                inner, _ = listener.accept()
            except OSError:
                return
            outer = socket.socket(socket.AF_UNIX)
            try:
                outer.connect(self._socket)
                outer.sendall(b"%d\n" % port)
            except OSError:
                inner.close()
                continue
            self._thread(self._pump, inner, outer, False)
            self._thread(self._pump, outer, inner, True)

    def _pump(self, source: socket.socket, sink: socket.socket, inward: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                if inward:
                    self.look()  # what the command is told (`systemctl`: started) it finds so
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for each in (source, sink):
                with contextlib.suppress(OSError):  # it is gone already
                    each.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _thread(work: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()


def _listened_at(table: int) -> set[int]:
    """The ports of a /proc/net/tcp that are listened at, which it lists first. Its numbers are hexadecimal."""
    os.lseek(table, 0, os.SEEK_SET)
    ports = set()
    with open(table, encoding="ascii", closefd=False) as stream:
        next(stream)
        for line in stream:
            _, local, _, state, *_ = line.split()
            if state != "0A":
                break
            ports.add(int(local.rpartition(":")[2], 16))
    return ports


def _mount(source: str, target: str, flags: int, kind: str = "none") -> None:
    _called(_LIBC.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), None))


def _read_only(place: str, flags: int, on: bool) -> None:
    attributes = struct.pack("4Q", _RDONLY if on else 0, 0 if on else _RDONLY, 0, 0)
    _called(_LIBC.syscall(_MOUNT_SETATTR, _AT_FDCWD, place.encode(), flags, attributes, ctypes.c_size_t(len(attributes))))


def _called(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
