"""A commit made apart from the branch: hooks, signing, filters and line endings as in the checkout, and nothing of it has moved afterwards.

A git directory of its own over the checkout's files: its HEAD is detached where the checkout's stands, its index a copy.
Objects, refs, configuration and hooks are the repository's. What pushes a branch from within a hook finds the branch as it was.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from nexy_tui.core.event import Emit, silent
from nexy_tui.services.git.commands import PATIENCE
from nexy_tui.services.git.writing import Git
from nexy_tui.services.plain_file import read_plain, replace_file, require_inside

_PREFIX = "nexy-apart-"
_COPIED = ("index", "sharedindex.*", "config.worktree", "info/sparse-checkout")
"""What each work tree has for itself, and a commit in it depends on."""

_LARGEST = 1 << 20
"""Bytes of a file that is laid for the commit and put back."""


def commit_apart(git: Git, contents: Mapping[str, bytes], message: str, *, gone: Sequence[str] = (), emit: Emit = silent) -> str:
    """Commit these bytes at their paths, on HEAD, and that those `gone` are deleted; the commit, which no branch has.

    The files lie in the checkout while git reads them and hooks may, and are as they were afterwards. Raises ActionFailed with
    what git, a hook or the signing program said.
    """
    with _directory(git) as told, _laid(git.checkout, contents):
        git.write("read-tree", "--reset", "HEAD", told=told)
        git.write("add", "--force", "--", *contents, emit=emit, told=told)
        if gone:
            git.write("rm", "--quiet", "--cached", "--ignore-unmatch", "--", *gone, emit=emit, told=told)
        git.write("commit", "--quiet", "--cleanup=whitespace", "--message", message, timeout=PATIENCE, emit=emit, told=told)
        return git.read("rev-parse", "--verify", "HEAD^{commit}", told=told)


def commit_onto(git: Git, tip: str, commit: str, paths: Sequence[str], *, gone: Sequence[str] = (), emit: Emit = silent) -> str:
    """The same blobs at the same paths as in `commit`, committed on `tip`, signed where commits are."""
    signing = git.raw("config", "--type=bool", "--get", "commit.gpgSign") == "true"
    with tempfile.TemporaryDirectory(prefix="nexy-index-") as folder:
        told = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git.write("read-tree", tip, told=told)
        for path in paths:
            git.write("update-index", "--add", "--cacheinfo", f"100644,{git.read('rev-parse', f'{commit}:{path}')},{path}", told=told)
        if gone:
            git.write("rm", "--quiet", "--cached", "--ignore-unmatch", "--", *gone, told=told)
        tree = git.write("write-tree", told=told)
    sign = ["--gpg-sign"] if signing else ["--no-gpg-sign"]
    return git.write(
        "commit-tree", *sign, "-p", tip, "-m", git.read("log", "-1", "--format=%B", commit).strip(), tree, timeout=PATIENCE, emit=emit
    )


def follow(git: Git, commit: str, paths: Sequence[str], *, gone: Sequence[str] = (), emit: Emit = silent) -> None:
    """Move the checkout's branch forward to a commit, whose `paths` lie there already. Raises ActionFailed, the branch unmoved."""
    head = git.head()
    if paths:
        git.write("add", "--force", "--", *paths, emit=emit)
    if gone:
        git.write("rm", "--quiet", "--force", "--ignore-unmatch", "--", *gone, emit=emit)
    git.raw("update-index", "-q", "--refresh")  # Files that were laid and put back are new to the index; what differs stays so.
    git.write("read-tree", "-m", "-u", head, commit, emit=emit)
    git.write("update-ref", "-m", "nexy-tui: the manifest commit", "HEAD", commit, head, emit=emit)


def lying(git: Git, commit: str) -> list[str]:
    """What a later commit brings and lies in the checkout already, as git would commit it: a run that was cut off had written it."""
    with tempfile.TemporaryDirectory(prefix="nexy-index-") as folder:
        told = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git.write("read-tree", commit, told=told)
        other = set(git.read("diff", "--name-only", "--no-relative", "--no-renames", "-z", told=told).split("\0"))
    return [path for path in git.changed_paths(git.head(), commit) if path not in other]


def make_directory(git: Git, folder: Path) -> Path:
    """Make of an empty folder a git directory with HEAD detached where the checkout's stands, and a copy of its index.

    All else is the repository's, whose own directory is returned.
    """
    own, common = git.folder, Path(git.read("rev-parse", "--path-format=absolute", "--git-common-dir"))
    (folder / "HEAD").write_text(f"{git.head()}\n", "ascii")
    (folder / "commondir").write_text(f"{common}\n", "utf-8", "surrogateescape")
    for file in (file for pattern in _COPIED for file in own.glob(pattern)):
        (folder / file.relative_to(own)).parent.mkdir(exist_ok=True)
        shutil.copy2(file, folder / file.relative_to(own))
    return common


@contextmanager
def _directory(git: Git) -> Iterator[Mapping[str, str]]:
    """The variables that lead git to a directory of its own."""
    for left in git.folder.glob(f"{_PREFIX}*"):  # By a process that was killed.
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=git.folder) as folder:
        make_directory(git, Path(folder))
        yield {"GIT_DIR": folder, "GIT_WORK_TREE": str(git.checkout)}


@contextmanager
def _laid(checkout: Path, contents: Mapping[str, bytes]) -> Iterator[None]:
    """The files with these bytes, and as they were afterwards."""
    for path in contents:
        require_inside((checkout / path).parent, checkout)
    before: dict[Path, bytes | None] = {}
    made: list[Path] = []
    try:
        for path, data in contents.items():
            file = checkout / path
            before[file] = read_plain(file, _LARGEST) if file.is_file() else None
            made += [folder for folder in (file.parent, *file.parent.parents) if not folder.exists()]
            file.parent.mkdir(parents=True, exist_ok=True)
            if before[file] != data:
                replace_file(file, data)
        yield
    finally:
        for file, was in before.items():
            if was is None:
                file.unlink(missing_ok=True)
            elif not file.is_file() or read_plain(file, _LARGEST) != was:
                replace_file(file, was)
        for folder in made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
