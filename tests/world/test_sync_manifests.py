"""Manifests that are not true, as teams come to have them: sync mends them from the command line, and nothing leads back to itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from breaking import asset_replaced
from conftest import Inside, MakeWorld, seldom

from nexy_tui.core.layout import MANIFEST_DIRS

CANONICAL, SECOND = (f"{directory}/manifest.json" for directory in MANIFEST_DIRS)
CODE_ONLY = ("release", "1.6.1.43", "--kind", "code-only", "--headless", "--yes", "--json")


def document(inside: Inside, path: str = CANONICAL) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((inside.checkout / path).read_bytes())
    return found


def pushed(inside: Inside, subject: str, **files: bytes) -> None:
    for path, raw in files.items():
        (inside.checkout / path).write_bytes(raw)
    inside.git("add", "-A", *files)
    inside.git("commit", "-qm", subject)
    inside.git("push", "--quiet", "origin", "HEAD:main")


def said(inside: Inside, *words: str) -> tuple[int, dict[str, Any]]:
    done = inside.run("nexy-tui", *words, check=False, timeout=240)
    return done.returncode, json.loads(done.stdout)


def item(told: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in told["items"] if one["id"] == name)
    return found


def drifted(inside: Inside) -> dict[str, bytes]:
    """The second directory stayed a release behind."""
    old = document(inside) | {"version": "1.6.1.41", "build": "1.6.1.41"}
    return {SECOND: json.dumps(old).encode()}


def canonical_drifted(inside: Inside) -> dict[str, bytes]:
    """The first directory is the stale one: the source is no place."""
    old = document(inside)
    return {CANONICAL: json.dumps(old | {"artifact": old["artifact"] | {"size": 1}}, indent=2).encode()}


def bumped(inside: Inside) -> dict[str, bytes]:
    """The team's own bump: the version raised over the bytes that are out."""
    raised = document(inside) | {"version": "1.6.1.43", "build": "1.6.1.43"}
    return dict.fromkeys((CANONICAL, SECOND), (json.dumps(raised, indent=2) + "\n").encode())


def untrue(inside: Inside) -> dict[str, bytes]:
    """None agrees with the bytes, nor says its build as it must."""
    wrong = document(inside) | {"build": 42}
    raw = (json.dumps(wrong, indent=2) + "\n").encode()
    return dict.fromkeys((f"{folder}/{name}" for folder in MANIFEST_DIRS for name in ("manifest.json", "manifest_1.6.1.42.json")), raw)


@pytest.mark.parametrize(
    ("drift", "fact"),
    [
        (drifted, f"{SECOND} differs"),
        seldom(canonical_drifted, "differs from"),
        seldom(bumped, "manifest_1.6.1.42.json differs from"),
        seldom(untrue, "build is 42, not"),
    ],
)
def test_what_a_code_only_run_is_refused_for_is_what_sync_mends(
    module_world: Inside, drift: Callable[[Inside], dict[str, bytes]], fact: str
) -> None:
    wanted = document(module_world)
    pushed(module_world, "Drift", **drift(module_world))
    code, told = said(module_world, *CODE_ONLY)
    found = item(told, "version.manifests")
    assert (code, found["status"], found["remedy"]) == (1, "failed", "nexy-tui sync-manifests"), told["message"]
    assert fact in found["summary"]
    code, told = said(module_world, "sync-manifests", "--yes", "--json")
    assert (code, told["outcome"]) == (0, "verified"), told
    files = [module_world.checkout / folder / name for folder in MANIFEST_DIRS for name in ("manifest.json", "manifest_1.6.1.42.json")]
    assert len({file.read_bytes() for file in files}) == 1
    made = document(module_world)
    assert (made["version"], made["build"], made["artifact"]) == ("1.6.1.42", "1.6.1.42", wanted["artifact"])
    assert module_world.changes() == []
    assert module_world.git("rev-parse", "HEAD") == module_world.git("ls-remote", "origin", "refs/heads/main").split()[0]
    code, told = said(module_world, "check", "version.manifests", "publish.manifests", "--json")
    assert (code, [one["status"] for one in told["items"]]) == (0, ["passed", "passed"])


@pytest.mark.exhaustive
def test_check_asks_what_sync_would_do_whatever_version_is_being_prepared(make_world: MakeWorld) -> None:
    inside = make_world()
    inside.run("nexy-tui", "bump", "1.6.1.43")
    code, told = said(inside, "sync-manifests", "--check", "--json")
    assert (code, {one["status"] for one in told["items"]}) == (0, {"passed"}), told
    (inside.checkout / SECOND).write_bytes(drifted(inside)[SECOND])
    code, told = said(inside, "sync-manifests", "--check", "--json")
    assert (code, item(told, "version.manifests")["remedy"]) == (1, "nexy-tui sync-manifests")
    assert said(inside, "sync-manifests", "--yes", "--json")[0] == 0
    assert said(inside, "sync-manifests", "--check", "--json")[0] == 0


