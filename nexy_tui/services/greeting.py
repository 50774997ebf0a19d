"""What a host shows whoever asks it anything: its certificate and its clock. No credential is sent."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx

from nexy_tui.core.clock import Clock
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.text import printable
from nexy_tui.services.repeat import untrusted

if TYPE_CHECKING:
    from nexy_tui.services.http import HttpClients

_TIMEOUT = 10.0
_RETRY_AFTER = 2.0


@dataclass(frozen=True, slots=True)
class Greeting:
    """One answer: between `asked` and `answered` by this machine's clock, the host's clock said `date` (None: it told none).

    `expires` is the end of the certificate shown. `refused` says why TLS would not trust it; then nothing else is known.
    """

    url: str
    asked: datetime
    answered: datetime
    date: datetime | None = None
    expires: datetime | None = None
    issuer: str = ""
    refused: str = ""


def greet(http: HttpClients, clock: Clock, url: str) -> Greeting:
    """Ask for the head of an address, a second time where the connection broke. Raises CouldNotLook without an answer."""
    try:
        return _greet(http, clock, url)
    except httpx.TransportError:
        clock.sleep(_RETRY_AFTER)
    try:
        return _greet(http, clock, url)
    except httpx.TransportError as error:
        raise CouldNotLook(
            f"{url} gives no answer ({type(error).__name__}).",
            "Its certificate and its clock cannot be seen.",
            "See that it runs and that this machine reaches it, then look again.",
        ) from None


def _greet(http: HttpClients, clock: Clock, url: str) -> Greeting:
    asked = clock.now()
    try:
        with http.client(timeout=_TIMEOUT) as client, client.stream("HEAD", url) as response:
            shown = response.extensions["network_stream"].get_extra_info("ssl_object")
            certificate = shown.getpeercert() if shown is not None else {}
            return Greeting(url, asked, clock.now(), _date(response.headers.get("date")), _end(certificate), _issuer(certificate))
    except httpx.TransportError as error:
        if untrusted(error):
            return Greeting(url, asked, clock.now(), refused=_reason(error))
        raise


def _date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        said = parsedate_to_datetime(text)
    except ValueError:
        return None
    return said if said.tzinfo is not None else said.replace(tzinfo=UTC)


def _end(certificate: dict[str, object]) -> datetime | None:
    end = certificate.get("notAfter")
    return None if end is None else datetime.fromtimestamp(ssl.cert_time_to_seconds(str(end)), UTC)


def _issuer(certificate: dict[str, object]) -> str:
    groups = certificate.get("issuer", ())
    parts = {str(name): str(value) for group in groups for name, value in group} if isinstance(groups, tuple) else {}
    return printable(parts.get("organizationName") or parts.get("commonName") or "", 80)


def _reason(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return printable(str(getattr(cause, "verify_message", "") or cause), 120)
