"""A rehearsal world to measure in: our publisher, and beside it the stock programs doing the same to the same host."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nexy_tui.core.target import DMG, PKG
from nexy_tui.rehearsal import world as worlds
from nexy_tui.rehearsal.artifacts import make as artifacts
from nexy_tui.rehearsal.environment import environment
from nexy_tui.rehearsal.faults.switchboard import set_fault
from nexy_tui.rehearsal.names import World

HERE = Path(__file__).parent
_SMALL = 1_000_000
_LONG_AGO = 1_000_000_000.0
"""When the artifacts were written, as far as the publisher can see: it waits for files that may still be growing."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What the clients at the release URL saw: the time without a whole file, and what their downloads gave."""

    gap_s: float
    probes_per_second: float
    downloads: int
    spoiled: int


@dataclass
class Arena:
    """A world that is up, and the programs that act in it."""

    world: World
    environ: dict[str, str] = field(repr=False)
    folder: Path
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(43))

    @property
    def url(self) -> str:
        """Where clients download the image."""
        return self.world.target.asset_url(DMG)

    @contextmanager
    def bandwidth(self, bits_per_second: int) -> Iterator[None]:
        """Every connection of the world slowed down."""
        set_fault(self.world, "bandwidth", True, str(bits_per_second))
        try:
            yield
        finally:
            set_fault(self.world, "bandwidth", False)

    def lay(self, size: int, *, pkg: int = 0) -> str:
        """New artifacts of a next version into the inbox; the version."""
        version = f"1.6.1.{next(self.numbers)}"
        inbox = self.world.checkout_layout.inbox
        for name, length in ((DMG, size), (PKG, pkg)):
            path = inbox / name
            path.unlink(missing_ok=True)
            if length:
                artifacts.build(path, name, version, length)
                os.utime(path, (_LONG_AGO, _LONG_AGO))
        return version

    def publish(self, version: str, *options: str) -> dict[str, Any]:
        """Our publisher in a process of its own; its figures, and the requests it took."""
        before = self._requests()
        figures: dict[str, Any] = json.loads(
            self.run([sys.executable, "-P", HERE / "publisher.py", version, *options], cwd=self.world.checkout)
        )
        made = self._requests()[len(before) :]
        figures["requests"] = len(made)
        figures["release_host_requests"] = sum(".git/" not in path for path in made)
        return figures

    def curl_publish(self) -> dict[str, float]:
        """The reference: the image up with `curl -T`, down again with `curl | sha256sum`. Not under its name, and taken away afterwards."""
        image = self.world.checkout_layout.inbox / DMG
        start = time.monotonic()
        self._curl_upload("reference.bin", image)
        uploaded = time.monotonic()
        self.run(["sh", "-c", 'curl -fsSL "$0" | sha256sum', self.url.replace(DMG, "reference.bin")])
        ended = time.monotonic()
        self._curl_delete("reference.bin")
        return {"upload_s": uploaded - start, "download_s": ended - uploaded, "whole_s": ended - start}

    def clobber(self) -> int:
        """The reference: `gh release upload --clobber`, or by hand what it does where there is no gh. How many requests it took."""
        before = len(self._requests())
        target, image = self.world.target, self.world.checkout_layout.inbox / DMG
        if shutil.which("gh"):
            self.run(["gh", "release", "upload", target.tag_for(DMG), image, "--clobber", "-R", target.artifacts_repository])
        else:
            self._curl_delete(DMG)
            self._curl_upload(DMG, image)
        return len(self._requests()) - before

    @contextmanager
    def watched(self, seen: list[Watched], digests: Sequence[str], stagger: float) -> Iterator[None]:
        """Clients at the release URL meanwhile; what they saw is appended. `digests`: of the file before and the file after."""
        command: list[str | Path] = [sys.executable, "-P", HERE / "bystander.py", self.url, "--stagger", str(stagger)]
        with subprocess.Popen(command, env=self.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
            try:
                time.sleep(1.0)
                yield
                time.sleep(1.0)
            finally:
                out, _ = crowd.communicate()
        seen.append(_judged(json.loads(out), digests))

    def digest(self) -> str:
        """SHA-256 of the image in the inbox."""
        return artifacts.sha256(self.world.checkout_layout.inbox / DMG)

    def served(self) -> str:
        """SHA-256 of what is at the release URL, by the release host's own file."""
        return self.run(["sh", "-c", 'curl -fsSL "$0" | sha256sum', self.url]).split()[0]

    def run(self, argv: Sequence[str | Path], cwd: Path | None = None) -> str:
        """Run a program in the world; its output. Raises SystemExit with what it said where it fails."""
        done = subprocess.run(
            [str(word) for word in argv],
            env=self.environ,
            cwd=cwd or self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"{argv[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def _requests(self) -> list[str]:
        lines = (self.world.log / "requests.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["path"] for line in lines]

    def _api(self, *arguments: str | Path) -> str:
        """curl with the token, which stands in a file: argv is everybody's to read."""
        header = self.folder / "header"
        if not header.exists():
            header.touch(mode=0o600)
            header.write_text(f"Authorization: Bearer {self.environ['GH_TOKEN']}\n", encoding="utf-8")
        return self.run(["curl", "-fsS", "-H", f"@{header}", *arguments])

    def _release(self) -> str:
        target = self.world.target
        base = f"/repos/{target.artifacts_repository}/releases"
        found = json.loads(self._api(f"https://{target.hosts.api}{base}/tags/{quote(target.tag_for(DMG))}"))
        return f"{base}/{found['id']}/assets"

    def _curl_upload(self, name: str, path: Path) -> None:
        url = f"https://{self.world.target.hosts.uploads}{self._release()}?name={name}"
        self._api("-X", "POST", "-H", "Content-Type: application/octet-stream", "-T", path, "-o", "/dev/null", url)

    def _curl_delete(self, name: str) -> None:
        api = f"https://{self.world.target.hosts.api}"
        for asset in json.loads(self._api(f"{api}{self._release()}")):
            if asset["name"] == name:
                self._api("-X", "DELETE", asset["url"])


def _judged(saw: dict[str, Any], digests: Sequence[str]) -> Watched:
    probes = sorted(saw["probes"])
    span = probes[-1][0] - probes[0][0]
    downloads: dict[str, int] = saw["downloads"]
    nothing = downloads.get("404", 0)
    whole = sum(downloads.get(digest, 0) for digest in digests)
    count = sum(downloads.values())
    return Watched(gap(probes), len(probes) / span, count - nothing, count - nothing - whole)


def gap(probes: Sequence[tuple[float, float, str | None]]) -> float:
    """At most how long no whole file was there, by probes in the order they were sent.

    A file was there at some moment between the sending and the answer of every probe that got one. So the gap is at most
    from the sending of the last that got the old file, or of the last before the first that got nothing, to the answer
    of the first that got the new file, or of the first sent after the last that got nothing.
    """
    old, new = probes[0][2], probes[-1][2]
    if old is None or new is None or old == new:
        raise SystemExit("The clients did not see the file before and the file after: the figure would say nothing.")
    start = max(sent for sent, _, asset in probes if asset == old)
    end = min(answered for _, answered, asset in probes if asset == new)
    if missed := [(sent, answered) for sent, answered, asset in probes if asset is None]:
        first, last = missed[0][0], missed[-1][0]
        start = min(start, max(sent for sent, answered, asset in probes if asset is not None and answered < first))
        end = max(end, min(answered for sent, answered, asset in probes if asset is not None and sent > last))
    return max(0.0, end - start)


@contextmanager
def arena() -> Iterator[Arena]:
    """A new world in a temporary folder; nothing of it stays."""
    folder = Path(tempfile.mkdtemp(prefix="nexy-benchmark-"))
    world = None
    try:
        world = worlds.create_or_start(folder / "world", "flat", _SMALL, owner=os.getpid(), passing=True)
        yield Arena(world, environment(world).apply(os.environ), folder)
    finally:
        if world is not None:
            worlds.stop(world.dir)
        shutil.rmtree(folder, ignore_errors=True)
