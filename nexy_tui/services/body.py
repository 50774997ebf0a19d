"""A large body at the speed of the line: read past the HTTP parser."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpcore
import httpx

Batch = list[bytes]
"""Pieces that follow each other. What is done once for a batch need not be quick."""

_RECORD = 1 << 14
"""TLS gives no more than this at a time (RFC 8446 section 5.1)."""

_BATCH = 1 << 18
_PATIENCE = 0.05


def batches(response: httpx.Response, timeout: float) -> Iterator[Batch]:
    """The body as it comes, at most some hundredths of a second late. Raises httpx.TransportError, also where it ends too early.

    Once the head is parsed, a body of a known length is nothing but that many bytes, and the parser costs more than TLS
    does. Of it only what it has read along with the head is taken; the connection is closed with the response. `timeout`
    is for each read, in seconds.
    """
    batch: Batch = []
    size, due = 0, time.monotonic() + _PATIENCE
    for piece in _pieces(response, timeout):
        batch.append(piece)
        size += len(piece)
        if size >= _BATCH or time.monotonic() >= due:
            yield batch
            batch, size, due = [], 0, time.monotonic() + _PATIENCE
    if batch:
        yield batch


def _pieces(response: httpx.Response, timeout: float) -> Iterator[bytes]:
    parsed = response.iter_raw()
    length = response.headers.get("content-length", "")
    if not length.isdigit() or "transfer-encoding" in response.headers or response.http_version != "HTTP/1.1":
        yield from parsed
        return
    first = next(parsed, b"")
    yield first
    left = int(length) - len(first)
    line = response.extensions["network_stream"]
    while left > 0:
        try:
            piece = line.read(min(left, _RECORD), timeout=timeout)
        except httpcore.TimeoutException as error:
            raise httpx.ReadTimeout(str(error), request=response.request) from error
        except httpcore.NetworkError as error:
            raise httpx.ReadError(str(error), request=response.request) from error
        if not piece:
            raise httpx.RemoteProtocolError(f"The body ended {left} bytes too early.", request=response.request)
        left -= len(piece)
        yield piece
