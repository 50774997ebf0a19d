"""Which world am I in? Asked by a TLS handshake, before any credential is sent (design: rehearsal)."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from pathlib import Path

import certifi
import httpx

from nexy_tui.config import Settings
from nexy_tui.core.problem import CouldNotLook, Unusable
from nexy_tui.core.remedy import Run
from nexy_tui.core.secret import bare_proxy
from nexy_tui.core.target import WORLD_MARK
from nexy_tui.core.text import printable
from nexy_tui.services.http import environments_client

_PATIENCE = 15.0
_WORLD_NAME = re.compile(rf"{re.escape(WORLD_MARK)} \S+")


def proxy_in_force(environ: Mapping[str, str]) -> str:
    """The proxy that requests would take, without its credentials, or an empty text; for showing."""
    named = (environ.get(name) for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"))
    return printable(bare_proxy(next(filter(None, named), "")))


def require_world(settings: Settings) -> None:
    """Pass when the API host is the one the environment claims: NEXY_WORLD's, or the public one.

    Raises Unusable on a mix-up, CouldNotLook when the host cannot be reached at all.
    """
    if settings.target.world is not None:
        _require_rehearsal(settings, settings.target.world)
    else:
        _require_production(settings)


def _require_rehearsal(settings: Settings, world: str) -> None:
    host = settings.target.hosts.api
    remedy = Run("world up DIR", "Leave it: open a new terminal. Or bring that world up, and enter it anew")
    if settings.ca is None or not settings.ca.is_file():
        raise Unusable(
            f"NEXY_WORLD says rehearsal world {world}, but its CA ({settings.ca or 'NEXY_CA is not set'}) is not there.",
            "This terminal was left inside a world that is gone, or has half of its environment.",
            remedy,
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=str(settings.ca))
    except (OSError, ssl.SSLError):
        raise Unusable(f"The CA {settings.ca} of rehearsal world {world} cannot be read.", remedy=remedy) from None
    if f"{WORLD_MARK} {world}" not in _world_names(context):
        raise Unusable(f"The CA {settings.ca} is not that of rehearsal world {world}.", "The environment mixes two worlds.", remedy)
    failure = _handshake(host, context)
    if failure is None:
        return
    what = (
        f"{host} answers with a certificate that is not from its CA ({settings.ca})"
        if isinstance(failure, ssl.SSLError)
        else f"{host} cannot be reached through its proxy ({failure})"
    )
    raise Unusable(f"NEXY_WORLD says rehearsal world {world}, but {what}.", "A rehearsal must not reach the real release host.", remedy)


def _require_production(settings: Settings) -> None:
    host = settings.target.hosts.api
    context = ssl.create_default_context(cafile=certifi.where())
    if settings.configured_ca is not None:
        private = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            private.load_verify_locations(cafile=str(settings.configured_ca))
        except (OSError, ssl.SSLError):
            raise Unusable(f"The CA {settings.configured_ca} cannot be read.", remedy="Mend tls.ca in the configuration.") from None
        if not _world_names(private):
            context.load_verify_locations(cafile=str(settings.configured_ca))
    failure = _handshake(host, context)
    if failure is None:
        return
    if isinstance(failure, ssl.SSLError):
        world = _rehearsal_behind(host, settings.ca)
        raise Unusable(
            f"NEXY_WORLD is not set, but {host} answers with a certificate that "
            + (f"{world} signed ({settings.ca})." if world else "no public CA signed."),
            "This terminal still goes through a rehearsal's proxy, or somebody stands in between: a release from here would not be real.",
            'Open a new terminal for a real release, or enter the world again: eval "$(nexy-tui world env DIR)". '
            "If your network re-signs TLS, name its CA: tls.ca in the configuration.",
        )
    raise CouldNotLook(
        f"{host} cannot be reached ({failure}).",
        "Whether this is production or a rehearsal could not be seen, so no credential was sent.",
        Run("rehearse", "Check the network and the proxy, then run again. To practise offline"),
    )


def _rehearsal_behind(host: str, ca: Path | None) -> str:
    """The rehearsal world whose CA is in force and signed what the host shows, by name; an empty text when there is none."""
    if ca is None:
        return ""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=str(ca))
    except (OSError, ssl.SSLError):
        return ""
    names = _world_names(context)
    return names[0] if names and _handshake(host, context) is None else ""


def _world_names(context: ssl.SSLContext) -> list[str]:
    """The rehearsal worlds whose CAs a context trusts."""
    marks = (_WORLD_NAME.search(_subject(ca)) for ca in context.get_ca_certs())
    return [mark[0] for mark in marks if mark is not None]


def _handshake(host: str, context: ssl.SSLContext) -> Exception | str | None:
    """None when the TLS handshake succeeded; the SSLError when the certificate was refused; else a short reason."""
    try:
        with environments_client(context, httpx.Timeout(_PATIENCE)) as client:
            client.head(f"https://{host}/")
    except httpx.TransportError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLError):
                return cause
            cause = cause.__cause__ or cause.__context__
        return type(error).__name__
    return None


def _subject(certificate: Mapping[str, object]) -> str:
    parts = certificate.get("subject", ())
    return " ".join(str(value) for group in parts for _, value in group) if isinstance(parts, tuple) else ""
