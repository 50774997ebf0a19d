"""The code repository: the checkout and its remote, to which alone anything is pushed. Objects are read through GitPython."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from nexy_tui.core.event import Emit, silent
from nexy_tui.core.problem import ActionFailed, CouldNotLook, Refused, Unusable
from nexy_tui.core.repository import is_repository
from nexy_tui.core.secret import redact
from nexy_tui.core.surroundings import Needs, Surroundings, surroundings
from nexy_tui.core.target import Target
from nexy_tui.services import processes
from nexy_tui.services.secrets import TOKEN_VARIABLES

if TYPE_CHECKING:
    import git

_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LANGUAGE": "C"}
_DEFAULTS = {"SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C"}
"""No prompt may hang a child (none has a terminal), and messages are read in English."""

LARGEST = 64 << 20
"""Bytes of a file in a commit; anyone who may push can lay a larger one there."""

_LOCAL_TIMEOUT = 60.0
_REMOTE_TIMEOUT = 180.0
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules", "--refmap=")
"""Objects alone: for looking, not for the operator's refs."""
_TALKS = frozenset(("fetch", "ls-remote", "push"))
"""Commands that talk to the remote."""
_ASKS_GH = re.compile(r"^credential\.(\S*\.)?helper .*\bgh\b.* auth git-credential", re.MULTILINE)
_PROMISED = re.compile(r"^remote\.\S*\.promisor true$|^extensions\.partialclone ", re.MULTILINE)
_PUSH_HOOKS = ("pre-push", "reference-transaction")

