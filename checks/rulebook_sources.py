"""What the script `validate_updates.sh` looks at: three addresses and two files, whatever they answer (rulebook phase 2.7)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urljoin

import httpx

from checks.base import Scope
from checks.rulebook_facts import CANONICAL, EMPTY, SECOND, Body, RulebookFacts
from nexy_tui.core.target import DMG, UpdateServer
from nexy_tui.core.text import printable
from nexy_tui.services.http import HttpClients

T = TypeVar("T")

LIMIT_S = 10.0
"""Seconds a request may take, from its first packet to its last."""

MAX_BODY = 1 << 20
"""Bodies and manifests are a few kilobytes; more than this is refused unread."""

_REDIRECTS = 10
_HTTP_PORT = 80


def look_rulebook(scope: Scope) -> RulebookFacts:
    """Three addresses and two files. Nothing that goes wrong on the way raises: an address without an answer is a fact here."""
    services = scope.services
    base, http = base_url(services.target.update_server), services.http
    return RulebookFacts(
        health=_body(http, base + "/health"),
        appcast=_body(http, base + "/updates/appcast.xml"),
        content_length=_within_limit(lambda: _content_length(http, services.target.asset_url(DMG)), None),
        canonical=_file(services.layout.path(CANONICAL)),
        second=_file(services.layout.path(SECOND)),
        tag=services.target.dmg_tag,
        https=base.startswith("https://"),
    )


def base_url(server: UpdateServer) -> str:
    """The script's address of a host and port: http on port 80, https on any other."""
    return f"http://{server.host}" if server.port == _HTTP_PORT else server.base_url


def _body(http: HttpClients, url: str) -> Body:
    return _within_limit(lambda: _get(http, url), Body(why=f"no answer in {LIMIT_S:.0f} s"))


def _get(http: HttpClients, url: str) -> Body:
    data = bytearray()
    try:
        with http.client(timeout=LIMIT_S) as client, client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
            for chunk in response.iter_raw():
                data += chunk
                if len(data) > MAX_BODY:
                    return Body(why=f"a body larger than {MAX_BODY} bytes, refused unread")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Body(why=f"{type(error).__name__}: {printable(str(error), 120)}")
    return Body(bytes(data), "" if data else EMPTY)


def _content_length(http: HttpClients, url: str) -> str | None:
    """The last content-length on the way, as `curl -sIL` would show it."""
    found: str | None = None
    try:
        with http.client(timeout=LIMIT_S) as client:
            for _ in range(_REDIRECTS):
                response = client.head(url)
                found = next(reversed(response.headers.get_list("content-length")), found)
                if not response.is_redirect:
                    return found
                url = urljoin(url, response.headers["location"])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None
    return None


def _within_limit(function: Callable[[], T], otherwise: T) -> T:
    """What `function` gives in time. A server that trickles headers cannot be timed out read by read: its thread is left behind."""
    found: list[T] = []
    thread = threading.Thread(target=lambda: found.append(function()), daemon=True, name="rulebook-gate")
    thread.start()
    thread.join(LIMIT_S)
    return found[0] if found else otherwise


def _file(path: Path) -> bytes | None:
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return stream.read(MAX_BODY + 1)
