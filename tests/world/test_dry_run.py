"""`release --dry-run`: everything up to the swap is looked at, what would be done is told, and not a byte differs afterwards, anywhere."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Inside

NEXT = "1.6.1.43"
AGENT = ("var", "tmp", "run", "root")
"""Of the VM's folders, what Azure's agent and the machine keep of every command; the application's home is not among them."""


def digests(folder: Path, *passed: str) -> dict[str, str]:
    """Every file below, by sha256, and every link by where it leads."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if name.parts[0] in passed or (path.is_dir() and not path.is_symlink()):
            continue
        if path.is_symlink():
            found[str(name)] = f"-> {path.readlink()}"
        elif path.is_file():
            found[str(name)] = f"{path.stat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return found


def everything(inside: Inside) -> dict[str, Any]:
    """What a release could leave something in: work tree, index and refs, state and home, both remotes, assets, and the VM's own files."""
    world = inside.world
    return {
        "checkout": digests(world.checkout),
        "state": digests(world.dir / "state"),
        "home": digests(world.home),
        "git": digests(world.git),
        "assets": digests(world.dir / "releases"),
        "vm": digests(world.vm, *AGENT),
    }


def dry(inside: Inside, *words: str) -> tuple[int, dict[str, Any], str]:
    done = inside.run("nexy-tui", "release", NEXT, "--dry-run", "--json", *words, check=False, timeout=120)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("kind", ["full", pytest.param("update-only", marks=pytest.mark.exhaustive), "code-only"])
def test_nothing_differs_afterwards_local_remote_or_on_the_vm(module_world: Inside, kind: str) -> None:
    before = everything(module_world)
    exit_code, document, said = dry(module_world, "--kind", kind)
    assert everything(module_world) == before
    assert (exit_code, document["outcome"], document["dry_run"], document["log"]) == (0, "verified", True, None), said
    looked = {item["id"]: item["status"] for item in document["items"] if item["status"] != "not_run"}
    assert {"ready.vm", "ready.commit", "version.files", "database.backup", "inbox.dmg"} <= set(looked)
    assert not [name for name in looked if name.startswith(("gate.", "deploy.", "final."))]
    would = {one["action"]: one["lines"] for one in document["would"]}
    assert next(iter(would)) == "bump" and next(reversed(would)) == "deploy"
    assert ("publish" in would) == (kind != "code-only") and ("push" in would) == (kind != "update-only")
    assert all(would.values()) and all(f"would: {line}" in said for line in would["deploy"])
    assert "VERSION" in would.get("commit", ["VERSION"])[0], "as it is after the bump, not before"
    assert (f"the manifest files of {NEXT}" in said) == (kind != "code-only")


def test_what_would_stop_the_release_is_the_exit_status(module_world: Inside) -> None:
    module_world.fault("vm-drift")
    try:
        before = everything(module_world)
        exit_code, document, said = dry(module_world)
        assert everything(module_world) == before
        assert (exit_code, document["stopped_by"]) == (1, "ready.drift"), said
        assert "nexy-tui save-drift" in document["problem"]["remedy"]
    finally:
        module_world.fault("vm-drift", False)


def test_what_could_not_be_seen_is_inconclusive_and_can_be_attested(module_world: Inside) -> None:
    module_world.fault("service-restarts")
    try:
        assert dry(module_world)[0] == 3
        exit_code, document, said = dry(module_world, "--attest", "ready.service=this release is its cure")
        assert (exit_code, document["outcome"]) == (0, "verified"), said
    finally:
        module_world.fault("service-restarts", False)
