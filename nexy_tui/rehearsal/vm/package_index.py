"""The world's package index (the simple API of PEP 503) on loopback: where the VM's pip installs from."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

from nexy_tui.rehearsal.fault import Fault, Faults
from nexy_tui.rehearsal.names import World
from nexy_tui.rehearsal.vm.wheels import WHEELS, Wheel

WHEEL_BROKEN = Fault(
    "wheel-broken",
    "deploy",
    "The index serves a damaged wheel of nexy-wire 1.1, so pip cannot install the release's requirements.",
)

FAULTS: tuple[Fault, ...] = (WHEEL_BROKEN,)

_BREAKABLE = Wheel("nexy-wire", "1.1").filename
_HEAD_LIMIT = 16 * 1024
_PATIENCE = 10.0

_servers: dict[Path, asyncio.Server] = {}


def url(world: World) -> str:
    """The index's address, for pip's configuration."""
    return f"http://127.0.0.1:{world.ports['index']}/simple/"


async def create(world: World) -> None:
    """Build the wheels."""
    world.index.mkdir(parents=True)
    for wheel in WHEELS:
        (world.index / wheel.filename).write_bytes(wheel.build())


async def start(world: World) -> None:
    """Listen on the world's index port."""
    faults = Faults(world.faults)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _serve(world, faults, reader, writer)

    _servers[world.dir] = await asyncio.start_server(serve, "127.0.0.1", world.ports["index"], limit=_HEAD_LIMIT)


async def stop(world: World) -> None:
    """Stop listening."""
    server = _servers.pop(world.dir, None)
    if server is not None:
        server.close()


async def _serve(world: World, faults: Faults, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        async with asyncio.timeout(_PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, *_ = head.decode("latin-1").split(" ", 2)
            status, kind, body = answer(world, faults, unquote(target.partition("?")[0]))
            writer.write(
                f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
                + (b"" if method == "HEAD" else body)
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, TimeoutError, ValueError):
        pass  # the client went away, or does not speak HTTP: nothing to answer
    finally:
        writer.close()


def answer(world: World, faults: Faults, path: str) -> tuple[str, str, bytes]:
    """Status line, content type and body for a path of the index."""
    parts = [part for part in path.split("/") if part]
    known = {wheel.filename: wheel for wheel in WHEELS}
    match parts:
        case ["simple"]:
            names = sorted({wheel.name for wheel in WHEELS})
            return _page(f'<a href="/simple/{name}/">{name}</a>' for name in names)
        case ["simple", project] if any(wheel.name == project for wheel in WHEELS):
            files = [wheel.filename for wheel in WHEELS if wheel.name == project]
            return _page(f'<a href="/files/{name}#sha256={_sha256(_content(world, faults, name))}">{name}</a>' for name in files)
        case ["files", name] if name in known:
            return "200 OK", "application/octet-stream", _content(world, faults, name)
        case _:
            return "404 Not Found", "text/plain", b"not found\n"


def _content(world: World, faults: Faults, filename: str) -> bytes:
    content = (world.index / filename).read_bytes()
    if filename == _BREAKABLE and faults.active(WHEEL_BROKEN.name):
        return content[: len(content) // 2]
    return content


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _page(links: Iterable[str]) -> tuple[str, str, bytes]:
    body = "<!DOCTYPE html><html><body>" + "<br>".join(links) + "</body></html>"
    return "200 OK", "text/html; charset=utf-8", body.encode()
