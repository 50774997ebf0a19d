"""`nexy-tui where`: each place of rulebook section 5 with its path or address, its state and its age; nothing outside is asked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import Inside, MakeWorld

from nexy_tui.core.text import age


def where(inside: Inside, **environ: str) -> dict[str, list[dict[str, Any]]]:
    """The places by name."""
    done = inside.run("nexy-tui", "where", "--json", env=environ)
    document = json.loads(done.stdout)
    assert (document["world"], document["target"], document["checkout"]) == (inside.world.id, "rehearsal", str(inside.checkout))
    found: dict[str, list[dict[str, Any]]] = {}
    for place in document["places"]:
        assert set(place) == {"name", "section", "where", "state", "age_s", "note", "how"} and place["section"] == "5"
        assert place["state"] in ("there", "missing", "not asked")
        assert (place["age_s"] is not None) == (place["state"] == "there"), place
        found.setdefault(place["name"], []).append(place)
    return found


NAMES = ["inbox", "manifest", "run logs", "script output", "release page", "download", "backups", "drill records", "VM's journal"]
NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
"""A network that answers nothing."""


@pytest.mark.parametrize("layout", ["flat", "nested"])
def test_every_place_of_a_world_before_its_first_release(make_world: MakeWorld, layout: str) -> None:
    inside = make_world(layout=layout)
    layout_of = inside.world.checkout_layout
    found = where(inside, **NOWHERE)
    assert list(found) == NAMES
    (inbox,) = found["inbox"]
    assert (inbox["where"], inbox["state"]) == (str(layout_of.inbox), "there") and inbox["note"].startswith("Nexy.dmg, ")
    manifests = [str(inside.checkout / path) for path in layout_of.manifest_files(inside.world.previous)]
    assert [place["where"] for place in found["manifest"]] == manifests
    assert {(place["state"], place["note"]) for place in found["manifest"]} == {("there", f"version {inside.world.previous}")}
    assert [place["state"] for place in (*found["run logs"], *found["script output"])] == ["missing", "missing"]
    assert [place["where"].rsplit("/", 1)[-1] for place in found["release page"]] == ["Update", "App"]
    (drill,) = found["drill records"]
    assert drill["note"] == "the drill passed" and 86400 < drill["age_s"] < 7 * 86400, "its own time, not the file's"
    assert Path(drill["where"]).parent == Path(found["backups"][0]["where"]).parent == layout_of.backups
    assert "journalctl -u voice-assistant.service" in found["VM's journal"][0]["how"]


def test_what_is_missing_and_what_came_meanwhile(module_world: Inside) -> None:
    inside, layout = module_world, module_world.world.checkout_layout
    assert inside.run("nexy-tui", "publish", "--dry-run", check=False).returncode == 1, "the inbox holds the next version"
    shutil.rmtree(layout.inbox)
    first, *_ = [inside.checkout / path for path in layout.manifest_files(inside.world.previous)]
    first.write_text("<<<<<<< HEAD\n\x1b[31m")
    found = where(inside)
    assert (found["inbox"][0]["state"], found["inbox"][0]["how"]) == ("missing", f"mkdir -p {layout.inbox}")
    assert found["manifest"][0]["note"].startswith("no manifest: it is not JSON")
    (runs,) = found["run logs"]
    assert runs["state"] == "there" and runs["age_s"] < 600 and runs["note"].startswith("1, the newest ")
    (output,) = found["script output"]
    assert output["state"] == "there" and output["where"].endswith(".intoto.jsonl"), "a dry run that was refused has said why"
    first.unlink()
    assert where(inside)["manifest"][0]["state"] == "missing"
    lines = inside.run("nexy-tui", "where").stdout.splitlines()
    assert lines[0].split() == ["inbox", "missing", str(layout.inbox)]
    inside.git("checkout", "--", str(first))
    (inside.checkout / "release_inbox").mkdir()


@pytest.mark.exhaustive
def test_a_run_that_published_is_where_the_scripts_output_is_found(make_world: MakeWorld) -> None:
    inside = make_world()
    inside.run("nexy-tui", "rehearse", "--headless", "--auto", "--keep", "--dir", inside.world.dir, timeout=180)
    found = where(inside)
    (output,) = found["script output"]
    assert output["state"] == "there" and output["where"].endswith(".intoto.jsonl")
    assert Path(output["where"]).stem.split(".")[0] in output["how"]
    (backups,) = found["backups"]
    assert backups["age_s"] < 600 and backups["note"].startswith("the newest of ")


def test_a_database_on_the_vm_is_not_asked(module_world: Inside, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(module_world.world.config.read_text().replace('where = "local"', 'where = "vm"'))
    found = where(module_world, NEXY_CONFIG=str(config))
    for name in ("backups", "drill records"):
        (place,) = found[name]
        assert place["state"] == "not asked" and place["where"].startswith("VM NetworkWatcherRG/Nexy: ")
        assert place["where"].endswith("/home/azureuser/voice-assistant/server/backups/postgres")


def test_settings_that_cannot_be_read_say_so_in_their_line(module_world: Inside) -> None:
    found = where(module_world, DB_PORT="none")
    (place,) = found["backups"]
    assert place["state"] == "not asked" and "DB_PORT" in place["note"]
    assert "VM's journal" in found, "the other lines are there"


def test_outside_a_checkout_it_says_what_is_missing(module_world: Inside, tmp_path: Path) -> None:
    done = module_world.run("nexy-tui", "--checkout", tmp_path, "where", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not inside a checkout" in done.stderr and "next:" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "1 h"), (86400 * 8.9, "8 d")])
def test_ages_for_people(seconds: float, said: str) -> None:
    assert age(seconds) == said
