"""How git is run: which variables it gets, how long it may take, and what is made of its failures."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nexy_tui.core.event import Emit, silent
from nexy_tui.core.problem import ActionFailed, CouldNotLook, Unusable
from nexy_tui.core.secret import redact
from nexy_tui.core.surroundings import Needs, Surroundings, surroundings
from nexy_tui.core.target import Target
from nexy_tui.core.text import printable
from nexy_tui.services import processes
from nexy_tui.services.git import fixed
from nexy_tui.services.secrets import TOKEN_VARIABLES

_DEFAULTS = {"SSH_ASKPASS_REQUIRE": "never"}
"""Said where the operator says nothing."""

LOCAL_TIMEOUT = 60.0
REMOTE_TIMEOUT = 180.0
PATIENCE = 3600.0
"""For what may ask a person or run their hooks: a passphrase, a security key, a test suite before a push."""

_LONGEST = 2000
"""Characters of what git said that reach a message."""
_TALKS = frozenset(("fetch", "ls-remote", "push"))
"""Commands that talk to the remote."""
_ASKS_GH = re.compile(r"^credential\.(\S*\.)?helper .*\bgh\b.* auth git-credential", re.MULTILINE)
_PROMISED = re.compile(r"^remote\.\S*\.promisor true$|^extensions\.partialclone ", re.MULTILINE)
_OF_A_PUSH = re.compile(r"To \S+$|Done$|=\t|\s*$")
_MIRRORS = re.compile(r"^(remote\.\S+\.mirror)\b", re.MULTILINE)
_UNTRUSTED = re.compile(r"^\s*(git config --global --add safe\.directory .+)$", re.MULTILINE)
_LEFT_LOCKED = re.compile(r"Unable to create '([^'\n]+\.lock)': File exists")
_PUSH_HOOKS = ("pre-push", "reference-transaction")


@dataclass(frozen=True, slots=True)
class GitFailure:
    """What git said when it refused, without credentials."""

    status: int
    text: str


class GitCommands:
    """Runs git in the checkout, by the name of what it does."""

    def __init__(self, checkout: Path, target: Target, environ: Mapping[str, str]) -> None:
        if shutil.which("git", path=environ.get("PATH")) is None:
            raise Unusable(
                "git is not installed, or not on PATH.",
                "A release is committed, tagged and pushed with it.",
                "Install git (https://git-scm.com/downloads), see that `git --version` answers, then run again.",
            )
        self.checkout = checkout
        self.target = target
        self._environ = environ
        self._store: dict[str, str] = {}
        """Where git reads and writes instead of in the checkout's own `.git`, as variables of its."""

    @property
    def environ(self) -> Mapping[str, str]:
        """The operator's variables, of which git gets what it needs."""
        return self._environ

    @property
    def borrowed(self) -> Path | None:
        """The object store that is written to in the checkout's stead, where that is so."""
        store = self._store.get("GIT_OBJECT_DIRECTORY")
        return None if store is None else Path(store)

    def raw(
        self, *arguments: str, timeout: float = LOCAL_TIMEOUT, emit: Emit = silent, told: Mapping[str, str] | None = None
    ) -> str | GitFailure:
        """Standard output of `git …` without the final newline, or how it failed; its end is told to `emit`.

        `told` are variables on top of what git gets. Raises CouldNotLook on a time-out.
        """
        command = arguments[0]
        try:
            done = self._run(arguments, self._needs(command), {**self._token_for(command), **(told or {})}, timeout, emit)
        except CouldNotLook as error:
            raise CouldNotLook(
                error.what.replace("git", f"git {command}", 1),
                remedy="See that the repository's host answers, and that no prompt or hook of yours waits, then run again.",
            ) from None
        if done.exit == 0:
            return done.stdout.removesuffix("\n")
        said = f"{done.stderr}\n{done.stdout}" if command == "push" else done.stderr or done.stdout  # Its refusals stand on stdout.
        return GitFailure(done.exit, redact(said).strip())

    def _run(
        self, arguments: Sequence[str], needs: Needs, told: Mapping[str, str], timeout: float = LOCAL_TIMEOUT, emit: Emit = silent
    ) -> processes.Completed:
        env = self._surroundings(needs, told)
        return processes.run(self._argv(*arguments), env=env, cwd=self.checkout, timeout=timeout, emit=emit, check=False, whole=True)

    def _argv(self, *arguments: str) -> list[str]:
        command = arguments[0]
        own = self._not_mirrored() if command == "push" else fixed.ONE_REQUEST if command == "ls-remote" else ()
        return ["git", *fixed.SETTINGS, *own, *arguments]

    def _surroundings(self, needs: Needs, told: Mapping[str, str]) -> Surroundings:
        defaults = {name: value for name, value in _DEFAULTS.items() if name not in self._environ}
        return surroundings(needs, self._environ, {**defaults, **fixed.ENVIRONMENT, **self._store, **told})

    @cached_property
    def _settings(self) -> str:
        """The operator's settings of git that decide what a command needs: one a line."""
        pattern = r"^(credential\..*helper|credential\.helper|remote\..*\.promisor|extensions\.partialclone|remote\..*\.mirror|hook\..*)$"
        return self._run(("config", "--get-regexp", pattern), Needs.GIT, {}).stdout

    def _not_mirrored(self) -> list[str]:
        """A remote that mirrors takes no single ref."""
        return [word for name in _MIRRORS.findall(self._settings) for word in ("-c", f"{name}=false")]

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

    def read(self, *arguments: str, timeout: float = LOCAL_TIMEOUT, told: Mapping[str, str] | None = None) -> str:
        """As `raw`, but a failure raises CouldNotLook with what git said."""
        out = self.raw(*arguments, timeout=timeout, told=told)
        if isinstance(out, GitFailure):
            raise CouldNotLook(f"git {arguments[0]} failed: {brief(out.text)}", remedy=remedy_for(out.text))
        return out

    def write(self, *arguments: str, timeout: float = LOCAL_TIMEOUT, emit: Emit = silent, told: Mapping[str, str] | None = None) -> str:
        """As `raw`, but a failure raises ActionFailed with what git said and what to do."""
        out = self.raw(*arguments, timeout=timeout, emit=emit, told=told)
        if isinstance(out, GitFailure):
            raise ActionFailed(f"git {arguments[0]} failed: {brief(out.text)}", remedy=remedy_for(out.text))
        return out


