"""The database's settings: environment over the checkout's `config.env` over the defaults (contracts: config.env)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from nexy_tui.core.config_env import line_of, parse
from nexy_tui.core.database_rules import HOST
from nexy_tui.core.layout import Layout
from nexy_tui.core.problem import Unusable
from nexy_tui.core.secret import Secret, redact
from nexy_tui.services.database.reach import Reach, is_loopback
from nexy_tui.services.plain_file import read_plain

if TYPE_CHECKING:
    from nexy_tui.services import Services

DEFAULTS: Mapping[str, str] = {
    "DB_HOST": "localhost",
    "DB_PORT": "5432",
    "DB_NAME": "voice_assistant_db",
    "DB_USER": "nexy_user",
    "PG_SUPERUSER": "postgres",
    "BACKUP_RETENTION_DAYS": "30",
    "BACKUP_OFFSITE_PROVIDER": "none",
}
PASSWORDS = ("DB_PASSWORD", "PG_SUPERUSER_PASSWORD")
_LIMIT = 256 * 1024
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$-]{0,62}")


@dataclass(frozen=True, slots=True)
class Role:
    """A role to connect as. Without a password the server decides whether it lets the role in."""

    name: str
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is: host (or socket folder), port and name."""

    host: str
    port: int
    name: str

    @property
    def loopback(self) -> bool:
        """Whether the server is on this very machine; a name that merely resolves to it does not count."""
        return self.host.startswith("/") or is_loopback(self.host)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.name}"


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """What the database scripts read, as far as it is used here.

    `offsite_provider` names who copies archives elsewhere; `options` are libpq's, to protect a connection to the address.
    """

    address: Address
    app: Role
    superuser: Role
    backup_dir: Path
    retention_days: int
    offsite_provider: str
    options: Mapping[str, str]

    @property
    def reader(self) -> Role:
        """The role to look with: the application's, where its password is known, else the superuser."""
        return self.app if self.app.password is not None or self.superuser.password is None else self.superuser

    @property
    def dumper(self) -> Role:
        """The role to dump with: the superuser, who sees every table, where its password is known, else the application's."""
        return self.superuser if self.superuser.password is not None else self.app


def settings_of(services: Services) -> DatabaseSettings:
    """The settings of a release target's database, as `load`."""
    return load(services.layout, services.environ, Reach.of(services.settings))


def load(layout: Layout, environ: Mapping[str, str], reach: Reach) -> DatabaseSettings:
    """Read the settings. Raises Unusable naming the value and where it came from; the checkout may have no `config.env`."""
    values, sources = _gather(layout, environ)
    for key, form, wanted in (
        ("DB_HOST", HOST, "one host name or address"),
        ("DB_PORT", re.compile(r"[0-9]{1,5}"), "a port"),
        ("DB_NAME", _IDENTIFIER, "a database name"),
        ("DB_USER", _IDENTIFIER, "a role name"),
        ("PG_SUPERUSER", _IDENTIFIER, "a role name"),
        ("BACKUP_RETENTION_DAYS", re.compile(r"[0-9]{1,5}"), "a whole number of days"),
        ("BACKUP_OFFSITE_PROVIDER", re.compile(r"none|azure|aws"), "none, azure or aws"),
    ):
        if form.fullmatch(values[key]) is None:
            raise Unusable(
                f"The database setting {key} is {redact(values[key])[:60]!r} (from {sources[key]}).",
                f"It must be {wanted}.",
                f"Set {key} in {layout.settings[1]} or in the environment.",
            )
    if not reach.admits(values["DB_HOST"]):
        raise reach.refusal(values["DB_HOST"], sources["DB_HOST"])
    for key in PASSWORDS:
        if _NO_TEXT.search(values.get(key, "")):
            raise Unusable(f"The database setting {key} (from {sources[key]}) is not UTF-8 text.", remedy="Save that file as UTF-8.")
    if values["DB_USER"] == values["PG_SUPERUSER"]:
        raise Unusable(
            f"DB_USER and PG_SUPERUSER are both {values['DB_USER']!r}.",
            "The application's role must own nothing and may not delete; as the superuser it could do everything.",
            "Give the application a role of its own (server/Docs/DATABASE_SETUP_GUIDE.md).",
        )
    secrets = {key: Secret(sources[key], values[key]) for key in PASSWORDS if values.get(key)}
    return DatabaseSettings(
        address=Address(values["DB_HOST"], int(values["DB_PORT"]), values["DB_NAME"]),
        app=Role(values["DB_USER"], secrets.get("DB_PASSWORD")),
        superuser=Role(values["PG_SUPERUSER"], secrets.get("PG_SUPERUSER_PASSWORD")),
        backup_dir=_backup_dir(layout, values.get("BACKUP_LOCAL_DIR"), sources),
        retention_days=int(values["BACKUP_RETENTION_DAYS"]),
        offsite_provider=values["BACKUP_OFFSITE_PROVIDER"],
        options=reach.options(values["DB_HOST"]),
    )


def _backup_dir(layout: Layout, named: str | None, sources: Mapping[str, str]) -> Path:
    if not named:
        return layout.backups
    try:
        if named.isprintable():
            return layout.path(str(Path(named).expanduser()))
    except RuntimeError:  # The home of somebody who is not here.
        pass
    raise Unusable(
        f"The database setting BACKUP_LOCAL_DIR is {redact(named)[:60]!r} (from {sources['BACKUP_LOCAL_DIR']}).",
        "It must be a folder's path.",
        f"Set BACKUP_LOCAL_DIR in {layout.settings[1]} or in the environment.",
    )


def _gather(layout: Layout, environ: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Every setting with its origin: the environment, then the inner `config.env`, then the outer one, then the default."""
    texts = {str(path): _text(layout, path) for path in reversed(layout.settings)}
    written = {name: parse(text) for name, text in texts.items()}
    values: dict[str, str] = {}
    sources: dict[str, str] = {}
    for key in (*DEFAULTS, *PASSWORDS, "BACKUP_LOCAL_DIR"):
        for source, place in (("environment", environ), *written.items(), ("default", DEFAULTS)):
            if place.get(key):
                values[key] = place[key]
                sources[key] = f"{source}, line {line_of(texts[source], key)}" if source in texts else source
                break
    return values, sources


def _text(layout: Layout, name: PurePosixPath) -> str:
    try:
        raw = read_plain(layout.root / name, _LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        raw = b""
    except OSError as error:
        raise Unusable(f"{name} cannot be read: {error.strerror}.", "The database's settings are in it.", "Mend its permissions.") from None
    if len(raw) > _LIMIT:
        raise Unusable(f"{name} is larger than {_LIMIT} bytes.", "The database's settings are in it.", "It should hold a few short lines.")
    return raw.decode("utf-8", "surrogateescape")
