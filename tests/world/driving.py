"""Releases driven in a test's world by the command line, and that world seen from outside, without the tool."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keyring.core
from conftest import Inside, MakeWorld

from nexy_tui.checklist import CHECKLIST
from nexy_tui.cli.release import run_headless
from nexy_tui.config import load_settings
from nexy_tui.core.kind import Kind
from nexy_tui.core.target import DMG
from nexy_tui.core.version import Version
from nexy_tui.engine.begin import RunRequest, start_run
from nexy_tui.engine.notice import Notice, Observer, PhaseOpened
from nexy_tui.engine.resume import resume_run
from nexy_tui.engine.session import Session
from nexy_tui.plain import PlainRenderer
from nexy_tui.rehearsal import world as worlds
from nexy_tui.rehearsal.names import CODE
from nexy_tui.rehearsal.vm.seed import CONFIGS
from nexy_tui.runlog.read import read_log
from nexy_tui.runlog.record import Record
from nexy_tui.services import Services

NEXY = "nexy-tui"
"""As the world's PATH has it: this interpreter's."""

HEADLESS = ("--headless", "--auto", "--json")
MANIFEST_DIRS = ("server/updates/manifests", "server/server/updates/manifests")

SEALED, OPEN = 10, 11
"""Exit statuses of `nexy-tui runs verify`."""


@dataclass(frozen=True)
class Run:
    """How a headless release ended: exit status, what it told people, and its one JSON document."""

    exit: int
    said: str
    document: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.document["run"])

    @property
    def log(self) -> Path:
        return Path(self.document["log"])

    @property
    def records(self) -> list[Record]:
        return read_log(self.log)

    def item(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(item for item in self.document["items"] if item["id"] == name)
        return found


def release(inside: Inside, *arguments: str, timeout: float = 180) -> Run:
    """`nexy-tui release … --headless --auto --json` in a process of its own, to its end."""
    done = inside.run(NEXY, "release", *arguments, *HEADLESS, check=False, timeout=timeout)
    return Run(done.returncode, done.stderr, json.loads(done.stdout) if done.stdout else {})


def begin(inside: Inside, *arguments: str, said: Path, **popen: Any) -> subprocess.Popen[bytes]:
    """The same, left running in a session of its own; what it says goes to a file."""
    with said.open("wb") as stream:
        return subprocess.Popen(
            [NEXY, "release", *arguments, *HEADLESS],
            cwd=inside.checkout,
            env=inside.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stream,
            start_new_session=True,
            **popen,
        )


def release_here(inside: Inside, version: Version, when: Mapping[str, Callable[[], None]]) -> Run:
    """The same in this process, so that something can happen at the very moment a phase opens: `when` has it by phase."""

    def begin_it(services: Services, observer: Observer) -> Session:
        return start_run(services, CHECKLIST, RunRequest(version, Kind.FULL), observer=observer)

    return _here(inside, begin_it, when)


def resume_here(inside: Inside, log: Path, when: Mapping[str, Callable[[], None]]) -> Run:
    """`release --resume` in this process, likewise."""

    def take_up(services: Services, observer: Observer) -> Session:
        return resume_run(services, CHECKLIST, log, observer=observer)

    return _here(inside, take_up, when)


def _here(inside: Inside, opened: Callable[[Services, Observer], Session], when: Mapping[str, Callable[[], None]]) -> Run:
    def watch(notice: Notice) -> None:
        if isinstance(notice, PhaseOpened) and notice.phase is not None and notice.phase in when:
            when[notice.phase]()

    shown, said = io.StringIO(), io.StringIO()
    with terminal(inside), contextlib.redirect_stdout(shown), contextlib.redirect_stderr(said):
        services = Services(load_settings(inside.environ), inside.checkout, environ=inside.environ)
        session = opened(services, PlainRenderer(CHECKLIST))
        session.watch(watch)
        try:
            status = run_headless(session, {}, yes=True, auto=False, as_json=True)
        finally:
            services.github.close()
    return Run(status, said.getvalue(), json.loads(shown.getvalue()))


@contextlib.contextmanager
def terminal(inside: Inside) -> Iterator[None]:
    """This process inside the world: the environment, and the keyring it names."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(inside.environ)
    keyring.core.init_backend()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Bench:
    """One world for as many releases as leave it whole; each is of the version after the last one's."""

    def __init__(self, make_world: MakeWorld) -> None:
        self._make_world = make_world
        self._inside: Inside | None = None
        self._version = Version.parse("0.0.0.0")
        self.whole = False

    def take(self, *, fresh: bool = False) -> tuple[Inside, Version]:
        """A world and the version to release in it, whose image lies in the inbox. Whoever leaves it whole says so afterwards."""
        if self._inside is not None and self.whole and not fresh:
            self._version = self._version.next_build()
            worlds.build(self._inside.world, str(self._version), (DMG,))
        else:
            self.drop()
            self._inside = self._make_world()
            self._version = Version.parse(self._inside.world.next)
        self.whole = False
        return self._inside, self._version

    def drop(self) -> None:
        """Bring the world down."""
        if self._inside is not None:
            worlds.stop(self._inside.world.dir)


