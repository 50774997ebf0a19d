"""Which remotes of the checkout lead elsewhere, set right in one step; and commits that were pushed to the wrong repository."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.core.event import Emit
from nexy_tui.core.problem import ActionFailed, CouldNotLook, Refused
from nexy_tui.core.remedy import Run
from nexy_tui.core.repository import is_repository, repository_of
from nexy_tui.core.secret import bare_url, redact
from nexy_tui.core.target import Target
from nexy_tui.services.git import Git, Remote
from nexy_tui.services.git.fixed import FETCH
from nexy_tui.services.plain_file import read_plain

MANIFEST_COMMIT = re.compile(r"Update manifest for (?P<version>\d+(?:\.\d+){3}) \(Production\)", re.ASCII)
"""The subject of every manifest commit (contracts: version)."""

OURS = ("origin", "server_repo")
"""Names under which people and the rulebook know the code repository."""

_MOST_BRANCHES = 30
_CONFIG_LIMIT = 1 << 20
_REMOTE_TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class StrayManifest:
    """A manifest commit on a repository where it does not belong."""

    url: str
    branch: str
    commit: str
    subject: str
    reverted: bool

    def revert(self) -> str:
        """The commands that take it back there, by a commit of its own: nobody's history is rewritten."""
        branch, onto = shlex.quote(self.branch), shlex.quote(f"HEAD:refs/heads/{self.branch}")
        return (
            f"git clone --branch {branch} {shlex.quote(self.url)} stray && git -C stray revert --no-edit {self.commit}"
            f" && git -C stray push origin {onto}"
        )


def wrong_remotes(git: Git, target: Target) -> tuple[Remote, ...]:
    """Remotes that must be the code repository and are not: its usual names, the one `git push` takes, any into the artifacts."""
    expected = {*OURS, _push_remote(git)}
    return tuple(
        remote
        for remote in git.remotes()
        if not remote.is_for(target.hosts.web, target.code_repository)
        and (remote.name in expected or any(is_repository(url, target.hosts.web, target.artifacts_repository) for url in remote.push_urls))
    )


def _push_remote(git: Git) -> str:
    """The remote a plain `git push` goes to (git-config: branch.<name>.pushRemote, remote.pushDefault, branch.<name>.remote)."""
    branch = git.branch()
    keys = [f"branch.{branch}.pushRemote", "remote.pushDefault", f"branch.{branch}.remote"] if branch else ["remote.pushDefault"]
    for key in keys:
        value = git.raw("config", "--get", key)
        if isinstance(value, str) and value:
            return value
    return "origin"


