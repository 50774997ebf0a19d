"""Which manifest directories there are: as configured, else those of the working tree, or of a commit (contracts: names)."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from nexy_tui.core.layout import MANIFEST_PLACES, manifest_directories
from nexy_tui.core.target import Target
from nexy_tui.services.plain_file import led_to

if TYPE_CHECKING:
    from nexy_tui.services.git import Git


def directories_here(root: Path, target: Target) -> tuple[PurePosixPath, ...]:
    """Those of the working tree."""
    return _named(target) or manifest_directories([place for place in MANIFEST_PLACES if _is_there(root, place)])


def directories_at(git: Git, commit: str) -> tuple[PurePosixPath, ...]:
    """Those of a commit, whose tree may have others than the working tree. Raises CouldNotLook."""
    if named := _named(git.target):
        return named
    files = [PurePosixPath(name) for name in git.files_at(commit, *map(str, MANIFEST_PLACES))]
    return manifest_directories([place for place in MANIFEST_PLACES if any(place in file.parents for file in files)])


def _named(target: Target) -> tuple[PurePosixPath, ...]:
    return tuple(map(PurePosixPath, target.manifest_directories))


def _is_there(root: Path, place: PurePosixPath) -> bool:
    """Whether it is a folder of its own: a link to another one of the checkout is kept with that one."""
    folder, real = root / place, root.resolve() / place
    return folder.is_dir() and (folder.resolve() == real or led_to(folder, root) is not None)
