"""`nexy-tui gate` in a world: its three profiles, as text and as JSON, where everything agrees and where something does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Inside, MakeWorld

from checks.gate_cells import Profile
from nexy_tui.checklist import CHECKLIST
from nexy_tui.core.layout import MANIFEST_DIRS
from nexy_tui.core.matrix import ROWS

HOST = "nexy-server.canadacentral.cloudapp.azure.com"
CANONICAL, SECOND = (str(folder / "manifest.json") for folder in MANIFEST_DIRS)
LIVE = {"appcast", "/health", "/updates/health"}


def gate(inside: Inside, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = inside.run("nexy-tui", "gate", *arguments, "--json", check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def wrong(document: dict[str, Any], verdict: str = "failed") -> set[tuple[str, str]]:
    return {(source, row) for row, cells in document["matrix"].items() for source, cell in cells.items() if cell["verdict"] == verdict}


@contextmanager
def edited(path: Path, before: str, after: str) -> Iterator[None]:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    try:
        yield
    finally:
        path.write_text(text)


@pytest.mark.parametrize("profile", ["pre-deploy", "post-deploy"])
def test_everything_agrees(module_world: Inside, profile: str) -> None:
    with edited(module_world.checkout / "VERSION", "\n", "\r\n"):  # what it says is what it parses to
        status, document = gate(module_world, "--profile", profile)
    assert (status, document["outcome"], document["errors"], document["warnings"]) == (0, "verified", 0, 0)
    assert document["profile"] == profile and document["world"] == module_world.world.id
    assert list(document["matrix"]) == list(ROWS)
    sources = {source for cells in document["matrix"].values() for source in cells}
    assert sources == {
        *("VERSION", "release asset (API)", "release URL", *LIVE),
        *(str(path) for path in module_world.world.checkout_layout.manifest_files(module_world.world.previous)),
        *(["appcast-to-be"] if profile == "pre-deploy" else []),
    }
    assert all(set(cell) == {"value", "verdict"} for cells in document["matrix"].values() for cell in cells.values())
    assert wrong(document) == wrong(document, "inconclusive") == set()
    assert [(item["id"], item["status"]) for item in document["items"]] == [
        (item.id, "passed") for item in CHECKLIST.of_profile(Profile(profile))
    ]


def test_the_rulebooks_rules_hold(module_world: Inside) -> None:
    status, document = gate(module_world, HOST, "443", "--profile", "rulebook")
    assert (status, document["outcome"], document["errors"], document["warnings"]) == (0, "verified", 0, 0)
    assert [item["id"] for item in document["items"]] == [f"rulebook.{number}" for number in range(1, 12)]
    cells = document["matrix"]
    assert {cells["version"][source]["value"] for source in ("/health", "appcast", SECOND)} == {module_world.world.previous}
    sizes = {cells["size"][source]["value"] for source in ("release URL", "appcast", SECOND)}
    there = json.loads((module_world.checkout / SECOND).read_text())["artifact"]["size"]
    assert sizes == {str(there)}, "the HEAD went through its redirect"
    assert cells["tls"]["/health"] == {"value": "verified", "verdict": "passed"}


def test_in_a_nested_tree_the_rulebooks_paths_begin_at_its_own_root(make_world: MakeWorld) -> None:
    inside = make_world(layout="nested")
    with edited(inside.checkout / CANONICAL, '"critical": false', '"critical": true'):  # the other directory, which that script never reads
        status, document = gate(inside, HOST, "443", "--profile", "rulebook")
    assert (status, document["errors"], document["warnings"]) == (0, 0, 0)
    with edited(inside.checkout / SECOND, '"sha256": "', '"sha256": "x'):
        status, document = gate(inside, HOST, "443", "--profile", "rulebook")
    assert (status, document["errors"]) == (1, 1)
    assert [item["id"] for item in document["items"] if item["status"] == "failed"] == ["rulebook.10"]


def test_text_shows_the_matrix_and_the_counts(module_world: Inside) -> None:
    text = module_world.run("nexy-tui", "gate").stdout
    assert f"version       VERSION{' ' * 49}passed          {module_world.world.previous}\n" in text
    assert text.splitlines()[-1] == "verified: gate profile pre-deploy, 6 items, 0 failed, 0 not seen."
    text = module_world.run("nexy-tui", "gate", "--profile", "rulebook").stdout
    assert text.splitlines()[-1] == "Errors: 0, warnings: 0. The gate passes."
    assert text.count("\nok       rule ") == 11


def test_a_server_that_is_down_pauses_the_gate_and_fails_the_rulebooks(module_world: Inside) -> None:
    with module_world.faulty("server-down"):
        status, document = gate(module_world)
        assert (status, document["outcome"], document["errors"], document["warnings"]) == (3, "inconclusive", 0, 2)
        assert {source for source, _ in wrong(document, "inconclusive")} == LIVE
        status, document = gate(module_world, "--profile", "rulebook")
        assert (status, document["outcome"], document["errors"], document["warnings"]) == (1, "refused", 2, 0)
        assert wrong(document) == {("/health", "reachability"), ("appcast", "reachability")}
        skipped = [item["id"] for item in document["items"] if item["status"] == "not_applicable"]
        assert skipped == ["rulebook.4", "rulebook.5", "rulebook.6"]


@pytest.mark.exhaustive
def test_a_third_version_fails_every_profile(module_world: Inside) -> None:
    with module_world.faulty("server-third-version"):
        for profile, source in (("pre-deploy", "/health"), ("post-deploy", "/health"), ("rulebook", "/health")):
            status, document = gate(module_world, "--profile", profile)
            assert (status, document["outcome"]) == (1, "refused"), profile
            assert (source, "version") in wrong(document), profile
            assert document["errors"] > 0


def test_an_appcast_that_is_no_xml(module_world: Inside) -> None:
    with module_world.faulty("appcast-broken"):
        status, document = gate(module_world)
        assert (status, document["outcome"]) == (1, "refused")
        assert ("appcast", "reachability") in wrong(document)
        status, document = gate(module_world, "--profile", "rulebook")
        assert document["errors"] + document["warnings"] > 0


def test_directories_that_differ(module_world: Inside) -> None:
    with edited(module_world.checkout / CANONICAL, '"critical": false', '"critical": true'):
        status, document = gate(module_world, "--profile", "rulebook")
        assert (status, document["errors"], document["warnings"]) == (1, 1, 0)
        assert [item["id"] for item in document["items"] if item["status"] == "failed"] == ["rulebook.11"]
        status, document = gate(module_world, "--profile", "post-deploy")
        assert status == 1
        assert (SECOND, "reachability") in wrong(document)


def test_another_server_is_looked_at_when_it_is_named(module_world: Inside) -> None:
    status, document = gate(module_world, "localhost", "1", "--profile", "rulebook")
    assert (status, document["errors"]) == (1, 2)
    status, document = gate(module_world, "localhost", "1")
    assert status == 3
    assert {source for source, _ in wrong(document, "inconclusive")} == LIVE


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile", "pre"], "There is no gate profile 'pre'."),
        (["-x/y", "443"], "No such option"),
        (["a/b", "443"], "'a/b' is not a host name."),
        ([HOST, "70000"], "65535"),
        ([HOST, "https"], "Invalid value"),
    ],
)
def test_bad_usage_is_exit_2(module_world: Inside, arguments: list[str], said: str) -> None:
    done = module_world.run("nexy-tui", "gate", *arguments, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert said in " ".join(done.stderr.replace("│", " ").split())


def test_outside_a_checkout_it_says_what_is_missing(module_world: Inside, tmp_path: Path) -> None:
    for profile in ("pre-deploy", "rulebook"):
        done = module_world.run("nexy-tui", "--checkout", tmp_path, "gate", "--profile", profile, check=False)
        assert done.returncode == 2 and "is not inside a checkout" in done.stderr and "next:" in done.stderr
