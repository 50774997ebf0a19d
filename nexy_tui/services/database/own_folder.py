"""Whether the backup folder is this machine's own, or one that whoever may push to the code repository can write to."""

from __future__ import annotations

import os
from pathlib import Path

from nexy_tui.core.problem import CouldNotLook, Refused
from nexy_tui.core.text import printable
from nexy_tui.services.git import Git, GitFailure

_ELSEWHERE = "set BACKUP_LOCAL_DIR in your environment to a folder outside the checkout"


def require_own(folder: Path, git: Git) -> None:
    """Pass where nothing of the folder comes from the checkout's history.

    Raises Refused for a folder in the checkout that is reached through a link or holds tracked files, or one elsewhere that leads
    into the checkout; CouldNotLook when git cannot tell.
    """
    root, real = Path(os.path.realpath(git.checkout)), Path(os.path.realpath(folder))
    inside = next((folder.relative_to(above) for above in (folder, *folder.parents) if Path(os.path.realpath(above)) == root), None)
    if inside is None:
        if real.is_relative_to(root):
            raise _refused(folder, f"a link that leads into the checkout, to {real}", "Name the folder itself, or " + _ELSEWHERE)
        return
    if real != root / inside:
        raise _refused(folder, f"reached through a link, and is really {real}", f"Put a folder in the link's place, or {_ELSEWHERE}")
    tracked = git.raw("ls-files", "--", f":(top,literal,icase){inside}")
    if isinstance(tracked, GitFailure):
        what = f"Whether git tracks {folder} cannot be told: {printable(tracked.text, 200).rstrip('.')}."
        raise CouldNotLook(what, remedy="Mend the checkout, then run again.")
    if tracked:
        files = tracked.splitlines()
        some = f"{printable(files[0], 100)}{f' and {len(files) - 1} more' if len(files) > 1 else ''}"
        keep = f"Untrack them, which keeps the files: git rm -r --cached -- {inside}, commit and push that"
        raise _refused(folder, f"tracked by git: {some}", f"{keep}; or {_ELSEWHERE}")


def _refused(folder: Path, is_: str, remedy: str) -> Refused:
    why = "Whoever may push there could lay archives into it, or have yours written elsewhere."
    return Refused(f"The backup folder {folder} is {is_}.", why, f"{remedy}.")
