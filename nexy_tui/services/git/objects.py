"""GitPython, reading objects. It would hand its children this process's whole environment; these get what git gets."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nexy_tui.core.surroundings import Surroundings
from nexy_tui.services import processes


@contextmanager
def _looking_for_no_git() -> Iterator[None]:
    """GitPython tries git out as it is imported, with every secret of the environment: meanwhile there is none to be found."""
    meanwhile = {"GIT_PYTHON_REFRESH": "quiet", "GIT_PYTHON_GIT_EXECUTABLE": os.devnull}
    before = {name: os.environ.get(name) for name in meanwhile}
    os.environ.update(meanwhile)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


with _looking_for_no_git():
    import git

GitError = git.GitError
NOT_THERE = (KeyError, ValueError, git.BadName)
"""What a lookup raises for a commit or a path that is not there."""


def open_repository(checkout: Path, env: Surroundings) -> git.Repo:
    """The checkout's objects, read by git's own `cat-file` in `env`."""

    class Reader(git.Git):
        def execute(self, command: Sequence[str], *, istream: int | None = None, **_: Any) -> Any:  # type: ignore[override]
            words = ["git", *command[1:]]
            child = processes.start(words, env=env, cwd=checkout, stdin=istream, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            return self.AutoInterrupt(child, words)

    class Repository(git.Repo):
        GitCommandWrapperType = Reader

    return Repository(checkout)
