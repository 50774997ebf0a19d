"""What a server of the world takes and gives: requests, responses, and ways to break the line.

A server is a plain coroutine from `Request` to `Response`, one per host name; the front door does TLS and HTTP/1.1.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PIECE = 256 * 1024
"""How much is read, encrypted and written at a time: large enough to be fast, small enough to count for nothing in memory."""


class DropConnection(Exception):
    """Raised by a server, also in the middle of a body: the TCP connection ends without another byte."""


class BodyTooLarge(Exception):
    """A body that a server wanted whole is longer than its limit; the front door answers 413."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `headers` have lower-case names; `query` keeps the last value of a name; `target` is path and query as sent."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]
    target: str = ""

    async def read(self, limit: int = 16 << 20) -> bytes:
        """The whole body, of a request that is known to be small. Raises BodyTooLarge beyond `limit`."""
        parts: list[bytes] = []
        size = 0
        async for part in self.body:
            size += len(part)
            if size > limit:
                raise BodyTooLarge
            parts.append(part)
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class FileSlice:
    """A part of a file as a body: streamed in pieces, never held whole."""

    path: Path
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response. Content-Length is added for bytes and files; an iterator without one is sent chunked."""

    status: int
    headers: Sequence[tuple[str, str]] = field(default_factory=list)
    body: bytes | FileSlice | AsyncIterator[bytes] = b""

    def header(self, name: str) -> str | None:
        """A header by name, letter case aside."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


Handler = Callable[[Request], Awaitable[Response]]
"""A server of the world: the front door calls one per host name."""


def json_response(document: Any, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """A JSON answer."""
    body = json.dumps(document).encode()
    return Response(status, [("content-type", "application/json; charset=utf-8"), *headers], body)


def text_response(text: str, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """A plain text answer."""
    return Response(status, [("content-type", "text/plain; charset=utf-8"), *headers], text.encode())
