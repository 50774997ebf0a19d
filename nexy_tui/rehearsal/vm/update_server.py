"""The update server's public name: the front door is its web server, and breaks an answer as a fault says.

`/updates/` goes to the update service on the VM, everything else to the application.
"""

from __future__ import annotations

import asyncio
import json
from email.parser import BytesParser
from pathlib import Path

from nexy_tui.rehearsal.fault import Fault, Faults
from nexy_tui.rehearsal.names import World
from nexy_tui.rehearsal.net.wire import DropConnection, Handler, Request, Response
from nexy_tui.rehearsal.vm.update_app import APPCAST_FROM_CONFIG, HEALTH_FIELDS, UPDATES_FROM_MANIFEST

PROGRAM = Path(__file__).with_name("update_app.py")
"""What the VM's service runs, with the VM's own Python."""

THIRD_VERSION = "1.6.0.7"
"""Neither the release before nor the next one."""

SERVER_DOWN = Fault("server-down", "gate", "The update server cannot be reached from outside: connections are dropped.")
SERVER_THIRD_VERSION = Fault("server-third-version", "gate", f"Both health addresses say {THIRD_VERSION}, which is neither release.")
APPCAST_BROKEN = Fault("appcast-broken", "gate", "The live appcast is cut off in the middle and is not XML.")

SWITCHES: tuple[Fault, ...] = (
    Fault(HEALTH_FIELDS, "world", "The application's /health has more fields than versions and status, of every type."),
    Fault(UPDATES_FROM_MANIFEST, "world", "The update service's /updates/health tells the manifest's version, not config.env's."),
    Fault(
        APPCAST_FROM_CONFIG,
        "world",
        "The appcast's version is config.env's, its artifact that of the manifest_<version>.json written last; without one it is HTTP 500.",
    ),
)
"""What is otherwise in another edition of the team's server; nothing of it is wrong."""

FAULTS: tuple[Fault, ...] = (SERVER_DOWN, SERVER_THIRD_VERSION, APPCAST_BROKEN)

_ANSWER_LIMIT = 1 << 20
_PATIENCE = 10.0
_PASSED_ON = ("content-type", "cache-control", "server", "date")


def handlers(world: World, faults: Faults) -> dict[str, Handler]:
    """The one host name of the update server."""

    async def forward(request: Request) -> Response:
        if faults.active(SERVER_DOWN.name):
            raise DropConnection
        port = world.ports["updates" if request.path.startswith("/updates/") else "update"]
        return _disturbed(request.path, faults, await _ask(port, request))

    return {world.update_host: forward}


async def _ask(port: int, request: Request) -> Response:
    """The VM's answer. Raises DropConnection when nothing listens there."""
    await request.read(limit=64 * 1024)
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                # a GET also for HEAD: the front door leaves the body out and keeps its length
                method = "GET" if request.method == "HEAD" else request.method
                writer.write(f"{method} {request.target or request.path} HTTP/1.0\r\nHost: {request.host}\r\n\r\n".encode())
                return _parsed(await _whole(reader))
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        raise DropConnection from None


async def _whole(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    while part := await reader.read(64 * 1024):
        parts.append(part)
        if sum(map(len, parts)) > _ANSWER_LIMIT:
            raise ValueError("the VM's answer does not end")
    return b"".join(parts)


def _parsed(answer: bytes) -> Response:
    head, _, body = answer.partition(b"\r\n\r\n")
    status_line, _, fields = head.partition(b"\r\n")
    headers = BytesParser().parsebytes(fields + b"\r\n\r\n", headersonly=True)
    kept = [(name.lower(), value) for name, value in headers.items() if name.lower() in _PASSED_ON]
    return Response(int(status_line.split(b" ", 2)[1]), kept, body)


def _disturbed(path: str, faults: Faults, answer: Response) -> Response:
    """The answer as the faults that are on make it look from outside."""
    body = answer.body
    if answer.status != 200 or not isinstance(body, bytes):
        return answer
    if path == "/updates/appcast.xml" and faults.active(APPCAST_BROKEN.name):
        return Response(200, answer.headers, body[: len(body) // 2])
    if path in ("/health", "/updates/health") and faults.active(SERVER_THIRD_VERSION.name):
        document = json.loads(body)
        versions = document.keys() & {"version", "latest_version", "latest_build"}
        return Response(200, answer.headers, json.dumps(document | dict.fromkeys(versions, THIRD_VERSION)).encode())
    return answer
