"""What of a dump a drill restores: its table of contents without what only a superuser may make, and its extensions apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nexy_tui.core.database_rules import DRILL_EXTENSIONS, DRILL_LEFT_OUT, DRILL_UNSAID

_ENTRY = re.compile(r"[0-9]+; [0-9]+ [0-9]+ (.+)")
_CREATED = re.compile(r'^CREATE EXTENSION IF NOT EXISTS ("?)([a-z_][a-z0-9_-]*)\1 WITH SCHEMA ("?)([a-z_][a-z0-9_]*)\3;$', re.MULTILINE)
_THERE = ("public", "pg_catalog")


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension that a dump wants, and the schema that it wants it in."""

    name: str
    schema: str

    @property
    def own_schema(self) -> bool:
        """Whether that schema has to be made first."""
        return self.schema not in _THERE


@dataclass(frozen=True, slots=True)
class TableOfContents:
    """A dump's table of contents, as `pg_restore --list` prints it."""

    listing: str

    @property
    def extensions(self) -> str:
        """A list for `--use-list` of the extensions alone."""
        return "".join(f"{line}\n" for line in self.listing.splitlines() if _kind(line) == "EXTENSION")

    def kept(self, made: Sequence[Extension]) -> str:
        """A list for `--use-list` of what the drill's role restores, where those extensions are there already."""
        schemas = {extension.schema for extension in made if extension.own_schema}
        return "".join(f"{line}\n" for line in self.listing.splitlines() if not _kind(line) and _schema(line) not in schemas)

    def left_out(self, made: Sequence[Extension]) -> list[str]:
        """What is neither restored nor there already and may be missed, in words; the rights and comments of others are not."""
        names = {extension.name for extension in made}
        found = ((_kind(line), line) for line in self.listing.splitlines())
        told = [(kind, _rest(line).removeprefix(f"{kind} ").split(" ")) for kind, line in found if kind and kind not in DRILL_UNSAID]
        return [f"{kind} {' '.join(words[1:-1])}" for kind, words in told if kind != "EXTENSION" or words[1] not in names]


def wanted_extensions(script: str) -> list[Extension]:
    """The extensions in pg_restore's script of them that a drill makes; the others it leaves out."""
    return [Extension(name, schema) for _, name, _, schema in _CREATED.findall(script) if name in DRILL_EXTENSIONS]


def _rest(line: str) -> str:
    match = _ENTRY.match(line)
    return match[1] if match else ""


def _kind(line: str) -> str:
    """Which of the kinds that are left out an entry is of; empty for one that is restored."""
    rest = _rest(line)
    return max((kind for kind in DRILL_LEFT_OUT if rest.startswith(f"{kind} ")), key=len, default="")


def _schema(line: str) -> str:
    rest = _rest(line)
    return rest.split(" ")[2] if rest.startswith("SCHEMA - ") else ""