_REMOTE = re.compile(r"(?P<name>[^\t\n]+)\t(?P<url>.+?) \((?P<way>fetch|push)\)( \[\S+\])?")
"""A line of `git remote --verbose`: addresses as git really uses them; a partial clone's filter may stand at the end."""
_SYMREF = re.compile(r"ref: refs/heads/(\S+)\tHEAD")


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote and where it really goes: URLs after `insteadOf` and `pushurl`, credentials taken out for showing."""

    name: str
    fetch_urls: tuple[str, ...]
    push_urls: tuple[str, ...]

    def is_for(self, host: str, repository: str) -> bool:
        """Whether every push, and every fetch, goes to that repository."""
        urls = self.push_urls + self.fetch_urls
        return bool(self.push_urls) and all(is_repository(url, host, repository) for url in urls)


@dataclass(frozen=True, slots=True)
class GitFailure:
    """What git said when it refused, without credentials."""

    status: int
    text: str


class Git:
    """Reads the checkout and the remote; commits, tags and pushes to the code repository only, by construction."""

    def __init__(self, checkout: Path, target: Target, environ: Mapping[str, str]) -> None:
        if shutil.which("git", path=environ.get("PATH")) is None:
            raise Unusable(
                "git is not installed, or not on PATH.",
                "A release is committed, tagged and pushed with it.",
                "Install git (https://git-scm.com/downloads), see that `git --version` answers, then run again.",
            )
        self.checkout = checkout
        self._target = target
        self._environ = environ
        self._store: dict[str, str] = {}
        self._default_branch = ""
        self._repository: git.Repo | None = None
        self._reading = threading.Lock()  # Over the repository's two reading children, which answer one question at a time.

    @contextmanager
    def borrowing(self) -> Iterator[None]:
        """Meanwhile what a look fetches goes to a temporary store beside the checkout's: not one byte of `.git` changes."""
        theirs = self.read("rev-parse", "--path-format=absolute", "--git-path", "objects")
        with tempfile.TemporaryDirectory(prefix="nexy-objects-") as folder:
            self._store = {"GIT_OBJECT_DIRECTORY": folder, "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{theirs}"'}
            self._forget_repository()
            try:
                yield
            finally:
                self._store = {}
                self._forget_repository()

    def raw(self, *arguments: str, timeout: float = _LOCAL_TIMEOUT, emit: Emit = silent) -> str | GitFailure:
        """Standard output of `git …` without the final newline, or how it failed; its end is told to `emit`.

        Raises CouldNotLook on a time-out.
        """
        command = arguments[0]
        try:
            done = self._run(arguments, self._needs(command), self._token_for(command), timeout, emit)
        except CouldNotLook as error:
            raise CouldNotLook(
                error.what.replace("git", f"git {command}", 1),
                remedy="See that the repository's host answers and that no credential prompt waits, then run again.",
            ) from None
        return done.stdout.removesuffix("\n") if done.exit == 0 else GitFailure(done.exit, redact(done.stderr or done.stdout).strip())

    def _run(
        self, arguments: Sequence[str], needs: Needs, told: Mapping[str, str], timeout: float = _LOCAL_TIMEOUT, emit: Emit = silent
    ) -> processes.Completed:
        argv = ["git", "-c", "core.quotePath=false", *arguments]
        env = self._surroundings(needs, told)
        return processes.run(argv, env=env, cwd=self.checkout, timeout=timeout, emit=emit, check=False, whole=True)

    def _surroundings(self, needs: Needs, told: Mapping[str, str]) -> Surroundings:
        defaults = {name: value for name, value in _DEFAULTS.items() if name not in self._environ}
        return surroundings(needs, self._environ, {**defaults, **_QUIET, **self._store, **told})

    @cached_property
    def _settings(self) -> str:
        """The operator's settings of git that decide what a command needs: one a line."""
        pattern = r"^(credential\..*helper|credential\.helper|remote\..*\.promisor|extensions\.partialclone|hook\..*)$"
        return self._run(("config", "--get-regexp", pattern), Needs.GIT, {}).stdout

    def _needs(self, command: str) -> Needs:
        """In a partial clone any command may have to fetch what it reads."""
        return Needs.GIT_REMOTE if command in _TALKS or _PROMISED.search(self._settings) else Needs.GIT

    def _token_for(self, command: str) -> dict[str, str]:
        """The token that git's credential helper `gh` answers from, where it is asked and no hook of a push would be told it too."""
        tokens = {name: self._environ[name] for name in TOKEN_VARIABLES if self._environ.get(name)}
        if not tokens or command not in _TALKS or not _ASKS_GH.search(self._settings):
            return {}
        return {} if command == "push" and self._has_push_hook() else tokens

    def _has_push_hook(self) -> bool:
        folder = self.checkout / self._run(("rev-parse", "--git-path", "hooks"), Needs.GIT, {}).stdout.rstrip("\n")
        return "\nhook." in f"\n{self._settings}" or any(os.access(folder / name, os.X_OK) for name in _PUSH_HOOKS)

    def read(self, *arguments: str, timeout: float = _LOCAL_TIMEOUT) -> str:
        """As `raw`, but a failure raises CouldNotLook with what git said."""
        out = self.raw(*arguments, timeout=timeout)
        if isinstance(out, GitFailure):
            raise CouldNotLook(f"git {arguments[0]} failed: {_brief(out.text)}", remedy=_remedy_for(out.text))
        return out

    def write(self, *arguments: str, timeout: float = _LOCAL_TIMEOUT, emit: Emit = silent) -> str:
        """As `raw`, but a failure raises ActionFailed with what git said and what to do."""
        out = self.raw(*arguments, timeout=timeout, emit=emit)
        if isinstance(out, GitFailure):
            raise ActionFailed(f"git {arguments[0]} failed: {_brief(out.text)}", remedy=_remedy_for(out.text))
        return out

    def _forget_repository(self) -> None:
        """End the reading children: they know the object stores they were started with."""
        with self._reading:
            if self._repository is not None:
                self._repository.close()
                self._repository = None

    def remotes(self) -> tuple[Remote, ...]:
        """Every remote with the addresses git would really use."""
        urls: dict[str, dict[str, list[str]]] = {}
        for line in self.read("remote", "--verbose").split("\n"):
            if match := _REMOTE.fullmatch(line):
                urls.setdefault(match["name"], {"fetch": [], "push": []})[match["way"]].append(match["url"])
            elif line.partition("\t")[2]:  # An address with a line break in it could pass for two remotes.
                raise CouldNotLook(
                    f"A remote's address cannot be read: {redact(line.partition(chr(9))[2])[:80]!r}.",
                    "Where a push would go is not known.",
                    "See all of them, and set that one right: git config --get-regexp '^remote[.]'",
                )
        return tuple(Remote(name, tuple(of["fetch"]), tuple(of["push"])) for name, of in urls.items())

    def code_remote(self) -> str:
        """The remote that is the code repository, recognised by its URLs, `server_repo` before `origin` before others."""
        ours = [r.name for r in self.remotes() if r.is_for(self._target.hosts.web, self._target.code_repository)]
        if not ours:
            raise Refused(
                f"No remote of {self.checkout} pushes to {self._target.code_repository}.",
                "A push would go to the wrong repository, or nowhere.",
                f"git remote set-url --push origin {self._target.code_url()}",
            )
        return min(ours, key=lambda name: ({"server_repo": 0, "origin": 1}.get(name, 2), name))

    def code_source(self) -> str:
        """What the code repository is read from: the remote that is it, or its address, so that a wrong remote hides nothing."""
        try:
            return self.code_remote()
        except Refused:
            return self._target.code_url()

    def release_branch(self) -> str:
        """The branch a release goes on: as configured, else the remote's HEAD, which is asked once and then kept."""
        known = self._target.release_branch or self._default_branch
        if known:
            return known
        match = _SYMREF.search(self.read("ls-remote", "--symref", self.code_source(), "HEAD", timeout=_REMOTE_TIMEOUT))
        if match is None:
            raise CouldNotLook(
                f"{self._target.code_repository} does not say which branch its HEAD is.",
                remedy="Set target.release_branch in the configuration.",
            )
        self._default_branch = match[1]
        return match[1]

    def remote_refs(self, *patterns: str) -> dict[str, str]:
        """Refs on the code repository and their object ids, asked now; annotated tags also as `<ref>^{}`."""
        out = self.read("ls-remote", self.code_source(), *patterns, timeout=_REMOTE_TIMEOUT)
        return {ref: oid for oid, _, ref in (line.partition("\t") for line in out.split("\n")) if ref}

    def remote_commit(self, branch: str) -> str:
        """The commit a branch of the code repository stands at. Raises CouldNotLook when there is none."""
        refs = self.remote_refs(f"refs/heads/{branch}")
        if f"refs/heads/{branch}" not in refs:
            raise CouldNotLook(
                f"{self._target.code_repository} has no branch {branch}.", remedy="Set target.release_branch in the configuration."
            )
        return refs[f"refs/heads/{branch}"]

    def fetch(self) -> None:
        """Bring the release branch's objects here; no ref is changed, a remote-tracking one neither."""
        self.read(*_FETCH, self.code_source(), self.release_branch(), timeout=_REMOTE_TIMEOUT)

    def has_commit(self, commit: str) -> bool:
        """Whether that commit is in the checkout's object store."""
        return not isinstance(self.raw("cat-file", "-e", f"{commit}^{{commit}}"), GitFailure)

    def head(self) -> str:
        """The checkout's commit."""
        return self.read("rev-parse", "--verify", "HEAD^{commit}")

    def branch(self) -> str | None:
        """The checked-out branch, or None when HEAD is detached."""
        out = self.raw("symbolic-ref", "--short", "-q", "HEAD")
        return None if isinstance(out, GitFailure) else out

    def resolve(self, revision: str) -> str | None:
        """The commit a revision names here, or None."""
        out = self.raw("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        return None if isinstance(out, GitFailure) else out

    def changes(self) -> tuple[tuple[str, str], ...]:
        """`(status, path)` of everything that differs from HEAD, untracked files included, ignored ones not."""
        out = self.read("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
        return tuple((entry[:2], entry[3:]) for entry in out.split("\0") if len(entry) > 3)

    def unfinished(self) -> tuple[str, ...]:
        """Names of operations left half-way: merge, rebase, cherry-pick, revert, bisect, automatic stash."""
        marks = {
            "MERGE_HEAD": "a merge",
            "rebase-merge": "a rebase",
            "rebase-apply": "a rebase",
            "CHERRY_PICK_HEAD": "a cherry-pick",
            "REVERT_HEAD": "a revert",
            "BISECT_LOG": "a bisect",
            "MERGE_AUTOSTASH": "a stash made for a merge",
        }
        folder = Path(self.read("rev-parse", "--absolute-git-dir"))
        return tuple(dict.fromkeys(name for mark, name in marks.items() if (folder / mark).exists()))

    def show(self, commit: str, path: str | PurePosixPath) -> bytes | None:
        """The bytes of a file as of a commit, or None when it is not there. Raises CouldNotLook for one that nobody would read whole."""
        from nexy_tui.services.git_objects import NOT_THERE, open_repository

        with self._reading:
            if self._repository is None:
                self._repository = open_repository(self.checkout, self._surroundings(self._needs("cat-file"), {}))
            try:
                blob = self._repository.commit(commit).tree / str(path)
            except NOT_THERE:
                return None
            if blob.size > LARGEST:
                raise CouldNotLook(
                    f"{path} has {blob.size} bytes as of {commit[:12]}, more than is read of any file there ({LARGEST}).",
                    remedy=f"Look at who brought it: git log {commit[:12]} -- {shlex.quote(str(path))}",
                )
            data: bytes = blob.data_stream.read()
        return data

    def ancestor(self, older: str, newer: str) -> bool:
        """Whether `older` is `newer` or one of its ancestors."""
        return not isinstance(self.raw("merge-base", "--is-ancestor", older, newer), GitFailure)

    def last_commit_of(self, commit: str, paths: Sequence[str | PurePosixPath]) -> str | None:
        """The newest commit at or below `commit` that touched any of `paths`."""
        out = self.read("log", "-1", "--format=%H", commit, "--", *(str(path) for path in paths))
        return out or None

    def describe_commit(self, commit: str) -> str:
        """Short id, subject, author and date of a commit, for people."""
        return self.read("log", "-1", "--format=%h “%s” by %an, %ad", "--date=short", commit)

    def message_of(self, commit: str) -> str:
        """A commit's message."""
        return self.read("log", "-1", "--format=%B", commit).strip()

    def tag_commit(self, tag: str) -> str | None:
        """The commit a local tag names, or None."""
        return self.resolve(f"refs/tags/{tag}")

    def release_commit(self, tag: str, at: str = "HEAD") -> str | None:
        """The commit `Release <tag>` at a commit or below it (the manifest commit lies on top, and what came later), or None."""
        rows = (line.partition(" ") for line in self.read("log", "-200", "--format=%H %s", at).split("\n"))
        return next((commit for commit, _, subject in rows if subject == f"Release {tag}"), None)

    def remote_tag_message(self, tag: str) -> str | None:
        """The message of an annotated tag on the code repository, its object brought here without a ref; None without such a tag."""
        oid = self.remote_refs(f"refs/tags/{tag}").get(f"refs/tags/{tag}")
        if oid is None:
            return None
        if isinstance(self.raw("cat-file", "-e", oid), GitFailure):
            self.read(*_FETCH, self.code_source(), f"refs/tags/{tag}", timeout=_REMOTE_TIMEOUT)
        out = self.raw("cat-file", "tag", oid)
        return "" if isinstance(out, GitFailure) else out.partition("\n\n")[2]

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

    def may_push(self) -> GitFailure | None:
        """Ask the code repository for its write service without pushing: None when it would take a push."""
        branch = self.release_branch()
        out = self.raw("push", "--dry-run", "--quiet", self.code_remote(), f"HEAD:refs/heads/{branch}", timeout=_REMOTE_TIMEOUT)
        if isinstance(out, GitFailure) and ("non-fast-forward" in out.text or "fetch first" in out.text):
            return None  # The remote granted the write service; that the branch has moved is another item's matter.
        return out if isinstance(out, GitFailure) else None

    def push(self, refspecs: Sequence[str], *, leases: Sequence[str] = (), emit: Emit = silent) -> None:
        """Push to the code repository in one atomic step, fast-forward only but for refs with a lease.

        Raises ActionFailed with who moved the branch, where that is the reason.
        """
        remote = self.code_remote()
        options = [f"--force-with-lease={lease}" for lease in leases]
        out = self.raw("push", "--atomic", "--porcelain", *options, remote, *refspecs, timeout=_REMOTE_TIMEOUT, emit=emit)
        if isinstance(out, GitFailure):
            raise ActionFailed(
                f"{self._target.code_repository} did not take the push: {_brief(out.text)}",
                "Nothing was changed there: the push is one atomic step.",
                _remedy_for(out.text),
            )


def _brief(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"fatal:|error:|rejected|denied|remote:|Authentication", line)]
    return "; ".join((telling or lines or ["it said nothing"])[:4])[:500]


def _remedy_for(text: str) -> str:
    table = (
        (
            r"non-fast-forward|fetch first|stale info|cannot lock ref",
            "The branch has moved: fetch, look at what came, rebase, and run again.",
        ),
        (
            r"could not read Username|Authentication failed|terminal prompts disabled",
            "Log in to the code repository: `gh auth login`, or a credential helper.",
        ),
        (r"denied|403", "Ask for write access to the code repository, or use the credential that has it."),
        (r"Could not resolve|unable to access|Connection|timed out", "See that the network and the proxy work, then run again."),
        (r"tell me who you are|empty ident", "Set your name: git config --global user.name NAME; git config --global user.email ADDRESS"),
        (r"already exists", "Look at what is there before going on: it is not this run's."),
    )
    for pattern, remedy in table:
        if re.search(pattern, text):
            return remedy
    return "Read what git said above, mend it, and run again."
