"""The three kinds of run, one after the other in one world, each seen from outside column by column (contracts: kinds of run)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import pytest
from conftest import Inside, MakeWorld

pytest.register_assert_rewrite("driving")

import driving  # noqa: E402
from driving import MANIFEST_DIRS, Run  # noqa: E402
from pilot.hand import flowing, press, settle, until  # noqa: E402

from nexy_tui.app import NexyApp  # noqa: E402
from nexy_tui.cli.backend import RealBackend  # noqa: E402
from nexy_tui.config import load_settings  # noqa: E402
from nexy_tui.core.kind import Kind  # noqa: E402
from nexy_tui.core.version import Version  # noqa: E402
from nexy_tui.rehearsal import world as worlds  # noqa: E402
from nexy_tui.rehearsal.names import CODE  # noqa: E402
from nexy_tui.rehearsal.vm.seed import CONFIGS  # noqa: E402
from nexy_tui.runlog.read import read_log  # noqa: E402
from nexy_tui.services import Services  # noqa: E402
from screens.backend import Ending, NewRun  # noqa: E402

FULL, UPDATE, CODE_ONLY = "1.6.1.43", "1.6.1.44", "1.6.1.45"
KINDS = {FULL: "full", UPDATE: "update-only", CODE_ONLY: "code-only"}
CLIENT = {FULL: FULL, UPDATE: UPDATE, CODE_ONLY: UPDATE}
"""What the manifests and the appcast say after each: a code-only run leaves the client published before."""

REMOTE = f"https://github.com/{CODE}.git"
DOWNLOAD = "https://github.com/Seregawpn/Nexy_production/releases/download/Update/Nexy.dmg"
SERVER = "https://nexy-server.canadacentral.cloudapp.azure.com"
SPARKLE = "{http://www.andymatuschak.org/xml-namespaces/sparkle}"

NOT_APPLICABLE = {
    "full": set[str](),
    "update-only": {"ready.start", "version.commit", "version.tag", "publish.pushed"},
    "code-only": {
        *("inbox.exists", "inbox.dmg", "inbox.version", "inbox.new", "inbox.signature", "inbox.application"),
        *("remotes.artifacts", "ready.sparkle", "publish.asset", "publish.bytes", "final.inbox"),
    },
}
"""The items that have nothing to look at in a run of that kind, besides those that do not apply in this world whatever the kind."""

NEVER_DONE = {"full": set[str](), "update-only": {"commit", "push"}, "code-only": {"publish"}}


@dataclass(frozen=True)
class View:
    """The world as git and curl show it."""

    refs: Mapping[str, str]
    subjects: tuple[str, ...]
    version_on_branch: str
    version_in_checkout: str
    manifests: Mapping[str, str]
    download: str
    health: Mapping[str, Any]
    update_health: Mapping[str, Any]
    appcast: Mapping[str, str]
    vm_head: str
    vm_manifests: Mapping[str, str]
    vm_settings: tuple[tuple[str, ...], ...]

    @property
    def branch(self) -> str:
        return self.refs["refs/heads/main"]

    def tag(self, version: str) -> str | None:
        return self.refs.get(f"refs/tags/v{version}^{{}}")


@dataclass(frozen=True)
class Act:
    """One release: the world before and after it, and what was said of it afterwards."""

    version: str
    run: Run
    before: View
    after: View
    verify: Mapping[str, Any]
    gates: Mapping[str, Mapping[str, Any]]
    files: frozenset[str]
    """What it changed on the branch."""

    @property
    def kind(self) -> str:
        return KINDS[self.version]


def view(inside: Inside) -> View:
    """Look at everything."""

    def curl(url: str) -> str:
        return inside.run("curl", "-fsSL", url).stdout

    vm, bare = inside.world.vm_clone, inside.world.bare(CODE)
    listed = (line.split("\t") for line in inside.run("git", "ls-remote", REMOTE, cwd=Path("/")).stdout.splitlines())
    refs = {ref: oid for oid, ref in listed}
    enclosure = ET.fromstring(curl(f"{SERVER}/updates/appcast.xml")).find("./channel/item/enclosure")
    assert enclosure is not None
    image = inside.home / "seen.dmg"
    inside.run("curl", "-fsSL", "-o", image, DOWNLOAD)
    return View(
        refs=refs,
        subjects=tuple(inside.git("log", "--format=%s", "-6", refs["refs/heads/main"], cwd=bare).splitlines()),
        version_on_branch=inside.git("show", f"{refs['refs/heads/main']}:{_version_file(inside)}", cwd=bare),
        version_in_checkout=(inside.checkout / _version_file(inside)).read_text(),
        manifests=_tracked(inside, bare, refs["refs/heads/main"]),
        download=hashlib.sha256(image.read_bytes()).hexdigest(),
        health=json.loads(curl(f"{SERVER}/health")),
        update_health=json.loads(curl(f"{SERVER}/updates/health")),
        appcast=dict(enclosure.attrib),
        vm_head=inside.git("rev-parse", "HEAD", cwd=vm),
        vm_manifests={f"{folder}/{path.name}": path.read_text() for folder in MANIFEST_DIRS for path in (vm / folder).glob("*.json")},
        vm_settings=tuple(
            tuple(sorted(line for line in (vm / path).read_text().splitlines() if line.startswith(("SERVER_VERSION=", "SERVER_BUILD="))))
            for path in CONFIGS
        ),
    )


def _version_file(inside: Inside) -> str:
    return str(inside.world.checkout_layout.relative("VERSION"))


def _tracked(inside: Inside, bare: Path, commit: str) -> dict[str, str]:
    names = [
        name for name in inside.git("ls-tree", "-r", "--name-only", commit, *MANIFEST_DIRS, cwd=bare).splitlines() if name.endswith(".json")
    ]
    return {name: inside.run("git", "show", f"{commit}:{name}", cwd=bare).stdout for name in names}


def play(inside: Inside, version: str) -> Act:
    """Release a version by the command line and look at it from all sides."""
    before = view(inside)
    run = driving.release(inside, version, "--kind", KINDS[version])
    assert run.exit == 0, run.said[-6000:]

    def said(*words: str) -> dict[str, Any]:
        done = inside.run("nexy-tui", *words, "--json", check=False)
        found: dict[str, Any] = json.loads(done.stdout)
        return {**found, "exit": done.returncode}

    gates = {profile: said("gate", "--profile", profile) for profile in ("pre-deploy", "post-deploy")}
    after = view(inside)
    files = inside.git("diff", "--name-only", before.branch, after.branch, cwd=inside.world.bare(CODE)).splitlines()
    return Act(version, run, before, after, said("verify"), gates, frozenset(files))


def play_all(inside: Inside) -> dict[str, Act]:
    done = {FULL: play(inside, FULL)}
    worlds.build(inside.world, UPDATE, ("Nexy.dmg",))
    done[UPDATE] = play(inside, UPDATE)
    done[CODE_ONLY] = play(inside, CODE_ONLY)
    return done


def the_run_says_its_kind_and_what_does_not_apply_with_the_reason(act: Act, acts: dict[str, Act]) -> None:
    document = act.run.document
    assert (document["outcome"], document["kind"], document["version"]) == ("verified", act.kind, act.version)
    left_out = {item["id"]: item["summary"] for item in document["items"] if item["status"] == "not_applicable"}
    always = {item["id"] for item in acts[FULL].run.document["items"] if item["status"] == "not_applicable"}
    assert always >= {"inbox.pkg", "inbox.apple"} and not always & set[str]().union(*NOT_APPLICABLE.values())
    assert set(left_out) == NOT_APPLICABLE[act.kind] | always
    assert {item["status"] for item in document["items"]} == {"passed", "not_applicable"}
    logged = {record.item: record for record in act.run.records if record.kind == "check"}
    for item, reason in left_out.items():
        assert len(reason) > 20
        assert (logged[item].status, logged[item].message) == ("not_applicable", reason)


def no_action_is_begun_that_has_nothing_to_do(act: Act, _: dict[str, Act]) -> None:
    begun = {record.action for record in act.run.records if record.kind == "intent"}
    assert not begun & NEVER_DONE[act.kind]
    assert begun >= {"backup", "deploy"} | ({"publish"} if act.kind != "code-only" else {"push", "commit"})


def the_log_has_every_program_that_an_action_ran_and_how_long_each_look_took(act: Act, _: dict[str, Act]) -> None:
    records = act.run.records
    ran = [record for record in records if record.argv]
    assert {record.exit for record in ran} == {0} and all(record.duration_ms is not None for record in ran)
    seen = {(record.action, PurePath(record.argv[0]).name, record.argv[-1]) for record in ran if record.argv}
    assert ("deploy", "RunShellScript", "deploy") in seen, seen
    by_action = {(action, program) for action, program, _ in seen}
    assert ("backup", "pg_dump") in by_action
    pushes = {record.action for record in ran if record.argv and PurePath(record.argv[0]).name == "git" and "push" in record.argv}
    releasing = {"full": {"push", "publish"}, "update-only": {"publish"}, "code-only": {"push"}}[act.kind]
    assert pushes - {"sync-manifests"} == {*releasing, "deploy"}, "before the deploy the log's head"
    assert all(record.duration_ms is not None for record in records if record.kind == "check")


def the_artifacts(act: Act, _: dict[str, Act]) -> None:
    """Uploaded where the kind publishes; the download untouched where it does not."""
    published = json.loads(act.after.manifests[f"{MANIFEST_DIRS[0]}/manifest.json"])["artifact"]
    assert published["sha256"] == act.after.download
    assert (act.after.download != act.before.download) == (act.kind != "code-only")
    assert act.run.item("gate.manifests")["status"] == "passed", "in every kind the manifests are held against the bytes that clients get"


def the_version_in_the_checkout_and_on_the_branch(act: Act, _: dict[str, Act]) -> None:
    assert act.after.version_in_checkout == f"{act.version}\n"
    assert act.after.version_on_branch == act.version


def release_commit_and_tag(act: Act, _: dict[str, Act]) -> None:
    release, manifests = f"Release v{act.version}", f"Update manifest for {act.version} (Production)"
    made = {"full": (manifests, release), "update-only": (manifests,), "code-only": (release,)}[act.kind]
    assert act.after.subjects[: len(made)] == made
    assert act.after.subjects[len(made)] == act.before.subjects[0], "nothing else was pushed"
    if act.kind == "update-only":
        assert act.after.tag(act.version) is None
    else:
        assert act.after.tag(act.version) is not None
    others = {ref: oid for ref, oid in act.before.refs.items() if ref.startswith("refs/tags/")}
    assert others.items() <= act.after.refs.items(), "a tag never moves"
    assert "refs/nexy/lock" not in act.after.refs


def the_version_goes_with_the_manifest_commit_of_an_update_only_run(act: Act, acts: dict[str, Act]) -> None:
    names = {f"{folder}/{name}" for folder in MANIFEST_DIRS for name in ("manifest.json", f"manifest_{UPDATE}.json")}
    version = {path for path in acts[FULL].files if path.endswith("VERSION")}
    if act.kind == "update-only":
        assert names | version <= act.files
    if act.kind == "code-only":
        assert version <= act.files and not {path for path in act.files if path.startswith(MANIFEST_DIRS)}


def the_four_manifests_and_the_appcast(act: Act, _: dict[str, Act]) -> None:
    client = CLIENT[act.version]
    names = [f"{folder}/{name}" for folder in MANIFEST_DIRS for name in ("manifest.json", f"manifest_{client}.json")]
    assert len({act.after.manifests[name] for name in names}) == 1
    value = json.loads(act.after.manifests[names[0]])
    assert (value["version"], value["build"]) == (client, client)
    if act.kind == "code-only":
        assert act.after.manifests == act.before.manifests
        assert act.after.appcast == act.before.appcast
    offered = act.after.appcast
    assert (offered[f"{SPARKLE}version"], offered[f"{SPARKLE}shortVersionString"]) == (client, client)
    assert (offered["url"], offered["length"]) == (DOWNLOAD, str(value["artifact"]["size"]))


def health(act: Act, _: dict[str, Act]) -> None:
    for health in (act.after.health, act.after.update_health):
        assert (health["latest_version"], health["latest_build"]) == (act.version, act.version)
    assert "version" not in act.after.health and act.after.update_health["version"] == act.version


def the_vm(act: Act, _: dict[str, Act]) -> None:
    if act.kind == "update-only":
        assert act.after.vm_head == act.before.vm_head
    else:
        assert act.after.vm_head == act.after.tag(act.version)
    client = CLIENT[act.version]
    names = [f"{folder}/{name}" for folder in MANIFEST_DIRS for name in ("manifest.json", f"manifest_{client}.json")]
    assert {act.after.vm_manifests[name] for name in names} == {act.after.manifests[names[0]]}
    assert act.after.vm_settings == 2 * ((f"SERVER_BUILD={act.version}", f"SERVER_VERSION={act.version}"),)


def the_logs_subject(act: Act, _: dict[str, Act]) -> None:
    """HEAD at genesis; at the end the release commit, or the manifest commit where there is no release commit."""
    first, last = act.run.records[0], act.run.records[-1]
    assert first.subject[0].digest == {"gitCommit": act.before.branch}
    assert last.kind == "seal"
    assert last.subject[0].digest == {"gitCommit": act.after.tag(act.version) or act.after.branch}


def verify_and_gate_know_the_kind_afterwards(act: Act, _: dict[str, Act]) -> None:
    for document in (act.verify, *act.gates.values()):
        wrong = {item["id"]: item["summary"] for item in document["items"] if item["status"] not in {"passed", "not_applicable"}}
        assert (document["exit"], document["outcome"], wrong) == (0, "verified", {})
        assert (document["kind"], document["version"]) == (act.kind, act.version)
    left_out = {item["id"] for item in act.verify["items"] if item["status"] == "not_applicable"}
    assert left_out == {item for item in NOT_APPLICABLE[act.kind] if item.startswith("final.")}


COLUMNS = (
    the_run_says_its_kind_and_what_does_not_apply_with_the_reason,
    no_action_is_begun_that_has_nothing_to_do,
    the_log_has_every_program_that_an_action_ran_and_how_long_each_look_took,
    the_artifacts,
    the_version_in_the_checkout_and_on_the_branch,
    release_commit_and_tag,
    the_version_goes_with_the_manifest_commit_of_an_update_only_run,
    the_four_manifests_and_the_appcast,
    health,
    the_vm,
    the_logs_subject,
    verify_and_gate_know_the_kind_afterwards,
)


@pytest.mark.exhaustive
@pytest.mark.parametrize("layout", ["flat", "nested"])
def test_each_kind_column_by_column(make_world: MakeWorld, layout: str) -> None:
    """One story, so that it is played once wherever its tests run: a full release, an update-only one, a code-only one."""
    acts = play_all(make_world(layout=layout))
    for act in acts.values():
        print(f"\n{act.kind} in a {layout} checkout")
        for column in COLUMNS:
            column(act, acts)


# --- through the wizard ---


def wizard(inside: Inside, play: Callable[[Any], Awaitable[None]], **options: Any) -> Ending:
    """The wizard on the world's own services, under a hand or by itself; how it ended."""

    async def whole() -> Any:
        app = NexyApp(RealBackend(Services(load_settings(), inside.checkout)), **options)
        async with app.run_test(size=(100, 34)) as pilot:
            await play(pilot)
            await until(pilot, lambda: app.return_value is not None, limit=120)
        return app.return_value

    with driving.terminal(inside):
        ending = asyncio.run(whole())
    assert isinstance(ending, Ending)
    return ending


