"""The release target: every name of the outside world, in one block (rulebook sections 0 to 1.3)."""

from __future__ import annotations

from dataclasses import dataclass, field

DMG = "Nexy.dmg"
PKG = "Nexy.pkg"
WORLD_MARK = "nexy-tui rehearsal world"
"""Stands in the subject of every rehearsal world's CA, followed by the world's id."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """The release host's three names. Always spoken to over verified https."""

    web: str = "github.com"
    api: str = "api.github.com"
    uploads: str = "uploads.github.com"


@dataclass(frozen=True, slots=True)
class UpdateServer:
    """Where clients ask for updates."""

    host: str = "nexy-server.canadacentral.cloudapp.azure.com"
    port: int = 443

    @property
    def base_url(self) -> str:
        """The server's address, port included unless it is https's own."""
        return f"https://{self.host}" + ("" if self.port == 443 else f":{self.port}")

    @property
    def feed_url(self) -> str:
        """The appcast's address, where every installed client asks."""
        return f"{self.base_url}/updates/appcast.xml"


@dataclass(frozen=True, slots=True)
class Vm:
    """The virtual machine the server runs on. An empty subscription is taken from AZURE_SUBSCRIPTION_ID."""

    resource_group: str = "NetworkWatcherRG"
    name: str = "Nexy"
    directory: str = "/home/azureuser/voice-assistant"
    service: str = "voice-assistant.service"
    subscription: str = ""


@dataclass(frozen=True, slots=True)
class Database:
    """Where backup, drill and hardening run: `vm` (through run-command) or `local` (from here).

    `hosts` are the servers off the loopback that a `config.env` (of the checkout or of the VM) may name in DB_HOST.
    """

    where: str = "vm"
    hosts: tuple[str, ...] = ()
    drill_max_age_days: int = 7


@dataclass(frozen=True, slots=True)
class Target:
    """The whole release target. `world` is the rehearsal world's id, or None for production.

    `layout` and `manifest_directories` (from the git root) are of the code repository; empty: found from what is there.
    """

    code_repository: str = "Seregawpn/Nexy_server"
    artifacts_repository: str = "Seregawpn/Nexy_production"
    dmg_tag: str = "Update"
    pkg_tag: str = "App"
    release_branch: str = ""
    layout: str = ""
    manifest_directories: tuple[str, ...] = ()
    sparkle_public_key: str = ""
    team_id: str = ""
    hosts: Hosts = field(default_factory=Hosts)
    update_server: UpdateServer = field(default_factory=UpdateServer)
    vm: Vm = field(default_factory=Vm)
    database: Database = field(default_factory=Database)
    world: str | None = None

    @property
    def name(self) -> str:
        """What the operator types and sees: `production` or `rehearsal`."""
        return "production" if self.world is None else "rehearsal"

    def tag_for(self, asset: str) -> str:
        """The fixed tag an artifact is published under. Raises KeyError for any other file."""
        return {DMG: self.dmg_tag, PKG: self.pkg_tag}[asset]

    def code_url(self) -> str:
        """The code repository's canonical git address."""
        return f"https://{self.hosts.web}/{self.code_repository}.git"

    def asset_url(self, asset: str) -> str:
        """The fixed address clients download an artifact from."""
        return f"https://{self.hosts.web}/{self.artifacts_repository}/releases/download/{self.tag_for(asset)}/{asset}"

    def notes_url(self, asset: str = DMG) -> str:
        """The release page of an artifact."""
        return f"https://{self.hosts.web}/{self.artifacts_repository}/releases/tag/{self.tag_for(asset)}"
