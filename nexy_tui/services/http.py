"""The one place HTTP clients are made: verified TLS, the environment's proxy, time limits, no redirects unless asked."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import certifi
import httpx

from nexy_tui import __version__
from nexy_tui.core.given import steady
from nexy_tui.core.problem import Unusable

USER_AGENT = f"nexy-tui/{__version__}"


class Client(httpx.Client):
    """A client that tells a redirect to what is no address as what it is: a server that breaks the protocol.

    httpx works redirects out even where it does not follow them, and is at a loss over some of them with an error of another family.
    """

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request. Raises httpx.TransportError whatever is wrong with the answer."""
        try:
            return super().send(request, **options)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise httpx.RemoteProtocolError(f"It redirects to what is no address ({type(error).__name__}).", request=request) from None


class HttpClients:
    """Makes clients that verify TLS against the public CAs (or SSL_CERT_FILE) and the configured private one."""

    def __init__(self, environ: Mapping[str, str], ca: Path | None) -> None:
        self._context = tls_context(environ, ca)

    def client(self, *, timeout: float = 30.0, read: float | None = None) -> Client:
        """A client of its own; close it. `timeout` holds for connecting and each read, in seconds; `read` overrides reads."""
        return environments_client(self._context, httpx.Timeout(timeout, read=read or timeout))


def environments_client(context: ssl.SSLContext, timeout: httpx.Timeout) -> Client:
    """A client that goes as the environment says. Raises Unusable, without a word of the address, where it names no usable proxy."""
    try:
        with steady():
            return Client(verify=context, timeout=timeout, follow_redirects=False, headers={"User-Agent": USER_AGENT}, trust_env=True)
    except (ValueError, ImportError, httpx.InvalidURL):
        raise Unusable(
            "The proxy that the environment names (HTTPS_PROXY, ALL_PROXY, HTTP_PROXY, NO_PROXY) cannot be used.",
            "Its form is none that is understood here, so nothing was asked of anybody.",
            "Write it as http://HOST:PORT; before HOST may stand NAME:PASSWORD@, each of / @ : ? # % in them percent-encoded (%2F for /). "
            "SOCKS is not spoken here: unset such an ALL_PROXY and name an HTTP proxy, or none. "
            "NO_PROXY is a list of host names and addresses, an IPv6 one without brackets (::1).",
        ) from None


def tls_context(environ: Mapping[str, str], ca: Path | None) -> ssl.SSLContext:
    """TLS that always verifies. Raises Unusable when the named CA cannot be read."""
    named = environ.get("SSL_CERT_FILE")
    context = ssl.create_default_context(cafile=named if named and Path(named).is_file() else certifi.where())
    if ca is not None:
        try:
            context.load_verify_locations(cafile=str(ca))
        except (OSError, ssl.SSLError) as error:
            raise Unusable(
                f"The private CA {ca} cannot be read: {error}.",
                "Without it the hosts it signs cannot be verified.",
                "Mend tls.ca in the configuration (or NEXY_CA).",
            ) from None
    return context
