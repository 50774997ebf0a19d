"""HTTP/1.1 on a channel, by h11: requests in, responses out, both streamed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

import h11

from nexy_tui.rehearsal.net.channel import Channel
from nexy_tui.rehearsal.net.wire import FileSlice, Request, Response

_HEAD_LIMIT = 64 * 1024
_LINGER = 2.0
"""Seconds in which a body that no server wanted is still read, so that a client busy sending it gets to see the answer."""


class HttpConnection:
    """The HTTP side of one connection: one request after the other, until either side closes."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.state = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_LIMIT)
        self._method = ""

    async def head(self) -> h11.Request | None:
        """The next request's head; None when the client has no more."""
        while True:
            event = self.state.next_event()
            if event is h11.NEED_DATA:
                self.state.receive_data(await self.channel.receive())
            elif isinstance(event, h11.Request):
                self._method = event.method.decode("ascii")
                return event
            else:
                return None

    async def body(self) -> AsyncIterator[bytes]:
        """The request's body as it comes. Raises ConnectionResetError when the client goes away in the middle."""
        if self.state.they_are_waiting_for_100_continue:
            await self._send(h11.InformationalResponse(status_code=100, headers=[], reason="Continue"))
        while True:
            event = self.state.next_event()
            if event is h11.NEED_DATA:
                data = await self.channel.receive()
                if not data:
                    raise ConnectionResetError("the client went away in the middle of a body")
                self.state.receive_data(data)
            elif isinstance(event, h11.Data):
                yield bytes(event.data)
            else:
                return

    async def answer(self, response: Response) -> None:
        """Send a response, whatever its body is made of."""
        headers = [(name, value) for name, value in response.headers]
        if response.header("date") is None:
            headers.append(("date", formatdate(usegmt=True)))
        length = _length(response)
        if length is not None and response.header("content-length") is None:
            headers.append(("content-length", str(length)))
        elif length is None and response.header("content-length") is None:
            headers.append(("transfer-encoding", "chunked"))
        if self.state.they_are_waiting_for_100_continue or self.state.their_state is h11.ERROR:
            headers.append(("connection", "close"))
        await self._send(h11.Response(status_code=response.status, headers=headers, reason=_reason(response.status)))
        if self.state.our_state is h11.SEND_BODY and not self._bodyless(response.status):
            await self._send_body(response)
        await self._send(h11.EndOfMessage())

    async def finish(self) -> bool:
        """Get ready for the next request. False when the connection must close instead."""
        try:
            async with asyncio.timeout(_LINGER):
                await self._drain()
        except TimeoutError:
            return False
        if self.state.our_state is not h11.DONE or self.state.their_state is not h11.DONE:
            return False
        self.state.start_next_cycle()
        return True

    async def _drain(self) -> None:
        while self.state.their_state is h11.SEND_BODY and not self.state.they_are_waiting_for_100_continue:
            if self.state.next_event() is h11.NEED_DATA:
                data = await self.channel.receive()
                if not data:
                    return
                self.state.receive_data(data)

    def _bodyless(self, status: int) -> bool:
        return self._method == "HEAD" or status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)

    async def _send_body(self, response: Response) -> None:
        body = response.body
        if isinstance(body, bytes):
            if body:
                await self._send(h11.Data(data=body))
        elif isinstance(body, FileSlice):
            await self._send_file(body)
        else:
            async for part in body:
                await self._send(h11.Data(data=part))

    async def _send_file(self, part: FileSlice) -> None:
        descriptor = os.open(part.path, os.O_RDONLY)
        try:
            offset, end = part.start, part.start + part.length
            while offset < end:
                data = os.pread(descriptor, min(self.channel.piece(), end - offset), offset)
                if not data:
                    raise ConnectionResetError(f"{part.path} became shorter while it was sent")
                offset += len(data)
                await self._send(h11.Data(data=data))
        finally:
            os.close(descriptor)

    async def _send(self, event: h11.Event) -> None:
        data = self.state.send(event)
        if data:
            await self.channel.send(data)


def request(head: h11.Request, host: str, session: HttpConnection) -> Request:
    """The request a server gets, from its head and the session its body comes from."""
    headers: dict[str, str] = {}
    for name, value in head.headers:
        key, text = name.decode("ascii").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    target = head.target.decode("ascii", "replace")
    path, _, query = target.partition("?")
    return Request(
        method=head.method.decode("ascii"),
        host=host,
        path=unquote(path),
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=headers,
        body=session.body(),
        target=target,
    )


def _length(response: Response) -> int | None:
    if isinstance(response.body, bytes):
        return len(response.body)
    return response.body.length if isinstance(response.body, FileSlice) else None


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
