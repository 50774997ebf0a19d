"""The live update server, as clients see it: two health addresses and the appcast (contracts: update server).

What can be seen is a fact, even when it is wrong: an HTTP status, a body that is no JSON, an appcast that is no XML.
Only an address that gives no answer at all is something that could not be looked at.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

import httpx

from nexy_tui.core import strict_json
from nexy_tui.core.appcast import Appcast, read_appcast
from nexy_tui.core.clock import Clock
from nexy_tui.core.finding import rfc3339
from nexy_tui.core.health import Health, read_health
from nexy_tui.core.manifest import Manifest
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.target import Target
from nexy_tui.core.text import printable

if TYPE_CHECKING:
    from nexy_tui.services.http import HttpClients

MAX_BODY = 1 << 20
"""An appcast or health body is a few kilobytes; more than this is refused unread."""

_NO_SUCH_NAME = frozenset((socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)))
_FORBIDDEN = re.compile(r"40[0-7]\b")
_SEE_HOST = "See target.update_server in the configuration, and the proxy (HTTPS_PROXY), then look again."

_TIMEOUT = 10.0
_DEADLINE = 30.0
_RETRY_AFTER = 2.0


class Misled(CouldNotLook):
    """The address does not lead to the update server: no such host, or somebody else who answers for it."""


@dataclass(frozen=True, slots=True)
class HealthFacts:
    """What a health address answered, `status` being HTTP's. `problem` says why the body could not be read; then `said` is None."""

    url: str
    seen: str
    problem: str = ""
    said: Health | None = None
    status: int = 200


@dataclass(frozen=True, slots=True)
class AppcastFacts:
    """What the appcast's address answered. `problem` says why it could not be read; then `appcast` is None.

    `status` is the HTTP status: 500 is a server that has no manifest it can make an appcast of.
    """

    url: str
    seen: str
    problem: str = ""
    appcast: Appcast | None = None
    status: int = 200


@dataclass(frozen=True, slots=True)
class Offer:
    """What the live appcast offers; None where that could not be seen, with the reason."""

    appcast: Appcast | None
    problem: str = ""

    def is_of(self, stated: Manifest) -> bool:
        """Whether clients that follow it accept the bytes of this manifest."""
        found = self.appcast
        return found is not None and (found.build, found.size, found.url) == (stated.version, stated.size, stated.url)


@dataclass(frozen=True, slots=True)
class LiveFacts:
    """All three live addresses at one moment."""

    health: HealthFacts
    updates_health: HealthFacts
    appcast: AppcastFacts


@dataclass(frozen=True, slots=True)
class _Answer:
    url: str
    status: int
    seen: str
    body: bytes
    problem: str


class UpdateService:
    """Reads the update server's public addresses over verified TLS."""

    def __init__(self, target: Target, http: HttpClients, clock: Clock) -> None:
        self._base = target.update_server.base_url
        self._http = http
        self._clock = clock

    def look(self) -> LiveFacts:
        """All three addresses. Raises CouldNotLook when one gives no answer."""
        return LiveFacts(self.health(), self.updates_health(), self.appcast())

    def health(self) -> HealthFacts:
        """`GET /health`."""
        return self._health("/health")

    def updates_health(self) -> HealthFacts:
        """`GET /updates/health`: the update service's own word."""
        return self._health("/updates/health")

    def appcast(self) -> AppcastFacts:
        """`GET /updates/appcast.xml`: what clients are offered."""
        answer = self._get("/updates/appcast.xml")
        if answer.problem:
            return AppcastFacts(answer.url, answer.seen, answer.problem, status=answer.status)
        try:
            return AppcastFacts(answer.url, answer.seen, "", parse_appcast(answer.body))
        except ValueError as error:
            return AppcastFacts(answer.url, answer.seen, str(error))

    def _health(self, path: str) -> HealthFacts:
        answer = self._get(path)
        if answer.problem:
            return HealthFacts(answer.url, answer.seen, answer.problem, status=answer.status)
        try:
            return HealthFacts(answer.url, answer.seen, "", parse_health(answer.body))
        except ValueError as error:
            return HealthFacts(answer.url, answer.seen, str(error))

    def _get(self, path: str) -> _Answer:
        """One GET, asked a second time after a moment when the connection failed."""
        url = self._base + path
        try:
            return self._get_once(url)
        except httpx.TransportError:
            self._clock.sleep(_RETRY_AFTER)
        try:
            return self._get_once(url)
        except httpx.TransportError as error:
            raise _unreachable(url, error) from None

    def _get_once(self, url: str) -> _Answer:
        deadline = self._clock.monotonic() + _DEADLINE
        body = bytearray()
        problem = ""
        with self._http.client(timeout=_TIMEOUT) as client, client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
            if response.status_code != 200:
                problem = f"it answered HTTP {response.status_code}"
            elif response.headers.get("content-encoding", "identity").lower() != "identity":
                problem = "its body is compressed, which was not asked for"
            else:
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > MAX_BODY:
                        problem = f"its body is larger than {MAX_BODY} bytes"
                        break
                    if self._clock.monotonic() > deadline:
                        raise httpx.ReadTimeout("the answer came too slowly")
            return _Answer(url, response.status_code, rfc3339(self._clock.now()), bytes(body), problem)


def look_offer(updates: UpdateService) -> Offer:
    """Ask the live server. An answer that does not come or cannot be read is an unseen offer."""
    try:
        facts = updates.appcast()
    except CouldNotLook as error:
        return Offer(None, error.what)
    return Offer(facts.appcast, "" if facts.appcast is not None else f"{facts.url}: {facts.problem}.")


def parse_health(body: bytes) -> Health:
    """A health document of bytes. Raises ValueError saying what it is not, or which field is missing or no string."""
    return read_health(strict_json.load_object(body))


def parse_appcast(body: bytes) -> Appcast:
    """The appcast of an XML document, read with entities, DTDs and external references refused. Raises ValueError."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(body, forbid_dtd=True)
    except DefusedXmlException as error:
        raise ValueError(f"it is refused as XML: it declares a DTD or entities ({type(error).__name__})") from None
    except (ParseError, ValueError, LookupError) as error:
        raise ValueError(f"it is not well-formed XML ({printable(str(error), 100)})") from None
    return read_appcast(root)


def _unreachable(url: str, error: httpx.TransportError) -> CouldNotLook:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return Misled(
                f"{url} did not pass TLS verification ({printable(str(getattr(cause, 'verify_message', '') or cause), 120)}).",
                "Whoever answers there cannot be shown to be the update server.",
                "Renew the server's certificate; a private CA is named as tls.ca in the configuration.",
            )
    if any(isinstance(cause, socket.gaierror) and cause.errno in _NO_SUCH_NAME for cause in causes):
        return Misled(f"{url} leads nowhere: no such host is known.", "Clients that ask there get nothing.", _SEE_HOST)
    if isinstance(error, httpx.ProxyError) and _FORBIDDEN.match(str(error)):
        return Misled(f"{url} leads nowhere: the proxy refuses that host ({printable(str(error), 60)}).", remedy=_SEE_HOST)
    return CouldNotLook(
        f"{url} gives no answer ({type(error).__name__}).",
        "What clients are served now cannot be seen.",
        "See that the update server runs (systemctl status on the VM) and that this machine reaches it, then look again.",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
