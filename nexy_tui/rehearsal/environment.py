"""The one table of what a world sets and unsets in a terminal: entering a world is a matter of environment alone.

Every line is here because the variable leaks otherwise: a request past the front door, a credential out of the user's own
files, a file into the user's home.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.rehearsal import home
from nexy_tui.rehearsal.names import OPERATOR, World
from nexy_tui.rehearsal.seed import database_settings

_LOOPBACK = "127.0.0.1,localhost,::1"

UNSET = (
    # proxies: HTTPS_PROXY alone leads into the world
    *("ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy", "FTP_PROXY", "ftp_proxy"),
    # other trust, other keys, other people's agents
    *("SSL_CERT_DIR", "SSLKEYLOGFILE", "SSH_AUTH_SOCK", "SSH_ASKPASS", "PYTHONHTTPSVERIFY"),
    # git: configuration, credentials and repositories by environment
    *("GIT_CONFIG", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_SYSTEM", "GIT_ASKPASS", "GIT_SSH", "GIT_SSL_NO_VERIFY"),
    *("GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_TEMPLATE_DIR", "GIT_EXEC_PATH", "GIT_PROXY_COMMAND"),
    *("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_DATE"),
    # gh: other tokens, hosts and repositories
    *("GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_HOST", "GH_REPO", "GH_PATH"),
    # Azure: whatever DefaultAzureCredential would try beside the world's client secret
    *("AZURE_USERNAME", "AZURE_PASSWORD", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_AUTHORITY_HOST"),
    *("AZURE_FEDERATED_TOKEN_FILE", "AZURE_TOKEN_CREDENTIALS", "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_CONTAINER", "AZURE_STORAGE_PREFIX"),
    *("AZURE_STORAGE_KEY", "AZURE_STORAGE_CONNECTION_STRING", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET"),
    # AWS: an offsite copy of a backup would leave the world
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"),
    *("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_S3_BACKUP_URI"),
    # PostgreSQL: another server, another role
    *("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSERVICE", "PGOPTIONS", "PGAPPNAME", "PGSSLMODE"),
    *("PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSYSCONFDIR", "PGDATA", "PGTARGETSESSIONATTRS", "PGREQUIREAUTH", "PGCHANNELBINDING"),
    # pip: the user's indexes
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE", "PIP_CERT", "PIP_PROXY", "PIP_TRUSTED_HOST", "PIP_FIND_LINKS"),
    # settings of the server and its scripts that would win over the world's files
    *("SERVER_VERSION", "SERVER_BUILD", "GEMINI_API_KEY", "BACKUP_LOCAL_DIR", "BACKUP_RETENTION_DAYS", "BACKUP_OFFSITE_PROVIDER"),
    # nexy-tui's own
    "NEXY_SIGNING_KEY_FILE",
)
"""Always unset, whether or not it is set where the table is made."""

_ALSO_UNSET = re.compile(
    r"(AWS_|PIP_|PG(?!PASSFILE$|SERVICEFILE$)[A-Z]|GIT_CONFIG_(KEY|VALUE)_|GIT_TRACE|AZURE_|BACKUP_|DB_|NEXY_(?!NEW_)|KEYRING_PROPERTY_|MSI_|IDENTITY_)"
)
"""Unset where it is set now and the world does not set it itself. NEXY_NEW_* are secrets that a fixer is given for this one call."""


@dataclass(frozen=True, slots=True)
class EnvTable:
    """What to set and what to unset."""

    set: Mapping[str, str]
    unset: tuple[str, ...]

    def apply(self, environ: Mapping[str, str]) -> dict[str, str]:
        """An environment inside the world, for a child process."""
        return {name: value for name, value in environ.items() if name not in self.unset} | dict(self.set)

    def shell(self) -> str:
        """POSIX shell code that takes the terminal it is evaluated in into the world."""
        exports = [f"export {name}={shlex.quote(value)}" for name, value in self.set.items()]
        return "\n".join([f"unset {' '.join(self.unset)}", *exports]) + "\n"


def environment(world: World, environ: Mapping[str, str] | None = None) -> EnvTable:
    """The table for a world, entered from `environ` (default: this process's)."""
    environ = os.environ if environ is None else environ
    programs = home.client_programs(world)
    values = {
        **_network(world),
        **_git(world),
        **_github(world),
        **_azure(world),
        **_files(world),
        **_database(world, programs),
        **_nexy(world),
        "PATH": _path(str(home.programs(world)), str(programs), environ.get("PATH", os.defpath), str(home.spare_programs(world))),
    }
    matching = sorted(name for name in environ if _ALSO_UNSET.match(name) and name not in values and name not in UNSET)
    return EnvTable(values, (*UNSET, *matching))


def _network(world: World) -> dict[str, str]:
    ca = str(world.ca)
    return {
        "HTTPS_PROXY": world.proxy,
        "https_proxy": world.proxy,
        "NO_PROXY": _LOOPBACK,
        "no_proxy": _LOOPBACK,
        "SSL_CERT_FILE": ca,
        "GIT_SSL_CAINFO": ca,
        "GIT_SSL_CAPATH": str(world.no_cas),
        "CURL_CA_BUNDLE": ca,
        "REQUESTS_CA_BUNDLE": ca,
        "NODE_EXTRA_CA_CERTS": ca,
    }


def _git(world: World) -> dict[str, str]:
    return {
        "GIT_CONFIG_GLOBAL": str(home.gitconfig(world)),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": "https",
        "GIT_SSH_COMMAND": "false",
        "GIT_TERMINAL_PROMPT": "0",
    }


def _github(world: World) -> dict[str, str]:
    return {
        "GH_TOKEN": world.secrets.world_token,
        "GH_CONFIG_DIR": str(world.home / "gh"),
        "GH_NO_UPDATE_NOTIFIER": "1",
        "GH_PROMPT_DISABLED": "1",
    }


def _azure(world: World) -> dict[str, str]:
    return {
        "AZURE_TENANT_ID": world.azure.tenant,
        "AZURE_CLIENT_ID": world.azure.client,
        "AZURE_CLIENT_SECRET": world.secrets.azure_client_secret,
        "AZURE_SUBSCRIPTION_ID": world.azure.subscription,
        "AZURE_CONFIG_DIR": str(world.home / "azure"),
    }


def _files(world: World) -> dict[str, str]:
    return {
        "CURL_HOME": str(world.home / "curl"),
        "NETRC": str(home.netrc(world)),
        "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
        "KEYRING_PROPERTY_FILE_PATH": str(home.keyring_file(world)),
    }


def _database(world: World, programs: Path) -> dict[str, str]:
    return {
        **database_settings(world),
        "PGPASSFILE": str(home.pgpass(world)),
        "PGSERVICEFILE": str(world.home / "pg_service.conf"),
        "PSQL_HISTORY": str(world.home / "psql_history"),
        "PSQLRC": str(world.home / "psqlrc"),
        "NEXY_DATABASE_URL": home.database_url(world),
        "NEXY_PG_BIN": str(programs),
    }


def _nexy(world: World) -> dict[str, str]:
    return {
        "NEXY_WORLD": world.id,
        "NEXY_CONFIG": str(world.config),
        "NEXY_STATE_DIR": str(world.state),
        "NEXY_CHECKOUT": str(world.checkout),
        "NEXY_CA": str(world.ca),
        "NEXY_VM": str(world.vm),
        "NEXY_ALLOWED_SIGNERS": str(world.allowed_signers),
        "NEXY_OPERATOR": OPERATOR,
    }


def _path(*parts: str) -> str:
    return os.pathsep.join(dict.fromkeys(folder for part in parts for folder in part.split(os.pathsep)))
