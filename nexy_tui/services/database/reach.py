"""Which servers the database's passwords may go to, and how they are protected on the way (contracts: config.env).

A `config.env` is in the checkout, and so whoever may push writes it: a server that is not this machine's own counts only
where the operator's own configuration names it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import certifi

from nexy_tui.config import Settings
from nexy_tui.core.problem import Unusable

SYSTEM_SOCKETS = ("/run/postgresql", "/var/run/postgresql")
"""Where packages put the server's socket, and nobody but the server's user may. Any other folder may be a stranger's."""

OPTIONS_HERE: Mapping[str, str] = {"sslmode": "prefer", "gssencmode": "disable", "require_auth": "scram-sha-256,md5,none"}


def is_loopback(host: str) -> bool:
    """Whether this is an address of this very machine, or its own name for it; a name that merely resolves to it is not."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Reach:
    """The hosts that the operator's own configuration names, the file it is read from, and the CAs (PEM) that vouch for servers."""

    hosts: tuple[str, ...]
    config: Path
    ca: Path

    @classmethod
    def of(cls, settings: Settings) -> Reach:
        """As configured; the public CAs where no private one is."""
        return cls(settings.target.database.hosts, settings.config_path, settings.ca or Path(certifi.where()))

    def admits(self, host: str) -> bool:
        """Whether a password may go to that host."""
        return is_loopback(host) or host in SYSTEM_SOCKETS or host.lower() in {named.lower() for named in self.hosts}

    def refusal(self, host: str, origin: str) -> Unusable:
        """Why a host does not count, and how to have it count."""
        return Unusable(
            f"The database setting DB_HOST is {host[:100]} (from {origin}), which is not this machine's own and which you have not named.",
            "The database's password would go to a server of somebody else's choice. Nothing was looked up or sent.",
            f"If it is yours, name it in your own configuration, {self.config}: under [target.database] the line "
            f'hosts = ["{host[:100]}"]. If it is not, take DB_HOST out of there.',
        )

    def options(self, host: str) -> dict[str, str]:
        """libpq's options towards that host: never a password in cleartext; over a network, only to a server whose certificate verifies."""
        if is_loopback(host) or host.startswith("/"):
            return dict(OPTIONS_HERE)
        return {"sslmode": "verify-full", "sslrootcert": str(self.ca), "gssencmode": "disable", "require_auth": "scram-sha-256,md5"}
