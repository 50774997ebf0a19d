"""The checkout once more in a temporary folder: what a commit would meet is met there, and nothing of it stays."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nexy_tui.services.git.apart import make_directory
from nexy_tui.services.git.commands import PATIENCE, GitFailure
from nexy_tui.services.git.writing import Git

REFUSING = ("pre-commit", "prepare-commit-msg", "commit-msg")
"""The hooks that can refuse a commit. What a hook does after one (a push, say) is not wanted of a trial."""

_QUIET = {"gc.auto": "0", "maintenance.auto": "false", "core.fsmonitor": "false", "core.untrackedCache": "false"}
"""Nothing tidies up the checkout in passing."""


@contextmanager
def trial(git: Git) -> Iterator[Git]:
    """HEAD checked out in a folder of its own, with the checkout's settings and refusing hooks; signing as tags or commits are signed.

    A commit there moves no ref of the checkout, and its objects go with the folder. Raises CouldNotLook, ActionFailed.
    """
    hooks = Path(git.read("rev-parse", "--path-format=absolute", "--git-path", "hooks"))
    signs = git.read("config", "--type=bool", "--default=false", "--get", "tag.gpgSign") == "true"
    with tempfile.TemporaryDirectory(prefix="nexy-trial-") as folder:
        place = Path(folder)
        for name in ("git", "tree", "objects", "hooks"):
            (place / name).mkdir()
        common = make_directory(git, place / "git")
        (place / "tree/.git").write_text(f"gitdir: {place / 'git'}\n", encoding="utf-8", errors="surrogateescape")
        _copy_hooks(hooks, place / "hooks")
        settings = {**_QUIET, "core.hooksPath": str(place / "hooks"), **({"commit.gpgSign": "true"} if signs else {})}
        made = git.elsewhere(
            place / "tree",
            {
                "GIT_DIR": str(place / "git"),
                "GIT_WORK_TREE": str(place / "tree"),
                "GIT_OBJECT_DIRECTORY": str(place / "objects"),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": _alternates(common / "objects", git.borrowed),
                "GIT_LFS_SKIP_SMUDGE": "1",
                **_configured(settings, git.environ),
            },
        )
        try:
            made.write("read-tree", "HEAD")
            made.write("checkout-index", "--all", "--quiet", timeout=300)
            yield made
        finally:
            made.close()


def passes_without_hooks(made: Git, message: str) -> bool:
    """Whether it was a hook that refused the commit in a trial, and nothing else."""
    skipped = ("-c", "core.hooksPath=/dev/null")
    return not isinstance(made.raw(*skipped, "commit", "--quiet", "--allow-empty", "--message", message, timeout=PATIENCE), GitFailure)


def _copy_hooks(hooks: Path, into: Path) -> None:
    """Each hook that can refuse, called where it stands: it may look for its neighbours."""
    for name in REFUSING:
        if os.access(hooks / name, os.X_OK):
            caller = into / name
            caller.write_text(f'#!/bin/sh\nexec {shlex.quote(str(hooks / name))} "$@"\n', encoding="utf-8", errors="surrogateescape")
            caller.chmod(0o700)


def _alternates(*stores: Path | None) -> str:
    return os.pathsep.join(f'"{store}"' for store in stores if store is not None)


def _configured(settings: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Settings by environment, after those that the operator gives so."""
    count = environ.get("GIT_CONFIG_COUNT", "")
    first = int(count) if count.isdigit() else 0
    told = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (key, value) in enumerate(settings.items(), first):
        told |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return told
