"""What is changed in the checkout and pushed: commits, tags and files, to the code repository alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from nexy_tui.core.event import Emit, silent
from nexy_tui.core.problem import ActionFailed
from nexy_tui.services.git.commands import REMOTE_TIMEOUT, GitFailure, brief, remedy_for
from nexy_tui.services.git.remote import GitRemote


class Git(GitRemote):
    """Reads the checkout and the remote; commits, tags and pushes to the code repository only, by construction."""

    def commit_files(self, paths: Sequence[str | PurePosixPath], message: str, *, allow_empty: bool = False, emit: Emit = silent) -> str:
        """Commit exactly these files, whatever else is staged, and return the commit."""
        names = [str(path) for path in paths]
        if names:
            self.write("add", "--force", "--", *names, emit=emit)
        only = ["--only", "--", *names] if names else []
        self.write("commit", "--quiet", "--message", message, *(["--allow-empty"] if allow_empty else []), *only, emit=emit)
        return self.head()

    def create_tag(self, tag: str, commit: str, message: str, emit: Emit = silent) -> None:
        """An annotated tag on a commit. Raises ActionFailed when the name is taken."""
        self.write("tag", "--annotate", "--message", message, tag, commit, emit=emit)

    def restore(self, path: str, emit: Emit = silent) -> None:
        """Lay a file again as HEAD has it."""
        self.write("checkout", "HEAD", "--", path, emit=emit)

    def push(self, refspecs: Sequence[str], *, leases: Sequence[str] = (), emit: Emit = silent) -> None:
        """Push to the code repository in one atomic step, fast-forward only but for refs with a lease.

        Raises ActionFailed with who moved the branch, where that is the reason.
        """
        self.forget_remotes()
        remote = self.code_remote()
        options = [f"--force-with-lease={lease}" for lease in leases]
        out = self.raw("push", "--atomic", "--porcelain", *options, remote, *refspecs, timeout=REMOTE_TIMEOUT, emit=emit)
        if isinstance(out, GitFailure):
            raise ActionFailed(
                f"{self.target.code_repository} did not take the push: {brief(out.text)}",
                "Nothing was changed there: the push is one atomic step.",
                remedy_for(out.text),
            )
