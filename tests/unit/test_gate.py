"""The gate and the final verification over facts alone: each source that is wrong fails its item, unseen ones never pass."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from checks.final import FinalAssetFacts, FinalFacts, FinalInboxFacts, judge_assets, judge_inbox, judge_manifest, judge_publication
from checks.final import judge_live as judge_final_live
from checks.gate import (
    API,
    TO_BE,
    GateFacts,
    PublishedFacts,
    gate_matrix,
    judge_appcast,
    judge_asset,
    judge_live,
    judge_manifests,
    judge_version,
)
from checks.gate_cells import Earlier, Profile, UnseenSource
from checks.image import ImageFacts
from checks.inbox import ArtifactFacts, InboxFacts
from checks.live import APPCAST, UPDATES, Live
from checks.manifests import CommitFacts
from checks.publish import ArtifactPlace
from checks.released import Bytes, Witnesses
from nexy_tui.core import manifest
from nexy_tui.core.appcast import Appcast
from nexy_tui.core.deployment import Deployment
from nexy_tui.core.finding import Status, Verdict
from nexy_tui.core.health import Health
from nexy_tui.core.kind import Kind
from nexy_tui.core.layout import Layout
from nexy_tui.core.plan import Plan
from nexy_tui.core.remedy import Mend
from nexy_tui.core.target import Target
from nexy_tui.core.version import Version
from nexy_tui.core.vm_facts import SettingsFile, VmFacts
from nexy_tui.services.artifact import ArtifactContents, Inspected
from nexy_tui.services.download import Downloaded
from nexy_tui.services.github import Asset, GitHubRelease
from nexy_tui.services.update_server import AppcastFacts, HealthFacts
from nexy_tui.services.version_files import FILES, Rewriting

NEW, OLD, OLDER = "1.6.1.43", "1.6.1.42", "1.6.1.40"
V, C = Version.parse(NEW), Version.parse(OLD)
NOW = datetime(2026, 2, 14, tzinfo=UTC)
TARGET = Target(sparkle_public_key=base64.b64encode(bytes(32)).decode())
URL = TARGET.asset_url("Nexy.dmg")
SIGNATURE = base64.b64encode(b"s" * 64).decode()
SIZE, SHA = 315718837, "3f2a9c51d0e8b774" * 4
COMMIT, MANIFEST_COMMIT = "8d1f0c2e77ab40935c6d7e8f90a1b2c3d4e5f607", "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"


def plan(kind: Kind = Kind.FULL, **changes: Any) -> Plan:
    return replace(Plan(TARGET, V, kind, NOW, started=NOW, served_before=C, published_before=C), **changes)


def document(version: str = NEW, **artifact: Any) -> dict[str, Any]:
    made = manifest.build(
        None, version=version, url=URL, notes_url=TARGET.notes_url(), size=SIZE, sha256=SHA, signature=SIGNATURE, now=NOW
    ).document
    return {**made, "artifact": {**made["artifact"], **artifact}}


def raw(version: str = NEW, **artifact: Any) -> bytes:
    return json.dumps(document(version, **artifact), indent=2).encode()


def paths(version: str = NEW) -> list[str]:
    return [str(path) for path in Layout("flat", None).manifest_files(version)]  # type: ignore[arg-type]


def health(latest: str = NEW, **changes: Any) -> HealthFacts:
    return HealthFacts("https://h/health", "t", "", replace(Health("OK", latest, latest), **changes))


def updates(latest: str = NEW, **changes: Any) -> HealthFacts:
    return health(latest, **{"status": "healthy", "version": latest, **changes})


def appcast(version: str = NEW, **changes: Any) -> AppcastFacts:
    made = Appcast(URL, str(SIZE), version, version, "11.0", SIGNATURE)
    return AppcastFacts("https://h/a", "t", "", replace(made, **changes))


def live(version: str = NEW, offered: str | None = None, **changes: Any) -> Live:
    return replace(Live(health(version), updates(version), appcast(offered or version)), **changes)


def facts(published: str = NEW, serving: Live | None = None, **changes: Any) -> GateFacts:
    made = GateFacts(
        version=NEW,
        manifests=dict.fromkeys(paths(published), raw(published)),
        asset=Asset(1, "Nexy.dmg", "uploaded", SIZE, SHA),
        image=ImageFacts(Downloaded(URL, SIZE, SHA, "t"), signed=True),
        has_key=True,
        live=serving or live(OLD),
        earlier=Earlier(),
    )
    return replace(made, **changes)


def published(gate: GateFacts, kind: Kind = Kind.FULL, **changes: Any) -> PublishedFacts:
    import hashlib

    version = OLD if kind is Kind.CODE_ONLY else NEW
    digest = hashlib.sha256(gate.canonical or b"").hexdigest()
    made = Deployment(V, kind, "main", COMMIT, MANIFEST_COMMIT, version, tuple(paths(version)), digest)
    return PublishedFacts(gate, replace(made, **changes))


def gate_verdicts(gate: GateFacts, what: Plan, **changes: Any) -> dict[str, Verdict]:
    return {
        "manifests": judge_manifests(published(gate, what.kind, **changes), what),
        "asset": judge_asset(gate, what),
        "appcast": judge_appcast(gate, what),
        "live": judge_live(gate, what),
    }


def not_passed(verdicts: dict[str, Verdict]) -> dict[str, Status]:
    return {name: verdict.status for name, verdict in verdicts.items() if verdict.status is not Status.PASSED}


@pytest.mark.parametrize("serving", [live(OLD), live(NEW), live(NEW, offered=OLD)])
@pytest.mark.parametrize("kind", [Kind.FULL, Kind.UPDATE_ONLY])
def test_the_gate_opens_before_the_deploy_whichever_of_the_two_is_live(kind: Kind, serving: Live) -> None:
    assert not_passed(gate_verdicts(facts(serving=serving), plan(kind))) == {}


@pytest.mark.parametrize("serving", [live(OLD), live(NEW, offered=OLD)])
def test_a_code_only_run_keeps_the_manifests_of_the_release_before(serving: Live) -> None:
    assert not_passed(gate_verdicts(facts(OLD, serving), plan(Kind.CODE_ONLY))) == {}
    assert "manifests" in not_passed(gate_verdicts(facts(NEW), plan(Kind.CODE_ONLY), manifest_version=NEW))


def with_manifests(**changes: bytes | None) -> dict[str, bytes | None]:
    made: dict[str, bytes | None] = dict.fromkeys(paths(), raw())
    for index, data in changes.items():
        made[paths()[int(index[1:])]] = data
    return made


def all_four(data: bytes) -> dict[str, bytes | None]:
    return dict.fromkeys(paths(), data)


BROKEN = [
    # what is wrong with the facts, the items it fails, what the first of them says
    ({"manifests": with_manifests(_2=raw(size=5))}, {"manifests"}, "server/server/updates/manifests/manifest.json"),
    ({"manifests": with_manifests(_3=None)}, {"manifests"}, "missing"),
    ({"manifests": with_manifests(_1=raw() + b" ")}, {"manifests"}, "differs from the canonical file"),
    ({"manifests": all_four(raw(OLD))}, {"manifests", "appcast"}, f"version is {OLD}, wanted {NEW}"),
    ({"manifests": all_four(raw(size=7))}, {"manifests", "appcast"}, "size is 7"),
    ({"manifests": all_four(raw(sha256="0" * 64))}, {"manifests"}, "sha256 is 0000"),
    ({"manifests": all_four(raw(url=URL.replace("Update", "UpdateBeta")))}, {"manifests", "appcast"}, "UpdateBeta"),
    ({"manifests": all_four(raw(url=URL.replace("Update", "v1.6.1.43")))}, {"manifests", "appcast"}, "v1.6.1.43"),
    ({"manifests": all_four(raw(url=URL.replace("https", "http")))}, {"manifests", "appcast"}, "http://"),
    ({"manifests": all_four(b"{")}, {"manifests", "appcast"}, "not JSON"),
    ({"manifests": all_four(json.dumps({**document(), "build": OLD}).encode())}, {"manifests", "appcast"}, f"build is {OLD}"),
    (
        {"manifests": all_four(json.dumps({**document(), "build": 43}).encode())},
        {"manifests", "appcast"},
        "build is 43, not a version X.Y.Z.Build in a string",
    ),
    ({"image": ImageFacts(Downloaded(URL, SIZE, SHA, "t"), signed=False)}, {"manifests", "appcast"}, "signature"),
    ({"image": ImageFacts(None)}, {"manifests", "asset", "appcast"}, ""),
    ({"asset": None}, {"asset"}, "missing"),
    ({"asset": Asset(1, "Nexy.dmg", "starter", SIZE, SHA)}, {"asset"}, "starter"),
    ({"asset": Asset(1, "Nexy.dmg", "uploaded", 3, SHA)}, {"asset"}, "size is 3"),
    ({"asset": Asset(1, "Nexy.dmg", "uploaded", SIZE, "0" * 64)}, {"asset"}, "sha256"),
    ({"live": live("1.6.0.7", offered="1.6.0.7")}, {"live"}, "1.6.0.7"),
    ({"live": live(OLD, offered="1.6.0.7")}, {"live"}, "appcast: version is 1.6.0.7"),
    ({"live": live(OLD, offered=NEW)}, {"live"}, f"above /health's {OLD}"),
    ({"live": live(OLD, updates=updates(NEW))}, {"live"}, f"version is {NEW}, wanted {OLD}"),
    ({"live": live(NEW, updates=updates(OLD))}, {"live"}, f"version is {OLD}, wanted {NEW}"),
    ({"live": live(OLD, updates=updates(OLD, version=NEW))}, {"live"}, f"{OLD} and {NEW}"),
    ({"live": live(OLD, health=health(OLD, version=NEW))}, {"live"}, f"{OLD} and {NEW}"),
    ({"live": live(OLD, health=health(OLD, version=""))}, {"live"}, f"{OLD} and "),
    ({"live": live(OLD, updates=updates(OLD, latest_build=NEW))}, {"live"}, f"build is {NEW}"),
    ({"live": live(OLD, updates=updates(OLD, status="unhealthy"))}, {"live"}, "unhealthy"),
    ({"live": live(OLD, health=health(OLD, latest_build=NEW))}, {"live"}, f"build is {NEW}"),
    ({"live": live(OLD, health=health(OLD, status="starting"))}, {"live"}, "starting"),
    ({"live": live(OLD, health=HealthFacts("u", "t", "it answered HTTP 502"))}, {"live"}, "HTTP 502"),
    ({"live": live(OLD, appcast=AppcastFacts("u", "t", "it is not well-formed XML"))}, {"live"}, "not well-formed"),
    ({"live": live(OLD, appcast=appcast(OLD, conflicts=("sparkle:version is said to be a and b",)))}, {"live"}, "said to be"),
    ({"live": live(OLD, appcast=appcast(OLD, build=NEW))}, {"live"}, f"build is {NEW}"),
    ({"live": live(OLD, appcast=appcast(OLD, url="https://github.com/o/r/releases/download/v1/Nexy.dmg"))}, {"live"}, "download/v1/"),
    ({"live": live(NEW, appcast=appcast(NEW, length="5"))}, {"live"}, "size is 5"),
    ({"live": live(NEW, appcast=appcast(NEW, signature="other"))}, {"live"}, "signature"),
]


@pytest.mark.parametrize(("change", "items", "said"), BROKEN)
def test_one_thing_wrong_fails_the_items_it_concerns(change: dict[str, Any], items: set[str], said: str) -> None:
    verdicts = gate_verdicts(facts(**change), plan())
    assert set(not_passed(verdicts)) == items
    assert any(said in verdicts[name].summary for name in items)
    assert all(verdicts[name].remedy and verdicts[name].evidence for name in items)


MANIFEST_EDITION = [
    # kind, profile's live facts, what was live and published at genesis, whether that may be
    (Kind.CODE_ONLY, live(NEW, OLD, updates=updates(OLD)), {}, True),
    (Kind.CODE_ONLY, live(NEW, OLD), {}, True),
    (Kind.CODE_ONLY, live(OLD, updates=updates(NEW)), {}, False),
    (Kind.FULL, live(OLD, OLDER, updates=updates(OLDER)), {"published_before": Version.parse(OLDER)}, True),
    (Kind.FULL, live(NEW, updates=updates(OLDER)), {"published_before": Version.parse(OLDER)}, False),
    (Kind.FULL, live(NEW, updates=updates(OLD)), {}, False),
]


@pytest.mark.parametrize(("kind", "serving", "genesis", "right"), MANIFEST_EDITION)
def test_updates_health_may_tell_the_manifest_that_belongs_to_the_server(
    kind: Kind, serving: Live, genesis: dict[str, Any], right: bool
) -> None:
    released = OLD if kind is Kind.CODE_ONLY else NEW
    assert judge_live(facts(released, serving), plan(kind, **genesis)).status is (Status.PASSED if right else Status.FAILED)


@pytest.mark.parametrize(("kind", "said", "right"), [(Kind.CODE_ONLY, OLD, True), (Kind.CODE_ONLY, OLDER, False), (Kind.FULL, OLD, False)])
def test_after_the_deploy_updates_health_may_tell_the_manifest_of_the_kind(kind: Kind, said: str, right: bool) -> None:
    offered = OLD if kind is Kind.CODE_ONLY else NEW
    matrix = gate_matrix(facts(offered, live(NEW, offered, updates=updates(said))), plan(kind), Profile.POST_DEPLOY)
    assert (matrix.columns[UPDATES]["version"].verdict is Status.PASSED) is right


@pytest.mark.parametrize(("status", "recorded", "right"), [(500, True, True), (500, False, False), (502, True, False), (404, True, False)])
def test_an_appcast_that_was_500_when_the_run_began_is_recorded(status: int, recorded: bool, right: bool) -> None:
    gate = facts(serving=live(OLD, appcast=AppcastFacts("u", "t", f"it answered HTTP {status}", status=status)))
    verdict = judge_live(gate, plan(appcast_missing=recorded))
    assert verdict.status is (Status.PASSED if right else Status.FAILED)
    assert any(f"HTTP {status}" in one.value for one in verdict.evidence)
    after = gate_matrix(gate, plan(appcast_missing=recorded), Profile.POST_DEPLOY)
    assert after.columns[APPCAST]["reachability"].verdict is Status.FAILED


HALF_WAY = [
    live(OLD, offered=NEW),
    live(NEW, health=UnseenSource("no answer")),
    live(OLD, appcast=AppcastFacts("u", "t", "it answered HTTP 500")),
]


@pytest.mark.parametrize("serving", HALF_WAY)
def test_a_deploy_left_half_way_by_this_run_can_be_done_again(serving: Live) -> None:
    begun = plan(begun=frozenset(("publish", "deploy")))
    verdict = judge_live(facts(serving=serving), begun)
    assert verdict.status is Status.NOT_APPLICABLE and "half-way" in verdict.summary and verdict.evidence
    assert not judge_live(facts(serving=serving), plan(begun=frozenset(("publish",)))).status.satisfied
    for stranger in (live("1.6.0.7", offered=NEW), live(NEW, offered="1.6.0.7"), live(OLD, updates=health("1.6.0.7"))):
        assert judge_live(facts(serving=stranger), begun).status is Status.FAILED
    assert judge_live(facts(serving=live(OLD)), begun).status is Status.PASSED


UNSEEN = [
    ({"live": live(OLD, health=UnseenSource("no answer"))}, {"live"}),
    ({"live": live(OLD, updates=UnseenSource("no answer"))}, {"live"}),
    ({"live": live(OLD, appcast=UnseenSource("no answer"))}, {"live"}),
    ({"asset": UnseenSource("no answer")}, {"asset"}),
    ({"image": UnseenSource("no answer")}, {"manifests", "asset", "appcast"}),
    ({"image": ImageFacts(Downloaded(URL, SIZE, SHA, "t"), unseen="no verifier")}, {"manifests", "appcast"}),
]


@pytest.mark.parametrize(("change", "items"), UNSEEN)
def test_what_could_not_be_seen_is_inconclusive_and_never_passes(change: dict[str, Any], items: set[str]) -> None:
    found = not_passed(gate_verdicts(facts(**change), plan()))
    assert found == dict.fromkeys(items, Status.INCONCLUSIVE)


def test_the_size_of_the_old_appcast_is_not_held_against_the_new_bytes() -> None:
    serving = live(OLD, appcast=appcast(OLD, length="12", signature="older"))
    assert not_passed(gate_verdicts(facts(serving=serving), plan())) == {}


def test_manifests_that_were_not_pushed_fail() -> None:
    verdict = judge_manifests(published(facts(), manifest_sha256="0" * 64), plan())
    assert verdict.status is Status.FAILED and "release branch" in verdict.summary
    assert judge_manifests(published(facts(), problem="one of four differs"), plan()).status is Status.FAILED


def test_signatures_where_no_key_is_configured() -> None:
    bare = replace(plan(), target=Target())
    unsigned = json.loads(raw())
    del unsigned["artifact"]["ed25519"]
    image = ImageFacts(Downloaded(URL, SIZE, SHA, "t"))
    keyless = facts(manifests=all_four(json.dumps(unsigned).encode()), image=image, has_key=False)
    assert judge_appcast(keyless, bare).status is Status.PASSED
    assert judge_appcast(replace(keyless, manifests=all_four(raw())), bare).status is Status.FAILED
    assert judge_appcast(replace(keyless, has_key=True), plan()).status is Status.FAILED


def test_manifests_of_the_release_before_over_its_own_download_want_a_publish_and_no_sync() -> None:
    before = facts(OLD, manifests=all_four(raw(OLD)))
    assert str(judge_appcast(before, plan()).remedy) == "nexy-tui publish"
    other = replace(before, image=ImageFacts(Downloaded(URL, SIZE, "1" * 64, "t")))
    assert str(judge_appcast(other, plan()).remedy) == "nexy-tui sync-manifests"


def test_without_a_genesis_the_release_before_is_the_highest_one_below() -> None:
    look = plan(started=None, standalone=True, served_before=Version.parse(OLDER), published_before=V)
    assert judge_live(facts(serving=live(OLD), earlier=Earlier(C, C)), look).status is Status.PASSED
    assert judge_live(facts(serving=live(OLDER), earlier=Earlier(C, C)), look).status is Status.FAILED


def test_without_a_genesis_a_code_only_release_before_leaves_the_client_before_it_on_offer() -> None:
    look, before = plan(started=None, standalone=True), Version.parse(OLDER)
    assert judge_live(facts(serving=live(OLD, offered=OLDER), earlier=Earlier(C, before)), look).status is Status.PASSED
    assert judge_live(facts(serving=live(OLD, offered=OLDER), earlier=Earlier(C, C)), look).status is Status.FAILED


def test_the_matrix_has_every_source_and_its_document_the_form_that_is_printed() -> None:
    matrix = gate_matrix(facts(serving=live(OLD)), plan(), Profile.PRE_DEPLOY)
    assert list(matrix.columns) == ["VERSION", *paths(), API, "release URL", TO_BE, "appcast", "/health", "/updates/health"]
    shown = matrix.document()
    assert shown["version"]["/health"] == {"value": OLD, "verdict": "passed"}
    assert shown["size"]["appcast"]["verdict"] == "not_applicable"
    assert set(shown) == {"version", "build", "url", "size", "sha256", "signature", "reachability", "tls"}
    assert not matrix.wrong() and not matrix.wrong(Status.INCONCLUSIVE)
    after = gate_matrix(facts(serving=live(OLD)), plan(), Profile.POST_DEPLOY)
    assert after.wrong() and f"(wanted {NEW})" in after.text()


def test_every_cell_of_the_matrix_is_evidence_of_an_item() -> None:
    gate = facts(serving=live(OLD))
    verdicts = {"files": judge_version((Rewriting(FILES[0], f"{NEW}\n", f"{NEW}\n"),), plan()), **gate_verdicts(gate, plan())}
    seen = {(one.source, one.name.removeprefix(one.source).strip()) for verdict in verdicts.values() for one in verdict.evidence}
    columns = gate_matrix(gate, plan(), Profile.PRE_DEPLOY).columns
    assert {(source, row) for source, column in columns.items() for row in column} <= seen
    assert verdicts["files"].status is Status.PASSED
    other = judge_version((Rewriting(FILES[0], f"{OLD}\n", f"{NEW}\n"),), plan())
    assert other.status is Status.FAILED and other.evidence[0].value == f"{OLD} (failed)"


# --- final verification ---


def final(gate: GateFacts, there: dict[str, bytes | None] | None = None, **changes: Any) -> FinalFacts:
    held = dict(gate.manifests) if there is None else there
    image = gate.image.download if isinstance(gate.image, ImageFacts) else None
    canonical = held[next(iter(held))]
    stated = manifest.read_or_none(canonical)
    named = Bytes(stated.size, stated.sha256) if stated is not None and stated.sha256 else None
    made = Witnesses(
        download=None if image is None else Bytes(image.size, image.sha256),
        inbox=Bytes(SIZE, SHA),
        named=named,
        valid={(SIGNATURE, SHA): True, (OTHER_SIGNATURE, SHA): False},
    )
    return FinalFacts(gate, CommitFacts("main", MANIFEST_COMMIT, held, dict(gate.manifests)), replace(made, **changes))


OTHER_SIGNATURE = base64.b64encode(b"o" * 64).decode()


def places(**changes: Any) -> tuple[ArtifactPlace, ...]:
    made = ArtifactPlace("Nexy.dmg", "Update", GitHubRelease(1, "Update", False), {"Nexy.dmg": Asset(1, "Nexy.dmg", "uploaded", SIZE, SHA)})
    return (replace(made, **changes),)


def inbox(sha256: str = SHA, version: str = NEW) -> InboxFacts:
    found = Inspected(
        "Nexy.dmg", Path("/home/olga/Nexy_server/release_inbox/Nexy.dmg"), SIZE, sha256, ArtifactContents({"Info.plist": version})
    )
    return InboxFacts("/home/olga/Nexy_server/release_inbox", True, ("Nexy.dmg",), {"Nexy.dmg": ArtifactFacts("Nexy.dmg", found)})


def final_verdicts(
    facts_: FinalFacts, what: Plan, where: tuple[ArtifactPlace, ...] | None = None, held: InboxFacts | None = None
) -> dict[str, Verdict]:
    return {
        "inbox": judge_inbox(FinalInboxFacts(held or inbox(), facts_.witnesses), what),
        "publication": judge_publication(facts_, what),
        "assets": judge_assets(FinalAssetFacts(where or places(), facts_.gate, facts_.witnesses), what),
        "manifest": judge_manifest(facts_, what),
        "live": judge_final_live(facts_, what),
    }


def test_a_complete_release_verifies() -> None:
    assert not_passed(final_verdicts(final(facts(serving=live(NEW))), plan())) == {}
    code_only = final(facts(OLD, live(NEW, offered=OLD)), inbox=None)
    assert not_passed(final_verdicts(code_only, plan(Kind.CODE_ONLY))) == {"inbox": Status.NOT_APPLICABLE}


REPLACED = ImageFacts(Downloaded(URL, 5, "0" * 64, "t"), signed=False)
OF_REPLACED = Asset(1, "Nexy.dmg", "uploaded", 5, "0" * 64)

FINAL_BROKEN = [
    ({"live": live(OLD)}, None, None, {"live"}),
    ({"live": live(NEW, offered=OLD)}, None, None, {"live"}),
    ({"live": live(NEW, appcast=appcast(NEW, length="5"))}, None, None, {"live"}),
    ({"live": live(NEW, appcast=appcast(NEW, signature=OTHER_SIGNATURE))}, None, None, {"live"}),
    ({"live": live(NEW, appcast=appcast(NEW, signature=""))}, None, None, {"live"}),
    ({"live": live(NEW, appcast=appcast(NEW, minimum_system_version="99.0"))}, None, None, {"live"}),
    ({}, all_four(raw(OLD)), None, {"publication", "manifest"}),
    ({}, all_four(raw(ed25519=OTHER_SIGNATURE)), None, {"publication", "manifest"}),
    ({}, all_four(raw(sha256="0" * 64)), None, {"publication", "manifest"}),
    ({}, all_four(b"{"), None, {"publication", "manifest"}),
    ({}, all_four(raw(arch="arm64")), None, {"manifest"}),
    ({}, all_four(raw(min_os="12.0")), None, {"manifest"}),
    ({}, all_four(json.dumps({**document(), "notes_url": "http://github.com/"}).encode()), None, {"manifest"}),
    ({}, with_manifests(_3=None), None, {"manifest"}),
    ({}, with_manifests(_2=raw(size=9)), None, {"manifest"}),
    ({"image": ImageFacts(None)}, None, None, {"publication", "assets"}),
    ({"image": REPLACED, "asset": OF_REPLACED}, None, places(assets={"Nexy.dmg": OF_REPLACED}), {"publication", "assets"}),
    ({"image": REPLACED}, None, None, {"publication", "assets"}),
    ({}, None, places(assets={}), {"assets"}),
    ({}, None, places(release=None), {"assets"}),
    ({"asset": Asset(1, "Nexy.dmg", "uploaded", 5, SHA)}, None, None, {"assets"}),
]


@pytest.mark.parametrize(("change", "there", "where", "items"), FINAL_BROKEN)
def test_final_verification_names_what_is_wrong_not_what_it_is_compared_with(
    change: dict[str, Any], there: dict[str, bytes | None] | None, where: tuple[ArtifactPlace, ...] | None, items: set[str]
) -> None:
    gate = facts(**(change if "live" in change else {"serving": live(NEW), **change}))
    verdicts = final_verdicts(final(gate, there), plan(), where)
    assert not_passed(verdicts) == dict.fromkeys(items, Status.FAILED)


def test_of_three_witnesses_the_one_that_stands_alone_is_named() -> None:
    whole = facts(serving=live(NEW))
    other = Bytes(SIZE, "1" * 64)
    rebuilt = final_verdicts(final(whole, inbox=other), plan(), held=inbox(other.sha256))
    assert not_passed(rebuilt) == {"inbox": Status.FAILED} and "not the file that was published" in rebuilt["inbox"].summary
    older = final_verdicts(final(whole, inbox=None), plan(), held=inbox(version=OLD))
    assert not_passed(older) == {"inbox": Status.FAILED}


def test_without_the_inbox_the_download_is_believed() -> None:
    """Manifests are derived from the download, never the other way round (rulebook 4.1)."""
    gate = facts(serving=live(NEW), image=REPLACED, asset=OF_REPLACED)
    seen = final(gate, inbox=None, valid={(SIGNATURE, "0" * 64): False})
    verdicts = final_verdicts(seen, plan(), places(assets={"Nexy.dmg": OF_REPLACED}))
    assert not_passed(verdicts) == dict.fromkeys(("publication", "manifest", "live"), Status.FAILED)


def test_a_signature_that_nobody_could_verify_is_inconclusive() -> None:
    verdicts = final_verdicts(final(facts(serving=live(NEW)), valid={}), plan())
    assert not_passed(verdicts) == dict.fromkeys(("publication", "manifest", "live"), Status.INCONCLUSIVE)


def test_a_server_without_an_answer_is_failed_for_customers() -> None:
    gate = facts(serving=live(NEW, health=UnseenSource("no answer")))
    verdict = final_verdicts(final(gate), plan())["live"]
    assert verdict.status is Status.FAILED and "broken for customers" in verdict.summary and "no answer" in verdict.summary


def test_what_keeps_the_server_from_answering_is_named_with_the_fixer_that_ends_it() -> None:
    silent, well = UnseenSource("no answer"), VmFacts("t", service="active", settings={"server/config.env": SettingsFile(True)})
    gate = facts(serving=Live(silent, silent, silent))
    broken = replace(well, settings={"server/config.env": SettingsFile(True, bad_names=("line 13: FEATURE-FLAGS",))})
    refused = replace(well, service="failed", journal="API_KEY_INVALID")
    silent_service = replace(well, service="failed")
    for vm, said, fixers in (
        (broken, "line 13: FEATURE-FLAGS", "config-env"),
        (refused, "is failed on the VM", "gemini-key"),
        (silent_service, "is failed on the VM", ""),
        (well, "no answer", ""),
        (UnseenSource("busy"), "no answer", ""),
    ):
        verdict = judge_final_live(replace(final(gate), vm=vm), plan())
        assert verdict.status is Status.FAILED and said in verdict.summary
        assert (verdict.remedy.fixer if isinstance(verdict.remedy, Mend) else "") == fixers, verdict.remedy


def test_where_nothing_at_all_answers_this_machine_the_server_is_not_blamed() -> None:
    silent = UnseenSource("no answer")
    gate = facts(serving=Live(silent, silent, silent), image=silent)
    assert judge_final_live(final(gate, inbox=None), plan()).status is Status.INCONCLUSIVE
    elsewhere = facts(serving=Live(UnseenSource("another's certificate", misled=True), silent, silent))
    assert judge_final_live(final(elsewhere), plan()).status is Status.INCONCLUSIVE


def test_final_verification_without_the_download_is_inconclusive() -> None:
    unseen = final(facts(serving=live(NEW), image=UnseenSource("no answer")), inbox=None)
    assert not_passed(final_verdicts(unseen, plan())) == dict.fromkeys(("publication", "assets", "manifest", "live"), Status.INCONCLUSIVE)
