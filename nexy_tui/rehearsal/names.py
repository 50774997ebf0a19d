"""What a rehearsal world is called and where it keeps things: the one value every part of it shares."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from nexy_tui.core.layout import Layout
from nexy_tui.core.problem import Unusable
from nexy_tui.core.target import Database, Target
from nexy_tui.rehearsal import trees

EARLIER = ("1.6.1.40", "1.6.1.41")
"""Releases before the previous one: tags in the history, no artifacts."""

PREVIOUS = "1.6.1.42"
"""The release a new world stands at: published, deployed and served."""

NEXT = "1.6.1.43"
"""The release whose artifacts lie in a new world's inbox."""

CODE = "Seregawpn/Nexy_server"
ARTIFACTS = "Seregawpn/Nexy_production"

RENAMED = "Seregawpn/Nexy_backend"
"""What the code repository is called once it has been renamed (fault `repository-renamed`)."""

ASSET_HOST = "objects.githubusercontent.com"
"""Where the release host redirects downloads to (the second host of the 302)."""

LOGIN_HOST = "login.microsoftonline.com"
ARM_HOST = "management.azure.com"

OPERATOR = "operator@rehearsal"
"""The rehearsal's operator: git identity's e-mail, principal in allowed_signers, NEXY_OPERATOR."""

VM_HOME = "/home/azureuser"
"""The VM user's home as the rulebook spells it; in the world it is DIR/vm/home/azureuser."""

DATABASE_NAME = "voice_assistant_db"
DATABASE_USER = "nexy_user"
DATABASE_SUPERUSER = "postgres"

KEYRING_SERVICE = "nexy-tui"
SPARKLE_USERNAME = "sparkle-private-key"

DEFAULT_ARTIFACT_SIZE = 64_000_000

_DIR = re.compile(r"[A-Za-z0-9._/-]+")


@dataclass(frozen=True, slots=True)
class WorldSecrets:
    """Everything in a world that is secret in the real one. Made per world, worth nothing outside it."""

    world_token: str
    readonly_token: str
    artifacts_token: str
    code_token: str
    azure_client_secret: str
    azure_bearer: str
    url_signing_key: str
    database_password: str
    database_superuser_password: str
    gemini_api_key: str
    sparkle_seed: str

    @classmethod
    def make(cls) -> WorldSecrets:
        """Fresh secrets, each in the form its real counterpart has."""

        def token() -> str:
            return "ghp_" + secrets.token_hex(18)

        return cls(
            world_token=token(),
            readonly_token=token(),
            artifacts_token=token(),
            code_token=token(),
            azure_client_secret=secrets.token_urlsafe(30),
            azure_bearer=secrets.token_urlsafe(48),
            url_signing_key=secrets.token_hex(32),
            database_password=secrets.token_hex(12),
            database_superuser_password=secrets.token_hex(12),
            gemini_api_key="AIza" + secrets.token_hex(18)[:35],
            sparkle_seed=base64.b64encode(secrets.token_bytes(32)).decode(),
        )


@dataclass(frozen=True, slots=True)
class Azure:
    """The ids of the world's cloud: not secret, only unlike anybody's."""

    tenant: str
    client: str
    subscription: str


