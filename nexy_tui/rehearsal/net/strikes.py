"""Strikes: one request of a client's, counted from now, goes wrong in a chosen way. An instrument to walk every request with.

Switched by the entry `strike` of the world's faults file: `[METHOD]N:SORT[:MARK]`, the N-th request, or the N-th of a method; a
new text (the mark makes it one) counts from 1 again. Requests with the header `x-nexy-witness` are not counted: they look, and
take no part. Each strike leaves a line in `log/strikes.jsonl` with the status that the request had in truth, where it had its
effect.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator

from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.names import World
from nexy_tui.rehearsal.net.wire import DropConnection, FileSlice, Handler, Request, Response, json_response, text_response

NAME = "strike"
REFUSED = "refused"
"""A second instrument: while it is on, every request whose `METHOD host/path?query` its parameter (a pattern) fits is answered 403."""
WITNESS = "x-nexy-witness"

FAILING = ("cut", "cut-after", "cut-amid", "502", "502-after", "429", "403")
"""The connection ends before the effect, after it, in the middle of the answer; answers other than success, `-after` the effect."""

HOLDING = ("hold", "hold-after", "hold-late")
"""The answer is held until the strike is switched off, then the connection ends: without the effect, after it, or the effect comes then."""

_LONGEST = 120.0
_GLANCE = 0.02


class Strikes:
    """The counter, between the front door and the servers behind it."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._text = ""
        self._seen = 0

    async def around(self, request: Request, handler: Handler) -> Response:
        """The handler's answer, or what the strike makes of it."""
        if self._is_refused(request):
            return json_response({"message": "Resource not accessible by personal access token"}, 403)
        sort = self._due(request)
        if not sort:
            return await handler(request)
        response = await handler(request) if sort.endswith("-after") or sort == "cut-amid" else None
        self._note(request, sort, response)
        if sort == "cut-amid" and response is not None:
            return await _cut_amid(response)
        if sort in HOLDING:
            await self._held(self._text)
            if sort == "hold-late":
                with contextlib.suppress(DropConnection, ConnectionError):
                    response = await handler(request)
                self._note(request, sort, response)
        if sort.startswith(("cut", "hold")):
            raise DropConnection
        return _refusal(sort.removesuffix("-after"))

    def _is_refused(self, request: Request) -> bool:
        pattern = self._faults.param(REFUSED)
        if not pattern or WITNESS in request.headers:
            return False
        return re.search(pattern, f"{request.method} {request.host}{request.target or request.path}") is not None

    def _due(self, request: Request) -> str:
        """The sort of strike this request meets; an empty text for none."""
        text = self._faults.param(NAME)
        if text != self._text:
            self._text, self._seen = text, 0
        if not text or WITNESS in request.headers:
            return ""
        when, sort = (*text.split(":"), "")[:2]
        method = when.rstrip("0123456789")
        self._seen += method in ("", request.method)
        return sort if when == f"{method}{self._seen}" and method in ("", request.method) and sort in FAILING + HOLDING else ""

    async def _held(self, text: str) -> None:
        end = time.monotonic() + _LONGEST
        while self._faults.param(NAME) == text and time.monotonic() < end:
            await asyncio.sleep(_GLANCE)

    def _note(self, request: Request, sort: str, response: Response | None) -> None:
        line = {
            "time": time.time(),
            "number": self._seen,
            "sort": sort,
            "method": request.method,
            "host": request.host,
            "path": request.path,
            "status": None if response is None else int(response.status),
        }
        with (self._world.log / "strikes.jsonl").open("a", encoding="utf-8") as account:
            account.write(json.dumps(line) + "\n")


def _refusal(status: str) -> Response:
    if status == "502":
        return text_response("502 Bad Gateway\n", 502)
    if status == "429":
        message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        return json_response({"message": message}, 429, [("retry-after", "1")])
    reset = str(int(time.time()) + 1)
    headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset)]
    return json_response({"message": "API rate limit exceeded for user ID 1."}, 403, headers)


async def _cut_amid(response: Response) -> Response:
    """The same answer, whose body ends half-way with the connection; one without a body ends before its head."""
    body = response.body
    if isinstance(body, FileSlice):
        with body.path.open("rb") as stream:
            stream.seek(body.start)
            whole = stream.read(body.length)
    elif isinstance(body, bytes):
        whole = body
    else:
        whole = b"".join([piece async for piece in body])
    if not whole:
        raise DropConnection

    async def half() -> AsyncIterator[bytes]:
        yield whole[: len(whole) // 2]
        raise DropConnection

    headers = [pair for pair in response.headers if pair[0].lower() not in ("content-length", "transfer-encoding")]
    return Response(response.status, [*headers, ("content-length", str(len(whole)))], half())
