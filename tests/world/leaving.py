"""Releases that are left half-way: killed at a moment that a hook of the code repository holds still, and the log they leave."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import Inside
from driving import MANIFEST_DIRS, begin, outside

from nexy_tui.rehearsal.names import CODE

PATIENCE = 90.0


def until(what: str, seen: Callable[[], bool], process: subprocess.Popen[bytes], said: Path) -> None:
    """Wait for a moment of a run. A run that ended before it shows what it said."""
    end = time.monotonic() + PATIENCE
    while not seen():
        assert process.poll() is None, f"ended with {process.returncode} before {what}:\n{said.read_text()}"
        assert time.monotonic() < end, f"{what} did not come:\n{said.read_text()}"
        time.sleep(0.01)


@contextmanager
def hook(inside: Inside, name: str, text: str) -> Iterator[Path]:
    """A hook of the code repository that stands still where a marker file is made, until the file is taken away."""
    marker, path = inside.home / f"{name}-reached", inside.world.bare(CODE) / "hooks" / name
    wait = f'touch "{marker}"; while [ -e "{marker}" ]; do sleep 0.05; done'
    path.write_text(f"#!/bin/sh\n{text}\n".replace("STAND STILL", wait))
    path.chmod(0o755)
    try:
        yield marker
    finally:
        marker.unlink(missing_ok=True)
        path.unlink()


AFTER_THE_TAG = ("post-receive", "if grep -q refs/tags/v; then STAND STILL; fi")
"""The push has had its effect, and whoever pushed has not heard of it."""

_SUBJECT = 'new=$(grep " refs/heads/main$" | cut -d" " -f2); [ -n "$new" ] && git log -1 --format=%s "$new"'
BEFORE_THE_MANIFESTS = ("pre-receive", f'if {_SUBJECT} | grep -q "^Update manifest"; then STAND STILL; exit 1; fi')
"""The download is replaced, and the manifest commit, on its way, will not be taken."""


def logs(inside: Inside) -> set[Path]:
    return set((inside.world.state / "runs").glob("*/*.intoto.jsonl"))


def arriving(inside: Inside) -> bool:
    """Whether the release host has a part of an upload's bytes."""
    return any(part.stat().st_size > 0 for part in (inside.world.releases / "blobs").glob("*.part"))


@contextmanager
def slowly(inside: Inside) -> Iterator[None]:
    """At 250 kB a second, so that an upload of a megabyte takes its time."""
    inside.fault("bandwidth", param="2000000")
    try:
        yield
    finally:
        inside.fault("bandwidth", False)


def kill(process: subprocess.Popen[bytes]) -> None:
    """The wizard alone: what it had started ends by itself, or does not."""
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=30) == -signal.SIGKILL


IN_THE_UPLOAD, IN_THE_DEPLOY = "in the upload", "in the deploy"
BEFORE_THE_TAG = ("pre-receive", "if grep -q refs/tags/v; then STAND STILL; exit 1; fi")
BEFORE_IT_WAITS_ASIDE = ("pre-receive", 'if grep -q "^0* [0-9a-f]* refs/nexy/prepared/"; then STAND STILL; exit 1; fi')
AFTER_IT_WAITS_ASIDE = ("post-receive", 'if grep -q "^0* [0-9a-f]* refs/nexy/prepared/"; then STAND STILL; fi')
AFTER_THE_MANIFESTS = ("post-receive", f'if {_SUBJECT} | grep -q "^Update manifest"; then STAND STILL; fi')

MOMENTS: dict[str, str | tuple[str, str]] = {
    "before the tag is pushed": BEFORE_THE_TAG,
    "after the tag is pushed": AFTER_THE_TAG,
    "in the upload": IN_THE_UPLOAD,
    "before the commit waits aside": BEFORE_IT_WAITS_ASIDE,
    "after the commit waits aside": AFTER_IT_WAITS_ASIDE,
    "between the swap and the branch": BEFORE_THE_MANIFESTS,
    "after the branch has moved": AFTER_THE_MANIFESTS,
    "in the deploy": IN_THE_DEPLOY,
}
"""Where a release can be killed: each step of push, publish and deploy that writes outside, before its effect and after it."""

SWAPPED = frozenset(("between the swap and the branch", "after the branch has moved", "in the deploy"))
"""Moments at which customers wait."""


def at_rest(inside: Inside, within: float = 60.0) -> None:
    """Wait until the VM has ended what a killed run had begun there: the tool's patience is shorter here, and the VM's work is not."""
    end = time.monotonic() + within
    while "is busy" in inside.run("nexy-tui", "check", "ready.vm", "--vm", check=False).stdout:
        assert time.monotonic() < end
        time.sleep(0.2)


def left(inside: Inside, version: str, kind: str, moment: str, said: Path) -> Path:
    """A release killed at a moment; its log."""
    known, at = logs(inside), MOMENTS[moment]
    arguments = (version, "--kind", kind)
    if isinstance(at, tuple):
        with hook(inside, *at) as marker:
            process = begin(inside, *arguments, said=said)
            until(moment, marker.exists, process, said)
            kill(process)
    elif at == IN_THE_UPLOAD:
        with slowly(inside):
            process = begin(inside, *arguments, said=said)
            until(moment, lambda: arriving(inside), process, said)
            kill(process)
    else:
        process = begin(inside, *arguments, said=said)
        until(moment, lambda: "the VM is being brought to" in said.read_text(), process, said)
        kill(process)
        at_rest(inside)
    (log,) = logs(inside) - known
    return log


_COMMANDS = re.compile(
    r"nexy-tui (release --resume [0-9a-f-]+|publish --recover|publish|rollback|deploy v[\d.]*\d|runs close [0-9a-f-]+)\b"
)


def named(said: str) -> list[str]:
    """Every way out that was named, each once, in the order they came."""
    return list(dict.fromkeys(_COMMANDS.findall(said)))


def offered(inside: Inside) -> str:
    """The version that the download, the four manifests, the branch and the live appcast agree on; empty where they do not."""
    now = outside(inside)
    if set(now.manifests) != set(MANIFEST_DIRS) or len(texts := set(now.manifests.values())) != 1:
        return ""
    stated = json.loads(texts.pop() or "{}")
    if not stated or stated["artifact"]["sha256"] != now.download or stated != _of_its_version(inside, stated["version"]):
        return ""
    live = inside.run("curl", "-sS", f"https://{inside.world.update_host}/updates/appcast.xml", check=False).stdout
    same = f'sparkle:version="{stated["version"]}"' in live and f'length="{stated["artifact"]["size"]}"' in live
    return str(stated["version"]) if same else ""


def _of_its_version(inside: Inside, version: str) -> object:
    """What the two manifests under a version's own name state."""
    paths = [f"main:{folder}/manifest_{version}.json" for folder in MANIFEST_DIRS]
    texts = {inside.run("git", "show", path, cwd=inside.world.bare(CODE), check=False).stdout for path in paths}
    return json.loads(texts.pop() or "{}") if len(texts) == 1 else None


def agreed(inside: Inside) -> str:
    """As `offered`, where they do, and nothing waits aside; fails otherwise."""
    version, now = offered(inside), outside(inside)
    assert version and not [ref for ref in now.refs if ref.startswith("refs/nexy/prepared/")], now
    return version
