"""Fixers at work in a test's world: by the command line, and in this process where a test lets them die."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import forked
import keyring.core
import pytest
from conftest import Inside
from driving import shown_refs

from nexy_tui.config import load_settings
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.secret import Secret
from nexy_tui.engine.mend import FixPrompts, interrupted, mend, open_fix
from nexy_tui.engine.outcome import Outcome
from nexy_tui.fixers import config_env, fixer, inbox, target_repository
from nexy_tui.rehearsal.names import ARTIFACTS, CODE
from nexy_tui.rehearsal.vm.seed import CONFIGS
from nexy_tui.services import Services
from nexy_tui.services.git import Git
from nexy_tui.services.remotes import RemoteConfig
from nexy_tui.services.secrets import Secrets
from nexy_tui.services.vm import VmHost

NEW_KEY = "AIzaPlantedKeyOfTheTest0000000000000001"
MANIFEST = "server/updates/manifests/manifest.json"
SECOND = "server/server/updates/manifests/manifest.json"


@dataclass(frozen=True)
class Fixed:
    """How `nexy-tui fix` ended."""

    exit: int
    out: str
    err: str
    document: dict[str, Any]

    @property
    def log(self) -> Path:
        return Path(self.document["log"])

    def status(self, item: str) -> str:
        return str(next(one["status"] for one in self.document["items"] if one["id"] == item))


def fix(inside: Inside, *words: str, env: Mapping[str, str | None] | None = None, stdin: str = "") -> Fixed:
    """`nexy-tui fix WORDS --json`, without a terminal; None takes a variable out of the environment."""
    environ = {name: value for name, value in {**inside.environ, **(env or {})}.items() if value is not None}
    done = forked.run(["fix", *words, "--json"], cwd=inside.checkout, env=environ, stdin=stdin, timeout=120)
    return Fixed(done.returncode, done.stdout, done.stderr, json.loads(done.stdout) if done.stdout else {})


def everything(inside: Inside) -> dict[str, str]:
    """Digests of all that a fix may change: checkout, code repositories, VM, keyring, configuration, and the run logs."""
    world = inside.world
    places = {
        "checkout": [path for path in world.checkout.rglob("*") if ".git" not in path.relative_to(world.checkout).parts],
        "git": [world.checkout / ".git" / "config"],
        "vm": [world.vm_clone / name for name in (*CONFIGS, "server/config/unified_config.py", "server/server/config/unified_config.py")]
        + [
            world.vm_clone / folder / name
            for folder in (Path(MANIFEST).parent, Path(SECOND).parent)
            for name in _names(world.vm_clone / folder)
        ],
        "home": [world.home / "keyring.cfg", world.config],
        "runs": list((world.state / "runs").rglob("*")),
    }
    digests = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for paths in places.values() for path in paths if path.is_file()}
    for repository in (CODE, ARTIFACTS):
        digests[repository] = shown_refs(inside, world.bare(repository))
    return digests | {"HEAD": inside.git("rev-parse", "HEAD"), "pid": json_pid(inside)}


def json_pid(inside: Inside) -> str:
    """The server's process on the VM: another one after a restart."""
    shown = inside.run(inside.world.vm / "bin" / "systemctl", "show", "-p", "MainPID", inside.world.target.vm.service)
    return shown.stdout.strip()


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def holding(inside: Inside, secret: str) -> list[str]:
    """Files of the world, its logs included, that hold a secret; not the two the VM's server reads it from, nor the keyring."""
    allowed = {str(inside.world.vm_clone / name) for name in CONFIGS} | {str(inside.world.home / "keyring.cfg")}
    found = inside.run("grep", "-rlF", "--binary-files=text", secret, inside.world.dir, check=False).stdout.splitlines()
    return sorted(set(found) - allowed)


def keyring_says(inside: Inside, verb: str) -> str:
    """`keyring get` or `del` of the token, in a process of its own."""
    return inside.run(sys.executable, "-m", "keyring", verb, "nexy-tui", "github-token").stdout.strip()


