"""Faults of the code repository and its checkout: a wrong remote, a branch that refuses, manifest directories that differ."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from nexy_tui.core.layout import MANIFEST_DIRS
from nexy_tui.core.problem import ActionFailed
from nexy_tui.rehearsal import history, seed
from nexy_tui.rehearsal.fault import Fault, Faults
from nexy_tui.rehearsal.names import ARTIFACTS, CODE, World

_FIRST, _SECOND = (f"{directory}/manifest.json" for directory in MANIFEST_DIRS)
_DISTURBANCE = "Sync the manifest by hand"
_REMOTES = "remotes-before-fault.json"


def disturb_after_push(world: World, faults: Faults) -> None:
    """While manifests-differ is on, spoil what a push of manifests has just put right: on the branch and in the checkout."""
    if not faults.active("manifests-differ") or not _agree(world):
        return
    stale = _commit_stale(world)
    (world.checkout / _SECOND).write_bytes(stale)


def _differ(world: World, _: str | None) -> None:
    """The second directory falls back to the release before, by a colleague's commit, which the checkout has pulled."""
    if not _agree(world):
        return
    before = _git(world.bare(CODE), "rev-parse", seed.BRANCH)
    _commit_stale(world)
    _git(world.checkout, "fetch", "--quiet", str(world.bare(CODE)), f"+refs/heads/{seed.BRANCH}:refs/remotes/origin/{seed.BRANCH}")
    if _git(world.checkout, "rev-parse", "HEAD") == before:
        _git(world.checkout, "merge", "--quiet", "--ff-only", f"origin/{seed.BRANCH}")


def _agree_again(world: World, _: str | None) -> None:
    """Take the colleague's commit back, where nothing has come on top of it."""
    bare = world.bare(CODE)
    tip = _git(bare, "rev-parse", seed.BRANCH)
    if _git(bare, "log", "-1", "--format=%s", tip) != _DISTURBANCE:
        return
    parent = _git(bare, "rev-parse", f"{tip}^")
    spoilt = _show(bare, tip, _SECOND)
    _git(bare, "update-ref", f"refs/heads/{seed.BRANCH}", parent, tip)
    if _git(world.checkout, "rev-parse", "HEAD") == tip:
        _git(world.checkout, "reset", "--quiet", "--keep", parent)
    for reference in _git(world.checkout, "for-each-ref", "--format=%(refname)", f"--points-at={tip}", "refs/remotes").split():
        if not reference.endswith("/HEAD"):
            _git(world.checkout, "update-ref", reference, parent)
    working = world.checkout / _SECOND
    if working.is_file() and working.read_bytes() == spoilt:
        _git(world.checkout, "checkout", "--quiet", "HEAD", "--", _SECOND)


def _agree(world: World) -> bool:
    bare = world.bare(CODE)
    return _show(bare, seed.BRANCH, _FIRST) == _show(bare, seed.BRANCH, _SECOND)


def _commit_stale(world: World) -> bytes:
    """Commit the second directory's manifest as it was before its last change; the stale bytes."""
    bare = world.bare(CODE)
    present = _show(bare, seed.BRANCH, _SECOND)
    commits = _git(bare, "log", "--format=%H", seed.BRANCH, "--", _SECOND).split()
    stale = next(old for old in (_show(bare, commit, _SECOND) for commit in commits) if old != present)
    stamp = _git(bare, "log", "-1", "--format=%ct", seed.BRANCH)
    parts = (
        f"commit refs/heads/{seed.BRANCH}\ncommitter {history.COLLEAGUE} {stamp} +0000\n",
        f"data {len(_DISTURBANCE)}\n{_DISTURBANCE}\nfrom refs/heads/{seed.BRANCH}^0\n",
        f"M 100644 inline {_SECOND}\ndata {len(stale)}\n",
    )
    _git(bare, "fast-import", "--quiet", stdin="".join(parts).encode() + stale + b"\n")
    return stale


def _wrong_remote(world: World, _: str | None) -> None:
    """Every remote of the checkout goes to the artifacts repository, as after a clone of the wrong one."""
    listed = _git(world.checkout, "config", "--local", "--get-regexp", r"^remote\..*\.(url|pushurl)$")
    known = [line.split(" ", 1) for line in listed.splitlines()]
    record = world.artifacts / _REMOTES
    if not record.exists():
        record.write_text(json.dumps(known), encoding="utf-8")
    for key, url in known:
        _git(world.checkout, "config", "--local", key, url.replace(CODE, ARTIFACTS))


def _right_remote(world: World, _: str | None) -> None:
    record = world.artifacts / _REMOTES
    if record.exists():
        for key, url in json.loads(record.read_text(encoding="utf-8")):
            _git(world.checkout, "config", "--local", key, url)
        record.unlink()


FAULTS: tuple[Fault, ...] = (
    Fault("wrong-code-remote", "remotes", "The checkout's remotes go to the artifacts repository.", on=_wrong_remote, off=_right_remote),
    Fault(
        "repository-renamed",
        "remotes",
        "The code repository has another name: the API and git are sent there by 301.",
    ),
    Fault(
        "manifests-differ",
        "version",
        "The second manifest directory falls behind the first, on the branch and in the checkout, also after each push of manifests.",
        on=_differ,
        off=_agree_again,
    ),
    Fault(
        "branch-rule",
        "ready",
        "A rule of the code repository takes changes of its release branch by pull request alone; with `bypass` not from this account.",
        parameter="bypass",
    ),
    Fault("push-rejected", "publish", "The git host refuses every update of a branch as not fast-forward; tags alone and dry runs pass."),
)


def _show(repository: Path, revision: str, path: str) -> bytes:
    return _run(repository, "show", f"{revision}:{path}")


def _git(repository: Path, *arguments: str, stdin: bytes | None = None) -> str:
    return _run(repository, *arguments, stdin=stdin).decode().strip()


def _run(repository: Path, *arguments: str, stdin: bytes | None = None) -> bytes:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(repository), **seed.GIT_ENVIRONMENT}
    done = subprocess.run(
        ["git", *arguments], cwd=repository, env=environment, input=stdin or b"", capture_output=True, check=False, timeout=60
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise ActionFailed(f"git {arguments[0]} failed in {repository}: {said}", "The fault is only half switched.", "Switch it off.")
    return done.stdout
