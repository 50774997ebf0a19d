"""Releases driven in a test's world by the command line, each in a process of its own, and that world seen from outside."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import Inside

from nexy_tui.core.target import DMG
from nexy_tui.rehearsal.names import CODE
from nexy_tui.runlog.read import read_log
from nexy_tui.runlog.record import Record

NEXY = "nexy-tui"
"""As the world's PATH has it: this interpreter's."""

HEADLESS = ("--headless", "--auto", "--json")
MANIFEST_DIRS = ("server/updates/manifests", "server/server/updates/manifests")


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
        return next(item for item in self.document["items"] if item["id"] == name)


def release(inside: Inside, *arguments: str, timeout: float = 180) -> Run:
    """`nexy-tui release … --headless --auto --json`, to its end."""
    done = inside.run(NEXY, "release", *arguments, *HEADLESS, check=False, timeout=timeout)
    return Run(done.returncode, done.stderr, json.loads(done.stdout) if done.stdout else {})


def begin(inside: Inside, *arguments: str, said: Path) -> subprocess.Popen[bytes]:
    """The same, left running; what it says goes to a file."""
    with said.open("wb") as stream:
        return subprocess.Popen(
            [NEXY, "release", *arguments, *HEADLESS],
            cwd=inside.checkout,
            env=inside.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stream,
            start_new_session=True,
        )


def verified_as(inside: Inside, log: Path) -> int:
    """The exit status of `nexy-tui runs verify`: 10 sealed, 11 open, 12 torn, 1 invalid."""
    return inside.run(NEXY, "runs", "verify", log, check=False).returncode


@dataclass(frozen=True)
class Outside:
    """What a release changes, read without the tool: from the git host's repository, the release host's disk, and the VM's."""

    tags: frozenset[str]
    branch: str
    manifests: Mapping[str, str | None]
    assets: Mapping[str, tuple[str, str]]
    vm_head: str
    vm_config: tuple[str, ...]
    lock: str | None

    @property
    def download(self) -> str | None:
        """The digest of what clients download."""
        return self.assets.get(DMG, ("", ""))[1] or None

    def changed(self, since: Outside) -> set[str]:
        """What is different from before."""
        pairs = {
            "tag": (self.tags, since.tags),
            "branch": (self.branch, since.branch),
            "manifests": (self.manifests, since.manifests),
            "download": (self.download, since.download),
            "vm code": (self.vm_head, since.vm_head),
            "vm settings": (self.vm_config, since.vm_config),
        }
        return {name for name, (now, before) in pairs.items() if now != before}


def outside(inside: Inside) -> Outside:
    """The world as it stands."""
    bare, vm = inside.world.bare(CODE), inside.world.vm_clone
    refs = {ref: oid for oid, ref in (line.split() for line in inside.git("show-ref", cwd=bare).splitlines())}
    return Outside(
        tags=frozenset(f"{oid} {ref}" for ref, oid in refs.items() if ref.startswith("refs/tags/v")),
        branch=refs["refs/heads/main"],
        manifests={folder: _manifest(inside, bare, folder) for folder in MANIFEST_DIRS},
        assets=_assets(inside),
        vm_head=inside.git("rev-parse", "HEAD", cwd=vm),
        vm_config=tuple((vm / path).read_text() for path in ("server/config.env", "server/server/config.env")),
        lock=refs.get("refs/nexy/lock"),
    )


def _manifest(inside: Inside, bare: Path, folder: str) -> str | None:
    shown = inside.run("git", "show", f"main:{folder}/manifest.json", cwd=bare, check=False)
    return shown.stdout if shown.returncode == 0 else None


def _assets(inside: Inside) -> dict[str, tuple[str, str]]:
    """Name: state and digest of the bytes on the disk, of the release that clients follow."""
    state = json.loads((inside.world.releases / "state.json").read_text())
    followed = next(release for release in state["releases"] if release["tag"] == "Update")
    found = {}
    for asset in followed["assets"].values():
        blob = inside.world.releases / "blobs" / asset["blob"]
        found[asset["name"]] = (asset["state"], hashlib.sha256(blob.read_bytes()).hexdigest() if blob.exists() else "")
    return found
