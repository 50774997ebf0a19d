"""The scripts the rulebook names, as thin ways into this program, for a checkout that lacks them.

Kept as files beside this one, with the target's names filled in when they are laid. `update_server_version.sh` alone does
its work itself: it runs on the VM.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import PurePosixPath

from nexy_tui.core.layout import Layout
from nexy_tui.core.target import Target
from nexy_tui.services.version_files import FILES

NAMES = (
    "update_version.py",
    "db_backup.sh",
    "db_restore_drill.sh",
    "harden_database_protection.sh",
    "publish_assets_and_sync.py",
    "sync_update_manifests.py",
    "validate_updates.sh",
    "deploy_azure_guarded.sh",
    "update_server_version.sh",
)
"""Every script, in the order in which a release uses them."""

FOLDER = "server/scripts"
"""Where they lie, from the rulebook's repo root."""

MARK = "Laid by nexy-tui scaffold; it calls nexy-tui."
"""Stands in every script here that calls this program."""

_MISSING = "nexy-tui is not on PATH. Install it (uv tool install nexy-tui, or pipx install nexy-tui), then run this again."
_LIMIT = 64 * 1024


def place(layout: Layout, name: str) -> PurePosixPath:
    """A script's path from the git root."""
    return layout.relative(f"{FOLDER}/{name}")


def text(name: str, target: Target) -> bytes:
    """A script's bytes for a release target."""
    filled = files(__name__).joinpath(f"{name}.in").read_text(encoding="utf-8")
    values = {
        "@ARTIFACTS_REPOSITORY@": target.artifacts_repository,
        "@DMG_TAG@": target.dmg_tag,
        "@PKG_TAG@": target.pkg_tag,
        "@VERSION_FILES@": repr(tuple(file.path for file in FILES)).replace("'", '"'),
        "@MARK@": MARK,
        "@MISSING@": _MISSING,
    }
    for mark, value in values.items():
        filled = filled.replace(mark, value)
    return filled.encode()


def laid(layout: Layout, target: Target) -> frozenset[str]:
    """The scripts in a checkout, from its git root, that are byte for byte what would be laid there."""
    return frozenset(str(place(layout, name)) for name in NAMES if is_ours(layout, name, target))


def is_ours(layout: Layout, name: str, target: Target) -> bool:
    """Whether a script in the checkout is this program's, and unchanged."""
    path = layout.root / place(layout, name)
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(_LIMIT) == text(name, target)