def brief(text: str) -> str:
    """All that git said, its reasons and its advice, in a line."""
    lines = dict.fromkeys(line.strip() for line in text.splitlines() if line.strip() and not _OF_A_PUSH.match(line))
    return printable("; ".join(line.replace("\t", " ") for line in lines) or "it said nothing", _LONGEST)


def remedy_for(text: str) -> str:
    """The next thing to do about what git said."""
    if trusted := _UNTRUSTED.search(text):
        return f"If that folder is yours to trust: {trusted[1].strip()}"
    if left := _LEFT_LOCKED.search(text):
        return remedy_for_lock(left[1])
    table = (
        (
            r"non-fast-forward|fetch first|stale info|cannot lock ref",
            "The branch has moved: git pull --rebase --autostash, look at what came, then run again.",
        ),
        (
            r"could not read Username|Authentication failed|terminal prompts disabled",
            "Log in to the code repository: `gh auth login`, or a credential helper.",
        ),
        (
            r"failed to sign the data|failed to write commit object|gpg failed",
            "See that the signing key is there and unlocked (`git config --get-regexp 'gpg|sign'` shows which), then run again.",
        ),
        (
            r"GH006|GH013|protected branch|rule violations",
            "A rule of the repository refuses it: ask its administrators to let a release through, then run again.",
        ),
        (r"hook declined", "A hook on the host refuses it: read its reason above, mend that, and run again."),
        (r"Permission denied \(publickey", "See that your ssh key is loaded and known to the host: ssh -T git@HOST, then run again."),
        (r"denied|403", "Ask for write access to the code repository, or use the credential that has it."),
        (r"Could not resolve|unable to access|Connection|timed out", "See that the network and the proxy work, then run again."),
        (r"tell me who you are|empty ident", "Set your name: git config --global user.name NAME; git config --global user.email ADDRESS"),
        (r"already exists", "Look at what is there before going on: it is not this run's."),
    )
    for pattern, remedy in table:
        if re.search(pattern, text):
            return remedy
    return "Read what git said above, mend it, and run again."


def remedy_for_lock(path: str | Path) -> str:
    """The next thing to do about a lock file of git's own."""
    return f"See that no other git runs in this checkout; if none does, rm {shlex.quote(str(path))}, then run again."
