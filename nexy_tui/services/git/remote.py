"""The code repository on its host: which remote it is, and what stands there."""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.core.event import Emit, silent
from nexy_tui.core.problem import CouldNotLook, Problem, Refused
from nexy_tui.core.repository import is_repository
from nexy_tui.core.secret import redact
from nexy_tui.core.surroundings import Needs
from nexy_tui.core.target import Target
from nexy_tui.services import processes
from nexy_tui.services.git import fixed
from nexy_tui.services.git.commands import LOCAL_TIMEOUT, PATIENCE, REMOTE_TIMEOUT, GitFailure
from nexy_tui.services.git.reading import GitReader, message_of_tag

_REMOTE = re.compile(r"(?P<name>[^\t\n]+)\t(?P<url>.+?) \((?P<way>fetch|push)\)( \[\S+\])?")
"""A line of `git remote --verbose`: addresses as git really uses them; a partial clone's filter may stand at the end."""
_OVER_SSH = re.compile(r"(?:ssh://(?:[^/@]+@)?(?=[^/]+/)|(?!\w+://)(?:[^/@:]+@)?(?=[^/:]+:))(?P<host>[^/:@-][^/:@]*)")
"""An address over ssh, as a URL or as scp has them. A host that begins with a dash would be an option."""

_SSH_S = 10.0

_SYMREF = re.compile(r"^ref: refs/heads/(\S+)\tHEAD\n([0-9a-f]+)\tHEAD$", re.MULTILINE)


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


