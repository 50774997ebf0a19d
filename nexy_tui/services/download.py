"""Downloads as a client makes them: without any credential, redirects followed by hand, size and SHA-256 of the very bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import httpx

from nexy_tui.core.clock import Clock
from nexy_tui.core.event import Emit
from nexy_tui.core.finding import rfc3339
from nexy_tui.core.problem import Cancelled, CouldNotLook
from nexy_tui.core.secret import bare_url
from nexy_tui.services.body import batches
from nexy_tui.services.http import HttpClients
from nexy_tui.services.meter import ByteMeter
from nexy_tui.services.ratelimit import wait_asked
from nexy_tui.services.repeat import Repeating, TryAgain, untrusted

LIMIT = 1 << 32
"""More than any asset can have: a stream that does not end is ended here."""

_REDIRECTS = 5
_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The figures of the bytes that came from `url` at `time`."""

    url: str
    size: int
    sha256: str
    time: str

    def __str__(self) -> str:
        return f"{self.size} bytes, sha256 {self.sha256}"


class Downloader:
    """Fetches public addresses with clients that hold no credential."""

    def __init__(self, http: HttpClients, clock: Clock, emit: Emit, cancelled: Callable[[], bool]) -> None:
        self._http, self._clock, self._emit, self._cancelled = http, clock, emit, cancelled

    def fetch(self, url: str, subject: str, phase: str, sink: BinaryIO | None = None) -> Downloaded | None:
        """Download `url` to its end, into `sink` where one is given; None when nothing is there (404).

        Raises CouldNotLook when the bytes did not come though asked for several times.
        """
        repeating = Repeating(self._clock, self._emit, self._cancelled)
        try:
            with self._http.client(timeout=_TIMEOUT) as client:
                return repeating(lambda: self._attempt(client, url, ByteMeter(self._emit, subject, phase, None), sink))
        except TryAgain as error:
            raise CouldNotLook(f"{url} could not be downloaded: {error.reason}.", remedy="Wait a little, then look again.") from None
        except httpx.TransportError as error:
            reason = "its certificate was refused" if untrusted(error) else f"the connection broke each time ({type(error).__name__})"
            what = f"{url} could not be downloaded: {reason}."
            raise CouldNotLook(what, remedy="Check the network and the proxy, then look again.") from None

    def _attempt(self, client: httpx.Client, url: str, meter: ByteMeter, sink: BinaryIO | None) -> Downloaded | None:
        address = url
        for _ in range(_REDIRECTS + 1):
            headers = {"Accept": "application/octet-stream", "Accept-Encoding": "identity", "Cache-Control": "no-cache"}
            with client.stream("GET", address, headers=headers) as response:
                if response.is_redirect:
                    address = _next(address, response)
                    continue
                if response.status_code in (404, 410):
                    return None
                _require_whole(response, self._clock)
                size, sha256 = self._read(response, meter, sink)
                return Downloaded(url, size, sha256, rfc3339(self._clock.now()))
        raise CouldNotLook(f"{url} is redirected more than {_REDIRECTS} times.", remedy="Look at the address in a browser.")

    def _read(self, response: httpx.Response, meter: ByteMeter, sink: BinaryIO | None) -> tuple[int, str]:
        length = response.headers.get("content-length", "")
        meter.of(int(length) if length.isdigit() else None)
        if sink is not None:
            sink.seek(0)
            sink.truncate()
        sha, size = hashlib.sha256(), 0
        for batch in batches(response, _TIMEOUT):
            if self._cancelled():
                raise Cancelled("The download was stopped by the operator.")
            for piece in batch:
                sha.update(piece)
                size += len(piece)
            if size > LIMIT:
                raise CouldNotLook(f"{bare_url(str(response.url))} does not end.", remedy="Look at the address in a browser.")
            if sink is not None:
                sink.writelines(batch)
            meter.at(size)
        meter.end()
        return size, sha.hexdigest()


def _next(address: str, response: httpx.Response) -> str:
    try:
        target = str(httpx.URL(urljoin(address, response.headers.get("location", ""))))
        secure = urlsplit(target).scheme == "https" and bool(urlsplit(target).hostname)
    except (httpx.InvalidURL, ValueError):
        secure = False
    if not secure:
        raise CouldNotLook(
            f"{bare_url(address)} redirects to an address that is not https.",
            "Its bytes could be anybody's.",
            "Look at the address in a browser.",
        )
    return target


def _require_whole(response: httpx.Response, clock: Clock) -> None:
    status = response.status_code
    if status == 200:
        return
    asked = wait_asked(status, response.headers, "", clock.now())
    if asked is not None or status >= 500 or status in (403, 408):  # A signed address that has expired answers 403: start over.
        raise TryAgain(f"{response.url.host} answered {status}", status, asked)
    raise CouldNotLook(f"{bare_url(str(response.url))} answered {status}.", remedy="Look at the address in a browser.")
