"""PostgreSQL's client programs: where they are, and the environment they are run in."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.secret import redact
from nexy_tui.core.surroundings import Needs, Surroundings, surroundings
from nexy_tui.core.text import printable
from nexy_tui.services import processes
from nexy_tui.services.database.facts import Tool
from nexy_tui.services.database.settings import DatabaseSettings, Role
from nexy_tui.services.processes import Completed

_KNOWN_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/libpq/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/libpq/bin",
    "/Library/PostgreSQL/*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
_VERSION = re.compile(r"\(PostgreSQL\) ([0-9]+(?:\.[0-9]+)*)")


class Tools:
    """The client programs of one environment: NEXY_PG_BIN alone where it is set, else PATH, then the usual places.

    Where several are installed, the first that is not older than the server is taken.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def find(self, name: str, server_major: int = 0) -> Tool:
        """A program by name. Raises CouldNotLook where there is none; one older than the server is better than none."""
        first: Tool | None = None
        for path in self._candidates(name):
            tool = _version(path, self.offline())
            first = first or tool
            if tool.major >= server_major:
                return tool
        if first is None:
            named = self._environ.get("NEXY_PG_BIN")
            raise CouldNotLook(
                f"{name} was not found" + (f" in {named} (NEXY_PG_BIN)." if named else "."),
                "Backup and drill are made with PostgreSQL's own programs.",
                "Install PostgreSQL's client programs, or name their folder in NEXY_PG_BIN.",
            )
        return first

    def environment(self, settings: DatabaseSettings, role: Role, database: str | None = None) -> Surroundings:
        """The environment a client program finds its server by: nothing of it stands in argv, and no other PG* setting interferes."""
        address = settings.address
        told = {
            **{f"PG{key.replace('_', '').upper()}": value for key, value in settings.options.items()},
            "PGHOST": address.host,
            "PGPORT": str(address.port),
            "PGDATABASE": database or address.name,
            "PGUSER": role.name,
            "PGAPPNAME": "nexy-tui",
            "PGCONNECT_TIMEOUT": "10",
            "LC_ALL": "C",
        }
        if role.password is not None:
            told["PGPASSWORD"] = role.password.reveal()
        return surroundings(Needs.POSTGRESQL, self._environ, told)

    def offline(self, told: Mapping[str, str] | None = None) -> Surroundings:
        """The environment of a client program that only reads a file: no server, no password."""
        return surroundings(Needs.PLAIN, self._environ, told)

    def _candidates(self, name: str) -> Iterator[str]:
        named = self._environ.get("NEXY_PG_BIN")
        if named:
            folders = [named]
        else:
            places = (sorted(Path("/").glob(place.lstrip("/")), key=_newest_first) for place in _KNOWN_PLACES)
            folders = [*self._environ.get("PATH", os.defpath).split(os.pathsep), *(str(folder) for found in places for folder in found)]
        for folder in dict.fromkeys(folders):
            path = shutil.which(name, path=folder) if folder else None
            if path is not None:
                yield path


def said_by(done: Completed) -> str:
    """What a client program complained of: the first line that names an error, else the last that says anything."""
    errors = (line for line in done.stderr.splitlines() if "error:" in line or "ERROR:" in line or "FATAL:" in line)
    return printable(redact(next(errors, done.tail)), 300)


def _newest_first(folder: Path) -> list[int]:
    return [-int(number) for number in re.findall(r"[0-9]+", str(folder))]


def _version(path: str, env: Surroundings) -> Tool:
    done = processes.run([path, "--version"], env=env, timeout=15, check=False)
    match = _VERSION.search(done.stdout)
    if match is None:
        raise CouldNotLook(
            f"{path} does not say its version: {done.tail}.",
            "It may be broken, or not PostgreSQL's.",
            "Reinstall PostgreSQL's client programs, or name another folder in NEXY_PG_BIN.",
        )
    return Tool(path, match[1])