class GitRemote(GitReader):
    """Reads the code repository's remote, and what is there."""

    def __init__(self, checkout: Path, target: Target, environ: Mapping[str, str]) -> None:
        super().__init__(checkout, target, environ)
        self._default_branch = ""
        self._passes = 0
        self._known: tuple[Remote, ...] | None = None
        self._knowing = threading.RLock()
        self._hosts: dict[str, str | None] = {}
        """What ssh makes of the aliases that were asked for."""

    @contextmanager
    def one_pass(self) -> Iterator[None]:
        """Meanwhile the remotes are read once, unless something is written. A pass inside reads them anew as it begins."""
        with self._knowing:
            self._passes, self._known = self._passes + 1, None
        try:
            yield
        finally:
            with self._knowing:
                self._passes -= 1
                self._known = self._known if self._passes else None

    def forget_remotes(self) -> None:
        """They have changed, or may have: whoever needs them next reads them anew."""
        with self._knowing:
            self._known = None

    def write(self, *arguments: str, timeout: float = LOCAL_TIMEOUT, emit: Emit = silent, told: Mapping[str, str] | None = None) -> str:
        """As there; what it changed is read anew."""
        try:
            return super().write(*arguments, timeout=timeout, emit=emit, told=told)
        finally:
            self.forget_remotes()

    def remotes(self) -> tuple[Remote, ...]:
        """Every remote with the addresses git would really use."""
        with self._knowing:
            found = self._read_remotes() if self._known is None else self._known
            self._known = found if self._passes else None
            return found

    def _read_remotes(self) -> tuple[Remote, ...]:
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
        return tuple(Remote(name, *(tuple(map(self._unaliased, of[way])) for way in ("fetch", "push"))) for name, of in urls.items())

    def _unaliased(self, url: str) -> str:
        """An ssh address with the host that ssh's own configuration has for its alias (`ssh -G`); any other as it is."""
        found = _OVER_SSH.match(url)
        if found is None or found["host"].lower() == self.target.hosts.web.lower():
            return url
        host = self._ssh_host(found["host"])
        return url if host is None else f"{url[: found.start('host')]}{host}{url[found.end('host') :]}"

    def _ssh_host(self, alias: str) -> str | None:
        """What the operator's ssh makes of a host's name, without a connection; None where it does not say."""
        if alias not in self._hosts:
            command = self._environ.get("GIT_SSH_COMMAND") or self.raw("config", "--get", "core.sshCommand")
            words = shlex.split(command) if isinstance(command, str) else [self._environ.get("GIT_SSH", "ssh")]
            try:
                env = self._surroundings(Needs.GIT_REMOTE, {})
                said = processes.run([*words, "-G", alias], env=env, cwd=self.checkout, timeout=_SSH_S, check=False).stdout
            except (Problem, ValueError):
                said = ""
            names = [line.partition(" ")[2].strip() for line in said.splitlines() if line.startswith("hostname ")]
            self._hosts[alias] = names[0] if names else None
        return self._hosts[alias]

    def code_remote(self) -> str:
        """The remote that is the code repository, recognised by its URLs, `server_repo` before `origin` before others."""
        ours = [r.name for r in self.remotes() if r.is_for(self.target.hosts.web, self.target.code_repository)]
        if not ours:
            raise Refused(
                f"No remote of {self.checkout} pushes to {self.target.code_repository}.",
                "A push would go to the wrong repository, or nowhere.",
                f"git remote set-url --push origin {self.target.code_url()}",
            )
        return min(ours, key=lambda name: ({"server_repo": 0, "origin": 1}.get(name, 2), name))

    def code_source(self) -> str:
        """What the code repository is read from: the remote that is it, or its address, so that a wrong remote hides nothing."""
        try:
            return self.code_remote()
        except Refused:
            return self.target.code_url()

    def release_branch(self) -> str:
        """The branch a release goes on: as configured, else the remote's HEAD, which is asked once and then kept."""
        return self._known_branch() or self._ask_head()[0]

    def release_tip(self) -> str:
        """The commit the release branch stands at on the code repository, asked now. Raises CouldNotLook."""
        known = self._known_branch()
        return self.remote_commit(known) if known else self._ask_head()[1]

    def _known_branch(self) -> str:
        return self.target.release_branch or self._default_branch

    def _ask_head(self) -> tuple[str, str]:
        """The branch that is the remote's HEAD, and its commit."""
        match = _SYMREF.search(self.read("ls-remote", "--symref", self.code_source(), "HEAD", timeout=REMOTE_TIMEOUT))
        if match is None:
            raise CouldNotLook(
                f"{self.target.code_repository} does not say which branch its HEAD is.",
                remedy="Set target.release_branch in the configuration.",
            )
        self._default_branch = match[1]
        return match[1], match[2]

    def remote_refs(self, *patterns: str) -> dict[str, str]:
        """Refs on the code repository and their object ids, asked now; annotated tags also as `<ref>^{}`."""
        out = self.read("ls-remote", self.code_source(), *patterns, timeout=REMOTE_TIMEOUT)
        return {ref: oid for oid, _, ref in (line.partition("\t") for line in out.split("\n")) if ref}

    def remote_commit(self, branch: str) -> str:
        """The commit a branch of the code repository stands at. Raises CouldNotLook when there is none."""
        refs = self.remote_refs(f"refs/heads/{branch}")
        if f"refs/heads/{branch}" not in refs:
            raise CouldNotLook(
                f"{self.target.code_repository} has no branch {branch}.", remedy="Set target.release_branch in the configuration."
            )
        return refs[f"refs/heads/{branch}"]

    def fetch(self) -> None:
        """Bring the release branch's objects here; no ref is changed, a remote-tracking one neither."""
        self.read(*fixed.FETCH, self.code_source(), self.release_branch(), timeout=REMOTE_TIMEOUT)

    def remote_tag_message(self, tag: str) -> str | None:
        """The message of an annotated tag on the code repository, its object brought here without a ref; None without such a tag."""
        oid = self.remote_refs(f"refs/tags/{tag}").get(f"refs/tags/{tag}")
        if oid is None:
            return None
        if self.lookup(oid) is None:
            self.read(*fixed.FETCH, self.code_source(), f"refs/tags/{tag}", timeout=REMOTE_TIMEOUT)
        found = self.lookup(oid)
        return "" if found is None else message_of_tag(found)

    def _pushing(self, *options: str) -> tuple[str, ...]:
        """A push to the code repository, up to its refspecs."""
        return (*fixed.PUSH, *options, self.code_remote())

    def may_push(self) -> GitFailure | None:
        """Ask the code repository for its write service without pushing: None when it would take a push."""
        branch = self.release_branch()
        out = self.raw(*self._pushing("--dry-run"), f"HEAD:refs/heads/{branch}", timeout=PATIENCE)
        if isinstance(out, GitFailure) and ("non-fast-forward" in out.text or "fetch first" in out.text):
            return None  # The remote granted the write service; that the branch has moved is another item's matter.
        return out if isinstance(out, GitFailure) else None
