"""A TCP or TLS connection as three coroutines: receive, send, and start TLS; with backpressure both ways and a bandwidth cap."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from nexy_tui.rehearsal.net.wire import PIECE

_HIGH = 2 * PIECE
"""What may wait unread, and unsent, per connection before the other side is slowed down."""

Limit = Callable[[], float | None]
"""The cap in bits per second as it stands now, or None."""


class Channel(asyncio.BufferedProtocol):
    """One client's connection. Serves itself: `serve(channel)` runs as a task from the first byte to the last."""

    def __init__(self, serve: Callable[[Channel], Coroutine[Any, Any, None]], limit: Limit) -> None:
        self._serve = serve
        self._limit = limit
        self._transport: asyncio.Transport | None = None
        self._buffer = memoryview(bytearray(PIECE))
        self._received: deque[bytes] = deque()
        self._waiting = 0
        self._ended = False
        self._paused = False
        self._writable = asyncio.Event()
        self._writable.set()
        self._readable = asyncio.Event()
        self._due = 0.0
        self.task: asyncio.Task[None] | None = None

    # --- asyncio's side ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=_HIGH)
        self.task = asyncio.get_running_loop().create_task(self._serve(self))

    def get_buffer(self, sizehint: int) -> memoryview:
        """The one buffer everything is received into; `buffer_updated` copies out of it."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Keep what came; stop reading from the socket once enough waits."""
        self._received.append(bytes(self._buffer[:nbytes]))
        self._waiting += nbytes
        self._readable.set()
        if self._waiting >= _HIGH and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The client has said all it will; what waits can still be read."""
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits: nothing more will come or go."""
        self._transport = None
        self._end()

    def pause_writing(self) -> None:
        """Too much waits to be sent."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Enough was sent."""
        self._writable.set()

    # --- the server's side ---

    async def receive(self) -> bytes:
        """What came next; empty at the end of the connection."""
        while not self._received:
            if self._ended:
                return b""
            self._readable.clear()
            await self._readable.wait()
        data = self._received.popleft()
        self._waiting -= len(data)
        if self._paused and self._waiting < _HIGH // 2 and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        await self._pace(len(data))
        return data

    async def send(self, data: bytes) -> None:
        """Send, waiting while the client is slow. Raises ConnectionResetError when it has gone."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the client has gone")
        self._transport.write(data)
        await self._writable.wait()
        await self._pace(len(data))

    def piece(self) -> int:
        """How much to send at a time: less under a bandwidth cap, so that the flow is even."""
        rate = self._limit()
        return PIECE if rate is None else max(1024, min(PIECE, int(rate / 8 / 20)))

    async def start_tls(self, context: ssl.SSLContext, greeting: bytes) -> None:
        """Send the last plain bytes and become the server side of a TLS connection on the same socket.

        Reading stops before the greeting goes out: what the client answers belongs to the handshake.
        """
        if self._transport is None or self._received:
            raise ConnectionResetError("the client has gone, or spoke before it was answered")
        loop = asyncio.get_running_loop()
        plain = self._transport
        plain.pause_reading()
        plain.write(greeting)
        try:
            secured = await loop.start_tls(plain, self, context, server_side=True)
        except BaseException:
            plain.abort()
            raise
        if secured is None:
            raise ConnectionResetError("the client has gone")
        secured.set_write_buffer_limits(high=_HIGH)
        self._transport = secured

    def close(self) -> None:
        """Send what waits, then close."""
        if self._transport is not None:
            self._transport.close()

    def drop(self) -> None:
        """End the TCP connection at once, as a network failure does."""
        if self._transport is not None:
            self._transport.abort()
        self._end()

    def _end(self) -> None:
        self._ended = True
        self._readable.set()
        self._writable.set()

    async def _pace(self, size: int) -> None:
        rate = self._limit()
        if rate is None:
            return
        now = asyncio.get_running_loop().time()
        self._due = max(self._due, now) + size * 8 / rate
        await asyncio.sleep(self._due - now)
