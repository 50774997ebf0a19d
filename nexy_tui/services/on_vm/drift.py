"""What stands in the clone that neither its commit nor the wizard put there: files changed by hand, and files in a release's way."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable

from nexy_tui.services.on_vm.settings_files import SETTINGS, read
from nexy_tui.services.on_vm.steps import Place, git, try_git


def changed_by_hand(place: Place, manifests: Iterable[str]) -> list[str]:
    """Tracked files that differ from HEAD, settings and whatever lies in the manifests' folders apart. Raises StepFailed."""
    said = git(place, "diff", "--name-only", "--no-renames", "-z", "HEAD", extra={"GIT_OPTIONAL_LOCKS": "0"})
    return _foreign(said.split("\0"), manifests)


def in_the_way(place: Place, commit: str, manifests: Iterable[str]) -> list[str] | None:
    """Files git does not track that a checkout of `commit` would overwrite; None where the clone does not have that commit yet."""
    listed = try_git(place, "ls-tree", "-r", "-z", "--name-only", commit)
    if listed is None:
        return None
    tracked = set((try_git(place, "ls-files", "-z") or "").split("\0"))
    found = set()
    for path in _foreign(listed.split("\0"), manifests):
        if path not in tracked and (blocking := _on_disk(place.app, path)) is not None and blocking not in tracked:
            found.add(blocking)
    return sorted(found)


def save_aside(place: Place, paths: Iterable[str], reference: str) -> str:
    """A commit of HEAD with these files as they stand, under `reference`; index and working tree stay. Its name."""
    handle, index = tempfile.mkstemp(prefix="nexy-index.")
    os.close(handle)
    os.unlink(index)
    own = {"GIT_INDEX_FILE": index}
    author = {f"GIT_{who}_{what}": "nexy-tui" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    try:
        git(place, "read-tree", "HEAD", extra=own)
        for path in paths:
            there = os.path.lexists(os.path.join(place.app, path))
            words = ("add", "--force", "--") if there else ("rm", "--cached", "--quiet", "--ignore-unmatch", "--")
            git(place, "--literal-pathspecs", *words, path, extra=own)
        tree = git(place, "write-tree", extra=own).strip()
    finally:
        if os.path.exists(index):
            os.unlink(index)
    commit = git(place, "commit-tree", tree, "-p", "HEAD", "-m", "Saved aside before a deploy", extra=author).strip()
    git(place, "update-ref", reference, commit)
    return commit


def is_from_git(place: Place, path: str, commit: str) -> bool:
    """Whether what stands at a path is a commit's file, or the beginning of one whose writing was cut off."""
    here = (try_git(place, "hash-object", f"--path={path}", "--", os.path.join(place.app, path)) or "").strip()
    data = read(os.path.join(place.app, path)) or b""
    for at in ("HEAD", commit):
        blob = try_git(place, "rev-parse", "--verify", "--quiet", f"{at}:{path}")
        if blob is None:
            continue
        if blob.strip() == here or (try_git(place, "cat-file", "blob", blob.strip()) or "").encode().startswith(data):
            return True
    return False


def _foreign(paths: Iterable[str], manifests: Iterable[str]) -> list[str]:
    folders = tuple(f"{folder}/" for folder in manifests)
    return [path for path in paths if path and path not in SETTINGS and not path.startswith(folders)]


def _on_disk(app: str, path: str) -> str | None:
    """The path itself, or the file that stands where one of its folders belongs."""
    if os.path.lexists(os.path.join(app, path)):
        return path
    while path := os.path.dirname(path):
        full = os.path.join(app, path)
        if os.path.islink(full) or os.path.isfile(full):
            return path
    return None