def verified_as(inside: Inside, log: Path) -> int:
    """What `nexy-tui runs verify` makes of a log where no anchor can be asked."""
    return inside.run(NEXY, "runs", "verify", log, "--checkout", inside.world.dir, check=False).returncode


@dataclass(frozen=True)
class Outside:
    """What a release changes, read without the tool: from the git host's repository, the release host's disk, and the VM's."""

    refs: Mapping[str, str]
    manifests: Mapping[str, str | None]
    assets: Mapping[str, tuple[str, str]]
    vm_head: str
    vm_settings: tuple[str, ...]

    @property
    def lock(self) -> str | None:
        """The release lock's commit, while somebody holds it."""
        return self.refs.get("refs/nexy/lock")

    @property
    def download(self) -> str | None:
        """The digest of what clients download."""
        return self.assets[DMG][1] if DMG in self.assets else None

    def changed(self, since: Outside) -> set[str]:
        """What is different from before."""
        pairs = {
            "tag": (_tags(self.refs), _tags(since.refs)),
            "branch": (self.refs["refs/heads/main"], since.refs["refs/heads/main"]),
            "manifests": (self.manifests, since.manifests),
            "download": (self.download, since.download),
            "vm code": (self.vm_head, since.vm_head),
            "vm settings": (self.vm_settings, since.vm_settings),
        }
        return {name for name, (now, before) in pairs.items() if now != before}


def outside(inside: Inside) -> Outside:
    """The world as it stands."""
    bare, vm = inside.world.bare(CODE), inside.world.vm_clone
    refs = {ref: oid for oid, ref in (line.split() for line in shown_refs(inside, bare).splitlines())}
    return Outside(
        refs=refs,
        manifests={folder: _shown(inside, f"main:{folder}/manifest.json") for folder in MANIFEST_DIRS},
        assets=_assets(inside),
        vm_head=inside.git("rev-parse", "HEAD", cwd=vm),
        vm_settings=tuple((vm / path).read_text() for path in CONFIGS),
    )


def shown_refs(inside: Inside, bare: Path) -> str:
    """`git show-ref` of a host's repository, without the anchors of run logs: every run that held the lock leaves some."""
    listed = inside.git("show-ref", "--dereference", cwd=bare)
    return "".join(line for line in listed.splitlines(keepends=True) if not re.search(r" refs/(nexy/runs|tags/release-log)/", line))


def assert_released(inside: Inside, version: Version | str) -> Outside:
    """Everything says this version, and nothing is left lying about."""
    now, vm = outside(inside), inside.world.vm_clone
    image = (inside.world.checkout_layout.inbox / DMG).read_bytes()
    tagged = now.refs[f"refs/tags/v{version}^{{}}"]
    document = json.loads(now.manifests[MANIFEST_DIRS[0]] or "")
    names = ("manifest.json", f"manifest_{version}.json")
    paths = [f"{folder}/{name}" for folder in MANIFEST_DIRS for name in names]
    assert now.download == hashlib.sha256(image).hexdigest() == document["artifact"]["sha256"]
    assert (document["version"], document["build"], document["artifact"]["size"]) == (str(version), str(version), len(image))
    assert {_shown(inside, f"main:{path}") for path in paths} == {now.manifests[MANIFEST_DIRS[0]]}
    assert {(vm / path).read_text().strip() for path in paths} == {now.manifests[MANIFEST_DIRS[0]]}
    assert now.vm_head == tagged
    assert all(f"SERVER_VERSION={version}\n" in text and f"SERVER_BUILD={version}\n" in text for text in now.vm_settings)
    assert set(now.assets) == {DMG, f"previous-{DMG}"} and {state for state, _ in now.assets.values()} == {"uploaded"}
    assert now.lock is None
    served = json.loads(inside.run("curl", "-fsS", f"https://{inside.world.update_host}/health").stdout)
    assert (served["status"], served["latest_version"]) == ("OK", str(version))
    return now


def _tags(refs: Mapping[str, str]) -> dict[str, str]:
    return {ref: oid for ref, oid in refs.items() if ref.startswith("refs/tags/v")}


def _shown(inside: Inside, path: str) -> str | None:
    shown = inside.run("git", "show", path, cwd=inside.world.bare(CODE), check=False)
    return shown.stdout.strip() if shown.returncode == 0 else None


def _assets(inside: Inside) -> dict[str, tuple[str, str]]:
    """Of the release that clients follow: each asset's state and the digest of its bytes on the disk."""
    state = json.loads((inside.world.releases / "state.json").read_text())
    followed = next(release for release in state["releases"] if release["tag"] == "Update")
    found = {}
    for asset in followed["assets"].values():
        blob = inside.world.releases / "blobs" / asset["blob"]
        found[asset["name"]] = (asset["state"], hashlib.sha256(blob.read_bytes()).hexdigest() if blob.exists() else "")
    return found
