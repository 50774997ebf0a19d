"""A publisher at work in a test's world: services as the command line makes them, and everything it said."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import keyring.core
import pytest
from conftest import Inside

from checks import manifests, publish
from checks.base import Check, Scope
from nexy_tui.actions.base import Action, ActionContext, ActionResult, LogHead
from nexy_tui.actions.deploy import Deploy
from nexy_tui.config import load_settings
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.event import Event
from nexy_tui.core.finding import Status, Verdict
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.target import DMG, PKG
from nexy_tui.core.version import Version
from nexy_tui.rehearsal.artifacts import make as artifacts
from nexy_tui.services import Services
from nexy_tui.services.artifact import digest
from nexy_tui.services.git import Git

MANIFESTS = ("server/updates/manifests", "server/server/updates/manifests")


_numbers = itertools.count(43)


def unseen() -> Version:
    """A version that no run has seen."""
    return Version.parse(f"1.6.1.{next(_numbers)}")


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
            self.services.target,
            self.version,
            self.kind,
            datetime.now(UTC),
            with_pkg=self.with_pkg,
            run="run",
            published_before=self.published_before,
            tried=frozenset({"push", "publish"}),
        )

    def do(self, action: Action) -> ActionResult:
        """Run an action."""
        return action.run(
            ActionContext(
                services=self.services,
                plan=self.plan,
                emit=self.events.append,
                cancelled=self.cancelled,
                intent=lambda step, /, **facts: self.intents.append((step, facts)),
                signer=_never,
                trusted=_never,
                journal=lambda: LogHead("run", 1, "00"),
            )
        )

    def deploy(self) -> None:
        """The manifests on the branch laid on the VM, so that the live server offers what they name. Raises as the deploy does."""
        bare = self.inside.world.bare("Seregawpn/Nexy_server")
        stated = json.loads(self.inside.git("show", f"main:{MANIFESTS[0]}/manifest.json", cwd=bare))
        kind, version = self.kind, self.version
        self.kind, self.version = Kind.UPDATE_ONLY, Version.parse(stated["version"])
        try:
            self.do(Deploy())
        finally:
            self.kind, self.version = kind, version

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

    def download_or_nothing(self, name: str = DMG) -> tuple[int, str] | None:
        """As `download`, or None for 404."""
        url = self.services.target.asset_url(name)
        code = self.inside.run("curl", "-sSLo", "/dev/null", "-w", "%{http_code}", url).stdout
        return None if code == "404" else self.download(name)

    def requests(self) -> int:
        """How many requests the world has seen."""
        return len((self.inside.world.log / "requests.jsonl").read_text().splitlines())

    def assets(self, name: str = DMG) -> dict[str, str]:
        """Assets of an artifact's release and their states, as the release host lists them."""
        tag = self.services.target.tag_for(name)
        url = f"https://api.github.com/repos/Seregawpn/Nexy_production/releases/tags/{tag}"
        return {asset["name"]: asset["state"] for asset in json.loads(self.inside.run("curl", "-fsSL", url).stdout)["assets"]}

    def branch_files(self) -> dict[str, bytes]:
        """The four manifest files on the code repository's branch, read from the bare repository."""
        bare = self.inside.world.bare("Seregawpn/Nexy_server")
        names = ("manifest.json", f"manifest_{self.version}.json")
        paths = [f"{folder}/{name}" for folder in MANIFESTS for name in names]
        return {path: self.inside.git("show", f"main:{path}", cwd=bare).encode() for path in paths}


@contextmanager
def publisher(inside: Inside, version: str = "", **plan: Any) -> Iterator[Publisher]:
    """A publisher whose process is inside the world: its environment is this process's own meanwhile. No package of its own stays.

    Without a version it is of one that no run has seen.
    """
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(inside.environ)
    keyring.core.init_backend()
    services = Services(load_settings(inside.environ), inside.checkout, environ=inside.environ, clock=SystemClock(1000))
    try:
        yield Publisher(inside, services, Version.parse(version) if version else unseen(), **plan)
    finally:
        (services.layout.inbox / PKG).unlink(missing_ok=True)
        services.github.close()
        os.environ.clear()
        os.environ.update(before)


