"""The publisher against a whole world: what clients, gh and git see afterwards, whatever went wrong on the way."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from publishing import Publisher, assert_published, local, requests, sent, writes

from checks import inbox, manifests, publish
from checks.base import Check
from nexy_tui.actions.publish import Publish
from nexy_tui.actions.sync import SyncManifests
from nexy_tui.core.event import Exposure, OutputLine, PointOfNoReturn, Progress
from nexy_tui.core.finding import Status
from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import Cancelled, Problem, Refused
from nexy_tui.core.target import DMG, PKG
from nexy_tui.rehearsal.names import SPARKLE_USERNAME


def state(work: Publisher) -> tuple[object, ...]:
    """Everything a publish may change, but the assets that stand beside the current one."""
    tip = work.inside.git("rev-parse", "main", cwd=work.inside.world.bare("Seregawpn/Nexy_server"))
    return work.download(), tip


def test_a_publish_is_what_clients_and_git_see(work: Publisher) -> None:
    before, start = work.download(), len(requests(work))
    result = work.do(Publish())
    assert_published(work)
    assert work.download(DMG)[1] == result.digests[DMG] != before[1]
    assert work.assets() == {DMG: "uploaded", f"previous-{DMG}": "uploaded"}
    head = work.inside.git("log", "-1", "--format=%s", "main", cwd=work.inside.world.bare("Seregawpn/Nexy_server"))
    assert head == f"Update manifest for {work.version} (Production)"
    changed = work.inside.git("show", "--format=", "--name-only", "main", cwd=work.inside.world.bare("Seregawpn/Nexy_server"))
    assert sorted(changed.splitlines()) == sorted(work.branch_files())
    assert work.intents[0] == ("replace the download", {DMG: local(work)[1]})
    assert any(isinstance(event, PointOfNoReturn) for event in work.events)
    assert [event.open for event in work.events if isinstance(event, Exposure)] == [True]
    phases = {event.phase for event in work.events if isinstance(event, Progress)}
    assert {"reading", "uploading", "verifying the upload", "verifying the download"} <= phases
    assert all(not (authorized and "objects.githubusercontent.com" in url) for _, url, authorized in requests(work)[start:])


def test_every_check_of_inbox_and_publish_passes_after_a_publish(work: Publisher) -> None:
    work.do(Publish())
    for check in (inbox.EXISTS, inbox.IMAGE, inbox.VERSION, inbox.NEW, inbox.SIGNATURE):
        verdict = work.check(check)
        assert verdict.status is Status.PASSED, verdict


def test_the_rulebooks_markers_are_said(work: Publisher) -> None:
    work.do(Publish())
    said = [event.text for event in work.events if isinstance(event, OutputLine)]
    size, sha256 = local(work)
    wanted = [
        f"Current Version: {work.version}",
        "Target Repo: Seregawpn/Nexy_production",
        "Uploaded. URL: https://github.com/Seregawpn/Nexy_production/releases/download/Update/Nexy.dmg",
        "Verifying uploaded artifact from release URL...",
        f"Remote size: {size} bytes",
        f"Remote SHA256: {sha256}",
        f"Manifest updated at {work.inside.checkout}/server/updates/manifests/manifest.json",
        "Manifest changes pushed to remote",
        "RELEASE COMPLETE",
    ]
    assert [text for text in said if text in wanted] == wanted


def test_publishing_again_changes_nothing_and_sends_nothing(work: Publisher) -> None:
    work.do(Publish())
    before, start = state(work), len(requests(work))
    result = work.do(Publish())
    assert not result.changed and state(work) == before
    assert writes(work, start) == []


def test_both_artifacts_go_together(work: Publisher) -> None:
    work.with_pkg = True
    work.lay(PKG)
    work.do(Publish())
    assert_published(work)
    assert work.download(PKG) == local(work, PKG)
    assert work.assets(PKG) == {PKG: "uploaded", f"previous-{PKG}": "uploaded"}
    assert work.check(inbox.PACKAGE).status is Status.PASSED


def test_update_only_commits_version_with_the_manifests(work: Publisher) -> None:
    work.kind = Kind.UPDATE_ONLY
    work.services.layout.version_file.write_text(f"{work.version}\n")
    work.do(Publish())
    changed = work.inside.git("show", "--format=", "--name-only", "main", cwd=work.inside.world.bare("Seregawpn/Nexy_server"))
    assert sorted(changed.splitlines()) == sorted([*work.branch_files(), "VERSION"])


def test_a_code_only_run_publishes_nothing(work: Publisher) -> None:
    work.kind = Kind.CODE_ONLY
    before, start = state(work), len(requests(work))
    with pytest.raises(Refused):
        work.do(Publish())
    assert state(work) == before and sent(work, start) == []
    for check in (inbox.IMAGE, publish.TARGET, publish.BYTES):
        assert work.check(check).status is Status.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("token-without-scope", publish.TARGET),
        ("missing-tag", publish.TARGET),
        ("immutable-release", publish.TARGET),
        ("inbox-missing", inbox.EXISTS),
        ("inbox-empty", inbox.IMAGE),
        ("dmg-truncated", inbox.IMAGE),
        ("dmg-html", inbox.IMAGE),
        ("dmg-other-version", inbox.VERSION),
        ("download-other-bytes", publish.BYTES),
        ("download-other-bytes", manifests.MANIFESTS),
    ],
)
@pytest.mark.exhaustive
def test_each_fault_fails_its_item(work: Publisher, name: str, check: Check) -> None:
    work.do(Publish())
    with work.inside.faulty(name):
        verdict = work.check(check)
    assert verdict.status is Status.FAILED and verdict.remedy and verdict.evidence, verdict
    assert work.check(check).status is Status.PASSED


def test_a_push_that_is_rejected_puts_the_names_back_and_needs_no_other_upload(work: Publisher) -> None:
    before = state(work)
    with work.inside.faulty("push-rejected"), pytest.raises(Problem, match="did not take the push") as raised:
        work.do(Publish())
    assert "back in place" in raised.value.why and "did not move" in raised.value.why and raised.value.remedy
    assert state(work) == before
    assert [event.open for event in work.events if isinstance(event, Exposure)] == [True, False]
    start = len(requests(work))
    work.events.clear()
    work.do(Publish())
    assert sent(work, start) == []
    assert_published(work)
    work.deploy()
    work.events.clear()
    work.do(Publish())
    assert [event for event in work.events if isinstance(event, Exposure)] == [], "the live server offers it now"


def test_a_branch_that_moved_is_refused_with_its_mover(work: Publisher, tmp_path: Path) -> None:
    clone = tmp_path / "colleague"
    work.inside.git("clone", "--quiet", "https://github.com/Seregawpn/Nexy_server.git", clone)
    work.inside.git("-c", "user.name=Colleague", "-c", "user.email=c@x", "commit", "--allow-empty", "-qm", "A change", cwd=clone)
    work.inside.git("push", "--quiet", "origin", "HEAD:main", cwd=clone)
    before, start = state(work), len(requests(work))
    with pytest.raises(Refused, match=r"has moved: .*“A change” by Colleague"):
        work.do(Publish())
    assert sent(work, start) == [] and state(work) == before
    work.inside.git("pull", "--quiet", "--ff-only", "origin", "main")
    work.do(Publish())
    assert_published(work)


def test_a_cancel_in_the_middle_of_the_upload_changes_nothing(work: Publisher) -> None:
    before = state(work)
    work.cancelled = lambda: any(isinstance(event, Progress) and event.phase == "uploading" for event in work.events)
    with pytest.raises(Cancelled):
        work.do(Publish())
    assert state(work) == before and work.intents == []
    work.cancelled = lambda: False
    work.do(Publish())
    assert_published(work)


def test_a_cancel_after_the_point_of_no_return_carries_on(work: Publisher) -> None:
    work.cancelled = lambda: any(isinstance(event, PointOfNoReturn) for event in work.events)
    work.do(Publish())
    assert_published(work)


def test_a_swap_cut_off_between_its_renames_is_healed_by_the_first_write(work: Publisher) -> None:
    host, before = work.services.github, work.download()
    release = host.release("Update")
    assert release is not None
    assets = host.assets(release)
    if (older := assets.get(f"previous-{DMG}")) is not None:
        host.delete(older)
    host.rename(assets[DMG], f"previous-{DMG}")
    assert work.inside.run("curl", "-fsSLo", "/dev/null", work.services.target.asset_url(DMG), check=False).returncode == 22
    verdict = work.check(publish.TARGET)
    assert verdict.status is Status.PASSED and "cut off" in verdict.summary
    start = len(requests(work))
    work.cancelled = lambda: any("back in place" in event.text for event in work.events if isinstance(event, OutputLine))
    with pytest.raises(Cancelled):
        work.do(Publish())
    assert writes(work, start)[0].startswith("PATCH ") and work.download() == before
    work.cancelled = lambda: False
    work.do(Publish())
    assert_published(work)


def test_a_dry_run_leaves_every_byte_as_it_was(work: Publisher) -> None:
    before, assets = state(work), work.assets()
    status, start = work.inside.git("status", "--porcelain"), len(requests(work))
    result = work.do(Publish(dry_run=True))
    assert writes(work, start) == []
    assert not result.changed and state(work) == before and work.assets() == assets
    assert work.inside.git("status", "--porcelain") == status
    said = [event.text for event in work.events if isinstance(event, OutputLine)]
    assert not [text for text in said if text.startswith("Manifest") or text == "RELEASE COMPLETE"]


def without_private_key(work: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    found = work.services.secrets.from_keyring
    monkeypatch.setattr(work.services.secrets, "from_keyring", lambda name: None if name == SPARKLE_USERNAME else found(name))


def test_without_any_signature_the_publish_is_refused(work: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    without_private_key(work, monkeypatch)
    before = state(work)
    verdict = work.check(inbox.SIGNATURE)
    assert verdict.status is Status.FAILED and "there is no sparkle-private-key here" in verdict.summary
    with pytest.raises(Refused, match="There is no valid Sparkle signature"):
        work.do(Publish())
    assert state(work) == before and work.intents == []


def test_a_signature_from_the_inbox_is_taken_once_it_verifies(work: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(work.inside.world.secrets.sparkle_seed))
    image = work.services.layout.inbox / DMG
    laid = image.with_name(f"{DMG}.ed25519")
    without_private_key(work, monkeypatch)
    try:
        value = base64.b64encode(key.sign(image.read_bytes() + b"x")).decode()
        laid.write_text(value)
        assert work.check(inbox.SIGNATURE).status is Status.FAILED
        value = base64.b64encode(key.sign(image.read_bytes())).decode()
        laid.write_text(f'sparkle:edSignature="{value}" length="{image.stat().st_size}"\n')
        assert work.check(inbox.SIGNATURE).status is Status.PASSED
        work.do(Publish())
    finally:
        laid.unlink()
    assert_published(work)
    assert {json.loads(raw)["artifact"]["ed25519"] for raw in work.branch_files().values()} == {value}


def test_sync_copies_the_true_manifest_over_one_that_fell_behind(work: Publisher) -> None:
    work.do(Publish())
    wanted = work.branch_files()
    stray = work.inside.checkout / "server/server/updates/manifests/manifest.json"
    stray.write_text("{}")
    work.inside.git("commit", "-qam", "Spoil one")
    work.inside.git("push", "--quiet", "origin", "HEAD:main")
    assert work.check(manifests.MANIFESTS).status is Status.FAILED
    work.do(SyncManifests())
    assert work.branch_files() == wanted
    assert_published(work)


def test_sync_rebuilds_an_untrue_manifest_from_the_bytes_and_not_from_the_file(work: Publisher) -> None:
    work.do(Publish())
    wanted = work.branch_files()
    for path in wanted:
        file = work.inside.checkout / path
        document = json.loads(file.read_text())
        document["artifact"]["sha256"] = "0" * 64
        file.write_text(json.dumps({**document, "channel": "main"}))
    work.inside.git("commit", "-qam", "Spoil all")
    work.inside.git("push", "--quiet", "origin", "HEAD:main")
    work.do(SyncManifests())
    assert_published(work)
    rebuilt = json.loads(next(iter(work.branch_files().values())))
    assert rebuilt["channel"] == "main" and rebuilt["artifact"] == json.loads(next(iter(wanted.values())))["artifact"]


def test_sync_does_not_raise_the_version_over_old_bytes(work: Publisher) -> None:
    before = state(work)
    result = work.do(SyncManifests())
    assert not result.changed and state(work) == before
    verdict = work.check(manifests.MANIFESTS)
    assert verdict.status is Status.FAILED and str(verdict.remedy) == "nexy-tui publish"
