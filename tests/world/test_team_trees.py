"""Trees with all that was seen in the team's, looked at from the command line: nothing in them is an error, and drift in them is named."""

from __future__ import annotations

import json
import re
from typing import Any

from conftest import Inside, MakeWorld

from nexy_tui.core.layout import MANIFEST_PLACES
from nexy_tui.rehearsal.vm.seed import CONFIGS

SEEN = ("both-layouts", "third-directory", "outer-config", "no-publisher", "publisher-constants")
THIRD = f"{MANIFEST_PLACES[2]}/manifest.json"
YAML = "server/config/unified_config.yaml"


def looked_at(inside: Inside, *items: str) -> dict[str, dict[str, Any]]:
    told = json.loads(inside.run("nexy-tui", "check", *items, "--vm", "--json", check=False).stdout)
    return {one["id"]: one for one in told["items"]}


def test_a_tree_with_all_that_was_seen_in_one_is_read_and_bumped_in_its_own_style(make_world: MakeWorld) -> None:
    inside = make_world(seed=SEEN)
    for name in ("config.env", CONFIGS[0]):
        (inside.world.vm_clone / name).unlink(missing_ok=True)
    before = (inside.checkout / YAML).read_text()
    assert inside.run("nexy-tui", "bump", "1.6.1.43", "--json", check=False).returncode == 0
    written = (inside.checkout / YAML).read_text()
    assert written == before.replace("1.6.1.42", "1.6.1.43") != before
    assert re.search(r"default_version: 1\.6\.1\.43\s+#", written)
    items = ("remotes.publisher", "version.manifests", "version.tree", "version.ignored", "version.files", "inbox.exists", "deploy.vm")
    assert {name: one["status"] for name, one in looked_at(inside, *items).items()} == dict.fromkeys(items, "passed")


def test_a_third_directory_that_went_stale_is_named_and_synced(make_world: MakeWorld) -> None:
    inside = make_world(seed=SEEN)
    path = inside.checkout / THIRD
    path.write_text(path.read_text().replace("1.6.1.42", "1.6.1.41"))
    inside.commit("By hand")
    inside.git("push", "-q", "origin", "HEAD:main")
    found = looked_at(inside, "version.manifests")["version.manifests"]
    assert (found["status"], found["remedy"], THIRD in found["summary"]) == ("failed", "nexy-tui sync-manifests", True)
    assert inside.run("nexy-tui", "sync-manifests", "--yes", "--json", check=False).returncode == 0
    assert len({(inside.checkout / place / "manifest.json").read_bytes() for place in MANIFEST_PLACES}) == 1


def test_a_tree_without_version_file_and_runbooks_is_released_from(make_world: MakeWorld) -> None:
    inside = make_world(seed=("no-version-file", "no-runbooks"))
    assert inside.run("nexy-tui", "bump", "1.6.1.43", "--json", check=False).returncode == 0
    found = looked_at(inside, "version.number", "version.files", "version.tree", "database.runbooks")
    assert {name: one["status"] for name, one in found.items()} == {
        **dict.fromkeys(("version.number", "version.files", "version.tree"), "passed"),
        "database.runbooks": "inconclusive",
    }
    assert "Attest" in found["database.runbooks"]["remedy"]