async def watched(_: Any) -> None:
    """Nothing is pressed."""


@pytest.mark.exhaustive
def test_the_wizard_brings_an_update_only_run_to_its_end(module_world: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screens.autopilot.PAUSE", 0.1)
    version, inside = Version.parse("1.6.1.46"), module_world
    before = view(inside)
    worlds.build(inside.world, str(version), ("Nexy.dmg",))
    ending = wizard(inside, watched, auto=True, opening=NewRun(version, Kind.UPDATE_ONLY, False))
    assert (ending.exit_code, ending.sealed) == (0, "complete"), ending.message
    now = view(inside)
    assert now.tag(str(version)) is None and now.vm_head == before.vm_head
    assert now.subjects[0] == f"Update manifest for {version} (Production)" and now.version_on_branch == str(version)
    assert now.update_health["version"] == now.appcast[f"{SPARKLE}version"] == str(version)
    assert ending.log is not None and {record.kind for record in read_log(ending.log)} >= {"genesis", "intent", "seal"}


@pytest.mark.exhaustive
def test_the_wizard_asks_for_the_kind_and_shows_what_does_not_apply(module_world: Inside) -> None:
    async def play(pilot: Any) -> None:
        await settle(pilot)
        await press(pilot, "s")
        pilot.app.screen.query_one("#version").value = "1.6.1.47"
        await press(pilot, "tab", "down", "down", "space", "enter")
        await until(pilot, lambda: pilot.app.context.session is not None, limit=30)
        assert pilot.app.context.session.plan.kind is Kind.CODE_ONLY
        await settle(pilot, limit=60)
        text = flowing(pilot.app)
        assert "1.6.1.47 · code-only" in text and "– not needed The fixed tags are there" in text, text
        await press(pilot, "q")
        await press(pilot, "q")

    ending = wizard(module_world, play)
    assert ending.sealed is None and ending.log is not None
    genesis = read_log(ending.log)[0]
    assert genesis.details["kind"] == "code-only"
