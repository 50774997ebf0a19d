"""The morning after: what final verification saw is kept as a signed record, and a broken server is called broken, with its cause."""

from __future__ import annotations

import json

from conftest import Inside

SEALED = 10


def test_what_was_seen_is_kept_signed_and_shown_to_others(module_world: Inside) -> None:
    inside = module_world
    seen = json.loads(inside.run("nexy-tui", "verify", "--save", "--json", check=False).stdout)
    assert seen["run"] and seen["log"] and seen["items"]
    (listed,) = json.loads(inside.run("nexy-tui", "runs", "list", "--json").stdout)["runs"]
    assert (listed["run"], listed["purpose"], listed["log"]) == (seen["run"], "check", seen["log"])
    assert listed["outcome"] == ("complete" if seen["outcome"] == "verified" else "failed")
    assert inside.run("nexy-tui", "runs", "verify", seen["run"], check=False).returncode == SEALED
    shown = inside.run("nexy-tui", "runs", "show", seen["run"]).stdout
    assert all(item["id"] in shown for item in seen["items"])
    page = inside.run("nexy-tui", "runs", "report", seen["run"]).stdout
    assert page.startswith("<!DOCTYPE html>") and f"Saved check of {seen['version']}" in page
    resumed = inside.run("nexy-tui", "release", "--resume", seen["run"], "--headless", "--yes", check=False)
    assert resumed.returncode == 1 and "record of a final verification" in resumed.stderr


def test_without_being_asked_nothing_is_kept(module_world: Inside) -> None:
    before = len(json.loads(module_world.run("nexy-tui", "runs", "list", "--json").stdout)["runs"])
    module_world.run("nexy-tui", "verify", "--json", check=False)
    assert len(json.loads(module_world.run("nexy-tui", "runs", "list", "--json").stdout)["runs"]) == before


def test_a_server_that_is_down_is_broken_and_its_cause_is_named(module_world: Inside) -> None:
    inside = module_world
    inside.fault("config-env-broken")
    try:
        verdict = inside.run("nexy-tui", "verify", "--json", check=False)
        quiet = json.loads(inside.run("nexy-tui", "check", "final.live", "--json", check=False).stdout)["items"][0]
    finally:
        inside.fault("config-env-broken", on=False)
    document = json.loads(verdict.stdout)
    live = next(item for item in document["items"] if item["id"] == "final.live")
    assert verdict.returncode == 1 and document["outcome"] == "refused"
    assert live["status"] == "failed" and "config.env" in live["summary"] and live["fixers"] == ["config-env"], live
    assert quiet["status"] == "failed" and quiet["fixers"] != ["config-env"], "without --vm the VM is not asked"
