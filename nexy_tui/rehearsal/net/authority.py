"""The world's certificate authority: kept in the world's directory, named after the world, trusted nowhere else."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import trustme

from nexy_tui.core.target import WORLD_MARK
from nexy_tui.rehearsal.names import World

ORGANIZATION = "nexy-tui"
_KEY = "ca.key"


def create(world: World) -> None:
    """Make the CA. Its subject carries the world's id, so whoever looks at a certificate sees which world issued it."""
    world.ca_dir.mkdir(mode=0o700, parents=True)
    authority = trustme.CA(organization_name=ORGANIZATION, organization_unit_name=_subject(world))
    _write(world.ca_dir / _KEY, authority.private_key_pem.bytes())
    _write(world.ca, authority.cert_pem.bytes())


def contexts(world: World, hosts: frozenset[str]) -> ssl.SSLContext:
    """A TLS server context that shows each host its own leaf, chosen by SNI, and fails the handshake for any other name.

    HTTP/1.1 is the only protocol offered by ALPN: that is what the front door speaks.
    """
    authority = trustme.CA.from_pem(world.ca.read_bytes(), (world.ca_dir / _KEY).read_bytes())
    by_name = {host: _leaf(authority, host, world) for host in hosts}

    def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> int | None:
        chosen = by_name.get((name or "").lower())
        if chosen is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = chosen
        return None

    front = _server_context()
    front.sni_callback = choose
    return front


def _subject(world: World) -> str:
    return f"{WORLD_MARK} {world.id}"


def _leaf(authority: trustme.CA, host: str, world: World) -> ssl.SSLContext:
    certificate = authority.issue_cert(host, organization_name=ORGANIZATION, organization_unit_name=_subject(world))
    context = _server_context()
    with certificate.private_key_and_cert_chain_pem.tempfile(dir=str(world.ca_dir)) as path:
        context.load_cert_chain(path)
    return context


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
