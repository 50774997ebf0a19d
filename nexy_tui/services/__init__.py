"""The outside world, one file each, behind one container that makes each part on first use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from nexy_tui.config import Settings, find_checkout, find_layout
from nexy_tui.core.clock import Clock, SystemClock
from nexy_tui.core.given import given
from nexy_tui.core.layout import Layout
from nexy_tui.core.problem import Problem, Unusable
from nexy_tui.core.shield import shielded
from nexy_tui.core.target import Target
from nexy_tui.services.manifest_places import directories_here

if TYPE_CHECKING:
    from nexy_tui.services.artifact import Known
    from nexy_tui.services.azure import RunCommands
    from nexy_tui.services.database.host import DatabaseHost
    from nexy_tui.services.git import Git
    from nexy_tui.services.github import ReleaseHost
    from nexy_tui.services.http import HttpClients
    from nexy_tui.services.secrets import Secrets
    from nexy_tui.services.sparkle import Sparkle
    from nexy_tui.services.update_server import UpdateService
    from nexy_tui.services.vm import VmHost


@dataclass(frozen=True, slots=True)
class Found:
    """The checkout's git root, layout and manifest directories, or what keeps them from being told."""

    root: str = ""
    layout: str = ""
    manifest_directories: tuple[str, ...] = ()
    problem: str = ""


class Services:
    """The way to everything outside this process. Nothing is opened, imported or contacted before it is asked for."""

    def __init__(
        self,
        settings: Settings,
        start: Path,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.environ: Mapping[str, str] = shielded(given() if environ is None else environ, start)
        self.clock: Clock = clock or SystemClock(settings.speed)
        self._start = start

    @property
    def target(self) -> Target:
        """The release target."""
        return self.settings.target

    @cached_property
    def checkout(self) -> Path:
        """The git root of the code checkout. Raises Unusable outside one, and where what is trusted lies in it."""
        root = find_checkout(self._start)
        self._require_own(root)
        return root

    def _require_own(self, root: Path) -> None:
        """Configuration, CA and trusted keys are the operator's own: a file of the checkout is whoever's who may push."""
        settings, real = self.settings, root.resolve()
        for what, path in (("configuration", settings.config_path), ("CA", settings.ca), ("list of signers", settings.allowed_signers)):
            if path is not None and path.resolve().is_relative_to(real) and path.exists():
                raise Unusable(
                    f"The {what} {path} lies in the checkout {root}.",
                    "Whoever may push there could change where a release goes and whom it trusts.",
                    "Move it out of the checkout and name it there: NEXY_CONFIG, NEXY_CA or NEXY_ALLOWED_SIGNERS.",
                )

    @property
    def layout(self) -> Layout:
        """Where things stand in the checkout, with the manifest directories there are now. Raises Unusable when that cannot be told."""
        return replace(self._layout, manifest_directories=directories_here(self.checkout, self.target))

    @cached_property
    def _layout(self) -> Layout:
        return find_layout(self.checkout, self.target.layout)

    def found(self) -> Found:
        """The checkout as found, for showing; where it cannot be told, why."""
        try:
            layout = self.layout
        except Unusable as problem:
            return Found(problem=problem.what)
        return Found(str(layout.root), layout.kind, tuple(map(str, layout.manifest_directories)))

    def require_checkout(self) -> None:
        """Pass in a checkout of the server's code that git can read. Raises Unusable saying what is missing; nothing outside is asked."""
        _ = self.layout
        self.git.head()

    @cached_property
    def http(self) -> HttpClients:
        """HTTP clients that verify TLS."""
        from nexy_tui.services.http import HttpClients

        return HttpClients(self.environ, self.settings.ca)

    @cached_property
    def secrets(self) -> Secrets:
        """Tokens and keys, with their sources."""
        from nexy_tui.services.secrets import Secrets

        return Secrets(self.environ, self.target)

    @cached_property
    def git(self) -> Git:
        """The code repository: checkout and remote."""
        from nexy_tui.services.git import Git

        return Git(self.checkout, self.target, self.environ)

    @contextmanager
    def one_pass(self) -> Iterator[None]:
        """A pass of looking, or an action with its looks: what all of them need of the checkout is read once meanwhile."""
        try:
            checkout: AbstractContextManager[None] = self.git.one_pass()
        except Problem:  # No checkout, or no git: each look says so by itself.
            checkout = nullcontext()
        with checkout:
            yield

    def writing(self, what: str) -> AbstractContextManager[None]:
        """Be the clone's one writer meanwhile, for `what` is done. Raises Refused naming another process that writes in it."""
        from nexy_tui.services.clone_lock import writing_in

        try:
            folder = self.git.folder
        except Problem:  # No checkout, or no git: nothing is written in it.
            return nullcontext()
        return writing_in(folder, f"{what} of {self.settings.operator}")

    def writer(self) -> str:
        """Which other process is writing in the clone now; empty where none is. Raises Problem outside a checkout."""
        from nexy_tui.services.clone_lock import writer_in

        return writer_in(self.git.folder)

    @cached_property
    def github(self) -> ReleaseHost:
        """The release host, writing to the artifacts repository alone."""
        from nexy_tui.services.github import ReleaseHost

        return ReleaseHost(self.target, self.http, self.secrets, self.clock)

    @cached_property
    def sparkle(self) -> Sparkle:
        """Sparkle's signatures, with the key of the environment or the keyring."""
        from nexy_tui.services.sparkle import Sparkle

        return Sparkle(self.target.sparkle_public_key, self.secrets.sparkle_key, self.environ)

    @cached_property
    def contents(self) -> Known:
        """What the artifacts that were found intact say of themselves."""
        return {}

    @cached_property
    def azure(self) -> RunCommands:
        """Run-command on the VM."""
        from nexy_tui.services.azure import RunCommands

        return RunCommands(self.target, self.environ, self.clock)

    @cached_property
    def vm(self) -> VmHost:
        """The VM, through run-command."""
        from nexy_tui.services.vm import VmHost

        return VmHost(self.target, self.azure, self.clock)

    @cached_property
    def database(self) -> DatabaseHost:
        """The database, where the target says it is."""
        from nexy_tui.services.database.host import DatabaseHost

        return DatabaseHost(self)

    @cached_property
    def update_server(self) -> UpdateService:
        """The live update server."""
        from nexy_tui.services.update_server import UpdateService

        return UpdateService(self.target, self.http, self.clock)