class RemoteConfig:
    """The checkout's own git configuration with every wrong remote set right, as git itself would write it: locked, whole, in one step."""

    def __init__(self, git: Git, target: Target, scratch: Path) -> None:
        self._git, self._target, self._scratch = git, target, scratch
        common = Path(git.read("rev-parse", "--path-format=absolute", "--git-common-dir"))
        self.path = Path(os.path.realpath(common / "config"))

    def mended(self) -> tuple[bytes, bytes]:
        """The file's bytes, and what they must become. Raises Refused where a rule outside the file would still lead elsewhere."""
        before = self._bytes()
        self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="git-config-", dir=self._scratch) as folder:
            copy = Path(folder) / "config"
            copy.write_bytes(before)
            self._change(str(copy))
            return before, copy.read_bytes()

    def write(self, before: bytes, after: bytes) -> None:
        """Put the new bytes in place under git's own lock. Raises Refused while another git holds it or the file has changed."""
        lock = self.path.with_name("config.lock")
        try:
            handle = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            raise Refused(
                f"{lock} is there: another git changes the configuration, or one was killed.",
                "Nothing was changed.",
                "Wait for it; if no git runs, remove that file; then run this again.",
            ) from None
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(after)
                stream.flush()
                os.fsync(stream.fileno())
            if self._bytes() != before:
                raise Refused(f"{self.path} was changed meanwhile.", "Nothing was changed by this fix.", "Run it again.")
            shutil.copymode(self.path, lock)
            lock.replace(self.path)
            self._git.forget_remotes()
        finally:
            with contextlib.suppress(FileNotFoundError):
                lock.unlink()

    def _bytes(self) -> bytes:
        """The file as it is. Raises Refused where it is not one that git writes."""
        try:
            raw = read_plain(self.path, _CONFIG_LIMIT + 1)
        except OSError as error:
            what = f"{self.path} cannot be read: {error.strerror}."
            raise Refused(what, "Nothing was changed.", "Mend that, then run it again.") from None
        if len(raw) > _CONFIG_LIMIT:
            raise Refused(f"{self.path} is larger than {_CONFIG_LIMIT} bytes.", "Nothing was changed.", "Look at what stands in it.")
        return raw

    def _change(self, file: str) -> None:
        git = self._git
        wrong = wrong_remotes(git, self._target)
        self._drop_rules(file)
        for remote in wrong:
            url = self._spelling(remote)
            git.write("config", "--file", file, "--replace-all", f"remote.{remote.name}.url", url)
            if isinstance(git.raw("config", "--file", file, "--get-all", f"remote.{remote.name}.pushurl"), str):
                git.write("config", "--file", file, "--replace-all", f"remote.{remote.name}.pushurl", url)
        if not any(remote.is_for(self._target.hosts.web, self._target.code_repository) for remote in git.remotes()) and not wrong:
            git.write("config", "--file", file, "remote.origin.url", self._target.code_url())
            git.write("config", "--file", file, "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")

    def _spelling(self, remote: Remote) -> str:
        """The code repository's address, over ssh where the remote went to the same host over ssh."""
        host = self._target.hosts.web
        ssh = any(
            "@" in url.partition(":")[0] or url.startswith("ssh:") for url in remote.push_urls if "://" not in url or url.startswith("ssh:")
        )
        known = any((repository_of(url) or ("", ""))[0] == host for url in remote.push_urls)
        return f"git@{host}:{self._target.code_repository}.git" if ssh and known else self._target.code_url()

    def _drop_rules(self, file: str) -> None:
        """Take out of the file every insteadOf rule that would lead the code repository's address elsewhere."""
        listed = self._git.raw("config", "--show-scope", "-z", "--get-regexp", r"^url\..*\.(insteadof|pushinsteadof)$")
        pieces = listed.split("\0") if isinstance(listed, str) else []
        for scope, entry in zip(pieces[::2], pieces[1::2], strict=False):
            key, _, prefix = entry.partition("\n")
            base = key[len("url.") : key.rindex(".")]
            for address in (self._target.code_url(), f"git@{self._target.hosts.web}:{self._target.code_repository}.git"):
                if not prefix or not address.startswith(prefix):
                    continue
                if is_repository(base + address[len(prefix) :], self._target.hosts.web, self._target.code_repository):
                    continue
                if scope != "local":
                    raise Refused(
                        f"A rule of your {scope} git configuration leads {self._target.code_url()} to {redact(base)}: {key}.",
                        "Nothing was changed: that file is not this checkout's.",
                        f"git config --{scope} --unset-all {redact(key)}",
                    )
                self._git.write("config", "--file", file, "--fixed-value", "--unset-all", key, prefix)
                break


def find_strays(git: Git, target: Target, wrong: Sequence[str]) -> tuple[tuple[StrayManifest, ...], tuple[str, ...]]:
    """Manifest commits where remotes wrongly lead, and in the artifacts repository; and the places that could not be looked at.

    A wrong remote may be another clone of the code: there only what the code repository lacks is astray, and what is not
    here yet is fetched, without any ref. In the artifacts repository every manifest commit is; nothing is fetched from it.
    """
    artifacts = f"https://{target.hosts.web}/{target.artifacts_repository}.git"
    strays: list[StrayManifest] = []
    unseen: list[str] = []
    for url in dict.fromkeys([*(bare_url(url) if "://" in url else url for url in wrong), artifacts]):
        if is_repository(url, target.hosts.web, target.code_repository):
            continue
        try:
            if is_repository(url, target.hosts.web, target.artifacts_repository):
                strays += _strays_at(git, url, [], fetching=False)
            else:
                strays += _strays_at(git, url, [_release_tip(git, target)], fetching=True)
        except CouldNotLook:
            unseen.append(url)
    return tuple(strays), tuple(unseen)


