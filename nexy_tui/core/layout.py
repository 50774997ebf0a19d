"""Where things stand in the code checkout: two layouts are in use, one value knows both (contracts: names)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nexy_tui.core.version import Version

MANIFEST_DIRS = (PurePosixPath("server/updates/manifests"), PurePosixPath("server/server/updates/manifests"))
"""The rulebook's manifest directories, from the git root, in either layout."""

MANIFEST_PLACES = (*MANIFEST_DIRS, PurePosixPath("updates/manifests"))
"""Every place that trees keep manifests in, from the git root: the application reads now one, now another first."""

PUBLISHER = "server/scripts/publish_assets_and_sync.py"
"""The publisher script's rulebook path: where it stands, there is the layout."""

SETTINGS = ("config.env", "server/config.env")
"""Both settings files from the rulebook's repo root, the outer before the inner."""

LAYOUTS = ("flat", "nested")
_BASE = {"flat": PurePosixPath("."), "nested": PurePosixPath("server")}


def manifest_directories(there: Collection[PurePosixPath]) -> tuple[PurePosixPath, ...]:
    """The directories that are kept identical, of those that exist: all of them, the rulebook's two beside one that is alone."""
    found = tuple(place for place in MANIFEST_PLACES if place in there)
    return found if len(found) > 1 else tuple(place for place in MANIFEST_PLACES if place in found or place in MANIFEST_DIRS)


def manifest_names(version: str) -> tuple[str, str]:
    """The two files of a version in each manifest directory."""
    return "manifest.json", f"manifest_{version}.json"


def version_of(path: PurePosixPath) -> Version | None:
    """The version in a manifest's name; None for `manifest.json` and every other file."""
    if path.suffix != ".json" or not path.stem.startswith("manifest_"):
        return None
    try:
        return Version.parse(path.stem.removeprefix("manifest_"))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Layout:
    """Every path of a checkout. `kind` is `flat` (the git root is the rulebook's repo root) or `nested` (`server/` is)."""

    kind: str
    root: Path
    manifest_directories: tuple[PurePosixPath, ...] = MANIFEST_DIRS

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
    def settings(self) -> tuple[PurePosixPath, PurePosixPath]:
        """Where `config.env` stands, from the git root: outer and inner. A tree has one of them or both; the inner wins."""
        outer, inner = (self.relative(name) for name in SETTINGS)
        return outer, inner

    @property
    def config_env(self) -> Path:
        """The inner `config.env`."""
        return self.root / self.settings[1]

    @property
    def backups(self) -> Path:
        """The default backup directory."""
        return self.path("server/backups/postgres")

    @property
    def canonical(self) -> PurePosixPath:
        """The manifest that the others are held against, from the git root."""
        return self.manifest_directories[0] / "manifest.json"

    def manifest_files(self, version: str) -> tuple[PurePosixPath, ...]:
        """The manifest files of a version, two in each directory, from the git root: the canonical one first."""
        return tuple(directory / name for directory in self.manifest_directories for name in manifest_names(version))
