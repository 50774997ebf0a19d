"""The deploy judges: the VM as it must be passes; each single thing wrong with it fails the item it concerns, and no other."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from checks.deploy import DeployFacts, judge_config, judge_head, judge_health, judge_manifests, judge_service, judge_vm
from nexy_tui.actions.deploy import failed_step
from nexy_tui.core.deployment import Deployment
from nexy_tui.core.finding import Status, Verdict
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.target import Target
from nexy_tui.core.version import Version
from nexy_tui.core.vm_facts import SettingsFile, VmFacts
from nexy_tui.services.vm import ScriptResult

NEW, OLD = "1.6.1.43", "1.6.1.42"
V = Version.parse(NEW)
COMMIT, DIGEST = "8d1f0c2e77ab40935c6d7e8f90a1b2c3d4e5f607", "d" * 64
PATHS = ("server/config.env", "server/server/config.env")
FILES = tuple(f"{folder}/updates/manifests/manifest{tail}.json" for folder in ("server", "server/server") for tail in ("", f"_{NEW}"))


def health(**changes: object) -> bytes:
    return json.dumps({"status": "OK", "latest_version": NEW, "latest_build": NEW} | changes).encode()


def plan(kind: Kind = Kind.FULL) -> Plan:
    return Plan(Target(), V, kind, datetime(2026, 2, 14, tzinfo=UTC), published_before=Version.parse(OLD))


def deployment(kind: Kind = Kind.FULL, **changes: Any) -> Deployment:
    made = Deployment(V, kind, "main", COMMIT, "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334", NEW, FILES, DIGEST)
    return replace(made, **changes)


def vm(**changes: Any) -> VmFacts:
    made = VmFacts(
        "2026-02-14T00:00:00Z",
        head=COMMIT,
        remote="origin",
        tags=(f"v{NEW}",),
        manifests=dict.fromkeys(FILES, DIGEST),
        settings={path: SettingsFile(True, (NEW,), (NEW,)) for path in PATHS},
        service="active",
        health_status=200,
        health_body=health(),
        free_kib=4_000_000,
        python="Python 3.11.7",
    )
    return replace(made, **changes)


def all_verdicts(facts: VmFacts, kind: Kind = Kind.FULL, **changes: Any) -> dict[str, Verdict]:
    both, what = DeployFacts(facts, deployment(kind, **changes)), plan(kind)
    return {
        "vm": judge_vm(facts, what),
        "head": judge_head(both, what),
        "manifests": judge_manifests(both, what),
        "config": judge_config(both, what),
        "service": judge_service(facts, what),
        "health": judge_health(both, what),
    }


def one_settings(path: str, file: SettingsFile) -> dict[str, SettingsFile]:
    return {**vm().settings, path: file}


@pytest.mark.parametrize("kind", Kind)
def test_as_it_must_be(kind: Kind) -> None:
    changes = {"manifest_version": OLD} if kind is Kind.CODE_ONLY else {}
    verdicts = all_verdicts(vm(), kind, **changes)
    assert {name for name, verdict in verdicts.items() if verdict.status is not Status.PASSED} == set()
    assert all(verdict.evidence for verdict in verdicts.values())


WRONG = [
    ({"head": "", "tags": ()}, {"vm", "head"}, "no git clone"),
    ({"head": "b" * 40, "tags": (f"v{OLD}",)}, {"head"}, f"stands at v{OLD}"),
    ({"python": ""}, {"vm"}, "no Python"),
    ({"free_kib": 100}, {"vm"}, "disk left"),
    ({"manifests": dict.fromkeys(FILES, DIGEST) | {FILES[3]: "e" * 64}}, {"manifests"}, FILES[3]),
    ({"manifests": dict.fromkeys(FILES, DIGEST) | {FILES[0]: None}}, {"manifests"}, FILES[0]),
    ({"manifests": {}}, {"manifests"}, FILES[0]),
    ({"settings": {}}, {"vm", "config"}, "is on the VM"),
    ({"settings": dict.fromkeys(PATHS, SettingsFile(False))}, {"vm", "config"}, PATHS[0]),
    ({"index_lock": True}, {"vm"}, "index.lock"),
    ({"drift": 1, "changed": ("server/main.py",)}, {"head"}, "server/main.py"),
    ({"drift": 9, "in_the_way": ("server/new.py",)}, {"head"}, "server/new.py, 8 more"),
    ({"settings": one_settings(PATHS[1], SettingsFile(True, (OLD,), (NEW,)))}, {"config"}, "SERVER_VERSION in server/server"),
    ({"settings": one_settings(PATHS[0], SettingsFile(True, (NEW,), ()))}, {"config"}, "SERVER_BUILD in server/config.env (not set)"),
    ({"settings": one_settings(PATHS[0], SettingsFile(True, (NEW,), (NEW, OLD)))}, {"config"}, f"{NEW} and {OLD}"),
    ({"settings": one_settings(PATHS[1], SettingsFile(True, (NEW,), (NEW,), ("line 3: A B",)))}, {"vm", "config"}, "line 3: A B"),
    ({"service": "failed"}, {"service"}, "is failed"),
    ({"service": ""}, {"service"}, "unknown"),
    ({"health_status": 0, "health_body": b""}, {"health"}, "gives no answer"),
    ({"health_status": 503}, {"health"}, "HTTP 503"),
    ({"health_body": b"<html>"}, {"health"}, "not JSON"),
    ({"health_body": health(status="degraded")}, {"health"}, "degraded"),
    ({"health_body": health(version=OLD)}, {"health"}, f"version is {OLD}"),
    ({"health_body": health(version=43)}, {"health"}, "version is not a string"),
    ({"health_body": health(latest_version=OLD)}, {"health"}, "latest_version"),
    ({"health_body": health(latest_build=OLD)}, {"health"}, "latest_build"),
    ({"health_body": health(latest_build=43)}, {"health"}, "latest_build is not a string"),
    ({"health_body": b'{"status": "OK", "latest_build": "1.6.1.43"}'}, {"health"}, "latest_version is missing"),
]


@pytest.mark.parametrize(("change", "items", "said"), WRONG)
def test_one_thing_wrong(change: dict[str, Any], items: set[str], said: str) -> None:
    verdicts = all_verdicts(vm(**change))
    assert {name for name, verdict in verdicts.items() if verdict.status is not Status.PASSED} == items
    assert any(said in verdicts[name].summary for name in items)
    assert all(verdicts[name].status is Status.FAILED and verdicts[name].remedy for name in items)


@pytest.mark.parametrize("status", ["OK", "ok", "Healthy"])
def test_health_without_a_version_of_its_own_is_healthy(status: str) -> None:
    body = json.dumps({"status": status, "latest_version": NEW, "latest_build": NEW}).encode()
    assert judge_health(DeployFacts(vm(health_body=body), deployment()), plan()).status is Status.PASSED


@pytest.mark.parametrize("path", PATHS)
def test_one_settings_file_alone_is_enough(path: str) -> None:
    facts = vm(settings=one_settings(path, SettingsFile(False)))
    assert {judge_vm(facts, plan()).status, judge_config(DeployFacts(facts, deployment()), plan()).status} == {Status.PASSED}


def test_free_disk_that_could_not_be_seen_is_inconclusive() -> None:
    assert judge_vm(vm(free_kib=None), plan()).status is Status.INCONCLUSIVE


def test_drift_that_could_not_be_seen_is_inconclusive() -> None:
    facts = DeployFacts(vm(drift=None), deployment())
    assert judge_head(facts, plan()).status is Status.INCONCLUSIVE
    assert "not seen" in {one.value for one in judge_vm(facts.vm, plan()).evidence if one.name == "drift"}


def test_update_only_stays_on_a_release_tag() -> None:
    what = plan(Kind.UPDATE_ONLY)
    older = DeployFacts(vm(head="b" * 40, tags=(f"v{OLD}",)), deployment(Kind.UPDATE_ONLY, tag_commit=None))
    assert judge_head(older, what).status is Status.PASSED
    stray = DeployFacts(vm(head="b" * 40, tags=()), deployment(Kind.UPDATE_ONLY, tag_commit=None))
    assert judge_head(stray, what).status is Status.FAILED


@pytest.mark.parametrize(
    ("kind", "changes", "trouble"),
    [
        (Kind.FULL, {}, ""),
        (Kind.FULL, {"tag_commit": None}, "no tag"),
        (Kind.FULL, {"manifest_version": OLD}, f"for {OLD}"),
        (Kind.FULL, {"problem": "broken"}, "broken"),
        (Kind.UPDATE_ONLY, {"tag_commit": None}, ""),
        (Kind.CODE_ONLY, {"manifest_version": OLD}, ""),
        (Kind.CODE_ONLY, {"problem": "broken"}, "broken"),
    ],
)
def test_what_keeps_a_release_from_being_deployed(kind: Kind, changes: dict[str, Any], trouble: str) -> None:
    found = deployment(kind, **changes).trouble
    assert found == "" if not trouble else trouble in found


def test_manifests_that_are_not_published_fail_whatever_the_vm_has() -> None:
    facts = DeployFacts(vm(), deployment(manifest_version=OLD))
    assert judge_manifests(facts, plan()).status is Status.FAILED


def test_parameters_say_only_what_the_kind_does() -> None:
    assert deployment(Kind.UPDATE_ONLY).parameters()["tag_commit"] == ""
    assert deployment(Kind.CODE_ONLY).parameters()["manifest_commit"] == ""
    full = deployment().parameters()
    assert (full["tag"], full["tag_commit"], full["manifest_sha256"]) == (f"v{NEW}", COMMIT, DIGEST)
    assert full["manifest_files"] == list(FILES)


@pytest.mark.parametrize(
    ("stdout", "step"),
    [
        ("nexy: step fetch\nnexy: step checkout\nnexy: step checkout failed with status 1\n", "checkout"),
        ("nexy: step fetch\nnexy: step requirements\n", "requirements"),
        ("said: nexy: step fetch failed with status 1\n", "start"),
        ("", "start"),
    ],
)
def test_the_step_a_script_ended_in(stdout: str, step: str) -> None:
    assert failed_step(ScriptResult(1, stdout, "")) == step


def test_what_the_vm_prints_cannot_command_the_terminal() -> None:
    verdict = judge_service(vm(service="failed", journal="\x1b[2J[/b]boom\x9b1m"), plan())
    text = verdict.summary + "".join(item.value for item in verdict.evidence)
    assert "\x1b" not in text and "\x9b" not in text and "boom" in text
