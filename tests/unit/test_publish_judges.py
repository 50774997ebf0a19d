"""Every judge of the phases inbox and publish, with facts made by hand: what passes, what fails, what cannot be told."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from checks.apple import AppleLook, judge_apple
from checks.application import judge_application
from checks.image import ImageFacts
from checks.inbox import (
    ArtifactFacts,
    InboxFacts,
    NewFacts,
    SignatureFacts,
    judge_dmg,
    judge_exists,
    judge_new,
    judge_pkg,
    judge_signature,
    judge_version,
    read_inbox,
)
from checks.manifests import CommitFacts, ManifestFacts, judge_commit, judge_manifests
from checks.named import Named
from checks.publish import (
    ArtifactPlace,
    AssetFacts,
    ByteFacts,
    TargetFacts,
    at_place,
    brought_back,
    judge_assets,
    judge_bytes,
    judge_target,
    previous_name,
)
from nexy_tui.actions.base import ActionContext
from nexy_tui.actions.publish import Publish
from nexy_tui.actions.rollback import Rollback
from nexy_tui.actions.sync import _version_of
from nexy_tui.core import manifest
from nexy_tui.core.event import silent
from nexy_tui.core.finding import Status, Verdict
from nexy_tui.core.kind import Kind
from nexy_tui.core.layout import LAYOUTS, Layout
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.core.remedy import Act, Run
from nexy_tui.core.target import DMG, PKG, Target
from nexy_tui.core.version import Version
from nexy_tui.services import Services
from nexy_tui.services.apple import AppleFacts, Assessment
from nexy_tui.services.artifact import ArtifactContents, Inspected
from nexy_tui.services.dmg import Application
from nexy_tui.services.download import Downloaded
from nexy_tui.services.github import Asset, GitHubRelease, Rights
from nexy_tui.services.sparkle import Signature

NOW = datetime(2026, 2, 14, 10, tzinfo=UTC)
V = Version.parse("1.6.1.43")
KEY = base64.b64encode(bytes(32)).decode()
SIGNATURE = base64.b64encode(bytes(64)).decode()
TARGET = Target(sparkle_public_key=KEY)
PLAN = Plan(TARGET, V, Kind.FULL, NOW, run="r", published_before=Version.parse("1.6.1.42"))
CODE_ONLY = replace(PLAN, kind=Kind.CODE_ONLY)
SHA, OTHER, SIZE = "3f2a9c51d0e8b774" * 4, "cd" * 32, 315_718_837
INBOX = "/home/olga/Nexy_server/release_inbox"
VERSIONS = {"CFBundleVersion in Nexy.app": "1.6.1.43"}
IMAGE = Inspected(DMG, Path(INBOX, DMG), SIZE, SHA, ArtifactContents(VERSIONS))
PACKAGE = Inspected(PKG, Path(INBOX, PKG), 48_204_113, SHA, ArtifactContents(VERSIONS))


def inbox(*found: Inspected, there: bool = True, **unfit: str) -> InboxFacts:
    names = {"dmg": DMG, "pkg": PKG}
    artifacts = {one.name: ArtifactFacts(one.name, one) for one in found}
    artifacts |= {names[key]: ArtifactFacts(names[key], unfit=reason) for key, reason in unfit.items()}
    return InboxFacts(INBOX, there, tuple(artifacts), artifacts)


def says(verdict: Verdict, status: Status, *words: str) -> None:
    assert verdict.status is status, verdict
    for word in words:
        assert word in verdict.summary + str(verdict.remedy), verdict
    if status in (Status.FAILED, Status.INCONCLUSIVE):
        assert verdict.remedy, "what to do next"


# --- inbox ---


@pytest.mark.parametrize("judge", [judge_exists, judge_dmg, judge_pkg, judge_version])
def test_a_code_only_run_has_no_inbox(judge: object) -> None:
    says(judge(inbox(there=False), CODE_ONLY), Status.NOT_APPLICABLE, "code-only")  # type: ignore[operator]


def test_exists() -> None:
    says(judge_exists(inbox(), PLAN), Status.PASSED)
    says(judge_exists(inbox(there=False), PLAN), Status.FAILED, f"There is no folder {INBOX}", f"mkdir -p {INBOX}")


def test_dmg() -> None:
    says(judge_dmg(inbox(IMAGE), PLAN), Status.PASSED, f"{SIZE} bytes")
    says(judge_dmg(inbox(), PLAN), Status.FAILED, "Nexy.dmg is not in the inbox")
    says(judge_dmg(inbox(dmg="is empty"), PLAN), Status.FAILED, "Nexy.dmg is empty")


@pytest.mark.parametrize(
    ("lying", "remedy"),
    [
        (".Nexy.dmg.icloud", f"brctl download {INBOX}/Nexy.dmg"),
        ("Nexy 2.dmg", f"cd {INBOX} && mv 'Nexy 2.dmg' Nexy.dmg"),
        ("nexy.dmg", f"cd {INBOX} && mv nexy.dmg Nexy.dmg"),
        ("Nexy-1.6.1.43.dmg", f"mv Nexy-1.6.1.43.dmg {DMG}"),
        ("Nexy.dmg.crdownload", f"Lay {DMG} into {INBOX}"),
    ],
)
def test_what_lies_there_instead_of_the_image_is_named_with_its_cure(tmp_path: Path, lying: str, remedy: str) -> None:
    layout = Layout("flat", tmp_path)
    layout.inbox.mkdir()
    (layout.inbox / lying).write_bytes(b"x")
    says(judge_dmg(replace(looked_in(layout), path=INBOX), PLAN), Status.FAILED, lying, remedy)


@pytest.mark.parametrize(("here", "there"), [LAYOUTS, LAYOUTS[::-1]])
def test_an_image_in_the_inbox_of_the_other_layout_is_named_with_its_move(tmp_path: Path, here: str, there: str) -> None:
    layout, other = Layout(here, tmp_path), Layout(there, tmp_path)
    for folder in (layout.inbox, other.inbox):
        folder.mkdir(parents=True)
    (other.inbox / DMG).write_bytes(b"x")
    says(judge_dmg(looked_in(layout), PLAN), Status.FAILED, str(other.inbox), f"mv {other.inbox}/{DMG} {layout.inbox}/")


def looked_in(layout: Layout) -> InboxFacts:
    services = SimpleNamespace(layout=layout, clock=None, environ={}, contents={})
    return read_inbox(cast(Services, services), silent)


UPDATER = {"SUPublicEDKey": KEY, "SUFeedURL": TARGET.update_server.feed_url, "LSMinimumSystemVersion": "11.0"}


def application(**changed: str | None) -> InboxFacts:
    known = {key: value for key, value in {**UPDATER, **changed}.items() if value is not None}
    contents = ArtifactContents(VERSIONS, application=Application("Nexy.app/Contents/Info.plist", {}, known))
    return inbox(replace(IMAGE, contents=contents))


def updatable(plan: Plan = PLAN, **changed: str | None) -> Verdict:
    return judge_application(application(**changed), plan)


@pytest.mark.parametrize("same", ["11.0", "11", "11.0.0", "10.15", None])
def test_an_application_that_runs_where_it_is_offered_can_be_taken(same: str | None) -> None:
    assert updatable(LSMinimumSystemVersion=same).status is Status.PASSED


@pytest.mark.parametrize("feed", [TARGET.update_server.feed_url.replace("azure.com", "azure.com:443").replace("nexy", "Nexy"), None])
def test_an_application_that_asks_the_configured_server_can_be_updated(feed: str | None) -> None:
    assert updatable(SUFeedURL=feed).status is Status.PASSED


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("SUPublicEDKey", base64.b64encode(bytes(range(32))).decode(), "set target.sparkle_public_key"),
        ("SUFeedURL", "https://staging.example.com/updates/appcast.xml", "Build it with SUFeedURL"),
        ("SUFeedURL", TARGET.update_server.feed_url.replace("https", "http"), "Build it with SUFeedURL"),
        ("SUFeedURL", f"{TARGET.update_server.feed_url}?channel=beta", "Build it with SUFeedURL"),
        ("LSMinimumSystemVersion", "11.1", "Build it with LSMinimumSystemVersion"),
        ("LSMinimumSystemVersion", "13", "Build it with LSMinimumSystemVersion"),
        ("LSMinimumSystemVersion", "newest", "Build it with LSMinimumSystemVersion"),
    ],
)
def test_an_application_that_ends_the_updates_is_refused(key: str, value: str, remedy: str) -> None:
    says(updatable(PLAN, **{key: value}), Status.FAILED, value, remedy)


def test_a_key_in_the_application_wants_a_configured_key() -> None:
    says(updatable(replace(PLAN, target=Target())), Status.FAILED, "none is configured", "target.sparkle_public_key")
    assert updatable(replace(PLAN, target=Target()), SUPublicEDKey=None).status is Status.PASSED


def test_an_application_that_nothing_here_can_read_is_attested() -> None:
    unread = replace(IMAGE, contents=ArtifactContents({}, "there is no 7-Zip"))
    says(judge_application(inbox(unread), PLAN), Status.INCONCLUSIVE, "there is no 7-Zip", "attest")
    says(judge_application(inbox(), PLAN), Status.FAILED, "Nexy.dmg is missing")
    says(judge_application(inbox(), CODE_ONLY), Status.NOT_APPLICABLE)


def test_pkg() -> None:
    with_pkg = replace(PLAN, with_pkg=True)
    says(judge_pkg(inbox(IMAGE, PACKAGE), with_pkg), Status.PASSED)
    says(judge_pkg(inbox(IMAGE), with_pkg), Status.FAILED, "Nexy.pkg is not in the inbox")
    says(judge_pkg(inbox(IMAGE, pkg="is truncated"), with_pkg), Status.FAILED, "is truncated")
    says(judge_pkg(inbox(IMAGE), PLAN), Status.NOT_APPLICABLE, "does not announce")
    says(judge_pkg(inbox(IMAGE, PACKAGE), PLAN), Status.FAILED, "does not announce it", "--with Nexy.pkg")
    says(judge_pkg(inbox(IMAGE, pkg="is empty"), PLAN), Status.FAILED, "does not announce it")


def test_version() -> None:
    says(judge_version(inbox(IMAGE), PLAN), Status.PASSED, "1.6.1.43")
    older = replace(IMAGE, contents=ArtifactContents({**VERSIONS, "CFBundleShortVersionString in Nexy.app": "1.6.1.42"}))
    says(judge_version(inbox(older), PLAN), Status.FAILED, "CFBundleShortVersionString in Nexy.app says 1.6.1.42")
    unread = replace(IMAGE, contents=ArtifactContents({}, "there is no 7-Zip"))
    says(judge_version(inbox(unread), PLAN), Status.INCONCLUSIVE, "there is no 7-Zip", "attest")
    says(judge_version(inbox(), PLAN), Status.FAILED, "Nexy.dmg is missing")
    says(judge_version(inbox(IMAGE), replace(PLAN, version=None)), Status.INCONCLUSIVE, "no version")


def test_a_package_of_another_version_fails_even_when_the_image_cannot_be_read() -> None:
    unread = replace(IMAGE, contents=ArtifactContents({}, "there is no 7-Zip"))
    other = replace(PACKAGE, contents=ArtifactContents({"product in Distribution": "1.6.1.42"}))
    says(judge_version(inbox(unread, other), replace(PLAN, with_pkg=True)), Status.FAILED, "product in Distribution says 1.6.1.42")


def named(version: str, sha256: str, signature: str | None = None) -> tuple[Named, ...]:
    return (Named(Version.parse(version), SIZE, sha256, signature, "manifest.json (c0ffee)"),)


def test_new() -> None:
    says(judge_new(NewFacts((SIZE, SHA), named("1.6.1.42", OTHER)), PLAN), Status.PASSED)
    says(judge_new(NewFacts((SIZE, SHA), named("1.6.1.43", SHA)), PLAN), Status.PASSED)
    says(
        judge_new(NewFacts((SIZE, SHA), named("1.6.1.42", SHA)), PLAN),
        Status.FAILED,
        "exactly the bytes of release 1.6.1.42",
        "Build 1.6.1.43",
    )
    says(judge_new(NewFacts(None, ()), PLAN), Status.FAILED)
    says(judge_new(NewFacts((SIZE, SHA), ()), CODE_ONLY), Status.NOT_APPLICABLE)


def test_signature() -> None:
    made = Signature(SIGNATURE, SHA, SIZE, "signed with the key from keyring")
    says(judge_signature(SignatureFacts(True, made), PLAN), Status.PASSED, "the configured public key")
    says(judge_signature(SignatureFacts(True, refused="No key.", remedy="Get one."), PLAN), Status.FAILED, "No key.", "Get one.")
    no_key = replace(PLAN, target=Target())
    says(judge_signature(SignatureFacts(True), no_key), Status.NOT_APPLICABLE, "Neither")
    says(judge_signature(SignatureFacts(True, made), no_key), Status.PASSED, "its own public half")
    says(judge_signature(SignatureFacts(False), PLAN), Status.FAILED)
    says(judge_signature(SignatureFacts(False), CODE_ONLY), Status.NOT_APPLICABLE)


def test_apple() -> None:
    team = replace(PLAN, target=replace(TARGET, team_id="TEAM123456"))
    good = AppleFacts(DMG, "TEAM123456", (Assessment("codesign", True, "valid"), Assessment("spctl", True, "accepted")))
    says(judge_apple(AppleLook(True), PLAN), Status.NOT_APPLICABLE, "no Apple Team ID")
    says(judge_apple(AppleLook(False), team), Status.INCONCLUSIVE, "no codesign", "attest")
    says(judge_apple(AppleLook(True, (good,)), team), Status.PASSED, "TEAM123456")
    says(judge_apple(AppleLook(True, (replace(good, team="OTHER"),)), team), Status.FAILED, "signed by team OTHER")
    refused = replace(good, assessments=(Assessment("spctl", False, "rejected"),))
    says(judge_apple(AppleLook(True, (refused,)), team), Status.FAILED, "spctl refuses Nexy.dmg: rejected")
    says(judge_apple(AppleLook(True, (), (DMG,)), team), Status.FAILED, "Nexy.dmg is missing")
    says(judge_apple(AppleLook(True), replace(team, kind=Kind.CODE_ONLY)), Status.NOT_APPLICABLE)


# --- publish.target ---

RIGHTS = Rights("Seregawpn/Nexy_production", visible=True, push=True, scopes=("repo",), source="environment GH_TOKEN")
RELEASE = GitHubRelease(1, "Update", immutable=False)


def asset(name: str = DMG, state: str = "uploaded", size: int = SIZE, sha256: str | None = SHA) -> Asset:
    return Asset(1, name, state, size, sha256)


def place(*assets: Asset, release: GitHubRelease | None = RELEASE) -> ArtifactPlace:
    return ArtifactPlace(DMG, "Update", release, {one.name: one for one in assets})


@pytest.mark.parametrize(
    ("facts", "status", "words"),
    [
        (TargetFacts(RIGHTS, (place(asset()),)), Status.PASSED, ("takes the artifacts",)),
        (TargetFacts(RIGHTS, (place(),)), Status.PASSED, ("takes the artifacts",)),
        (TargetFacts(RIGHTS, (place(asset(), asset("incoming-00-Nexy.dmg", "starter")),)), Status.PASSED, ()),
        (TargetFacts(RIGHTS, (place(asset("previous-Nexy.dmg")),)), Status.PASSED, ("cut off", "puts the bytes back first")),
        (TargetFacts(replace(RIGHTS, visible=False), ()), Status.FAILED, ("is not there", "GH_TOKEN")),
        (TargetFacts(replace(RIGHTS, push=False), (place(),)), Status.FAILED, ("may not write",)),
        (TargetFacts(replace(RIGHTS, scopes=("read:user",)), (place(),)), Status.FAILED, ("may not write",)),
        (TargetFacts(RIGHTS, (place(release=None),)), Status.FAILED, ("no release under the tag Update", "gh release create Update")),
        (TargetFacts(RIGHTS, (place(release=replace(RELEASE, immutable=True)),)), Status.FAILED, ("immutable",)),
        (TargetFacts(RIGHTS, (place(asset(state="open")),)), Status.FAILED, ("not ready: Nexy.dmg (open)",)),
        (TargetFacts(RIGHTS, (place(*(asset(f"a{n}") for n in range(999))),)), Status.FAILED, ("999 assets",)),
    ],
)
def test_target(facts: TargetFacts, status: Status, words: tuple[str, ...]) -> None:
    says(judge_target(facts, PLAN), status, *words)
    says(judge_target(facts, CODE_ONLY), Status.NOT_APPLICABLE)


@pytest.mark.parametrize("status", [Status.FAILED, Status.INCONCLUSIVE, Status.PASSED])
@pytest.mark.parametrize(("release", "cause", "first"), [(None, "no release", "gh release create"), (RELEASE, "", "")])
def test_a_place_that_refuses_is_made_first_and_then_published_to(
    release: GitHubRelease | None, cause: str, first: str, status: Status
) -> None:
    found = Verdict(status, "The image is not there.", Act("publish", "publish"))
    verdict = at_place(found, place(release=release), PLAN)
    if release is not None or status is not Status.FAILED:
        assert verdict == found
        return
    assert isinstance(verdict.remedy, Act) and verdict.remedy.action == "publish"
    assert cause in verdict.summary and first in verdict.remedy.first and str(verdict.remedy).endswith("nexy-tui publish")


def test_a_run_that_publishes_nothing_is_never_told_to_publish() -> None:
    cut_off = place(asset(previous_name(DMG)))
    told = {name: brought_back(found, CODE_ONLY) for name, found in {"cut off": cut_off, "gone": place(), "unseen": None}.items()}
    full = f"release {V.next_build()} --kind full"
    assert {name: remedy.command for name, remedy in told.items()} == {"cut off": "publish --recover", "gone": full, "unseen": full}
    gone = ManifestFacts({}, ImageFacts(None, signed=None), has_key=True, place=cut_off)
    assert "publish --recover" in str(judge_manifests(replace(gone, files={"m": b"{}"}), CODE_ONLY).remedy)


@pytest.mark.parametrize(("plan", "command"), [(PLAN, "publish"), (CODE_ONLY, f"release {V.next_build()} --kind full")])
@pytest.mark.parametrize("contents", [ArtifactContents({}, unread="no 7-Zip"), ArtifactContents({"a": "1.6.1.1x", "b": "2"})])
def test_a_sync_over_bytes_of_no_known_version_says_what_brings_others(contents: ArtifactContents, plan: Plan, command: str) -> None:
    with pytest.raises(Refused) as caught:
        _version_of(replace(IMAGE, contents=contents), (), plan)
    assert isinstance(caught.value.remedy, Act | Run) and caught.value.remedy.command == command


@pytest.mark.parametrize(("action", "command"), [(Publish(), "--kind full"), (Rollback(), "--kind code-only")])
def test_what_a_code_only_run_has_not_published_is_refused_with_a_release_that_can_be(action: Publish | Rollback, command: str) -> None:
    context = SimpleNamespace(plan=CODE_ONLY, services=None)
    with pytest.raises(Refused, match="publishes no artifacts") as caught:
        action.run(cast(ActionContext, context))
    assert isinstance(caught.value.remedy, Run) and caught.value.remedy.command == f"release {V.next_build()} {command}"


# --- publish.asset, publish.bytes ---


def test_assets() -> None:
    def judged(*assets: Asset, plan: Plan = PLAN, box: InboxFacts | None = None) -> Verdict:
        return judge_assets(AssetFacts((place(*assets),), box or inbox(IMAGE)), plan)

    says(judged(asset()), Status.PASSED)
    says(judged(asset(sha256=None)), Status.PASSED)
    says(judged(), Status.PENDING, "not under the tag Update")
    says(judged(asset(state="starter")), Status.FAILED, "is starter, not uploaded")
    says(judged(asset(size=99)), Status.PENDING, "has 99 bytes", f"the inbox has {SIZE} bytes")
    says(judged(asset(sha256=OTHER)), Status.PENDING, OTHER, SHA)
    says(judged(asset(), box=inbox()), Status.FAILED, "cannot be compared")
    says(judged(asset(), box=inbox(), plan=replace(PLAN, standalone=True)), Status.PASSED)
    says(judged(asset(), box=inbox(dmg="is empty"), plan=replace(PLAN, standalone=True)), Status.FAILED, "cannot be compared")
    says(judged(asset(), plan=CODE_ONLY), Status.NOT_APPLICABLE)


def download(size: int = SIZE, sha256: str = SHA) -> Downloaded:
    return Downloaded(TARGET.asset_url(DMG), size, sha256, "2026-02-14T10:00:00Z")


def test_bytes() -> None:
    def judged(got: Downloaded | None, plan: Plan = PLAN, box: InboxFacts | None = None) -> Verdict:
        return judge_bytes(ByteFacts({DMG: got}, box or inbox(IMAGE)), plan)

    says(judged(download()), Status.PASSED)
    says(judged(None), Status.FAILED, "nothing is at https://github.com/")
    says(judged(download(sha256=OTHER)), Status.PENDING, OTHER, SHA, "nexy-tui rollback")
    says(judged(download(size=99)), Status.PENDING, "99 bytes", f"{SIZE} bytes")
    says(judged(download(), box=inbox()), Status.FAILED, "cannot be compared")
    says(judged(download(), box=inbox(), plan=replace(PLAN, standalone=True)), Status.PASSED)
    says(judged(download(), plan=CODE_ONLY), Status.NOT_APPLICABLE)
    assert {evidence.value for evidence in judged(download()).evidence} == {str(SIZE), SHA}


# --- publish.manifests, publish.commit ---


def raw_manifest(version: str = "1.6.1.43", size: int = SIZE, sha256: str = SHA, signature: str | None = SIGNATURE) -> bytes:
    return manifest.build(
        None,
        version=version,
        url=TARGET.asset_url(DMG),
        notes_url=TARGET.notes_url(DMG),
        size=size,
        sha256=sha256,
        signature=signature,
        now=NOW,
    ).render()


PATHS = [str(path) for path in Layout("flat", Path("/x")).manifest_files("1.6.1.43")]
GOOD = raw_manifest()


def manifests(
    raw: bytes | None = GOOD,
    image: ImageFacts | None = None,
    has_key: bool = True,
    known: tuple[Named, ...] = (),
    **changed: bytes | None,
) -> ManifestFacts:
    files: dict[str, bytes | None] = dict.fromkeys(PATHS, raw)
    files |= {PATHS[int(key.removeprefix("n"))]: value for key, value in changed.items()}
    return ManifestFacts(files, image or ImageFacts(download(), signed=True), has_key, known)


NO_KEY = replace(PLAN, target=Target())


@pytest.mark.parametrize(
    ("facts", "plan", "status", "words"),
    [
        (manifests(), PLAN, Status.PASSED, ("1.6.1.43", "its signature is valid")),
        (manifests(), replace(PLAN, version=None), Status.PASSED, ()),
        (manifests(n3=None), PLAN, Status.FAILED, (f"{PATHS[3]} is missing", "nexy-tui sync-manifests")),
        (manifests(n2=GOOD + b"\n"), PLAN, Status.FAILED, (f"{PATHS[2]} differs from {PATHS[0]}",)),
        (manifests(b"{}"), PLAN, Status.FAILED, (f"{PATHS[0]} is not true: version is missing",)),
        (manifests(GOOD.replace(b'"critical"', b'"version": "1", "critical"')), PLAN, Status.FAILED, ("stands in it twice",)),
        (manifests(image=ImageFacts(None)), PLAN, Status.FAILED, ("Nothing is at",)),
        (manifests(raw_manifest("1.6.1.42")), PLAN, Status.FAILED, ("name 1.6.1.42, not 1.6.1.43", "nexy-tui publish")),
        (manifests(raw_manifest(size=99)), PLAN, Status.FAILED, (f"artifact.size is 99, not {SIZE}",)),
        (manifests(raw_manifest(sha256=OTHER)), PLAN, Status.FAILED, ("artifact.sha256",)),
        (manifests(GOOD.replace(b"/Update/", b"/UpdateBeta/")), PLAN, Status.FAILED, ("artifact.url",)),
        (manifests(image=ImageFacts(download(), signed=False)), PLAN, Status.FAILED, ("not valid over the bytes",)),
        (manifests(image=ImageFacts(download(), unseen="no child")), PLAN, Status.INCONCLUSIVE, ("no child",)),
        (manifests(raw_manifest(signature=None), ImageFacts(download())), PLAN, Status.FAILED, ("carry no signature",)),
        (manifests(raw_manifest(signature=None), ImageFacts(download()), False), NO_KEY, Status.PASSED, ("no key is configured",)),
        (manifests(image=ImageFacts(download()), has_key=False), NO_KEY, Status.FAILED, ("no key is configured to verify it",)),
        (manifests(), CODE_ONLY, Status.FAILED, ("name 1.6.1.43, not 1.6.1.42", "nexy-tui sync-manifests")),
        (manifests(raw_manifest("1.6.1.42")), CODE_ONLY, Status.PASSED, ("1.6.1.42",)),
        (manifests(raw_manifest("1.6.1.42", signature=None), ImageFacts(download())), CODE_ONLY, Status.PASSED, ("no signature",)),
        (
            manifests(known=named("1.6.1.42", SHA)),
            PLAN,
            Status.FAILED,
            ("stands over the file of 1.6.1.42", "c0ffee", "was built for 1.6.1.43"),
        ),
        (manifests(known=named("1.6.1.44", SHA)), PLAN, Status.PASSED, ()),
        (manifests(known=named("1.6.1.42", OTHER, SIGNATURE)), PLAN, Status.PASSED, ("its signature is valid",)),
        (
            manifests(image=ImageFacts(download(), unseen="no child"), known=named("1.6.1.42", OTHER, SIGNATURE)),
            PLAN,
            Status.FAILED,
            ("The signature is that of another file, of 1.6.1.42",),
        ),
        (
            manifests(raw_manifest("1.6.1.42"), known=named("1.6.1.41", SHA)),
            CODE_ONLY,
            Status.FAILED,
            ("1.6.1.42 stands over the file of 1.6.1.41", "nexy-tui sync-manifests"),
        ),
    ],
)
def test_manifests(facts: ManifestFacts, plan: Plan, status: Status, words: tuple[str, ...]) -> None:
    says(judge_manifests(facts, plan), status, *words)


def commit(there: bytes | None = GOOD, here: bytes | None = GOOD) -> CommitFacts:
    return CommitFacts("main", "c0ffee" * 6, dict.fromkeys(PATHS, there), dict.fromkeys(PATHS, here))


@pytest.mark.parametrize(
    ("facts", "plan", "status", "words"),
    [
        (commit(), PLAN, Status.PASSED, ("are on main of Seregawpn/Nexy_server",)),
        (commit(None), PLAN, Status.FAILED, ("does not have the checkout's",)),
        (commit(GOOD + b"\n"), PLAN, Status.FAILED, ("does not have the checkout's",)),
        (commit(b"{}", b"{}"), PLAN, Status.FAILED, ("version is missing, not a version X.Y.Z.Build in a string",)),
        (commit(raw_manifest("1.6.1.42"), raw_manifest("1.6.1.42")), PLAN, Status.FAILED, ('version is "1.6.1.42", not "1.6.1.43"',)),
        (commit(raw_manifest("1.6.1.42"), raw_manifest("1.6.1.42")), CODE_ONLY, Status.PASSED, ()),
    ],
)
def test_commit(facts: CommitFacts, plan: Plan, status: Status, words: tuple[str, ...]) -> None:
    says(judge_commit(facts, plan), status, *words)
