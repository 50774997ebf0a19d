"""Where things stand in the code checkout: two layouts are in use, one value knows both (contracts: names)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MANIFEST_DIRS = (PurePosixPath("server/updates/manifests"), PurePosixPath("server/server/updates/manifests"))
"""Both manifest directories, from the git root, in either layout; the first is the canonical one."""

_BASE = {"flat": PurePosixPath("."), "nested": PurePosixPath("server")}


@dataclass(frozen=True, slots=True)
class Layout:
    """Every path of a checkout. `kind` is `flat` (the git root is the rulebook's repo root) or `nested` (`server/` is)."""

    kind: str
    root: Path

    def __post_init__(self) -> None:
        if self.kind not in _BASE:
            raise ValueError(f"layout {self.kind!r} is neither flat nor nested")

    @property
    def base(self) -> PurePosixPath:
        """The rulebook's repo root, from the git root."""
        return _BASE[self.kind]

    def relative(self, path: str) -> PurePosixPath:
        """A rulebook path (from the rulebook's repo root) as a path from the git root."""
        return self.base / path

    def path(self, path: str) -> Path:
        """A rulebook path as an absolute path."""
        return self.root / self.relative(path)

    @property
    def version_file(self) -> Path:
        """The file `VERSION`."""
        return self.path("VERSION")

    @property
    def inbox(self) -> Path:
        """The folder artifacts are laid in."""
        return self.path("release_inbox")

    @property
    def scripts(self) -> Path:
        """The team's scripts."""
        return self.path("server/scripts")

    @property
    def config_env(self) -> Path:
        """The git-ignored settings the database scripts read."""
        return self.path("server/config.env")

    @property
    def backups(self) -> Path:
        """The default backup directory."""
        return self.path("server/backups/postgres")

    def manifest_files(self, version: str) -> tuple[PurePosixPath, ...]:
        """The four manifest files of a version, from the git root: canonical directory first."""
        names = ("manifest.json", f"manifest_{version}.json")
        return tuple(directory / name for directory in MANIFEST_DIRS for name in names)