def test_a_new_release_over_directories_that_differ_goes_on_after_sync(module_world: Inside) -> None:
    pushed(module_world, "Drift", **drifted(module_world))
    code, told = said(module_world, "publish", "--yes", "--json")
    assert (code, told["stopped_by"], item(told, "version.manifests")["remedy"]) == (1, "version.manifests", "nexy-tui sync-manifests")
    assert said(module_world, "sync-manifests", "--yes", "--json")[0] == 0
    code, told = said(module_world, "publish", "--yes", "--json")
    assert told["stopped_by"] != "version.manifests"


def year_of_manifests(inside: Inside) -> dict[str, bytes]:
    """As the team wrote them: an offset in the date, the download as notes, no newline; old ones unsigned, one with an integer build."""
    now = document(inside)
    now["release_date"] = "2026-02-01T09:30:00.123456+00:00"
    now["notes_url"] = now["artifact"]["url"]
    raw = json.dumps({name: now[name] for name in sorted(now)}, indent=2).encode()
    files = {f"{folder}/{name}": raw for folder in MANIFEST_DIRS for name in ("manifest.json", "manifest_1.6.1.42.json")}
    for number in range(20, 32):
        old = now | {"version": f"1.6.1.{number}", "build": number if number == 25 else f"1.6.1.{number}"}
        old["artifact"] = now["artifact"] | {"ed25519": "", "size": 300_000_000 + number, "sha256": f"{number:064x}"}
        files |= {f"{folder}/manifest_1.6.1.{number}.json": json.dumps(old).encode() for folder in MANIFEST_DIRS}
    return files


def test_a_code_only_release_over_a_year_of_manifests_is_verified(make_world: MakeWorld) -> None:
    inside = make_world()
    files = year_of_manifests(inside)
    pushed(inside, "A year of manifests", **files)
    for path in (f"{folder}/{name}" for folder in MANIFEST_DIRS for name in ("manifest.json", "manifest_1.6.1.42.json")):
        (inside.world.vm_clone / path).write_bytes(files[path])
    code, told = said(inside, *CODE_ONLY)
    wrong = [(one["id"], one["status"], one["summary"]) for one in told["items"] if one["status"] in ("failed", "inconclusive")]
    assert (code, told["outcome"]) == (0, "verified"), (wrong, told.get("message"))
    assert (inside.checkout / CANONICAL).read_bytes() == files[CANONICAL]


def test_the_file_of_one_release_as_another_version_is_refused_everywhere(module_world: Inside) -> None:
    inside = module_world
    image = inside.checkout / "release_inbox/Nexy.dmg"
    kept, before = image.read_bytes(), document(inside)
    image.write_bytes((Path(inside.world.dir) / "artifacts" / "1.6.1.42" / "Nexy.dmg").read_bytes())
    pushed(inside, "Raise the version", VERSION=b"1.6.1.43\n")
    try:
        code, told = said(inside, "check", "inbox.new", "--json")
        assert (code, item(told, "inbox.new")["status"]) == (1, "failed")
        assert "exactly the bytes of release 1.6.1.42" in item(told, "inbox.new")["summary"]
        raised = (json.dumps(before | {"version": "1.6.1.43", "build": "1.6.1.43"}, indent=2) + "\n").encode()
        names = ("manifest.json", "manifest_1.6.1.43.json")
        pushed(inside, "Publish again", **dict.fromkeys((f"{folder}/{name}" for folder in MANIFEST_DIRS for name in names), raised))
        image.unlink()
        for old in (f"{folder}/manifest_1.6.1.42.json" for folder in MANIFEST_DIRS):
            inside.git("rm", "-q", old)
        inside.git("commit", "-qm", "Hide the manifests of 1.6.1.42")
        inside.git("push", "--quiet", "origin", "HEAD:main")
        for words, wanted in ((("gate", "--json"), "gate.manifests"), (("verify", "--json"), "final.manifest")):
            code, told = said(inside, *words)
            assert code == 1
            assert item(told, wanted)["status"] == "failed"
            assert "over the file of 1.6.1.42" in item(told, wanted)["summary"], item(told, wanted)
    finally:
        image.write_bytes(kept)


def test_the_signature_of_one_release_over_another_file_is_refused_everywhere(make_world: MakeWorld) -> None:
    inside = make_world()
    asset_replaced(inside)
    image, before = inside.home / "other.dmg", document(inside)
    file = {"size": image.stat().st_size, "sha256": hashlib.sha256(image.read_bytes()).hexdigest()}
    carried = before | {"version": "1.6.1.43", "build": "1.6.1.43", "artifact": before["artifact"] | file}
    paths = [f"{folder}/{name}" for folder in MANIFEST_DIRS for name in ("manifest.json", "manifest_1.6.1.43.json")]
    raw = (json.dumps(carried, indent=2) + "\n").encode()
    pushed(inside, "Carry it over", VERSION=b"1.6.1.43\n", **dict.fromkeys(paths, raw))
    (inside.world.checkout_layout.inbox / "Nexy.dmg").unlink()
    for words, wanted, remedy in (
        (("gate", "--json"), "gate.manifests", "nexy-tui sync-manifests"),
        (("verify", "--json"), "final.manifest", "nexy-tui publish"),
    ):
        code, told = said(inside, *words)
        found = item(told, wanted)
        assert (code, found["status"], found["remedy"]) == (1, "failed", remedy), found
        assert "of another file (1.6.1.42" in found["summary"], found