_AFTERWARDS = (publish.TARGET, publish.ASSET, publish.BYTES, manifests.MANIFESTS, manifests.COMMIT)


def local(work: Publisher, name: str = DMG) -> tuple[int, str]:
    path = work.services.layout.inbox / name
    return path.stat().st_size, digest(path)


def requests(work: Publisher) -> list[tuple[str, str, bool]]:
    """Method, `host/path` and whether a credential came along, of every request so far."""
    rows = map(json.loads, (work.inside.world.log / "requests.jsonl").read_text().splitlines())
    return [(row["method"], row["host"] + row["path"], row["authorized"]) for row in rows]


def sent(work: Publisher, since: int) -> list[str]:
    """What was uploaded since, as far as the host took a whole request."""
    return [path for method, path, _ in requests(work)[since:] if method == "POST" and path.startswith("uploads.")]


def sent_whole(work: Publisher, since: int, name: str) -> int:
    """How many uploads of an artifact the host took to their end since."""
    tag = work.services.target.tag_for(name)
    release = work.services.github.release(tag)
    rows = map(json.loads, (work.inside.world.log / "requests.jsonl").read_text().splitlines()[since:])
    assert release is not None
    return sum(row["method"] == "POST" and row["status"] == 201 and f"/releases/{release.id}/" in row["path"] for row in rows)


def writes(work: Publisher, since: int) -> list[str]:
    """The release host's writes since, as `METHOD host/path`."""
    rows = requests(work)[since:]
    return [f"{method} {url}" for method, url, _ in rows if method in ("POST", "PATCH", "DELETE") and "/repos/" in url]


def assert_published(work: Publisher) -> None:
    """Seen with curl and git: the URL's bytes, the branch's manifests and the inbox agree."""
    assert work.download() == local(work)
    files = work.branch_files()
    assert len(files) == 4 and len(set(files.values())) == 1
    stated = json.loads(next(iter(files.values())))
    assert stated["version"] == stated["build"] == str(work.version)
    assert (stated["artifact"]["size"], stated["artifact"]["sha256"]) == local(work)
    assert not [name for name, state in work.assets().items() if name.startswith("incoming-") or state != "uploaded"]
    for check in _AFTERWARDS:
        verdict = work.check(check)
        assert verdict.status is Status.PASSED, verdict


class Killed(BaseException):
    """The process is dead: nothing catches this, and nothing it does afterwards reaches the world."""


class Mortal:
    """Counts every request to the release host and every git command, and dies at one of them (of those that begin with `of`).

    `lost` says what became of it: never sent, or sent and its answer lost. A dead process asks nothing more: everything
    it would still try raises too, its clean-up included, as after a SIGKILL.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, at: int | None = None, lost: str = "answer", of: str = "") -> None:
        self.seen: list[str] = []
        self._at, self._lost, self._of = at, lost, of
        self._dead = False
        self._guard = threading.Lock()
        send, raw = httpx.Client.send, Git.raw

        def mortal_send(client: httpx.Client, request: httpx.Request, **more: Any) -> Any:
            return self._step(f"{request.method} {request.url.host}{request.url.path}", lambda: send(client, request, **more))

        def mortal_git(git: Git, *arguments: str, **more: Any) -> Any:
            return self._step(f"git {arguments[0]}", lambda: raw(git, *arguments, **more))

        monkeypatch.setattr(httpx.Client, "send", mortal_send)
        monkeypatch.setattr(Git, "raw", mortal_git)

    def _step(self, what: str, call: Callable[[], Any]) -> Any:
        with self._guard:
            if self._dead:
                raise Killed
            self.seen.append(what)
            dies = what.startswith(self._of) and sum(step.startswith(self._of) for step in self.seen) == self._at
            self._dead = dies
        if dies and self._lost == "request":
            raise Killed
        result = call()
        if dies or self._dead:
            raise Killed
        return result
