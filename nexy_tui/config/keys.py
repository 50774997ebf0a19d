"""Every key of the configuration file: what it means, and what its value may be. docs/configuration.md is made from this table."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nexy_tui.core.database_rules import HOST

_MOST_DAYS = 3650
_FASTEST = 100_000


@dataclass(frozen=True, slots=True)
class Key:
    """A key by its dotted name. `fits` judges one value (each of a list), `wanted` says what it takes; `variable` overrides it."""

    name: str
    about: str
    wanted: str
    fits: Callable[[Any], bool]
    variable: str = ""

    @property
    def path(self) -> bool:
        """Whether it is a file or folder of this machine."""
        return self.fits is _path


def _form(pattern: str | re.Pattern[str]) -> Callable[[Any], bool]:
    form = re.compile(pattern)
    return lambda value: form.fullmatch(value) is not None


def _public_key(value: str) -> bool:
    try:
        return not value or len(base64.b64decode("".join(value.split()), validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


def _path(value: str) -> bool:
    if not value.startswith("~"):
        return not value or value.startswith("/")
    try:
        return Path(value).expanduser().is_absolute()
    except RuntimeError:
        return False


_REPOSITORY = _form(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}")
_HOST = _form(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_REF = r"(?!.*(\.\.|//|/\.|\.lock(/|$)|[./]$))"
"""What git takes for no name of a branch or tag (git-check-ref-format(1))."""
_TAG = _form(_REF + r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FOLDERS = _form(r"(?!/)(/?(?!\.{1,2}(/|$)|(?i:\.git)(/|$))[A-Za-z0-9._-]{1,100}){1,10}")
_A_PATH = "a path in full, or one that begins with ~ (your home; ~name: that of somebody who is here)"
_LAYOUT = _form("|flat|nested")
OPERATOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")
"""An operator's id as it may stand in an allowed_signers file: no pattern characters, no spaces."""
SUBSCRIPTION = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
"""An Azure subscription's id."""

KEYS = (
    Key(
        "operator.id",
        "Who releases, as it stands in the log and in the list of trusted keys.",
        "an address or a name: letters, digits and . _ @ + -",
        lambda value: not value or OPERATOR.fullmatch(value) is not None,
        "NEXY_OPERATOR",
    ),
    Key(
        "operator.signing_key_file",
        "The OpenSSH Ed25519 key that signs where neither keyring nor ssh-agent has one; mode 0600.",
        _A_PATH,
        _path,
        "NEXY_SIGNING_KEY_FILE",
    ),
    Key("target.code_repository", "The server's code (pipeline A).", "owner/name", _REPOSITORY),
    Key("target.artifacts_repository", "Where the artifacts are published (pipeline B).", "owner/name", _REPOSITORY),
    Key("target.dmg_tag", "The fixed tag that Nexy.dmg is published under.", "a tag name", _TAG),
    Key("target.pkg_tag", "The fixed tag that Nexy.pkg is published under.", "a tag name", _TAG),
    Key(
        "target.release_branch",
        "The branch that a release is pushed to.",
        "a branch name, or empty for the remote's own",
        _form(_REF + r"([A-Za-z0-9][A-Za-z0-9._/-]{0,150})?"),
    ),
    Key("target.layout", "Where the rulebook's root is in the checkout.", "flat or nested, or empty to find it", _LAYOUT),
    Key(
        "target.manifest_directories",
        "The folders that hold the manifests; empty: those that are there.",
        "a list of folders from the git root, as server/updates/manifests: letters, digits, . _ - and /, no .. and no .git",
        _FOLDERS,
    ),
    Key(
        "target.sparkle_public_key",
        "The application's SUPublicEDKey. With it every update must be signed, and the signature is verified.",
        "the base64 of 32 bytes, or empty for none",
        _public_key,
    ),
    Key(
        "target.team_id",
        "Apple's Team ID that the application must be signed by; empty: not looked at.",
        "ten capital letters and digits, or empty",
        _form(r"([A-Z0-9]{10})?"),
    ),
    Key("target.hosts.web", "The release host: git, pages and downloads.", "a host name", _HOST),
    Key("target.hosts.api", "The release host's API.", "a host name", _HOST),
    Key("target.hosts.uploads", "The release host's uploads.", "a host name", _HOST),
    Key("target.update_server.host", "Where clients ask for updates.", "a host name", _HOST),
    Key("target.update_server.port", "Its port.", "a port: a number from 1 to 65535", lambda value: 0 < value < 65536),
    Key(
        "target.vm.resource_group",
        "The VM's resource group.",
        "the name of a resource group",
        _form(r"[A-Za-z0-9._()-]{1,89}[A-Za-z0-9_()-]"),
    ),
    Key("target.vm.name", "The VM.", "the name of a VM", _form(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")),
    Key(
        "target.vm.directory",
        "The application's folder on the VM.",
        "an absolute path of letters, digits, . _ / - and no folder called ..",
        _form(r"(?!.*/\.{1,2}(/|$))/[A-Za-z0-9._/-]{1,200}"),
    ),
    Key(
        "target.vm.service",
        "The application's unit on the VM.",
        "a unit name ending in .service",
        _form(r"[A-Za-z0-9@._-]{1,100}\.service"),
    ),
    Key(
        "target.vm.subscription",
        "The VM's Azure subscription. Empty: AZURE_SUBSCRIPTION_ID.",
        "a subscription's id, as `az account show --query id` prints it, or empty",
        lambda value: not value or SUBSCRIPTION.fullmatch(value) is not None,
    ),
    Key("target.database.where", "Where backup, drill and hardening run.", "vm or local", _form("vm|local")),
    Key(
        "target.database.hosts",
        "Servers off the loopback that a config.env may name in DB_HOST.",
        "a list of host names, addresses or socket folders",
        _form(HOST),
    ),
    Key(
        "target.database.drill_max_age_days",
        "How old the last restore drill may be.",
        f"a number from 0 to {_MOST_DAYS}",
        lambda value: 0 <= value <= _MOST_DAYS,
    ),
    Key(
        "trust.allowed_signers",
        "The list of trusted keys, in OpenSSH's format. Empty: allowed_signers beside the configuration.",
        _A_PATH,
        _path,
        "NEXY_ALLOWED_SIGNERS",
    ),
    Key("tls.ca", "A private CA (PEM) that the target's hosts may use besides the public ones.", _A_PATH, _path, "NEXY_CA"),
    Key("paths.state", "Where run logs lie. Empty: the platform's folder for state.", _A_PATH, _path, "NEXY_STATE_DIR"),
    Key("paths.layout", "Another name of target.layout.", "flat or nested; its name is target.layout", _LAYOUT),
    Key(
        "waiting.speed",
        "What every wait is divided by; 1 for a real release.",
        f"a number above 0 and at most {_FASTEST}",
        lambda value: 0 < value <= _FASTEST,
    ),
)