# --- what a test breaks ---


def change(path: Path, old: str, new: str) -> None:
    """Replace a text that must be there."""
    text = path.read_text()
    assert old in text, path
    path.write_text(text.replace(old, new))


def edit_manifest(root: Path, name: str, key: str, value: object) -> None:
    """Change a field of a manifest file by hand."""
    document = json.loads((root / name).read_text())
    (document["artifact"] if key in document["artifact"] else document)[key] = value
    (root / name).write_text(json.dumps(document, indent=2) + "\n")


def stray_manifest(inside: Inside) -> str:
    """The operator's manifest commit, pushed to the artifacts repository because a pushurl led there; its id."""
    edit_manifest(inside.checkout, MANIFEST, "critical", not json.loads((inside.checkout / MANIFEST).read_text())["critical"])
    inside.git("commit", "-qm", "Update manifest for 1.6.1.42 (Production)", "--", MANIFEST)
    wrong = f"https://github.com/{ARTIFACTS}.git"
    inside.git("config", "remote.origin.pushurl", wrong)
    inside.git("push", "-q", "origin", "HEAD:refs/heads/manifests")
    return inside.git("rev-parse", "HEAD")


# --- in this process ---


class Killed(BaseException):
    """The process is dead: what follows in it does not happen."""


@dataclass
class Mortal:
    """Counts the steps by which fixers change anything, and dies at one of them: before it, or after it with its answer lost."""

    at: int | None = None
    lost: str = "before"
    seen: list[str] = field(default_factory=list)
    dead: bool = False

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for owner, name in (
            (VmHost, "_send"),
            (Git, "push"),
            (Secrets, "store"),
            (RemoteConfig, "write"),
            (config_env, "write_all"),
            (target_repository, "replace_file"),
            (inbox, "replace_file"),
        ):
            monkeypatch.setattr(owner, name, self._mortal(getattr(owner, name), name))
        raw = Git.raw

        def only_alive(git: Git, *arguments: str, **more: Any) -> Any:
            if self.dead:
                raise Killed
            return raw(git, *arguments, **more)

        monkeypatch.setattr(Git, "raw", only_alive)

    def _mortal(self, real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def step(*arguments: Any, **more: Any) -> Any:
            if self.dead:
                raise Killed
            self.seen.append(name)
            dies = len(self.seen) == self.at
            if dies and self.lost == "before":
                self.dead = True
                raise Killed
            result = real(*arguments, **more)
            if dies:
                self.dead = True
                raise Killed
            return result

        return step


@contextmanager
def inside_of(inside: Inside, **env: str | None) -> Iterator[Callable[[], Services]]:
    """This process inside the world; makes services whose waits are short."""
    before = dict(os.environ)
    environ = {name: value for name, value in {**inside.environ, **env}.items() if value is not None}
    os.environ.clear()
    os.environ.update(environ)
    keyring.core.init_backend()
    made: list[Services] = []

    def services() -> Services:
        made.append(Services(load_settings(environ), inside.checkout, environ=environ, clock=SystemClock(200)))
        return made[-1]

    try:
        yield services
    finally:
        for one in made:
            one.github.close()
        os.environ.clear()
        os.environ.update(before)


def mended(services: Services, name: str, secret: str | None = None) -> tuple[Outcome, list[str], Path]:
    """A fixer's run in this process, all confirmed: its outcome, what it said, and its log. One that dies leaves its log unlocked."""
    chosen = fixer(name)
    assert chosen is not None
    if secret is not None and chosen.secret is not None:
        services.secrets.hand(chosen.secret.name, Secret("test", secret))
    said: list[str] = []
    left = interrupted(services, name)
    session = open_fix(services, chosen, left)
    assert session.log is not None
    try:
        outcome = mend(session, chosen, FixPrompts(lambda _: None, lambda *_: True, said.append), resumed=left is not None)
    finally:
        session.log.close()
    return outcome, said, session.log.path