def _strays_at(git: Git, url: str, known: Sequence[str], *, fetching: bool) -> list[StrayManifest]:
    """The newest manifest commit of each branch that is reached from none of `known`."""
    found: dict[str, StrayManifest] = {}
    without = [f"^{commit}" for commit in known]
    for branch, tip in list(_tips(git, url).items())[:_MOST_BRANCHES]:
        if fetching:
            _bring(git, url, tip)
        if not git.has_commit(tip):
            continue
        rows = [row.partition(" ") for row in git.read("log", "-500", "--format=%H %s", tip, *without).split("\n")]
        bodies = git.read("log", "-500", "--format=%b", tip, *without)
        newest = next(((commit, subject) for commit, _, subject in rows if MANIFEST_COMMIT.fullmatch(subject)), None)
        if newest is not None and newest[0] not in found:
            found[newest[0]] = StrayManifest(url, branch, *newest, f"This reverts commit {newest[0]}" in bodies)
    return list(found.values())


def _release_tip(git: Git, target: Target) -> str:
    """The code repository's own HEAD, by its address: no remote may be right yet."""
    url = target.code_url()
    tip = git.read("ls-remote", url, "HEAD", timeout=_REMOTE_TIMEOUT).partition("\t")[0]
    _bring(git, url, tip)
    return tip


def _tips(git: Git, url: str) -> dict[str, str]:
    """Branches of a repository and their commits, asked now. Raises CouldNotLook."""
    listed = git.read("ls-remote", "--heads", url, timeout=_REMOTE_TIMEOUT)
    return {ref.removeprefix("refs/heads/"): oid for oid, _, ref in (line.partition("\t") for line in listed.split("\n")) if ref}


def _bring(git: Git, url: str, commit: str) -> None:
    """Have a commit's objects here, without any ref."""
    if not git.has_commit(commit):
        git.read(*FETCH, url, commit, timeout=_REMOTE_TIMEOUT)


def ahead(git: Git) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """The release branch, its tip on the code repository, and what HEAD has above it: (commit, subject), newest first."""
    branch = git.release_branch()
    tip = git.remote_commit(branch)
    if not git.has_commit(tip):
        git.fetch()
    rows = git.read("log", "-200", "--format=%H %s", f"{tip}..HEAD").split("\n")
    return branch, tip, tuple((commit, subject) for commit, _, subject in (row.partition(" ") for row in rows if row))


def require_only_manifests(git: Git) -> None:
    """A fix must not push other people's work along. Raises Refused naming what HEAD has beside manifest commits."""
    branch, _, commits = ahead(git)
    others = [subject for _, subject in commits if MANIFEST_COMMIT.fullmatch(subject) is None]
    if others:
        raise Refused(
            f"HEAD has commits that {branch} of the code repository lacks, and that are no manifest commits: “{others[0][:80]}”.",
            "A fix pushes manifests and nothing else.",
            Run(
                "runs list", "Go on with the release they belong to, or push them after review, then run this again. Which release that is"
            ),
        )


def pushed(git: Git, commit: str, branch: str, emit: Emit) -> None:
    """Push one commit to the release branch, fast-forward only, and see it there. Raises ActionFailed."""
    git.push([f"{commit}:refs/heads/{branch}"], emit=emit)
    seen = git.remote_commit(branch)
    if seen != commit:
        raise ActionFailed(
            f"{branch} stands at {seen[:12]} after the push, not at {commit[:12]}.", "Somebody pushed at the same moment.", "Run it again."
        )
