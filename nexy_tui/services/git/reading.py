"""What the checkout has: its commits, files and state, without changing any of it."""

from __future__ import annotations

import re
import shlex
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.target import Target
from nexy_tui.core.text import printable
from nexy_tui.services.git import fixed
from nexy_tui.services.git.commands import LOCAL_TIMEOUT, GitCommands, GitFailure, brief

if TYPE_CHECKING:
    from nexy_tui.services.git.objects import GitObject, ObjectReader

LARGEST = 64 << 20
"""Bytes of a file in a commit; anyone who may push can lay a larger one there."""

SIGNATURE = re.compile(r"^-----BEGIN (?:PGP|SSH|SIGNED) [A-Z ]+-----$", re.MULTILINE)
"""Where the signature begins that a signed tag's message ends with."""

_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PAST = re.compile(rf"(?:{_OBJECT.pattern})(?:\.\.(?:{_OBJECT.pattern}))?")


class GitReader(GitCommands):
    """Reads the checkout."""

    def __init__(self, checkout: Path, target: Target, environ: Mapping[str, str]) -> None:
        super().__init__(checkout, target, environ)
        self._commits: set[str] = set()
        """Commits that were seen in the object store."""
        self._pasts: dict[tuple[str, ...], str] = {}
        """What git told of the past of commits."""
        self._reader: tuple[tuple[int, int], ObjectReader] | None = None
        """The reading child, with the device and number of the `.git` that it reads."""
        self._reading = threading.Lock()  # Over the child, which answers one question at a time.

    @contextmanager
    def borrowing(self) -> Iterator[None]:
        """Meanwhile what a look fetches goes to a temporary store beside the checkout's: not one byte of `.git` changes."""
        theirs = self.read("rev-parse", "--path-format=absolute", "--git-path", "objects")
        with tempfile.TemporaryDirectory(prefix="nexy-objects-") as folder:
            self._store = {"GIT_OBJECT_DIRECTORY": folder, "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{theirs}"'}
            self._forget_objects()
            try:
                yield
            finally:
                self._store = {}
                self._forget_objects()

    def _forget_objects(self) -> None:
        """End the reading child, and what it and we know: it is of the object stores that it was started with."""
        self._commits.clear()
        self._pasts.clear()
        with self._reading:
            self._end_reader()

    def close(self) -> None:
        """End the reading child."""
        self._forget_objects()

    def _end_reader(self) -> None:
        if self._reader is not None:
            self._reader[1].close()
            self._reader = None

    def lookup(self, name: str, largest: int = LARGEST) -> GitObject | None:
        """What a name of git's (`HEAD^{commit}`, `COMMIT:PATH`, an id) names now; None where it names nothing. Raises CouldNotLook.

        No more than `largest` bytes of it are kept.
        """
        if "\n" in name:
            return None
        with self._reading:
            try:
                return self._objects().read(name, largest, LOCAL_TIMEOUT)
            except (OSError, EOFError):
                self._end_reader()
        raise CouldNotLook(
            f"git cat-file gave no answer about {printable(name, 120)}.",
            remedy="See what is wrong with the clone (git fsck), then run again.",
        )

    def _objects(self) -> ObjectReader:
        """The reading child, started when first needed and where the checkout is another one by now; for who has `_reading`."""
        seen = (self.checkout / ".git").stat()
        folder = (seen.st_dev, seen.st_ino)
        if self._reader is None or self._reader[0] != folder:
            from nexy_tui.services.git.objects import ObjectReader

            self._end_reader()
            argv, env = self._argv("cat-file", "--batch"), self._surroundings(self._needs("cat-file"), {})
            self._reader = folder, ObjectReader(argv, env, self.checkout)
        return self._reader[1]

    @cached_property
    def folder(self) -> Path:
        """The checkout's `.git`."""
        return Path(self.read("rev-parse", "--absolute-git-dir"))

    def head(self) -> str:
        """The checkout's commit."""
        return self.resolve("HEAD") or self.read("rev-parse", "--verify", "HEAD^{commit}")

    def branch(self) -> str | None:
        """The checked-out branch, or None when HEAD is detached."""
        out = self.raw("symbolic-ref", "--short", "-q", "HEAD")
        return None if isinstance(out, GitFailure) else out

    def resolve(self, revision: str) -> str | None:
        """The commit a revision names here, or None. What the reading child does not find is git's own word."""
        with suppress(CouldNotLook):
            if (found := self.lookup(f"{revision}^{{commit}}")) is not None:
                return found.oid
        out = self.raw("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        return None if isinstance(out, GitFailure) else out

    def _id(self, revision: str) -> str:
        """The commit that HEAD is now; any other revision as it is."""
        return self.head() if revision == "HEAD" else revision

    def has_commit(self, commit: str) -> bool:
        """Whether that commit is in the checkout's object store."""
        if commit in self._commits:
            return True
        try:
            there = self.lookup(f"{commit}^{{commit}}") is not None
        except CouldNotLook:
            return False
        if there and _OBJECT.fullmatch(commit):
            self._commits.add(commit)
        return there

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
        return tuple(dict.fromkeys(name for mark, name in marks.items() if (self.folder / mark).exists()))

    def show(self, commit: str, path: str | PurePosixPath) -> bytes | None:
        """The bytes of a file as of a commit, or None when it is not there. Raises CouldNotLook for one that nobody would read whole."""
        found = self.lookup(f"{commit}:{path}", LARGEST)
        if found is None or found.kind != "blob":
            return None
        if found.data is None:
            raise CouldNotLook(
                f"{path} has {found.size} bytes as of {commit[:12]}, more than is read of any file there ({LARGEST}).",
                remedy=f"Look at who brought it: git log {commit[:12]} -- {shlex.quote(str(path))}",
            )
        return found.data

    def past_of(self, tips: Sequence[str], pathspecs: Sequence[str], limit: int, largest: int) -> Iterator[tuple[str, str, bytes]]:
        """`(commit, path, bytes)` of every content that commits at or below `tips` gave those paths, oldest first.

        Each content stands where it first was. Of the newest `limit` commits, and at most so many contents; one of more than
        `largest` bytes is passed over. Raises CouldNotLook for one that cannot be read.
        """
        which = ("--reverse", "--topo-order", f"--max-count={limit}")
        form = ("--format=commit %H", "--raw", "--no-abbrev", "--no-renames", "-m", "-z")
        told = self._log(*form, *which, of=tips, paths=pathspecs)
        fields, commit, seen = iter(told.replace("\0\n", "\0").split("\0")), "", set[str]()
        for field in fields:
            if field.startswith("commit "):
                commit = field.split()[1]
                continue
            entry = field.strip().split(" ")
            path = next(fields, "") if len(entry) == 5 else ""
            if len(entry) != 5 or entry[4] == "D" or entry[3] in seen or not entry[1].startswith("100"):
                continue
            if len(seen) >= limit:
                return
            seen.add(entry[3])
            found = self._past(commit, path, entry[3], largest)
            if found.data is not None:
                yield commit, path, found.data

    def _past(self, commit: str, path: str, oid: str, largest: int) -> GitObject:
        with suppress(CouldNotLook):
            if (found := self.lookup(oid, largest)) is not None:
                return found
        raise CouldNotLook(
            f"{printable(path, 120)} as of {commit[:12]} cannot be read: its object is missing or damaged.",
            "What it names could be published again unseen.",
            "See what is wrong with the clone (git fsck), then fetch it anew, or clone again.",
        )

    def _log(self, *options: str, of: Sequence[str], paths: Sequence[str] = ()) -> str:
        """`git log` of revisions."""
        return self._of_the_past(("log", *options, *of, "--", *paths), of)

    def _of_the_past(self, command: tuple[str, ...], of: Sequence[str]) -> str:
        """What git tells of revisions. The past of commits that are named by their ids never changes, and is asked for once.

        A shallow clone's does, when it is deepened.
        """
        if not all(map(_PAST.fullmatch, of)) or self.is_shallow():
            return self.read(*command)
        if (told := self._pasts.get(command)) is None:
            told = self._pasts[command] = self.read(*command)
        return told

    def ancestor(self, older: str, newer: str) -> bool:
        """Whether `older` is `newer` or one of its ancestors."""
        try:
            self._of_the_past(("merge-base", "--is-ancestor", older, newer), [older, newer])
        except CouldNotLook:
            return False
        return True

    def last_commit_of(self, commit: str, paths: Sequence[str | PurePosixPath]) -> str | None:
        """The newest commit at or below `commit` that touched any of `paths`."""
        return self._log("-1", "--format=%H", of=[commit], paths=[str(path) for path in paths]) or None

    def describe_commit(self, commit: str) -> str:
        """Short id, subject, author and date of a commit, for people."""
        return self._log("-1", "--format=%h “%s” by %an, %ad", "--date=short", of=[commit])

    def is_shallow(self) -> bool:
        """Whether the clone has a part of the history alone."""
        told = self.folder / "commondir"
        common = self.folder / told.read_text("utf-8").strip() if told.is_file() else self.folder
        return (common / "shallow").is_file()

    def tag_message(self, tag: str) -> str | None:
        """The message of an annotated tag here, its signature left out; None without such a tag, empty for one that has none."""
        found = self.lookup(f"refs/tags/{tag}")
        return None if found is None else message_of_tag(found)

    def tag_commit(self, tag: str) -> str | None:
        """The commit a local tag names, or None."""
        return self.resolve(f"refs/tags/{tag}")

    def release_commit(self, tag: str, at: str = "HEAD") -> str | None:
        """The commit `Release <tag>` at a commit or below it (the manifest commit lies on top, and what came later), or None."""
        rows = (line.partition(" ") for line in self._log("-200", "--format=%H %s", of=[self._id(at)]).split("\n"))
        return next((commit for commit, _, subject in rows if subject == f"Release {tag}"), None)

    def files_at(self, commit: str, *paths: str) -> tuple[str, ...]:
        """Files of a commit that are one of `paths` or lie below one, by path from the git root."""
        at = self._id(commit)
        return _entries(self._of_the_past(("ls-tree", "-r", "--name-only", "-z", at, "--", *paths), [at]))

    def commit_time(self, commit: str) -> datetime:
        """When a commit was made, by its committer's clock."""
        return datetime.fromisoformat(self._log("-1", "--format=%cI", of=[commit]))

    def commits_between(self, older: str, newer: str, form: str = "%s") -> tuple[str, ...]:
        """Each commit of `newer` that `older` lacks, in git's pretty format `form`, newest first."""
        return tuple(self._log(f"--format={form}", of=[f"{self._id(older)}..{self._id(newer)}"]).splitlines())

    def changed_paths(self, older: str, newer: str) -> tuple[str, ...]:
        """Paths that those commits bring or change, of merges what no parent has. What they only delete is sent to nobody."""
        between = f"{self._id(older)}..{self._id(newer)}"
        return _entries(self._log("-c", "--diff-filter=d", "--format=", "--name-only", "-z", of=[between]))

    def brought(self, commit: str, patterns: Sequence[str]) -> tuple[str, ...]:
        """Paths of those patterns (any letter case) that a commit or its history has brought in, newest first."""
        wanted = [f":(top,icase){pattern}" for pattern in patterns]
        listed = self._log("--diff-filter=A", "--format=", "--name-only", "-z", "--no-renames", of=[commit], paths=wanted)
        return tuple(dict.fromkeys(_entries(listed)))

    def patches(self, older: str, newer: str) -> str:
        """What those commits change, of merges what no parent has, as patches without context."""
        return self.read("log", "-c", "--format=", *fixed.PATCH, f"{older}..{newer}")

    def uncommitted(self) -> str:
        """What the working tree changes of HEAD, as a patch without context."""
        return self.read("diff", *fixed.PATCH, "HEAD")

    def stashes(self) -> tuple[str, ...]:
        """The subject of every stash, newest first."""
        return tuple(self.read("stash", "list", "--format=%gs").splitlines())

    def has_conflicts(self) -> bool:
        """Whether the index has paths in conflict."""
        return bool(self.read("ls-files", "--unmerged"))

    def tracked(self, *paths: str) -> frozenset[str]:
        """Those of the paths that the index has."""
        return frozenset(_entries(self.read("ls-files", "-z", "--", *paths)))

    def ignored(self, *paths: str) -> frozenset[str]:
        """Those of the paths that git ignores. A file that is tracked already is not ignored."""
        out = self.raw("check-ignore", "--", *paths)
        if isinstance(out, GitFailure) and out.status != 1:
            raise CouldNotLook(f"git check-ignore failed: {brief(out.text)}", remedy="Mend that, then look again.")
        return frozenset() if isinstance(out, GitFailure) else frozenset(out.splitlines())


def message_of_tag(found: GitObject) -> str:
    """The message of an annotated tag, its signature left out; empty for what is none."""
    text = found.data.decode("utf-8", "surrogateescape") if found.kind == "tag" and found.data else ""
    return SIGNATURE.split(text.removesuffix("\n").partition("\n\n")[2])[0]


def _entries(listed: str) -> tuple[str, ...]:
    """The entries of a list that git ends with NUL each."""
    return tuple(entry for entry in listed.split("\0") if entry.strip())
