"""A publisher at work in a test's world: services as the command line makes them, and everything it said."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import keyring.core
from conftest import Inside

from checks.base import Check, Scope
from nexy_tui.actions.base import Action, ActionContext, ActionResult, Journal
from nexy_tui.config import load_settings
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.event import Event
from nexy_tui.core.finding import Verdict
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.target import DMG
from nexy_tui.core.version import Version
from nexy_tui.rehearsal import artifacts
from nexy_tui.services import Services

MANIFESTS = ("server/updates/manifests", "server/server/updates/manifests")


def _never(*_: object) -> Any:
    raise AssertionError("a publisher needs no key of the operator's")


@dataclass
class Publisher:
    """Services inside a world, and a plan for one version."""

    inside: Inside
    services: Services
    version: Version
    kind: Kind = Kind.FULL
    with_pkg: bool = False
    published_before: Version | None = None
    events: list[Event] = field(default_factory=list)
    intents: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    cancelled: Callable[[], bool] = lambda: False

    @property
    def plan(self) -> Plan:
        return Plan(
            self.services.target, self.version, self.kind, datetime.now(UTC), with_pkg=self.with_pkg, run="run", published_before=self.published_before
        )

    def do(self, action: Action) -> ActionResult:
        """Run an action."""
        return action.run(
            ActionContext(
                services=self.services,
                plan=self.plan,
                emit=self.events.append,
                cancelled=lambda: self.cancelled(),
                intent=lambda step, /, **facts: self.intents.append((step, facts)),
                signer=_never,
                trusted=_never,
                journal=lambda: Journal("run", 1, "00"),
            )
        )

    def check(self, check: Check) -> Verdict:
        """Look and judge."""
        scope = Scope(self.services, self.plan, _never, emit=self.events.append)
        return check.judge(check.look(scope), self.plan)

    def lay(self, name: str = DMG, version: str | None = None, seed: str = "") -> artifacts.Built:
        """Build an artifact into the inbox."""
        inbox = self.services.layout.inbox
        return artifacts.build(inbox / name, name, version or str(self.version), self.inside.world.artifact_size, seed or str(self.version))

    def download(self, name: str = DMG) -> tuple[int, str]:
        """What curl gets from the release URL: size and SHA-256."""
        url = self.services.target.asset_url(name)
        target = self.inside.home / "got"
        self.inside.run("curl", "-fsSL", "-o", target, url)
        data = target.read_bytes()
        return len(data), hashlib.sha256(data).hexdigest()

    def assets(self, name: str = DMG) -> dict[str, str]:
        """Assets of an artifact's release and their states, by gh."""
        out = self.inside.run(
            "gh", "release", "view", self.services.target.tag_for(name), "-R", "Seregawpn/Nexy_production", "--json", "assets", "-q",
            '.assets[] | .name + " " + .state',
        ).stdout
        return dict(line.split(" ") for line in out.splitlines())

    def branch_files(self) -> dict[str, bytes]:
        """The four manifest files on the code repository's branch, read from the bare repository."""
        bare = self.inside.world.bare("Seregawpn/Nexy_server")
        names = ("manifest.json", f"manifest_{self.version}.json")
        paths = [f"{folder}/{name}" for folder in MANIFESTS for name in names]
        return {path: self.inside.git("show", f"main:{path}", cwd=bare).encode() for path in paths}


@contextmanager
def publisher(inside: Inside, version: str, **plan: Any) -> Iterator[Publisher]:
    """A publisher whose process is inside the world: its environment is this process's own meanwhile."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(inside.environ)
    keyring.core.init_backend()
    services = Services(load_settings(inside.environ), inside.checkout, environ=inside.environ, clock=SystemClock(1000))
    try:
        yield Publisher(inside, services, Version.parse(version), **plan)
    finally:
        services.github.close()
        os.environ.clear()
        os.environ.update(before)
