"""What is changed in the checkout and pushed: commits, tags and files, to the code repository alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from nexy_tui.core.event import Emit, OutputLine, silent
from nexy_tui.core.problem import ActionFailed, CouldNotLook
from nexy_tui.services.git.commands import PATIENCE, REMOTE_TIMEOUT, GitFailure, brief, remedy_for
from nexy_tui.services.git.remote import GitRemote


class Git(GitRemote):
    """Reads the checkout and the remote; commits, tags and pushes to the code repository only, by construction."""

    def elsewhere(self, checkout: Path, told: Mapping[str, str]) -> Git:
        """The same repository seen from another folder, its commands told these variables."""
        made = type(self)(checkout, self.target, self.environ)
        made._store = dict(told)
        return made

    def commit_files(
        self,
        paths: Sequence[str | PurePosixPath],
        message: str,
        *,
        gone: Sequence[str] = (),
        allow_empty: bool = False,
        emit: Emit = silent,
    ) -> str:
        """Commit exactly these files, and that those `gone` (of HEAD) are deleted, whatever else is staged, and return the commit.

        Hooks run, and signing as configured.
        """
        names = [str(path) for path in paths]
        if names:
            self.write("add", "--force", "--", *names, emit=emit)
        if gone:
            self.write("rm", "--quiet", "--force", "--ignore-unmatch", "--", *gone, emit=emit)
            names += gone
        only = ["--only", "--", *names] if names else []
        empty = ["--allow-empty"] if allow_empty else []
        self.write("commit", "--quiet", "--cleanup=whitespace", "--message", message, *empty, *only, timeout=PATIENCE, emit=emit)
        return self.head()

    def create_tag(self, tag: str, commit: str, message: str, *, anew: bool = False, emit: Emit = silent) -> None:
        """An annotated tag on a commit, signed where that is configured. Raises ActionFailed when the name is taken, but `anew`."""
        force = ["--force"] if anew else []
        self.write("tag", "--annotate", *force, "--cleanup=whitespace", "--message", message, tag, commit, timeout=PATIENCE, emit=emit)

    def restore(self, path: str, emit: Emit = silent) -> None:
        """Lay a file again as HEAD has it."""
        self.write("checkout", "--no-recurse-submodules", "HEAD", "--", path, emit=emit)

    def push(self, refspecs: Sequence[str], *, leases: Sequence[str] = (), aside: bool = False, emit: Emit = silent) -> None:
        """Push to the code repository in one atomic step, fast-forward only but for refs with a lease.

        A refusal is believed once the host has been asked: what it took before the line broke is pushed. Raises ActionFailed with what
        git said and what stands there now. A push `aside` is of nobody's code, or was rehearsed: the operator's hook is not run for it.
        """
        self.forget_remotes()
        options = [*(["--no-verify"] if aside else []), *(f"--force-with-lease={lease}" for lease in leases)]
        try:
            out = self.raw(*self._pushing(*options), *refspecs, timeout=REMOTE_TIMEOUT if aside else PATIENCE, emit=emit)
        except CouldNotLook as error:
            out = GitFailure(-1, error.what)
        if isinstance(out, GitFailure):
            taken = self._taken(refspecs)
            if not taken:
                raise self._refused(out.text, taken)
            emit(OutputLine(f"the push was taken, though git could not say so: {brief(out.text)}", "git"))

    def rehearse_push(self, commit: str, branch: str) -> GitFailure | None:
        """The push of a commit to a branch without sending it, the operator's hook and the host's write service asked.

        None when it would be taken, as far as both say.
        """
        out = self.raw(*self._pushing("--dry-run"), f"{commit}:refs/heads/{branch}", timeout=PATIENCE)
        return out if isinstance(out, GitFailure) else None

    def _taken(self, refspecs: Sequence[str]) -> bool | None:
        """Whether all that was to be pushed stands on the code repository now; None when that cannot be seen."""
        try:
            wanted = {ref: self._object(source) for source, _, ref in (spec.rpartition(":") for spec in refspecs)}
            there = self.remote_refs(*wanted)
        except CouldNotLook:
            return None
        return all(there.get(ref) == oid for ref, oid in wanted.items())

    def _object(self, source: str) -> str | None:
        """The object that a refspec's left side names; None where the ref is to go."""
        return self.read("rev-parse", "--verify", source.removeprefix("+")) if source else None

    def _refused(self, said: str, taken: bool | None) -> ActionFailed:
        repository = self.target.code_repository
        if taken is None:
            return ActionFailed(
                f"The push to {repository} did not end well: {brief(said)}",
                f"Whether {repository} took it is not known: it could not be asked afterwards.",
                f"{remedy_for(said)} What is there is looked at first.",
            )
        return ActionFailed(
            f"{repository} did not take the push: {brief(said)}",
            "Nothing was changed there: the push is one atomic step, and its refs were looked at afterwards.",
            remedy_for(said),
        )
