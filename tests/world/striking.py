"""Every request of a publisher can be struck, and a publisher in a process of its own be killed at it; and the world's own accounts
of what came of that: which name stood for which bytes at every moment, and what was pushed."""

from __future__ import annotations

import base64
import itertools
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from conftest import Inside
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from publishing import MANIFESTS, Publisher, local

from checks.inbox import expected
from nexy_tui.core.target import DMG
from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.names import ASSET_HOST, CODE
from nexy_tui.rehearsal.net.strikes import FAILING, HOLDING, NAME

GUARD = "nexy_tui.services.swap_guard_child"
ROOT = Path(__file__).resolve().parents[2]

__all__ = ["FAILING", "HOLDING"]


def rows(path: Path, since: int = 0) -> list[dict[str, Any]]:
    """The lines of one of the world's accounts."""
    return [json.loads(line) for line in path.read_text().splitlines()[since:]] if path.exists() else []


def length(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


@contextmanager
def strike(inside: Inside, at: int | str, sort: str) -> Iterator[Callable[[], None]]:
    """The `at`-th request from now on (`PATCH3`: the third PATCH) goes wrong in that way.

    Gives the call that ends it, and lets go what it holds.
    """
    faults = Faults(inside.world.faults)
    faults.switch(NAME, True, f"{at}:{sort}:{uuid.uuid4().hex}")
    try:
        yield lambda: faults.switch(NAME, False)
    finally:
        faults.switch(NAME, False)


def strikes(inside: Inside) -> Path:
    return inside.world.log / "strikes.jsonl"


def late(account: Path, since: int, within: float = 30) -> None:
    """Wait until a request that was held has taken the effect that comes late: the account's second line of it."""
    end = time.monotonic() + within
    while length(account) < since + 2:
        assert time.monotonic() < end, "it takes no effect"
        time.sleep(0.02)


def guards(of: int | None = None) -> list[psutil.Process]:
    """The guards a process has started and that still live."""
    found = []
    for child in psutil.Process(of or os.getpid()).children(recursive=True):
        try:
            if GUARD in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def gone(processes: list[psutil.Process], within: float) -> bool:
    """Whether all of them ended by themselves in that many seconds."""
    return not psutil.wait_procs(processes, timeout=within)[1]


@dataclass
class Mark:
    """Where the accounts stood, and what clients got, before something was tried."""

    work: Publisher
    assets: int
    requests: int
    tip: str
    before: dict[str, str]

    @classmethod
    def set(cls, work: Publisher) -> Mark:
        log = work.inside.world.log
        held = rows(log / "assets.jsonl")[-1]["assets"]
        before = {name: held[work.services.target.tag_for(name)][name][3] for name in expected(work.plan)}
        return cls(work, length(log / "assets.jsonl"), length(log / "requests.jsonl"), tip(work.inside), before)

    def states(self) -> list[dict[str, Any]]:
        """What the names stood for at every moment since, the one before first."""
        return [row["assets"] for row in rows(self.work.inside.world.log / "assets.jsonl")[self.assets - 1 :]]


def tip(inside: Inside) -> str:
    return inside.git("rev-parse", "main", cwd=inside.world.bare(CODE))


def in_place(inside: Inside, name: str = DMG, tag: str = "Update") -> list[Any] | None:
    """Id, state, size and digest of what the fixed name stands for now."""
    found: list[Any] | None = rows(inside.world.log / "assets.jsonl")[-1]["assets"][tag].get(name)
    return found


def assert_unbroken(mark: Mark, *, missing: int | None = None) -> None:
    """At every moment a whole file of one of the two releases, but between two renames; sent once; nothing untrue pushed; no token
    to the second host. `missing` is how often the name may have stood for nothing, where that is known."""
    work = mark.work
    for name in expected(work.plan):
        tag = work.services.target.tag_for(name)
        ours = f"sha256:{local(work, name)[1]}"
        states = [state[tag] for state in mark.states()]
        gaps = 0
        for earlier, now in itertools.pairwise(states):
            if name in now:
                assert now[name][1] == "uploaded" and now[name][3] in (mark.before[name], ours), now
            elif name in earlier:
                gaps += 1
                moved = [other for other, asset in now.items() if asset[0] == earlier[name][0]]
                assert moved in ([f"previous-{name}"], [f"incoming-{ours[7:23]}-{name}"]), "the name is only ever left by a rename"
        assert missing is None or gaps <= missing
        whole = {asset[0] for state in states[1:] for asset in state.values() if asset[1] == "uploaded" and asset[3] == ours}
        assert len(whole) <= 1, f"{name} was sent {len(whole)} times"
    assert_pushed_true(mark)
    asked = rows(work.inside.world.log / "requests.jsonl", mark.requests)
    assert not [row for row in asked if row["host"] == ASSET_HOST and row["authorized"]]


def assert_pushed_true(mark: Mark) -> None:
    """Every manifest commit since names the bytes that were in the inbox."""
    inside, bare = mark.work.inside, mark.work.inside.world.bare(CODE)
    for commit in inside.git("rev-list", f"{mark.tip}..main", cwd=bare).split():
        stated = json.loads(inside.git("show", f"{commit}:{MANIFESTS[0]}/manifest.json", cwd=bare))["artifact"]
        assert (stated["size"], stated["sha256"]) == local(mark.work)


def assert_ended(work: Publisher) -> None:
    """What a publish leaves, from the accounts, the URL and the branch: bytes, manifests, signature, and nothing lying about."""
    for name in expected(work.plan):
        size, sha256 = local(work, name)
        held = rows(work.inside.world.log / "assets.jsonl")[-1]["assets"][work.services.target.tag_for(name)]
        assert set(held) == {name, f"previous-{name}"} and {asset[1] for asset in held.values()} == {"uploaded"}, held
        assert held[name][2:] == [size, f"sha256:{sha256}"]
        assert work.download(name) == (size, sha256)
    files = work.branch_files()
    assert len(files) == 4 and len(set(files.values())) == 1
    stated = json.loads(next(iter(files.values())))
    assert stated["version"] == stated["build"] == str(work.version)
    assert (stated["artifact"]["size"], stated["artifact"]["sha256"]) == local(work)
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(work.services.target.sparkle_public_key))
    public.verify(base64.b64decode(stated["artifact"]["ed25519"]), (work.services.layout.inbox / DMG).read_bytes())


@dataclass
class Apart:
    """A publisher in a process of its own, in a session of its own."""

    process: subprocess.Popen[bytes]
    said: Path

    @classmethod
    def begin(cls, work: Publisher, *more: str) -> Apart:
        said = work.inside.home / f"said-{uuid.uuid4().hex}"
        command = [sys.executable, str(ROOT / "tests/world/publish_apart.py"), str(work.inside.checkout), str(work.version), *more]
        with said.open("wb") as stream:
            process = subprocess.Popen(
                [*command, *(["--pkg"] if work.with_pkg else [])],
                cwd=work.inside.checkout,
                env={**work.inside.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(process, said)

    def struck(self, account: Path, since: int, within: float = 60) -> bool:
        """Wait until a strike has met it; False when it came to its end before."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            if length(account) > since:
                return True
            if self.process.poll() is not None:
                return length(account) > since
            time.sleep(0.02)
        raise AssertionError(f"neither struck nor at its end: {self.said.read_text()}")

    def kill(self) -> list[psutil.Process]:
        """SIGKILL, to this one process alone; the guards that outlive it."""
        left = guards(self.process.pid)
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return left
