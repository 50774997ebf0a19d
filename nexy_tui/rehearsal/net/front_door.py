"""The world's front door: an HTTP CONNECT proxy that knows the world's hosts, terminates TLS for them, and refuses every other.

Everything a client does passes here, so here is also where the world keeps its account of requests (`log/requests.jsonl`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import TextIO

import h11

from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.names import World
from nexy_tui.rehearsal.net import authority, http
from nexy_tui.rehearsal.net.channel import Channel
from nexy_tui.rehearsal.net.strikes import Strikes
from nexy_tui.rehearsal.net.wire import BodyTooLarge, DropConnection, Handler, Request, Response, text_response

_log = logging.getLogger(__name__)
_TLS_PORT = 443
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class FrontDoor:
    """The listener on loopback. `handlers` maps a host name to its server; bandwidth is capped by the switch `bandwidth`."""

    def __init__(self, world: World, handlers: Mapping[str, Handler], faults: Faults) -> None:
        self.world = world
        self.handlers = handlers
        self.faults = faults
        self._strikes = Strikes(world, faults)
        self._channels: set[Channel] = set()
        self._server: asyncio.Server | None = None
        self._context: ssl.SSLContext | None = None
        self._account: TextIO | None = None

    async def start(self) -> None:
        """Listen on the world's port."""
        self._context = authority.contexts(self.world, frozenset(self.handlers))
        self._account = (self.world.log / "requests.jsonl").open("a", encoding="utf-8", buffering=1)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Channel(self._serve, self._bandwidth), "127.0.0.1", self.world.ports["front"], backlog=128
        )

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        tasks = [channel.task for channel in self._channels if channel.task is not None]
        for channel in list(self._channels):
            channel.drop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._account is not None:
            self._account.close()

    def _bandwidth(self) -> float | None:
        try:
            rate = float(self.faults.param("bandwidth"))
        except ValueError:
            return None
        return rate if rate > 0 else None

    async def _serve(self, channel: Channel) -> None:
        self._channels.add(channel)
        try:
            host = await self._connect(channel)
            if host is not None and self._context is not None:
                await channel.start_tls(self._context, _ESTABLISHED)
                await self._converse(channel, host)
        except (ConnectionError, ssl.SSLError, h11.ProtocolError) as error:
            _log.info("connection ended: %s", error)
        except DropConnection:
            channel.drop()
        except Exception:
            _log.exception("a server of the world failed")
            channel.drop()
        finally:
            channel.close()
            self._channels.discard(channel)

    async def _connect(self, channel: Channel) -> str | None:
        """The host a client asks the proxy for; None when it was refused and told why."""
        session = http.HttpConnection(channel)
        head = await session.head()
        if head is None:
            return None
        target = head.target.decode("ascii", "replace")
        host, _, port = target.lower().rpartition(":")
        refusal = ""
        if head.method != b"CONNECT":
            refusal = f"{head.method.decode()} {target.partition('?')[0]}: only CONNECT is served; everything in the world is https"
        elif host not in self.handlers or port != str(_TLS_PORT):
            refusal = f"{target} is not part of this rehearsal world"
        if refusal:
            self._note(head.method.decode(), target.partition("?")[0], "", HTTPStatus.FORBIDDEN, authorized=False)
            text = f"nexy-tui {self.world.id}: {refusal}. Nothing was sent anywhere.\n"
            await session.answer(text_response(text, HTTPStatus.FORBIDDEN, [("connection", "close")]))
            return None
        return host

    async def _converse(self, channel: Channel, host: str) -> None:
        session = http.HttpConnection(channel)
        while (head := await session.head()) is not None:
            request = http.request(head, host, session)
            response = await self._answer(request)
            self._note(request.method, host, request.path, response.status, authorized="authorization" in request.headers)
            await session.answer(response)
            if not await session.finish():
                return

    async def _answer(self, request: Request) -> Response:
        name = request.headers.get("host", request.host).lower().removesuffix(f":{_TLS_PORT}")
        if name != request.host:
            return text_response(f"This connection is to {request.host}, not to {name}.\n", HTTPStatus.MISDIRECTED_REQUEST)
        try:
            return await self._strikes.around(request, self.handlers[name])
        except BodyTooLarge:
            return text_response("The body is too large.\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except (DropConnection, ConnectionError, asyncio.CancelledError):
            self._note(request.method, name, request.path, 0, authorized="authorization" in request.headers)
            raise
        except Exception:
            _log.exception("%s %s%s failed", request.method, name, request.path)
            return text_response("The rehearsal world's server failed; its log says how.\n", HTTPStatus.INTERNAL_SERVER_ERROR)

    def _note(self, method: str, host: str, path: str, status: int, *, authorized: bool) -> None:
        if self._account is None or self._account.closed:
            return
        line = {"time": time.time(), "method": method, "host": host, "path": path, "status": int(status), "authorized": authorized}
        with contextlib.suppress(OSError):
            self._account.write(json.dumps(line) + "\n")