@dataclass(frozen=True, slots=True)
class World:
    """One rehearsal world: a directory, an id, ports on loopback. Written to `world.json`, read back by everybody else."""

    dir: Path
    id: str
    layout: str
    artifact_size: int
    ports: dict[str, int]
    secrets: WorldSecrets = field(repr=False)
    azure: Azure
    sparkle_public_key: str
    previous: str = PREVIOUS
    next: str = NEXT
    seed: tuple[str, ...] = ()

    @property
    def target(self) -> Target:
        """The release target as this world's configuration names it: production's names, this world's key and id."""
        return Target(sparkle_public_key=self.sparkle_public_key, database=Database(where="local"), world=self.id)

    @property
    def update_host(self) -> str:
        """The update server's public name."""
        return self.target.update_server.host

    @property
    def proxy(self) -> str:
        """The front door's address."""
        return f"http://127.0.0.1:{self.ports['front']}"

    def rights(self, token: str) -> frozenset[str] | None:
        """The repositories a token may write to; None for a token this world does not know."""
        known = {
            self.secrets.world_token: frozenset((CODE, ARTIFACTS)),
            self.secrets.artifacts_token: frozenset((ARTIFACTS,)),
            self.secrets.code_token: frozenset((CODE,)),
            self.secrets.readonly_token: frozenset[str](),
        }
        return known.get(token)

    # --- files of the world ---

    @property
    def file(self) -> Path:
        """`world.json`."""
        return self.dir / "world.json"

    @property
    def running(self) -> Path:
        """The supervisor's pid file, there while it runs and locked by it."""
        return self.dir / "supervisor.json"

    @property
    def faults(self) -> Path:
        """`faults.json`: what is broken now, read by every server at the moment it decides."""
        return self.dir / "faults.json"

    @property
    def ca_dir(self) -> Path:
        """The certificate authority's key and certificate."""
        return self.dir / "ca"

    @property
    def ca(self) -> Path:
        """The CA certificate clients trust."""
        return self.ca_dir / "ca.pem"

    @property
    def no_cas(self) -> Path:
        """An empty folder of CAs. Without one a git built with GnuTLS reads every certificate of the system at each request."""
        return self.ca_dir / "none"

    @property
    def git(self) -> Path:
        """The git host's bare repositories."""
        return self.dir / "git"

    @property
    def checkout(self) -> Path:
        """The operator's checkout of the code repository."""
        return self.dir / "checkout"

    @property
    def checkout_layout(self) -> Layout:
        """Every path of the operator's checkout."""
        return Layout(self.layout, self.checkout, trees.manifest_directories(self.features))

    @property
    def features(self) -> frozenset[str]:
        """What the code repository's tree has."""
        return trees.features(self.seed)

    @property
    def releases(self) -> Path:
        """The release host's state and assets."""
        return self.dir / "releases"

    @property
    def artifacts(self) -> Path:
        """Artifacts built for this world."""
        return self.dir / "artifacts"

    @property
    def vm(self) -> Path:
        """The VM's file system."""
        return self.dir / "vm"

    @property
    def vm_clone(self) -> Path:
        """The VM's own clone of the code repository."""
        return self.vm / VM_HOME.lstrip("/") / "voice-assistant"

    @property
    def index(self) -> Path:
        """The package index the VM's pip installs from."""
        return self.dir / "index"

    @property
    def pg(self) -> Path:
        """PostgreSQL: data, logs, client settings."""
        return self.dir / "pg"

    @property
    def home(self) -> Path:
        """Where clients keep their settings inside the world: git, gh, az, curl, keyring, nexy-tui."""
        return self.dir / "home"

    @property
    def config(self) -> Path:
        """The operator's nexy-tui configuration (NEXY_CONFIG)."""
        return self.home / "nexy" / "config.toml"

    @property
    def allowed_signers(self) -> Path:
        """Who may sign a rehearsal's log; no production verification reads it."""
        return self.home / "nexy" / "allowed_signers"

    @property
    def state(self) -> Path:
        """Run logs (NEXY_STATE_DIR)."""
        return self.dir / "state"

    @property
    def log(self) -> Path:
        """What the world's servers had to say."""
        return self.dir / "log"

    def bare(self, repository: str) -> Path:
        """A bare repository of the git host."""
        return self.git / f"{repository}.git"

    def save(self) -> None:
        """Write `world.json`, whole or not at all, readable by its owner only."""
        document = asdict(self)
        document["dir"] = str(self.dir)
        temporary = self.file.with_suffix(".tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(document, stream, indent=2)
        temporary.replace(self.file)

    def with_ports(self, ports: dict[str, int]) -> World:
        """The same world on other ports."""
        return replace(self, ports=ports)

    @classmethod
    def load(cls, directory: Path) -> World:
        """Read the world of a directory. Raises Unusable where there is none, or one that was never finished."""
        directory = checked_directory(directory)
        try:
            document = json.loads((directory / "world.json").read_text(encoding="utf-8"))
            document["dir"], document["seed"] = directory, tuple(document.get("seed", ()))
            document["secrets"] = WorldSecrets(**document["secrets"])
            document["azure"] = Azure(**document["azure"])
            return cls(**document)
        except (FileNotFoundError, NotADirectoryError):
            raise Unusable(
                f"There is no rehearsal world in {directory}.", "It has no world.json.", f"Make one: nexy-tui world up {directory}"
            ) from None
        except OSError as error:
            raise Unusable(
                f"{directory / 'world.json'} cannot be read: {error.strerror}.",
                "A world belongs to the user who made it.",
                "Enter it as that user, or make your own: nexy-tui world up OTHER_DIR",
            ) from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Unusable(
                f"{directory / 'world.json'} cannot be read as a rehearsal world.",
                f"It was written by another version of nexy-tui, or damaged ({type(error).__name__}).",
                "Use another directory: nexy-tui world up OTHER_DIR",
            ) from error


def checked_directory(directory: Path) -> Path:
    """The directory as an absolute path without symbolic links. Raises Unusable for characters some program of the world cannot take.

    Shell scripts rewritten for the VM, git's configuration and PostgreSQL's socket options each quote differently; a
    path without anything to quote is safe in all of them (design: rehearsal).
    """
    absolute = directory.expanduser().resolve()
    if _DIR.fullmatch(str(absolute)) is None:
        raise Unusable(
            f"A rehearsal world cannot live in {str(absolute)!r}.",
            "Its path may hold only letters, digits and . _ / - because it stands in shell scripts and configuration files.",
            "Choose another directory, as ~/nexy-world.",
        )
    return absolute
