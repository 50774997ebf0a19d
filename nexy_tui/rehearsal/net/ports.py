"""The loopback ports of a world: chosen once, kept over restarts while they stay free."""

from __future__ import annotations

import secrets
import socket

PORTS = ("front", "update", "updates", "database", "index")
"""`update` is the application's port on the VM, `updates` the update service's."""

_RANGE = range(20000, 32000)
"""Below Linux's range for outgoing connections, so that a restart finds its ports free."""


def allocate(known: dict[str, int]) -> dict[str, int]:
    """A port for each name: the known one where nobody else took it, else a fresh one."""
    ports: dict[str, int] = {}
    for name in PORTS:
        port = known.get(name)
        if port is None or port in ports.values() or not is_free(port):
            port = _choose(set(ports.values()))
        ports[name] = port
    return ports


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _choose(taken: set[int]) -> int:
    while True:
        port = secrets.choice(_RANGE)
        if port not in taken and is_free(port):
            return port
