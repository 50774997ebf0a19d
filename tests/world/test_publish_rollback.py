"""The ways back: two releases, a rollback, a third release in one world; and a cut-off swap healed on request."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest
from conftest import Inside, seldom
from publishing import MANIFESTS, Killed, Mortal, Publisher, assert_published, local, publisher, requests, sent, unseen, writes

from nexy_tui.actions.publish import Publish
from nexy_tui.actions.rollback import Recover, Rollback
from nexy_tui.core.problem import Problem
from nexy_tui.core.target import DMG, PKG
from nexy_tui.core.version import Version
from nexy_tui.rehearsal.names import CODE


@pytest.fixture
def work(module_world: Inside) -> Iterator[Publisher]:
    """A publisher that has just published a version, which the live server offers; the inbox still holds its image."""
    with publisher(module_world) as found:
        found.lay()
        found.do(Publish())
        found.deploy()
        yield found


def next_version(work: Publisher) -> tuple[Version, tuple[int, str]]:
    """Publish one more version; the one before it and its figures."""
    before = work.version, local(work)
    work.version = unseen()
    work.lay()
    work.do(Publish())
    return before


def assert_back(work: Publisher, version: Version, figures: tuple[int, str]) -> None:
    assert work.download() == figures
    bare = work.inside.world.bare(CODE)
    raw = {work.inside.git("show", f"main:{folder}/manifest.json", cwd=bare) for folder in MANIFESTS}
    assert len(raw) == 1
    stated = json.loads(raw.pop())
    assert (stated["version"], stated["artifact"]["size"], stated["artifact"]["sha256"]) == (str(version), *figures)


def test_a_rollback_puts_bytes_and_manifests_back_and_the_next_release_goes_on(work: Publisher) -> None:
    version, figures = next_version(work)
    rolled = local(work)
    result = work.do(Rollback())
    assert_back(work, version, figures)
    assert result.digests[DMG] == figures[1]
    assert work.assets() == {DMG: "uploaded", f"incoming-{rolled[1][:16]}-{DMG}": "uploaded"}
    start = len(requests(work))
    again = work.do(Rollback())
    assert (again.changed, again.manifest_commit) == (False, result.manifest_commit)
    assert sent(work, start) == []
    assert_back(work, version, figures)
    next_version(work)
    assert_published(work)


@pytest.mark.exhaustive
def test_a_rollback_takes_the_manifest_away_that_a_server_would_take_for_the_newest(work: Publisher) -> None:
    work.inside.fault("appcast-from-config", True)
    try:
        version, figures = next_version(work)
        work.deploy()
        rolled, world = f"manifest_{work.version}.json", work.inside.world
        paths = [f"{folder}/{rolled}" for folder in MANIFESTS]
        assert all((root / path).is_file() for root in (world.checkout, world.vm_clone) for path in paths)
        work.do(Rollback())
        assert_back(work, version, figures)
        assert not any((root / path).exists() for root in (world.checkout, world.vm_clone) for path in paths)
        kept = work.inside.git("ls-tree", "--name-only", "main", f"{MANIFESTS[0]}/", cwd=world.bare(CODE)).splitlines()
        assert f"{MANIFESTS[0]}/manifest_{version}.json" in kept and paths[0] not in kept
        feed = work.inside.run("curl", "-fsS", f"{work.services.target.update_server.base_url}/updates/appcast.xml").stdout
        assert f'length="{figures[0]}"' in feed and f'sparkle:version="{version}"' in feed
        assert not work.do(Rollback()).changed
    finally:
        work.inside.fault("appcast-from-config", False)


@pytest.mark.exhaustive
def test_a_rollback_takes_the_package_along_though_the_inbox_was_tidied(work: Publisher) -> None:
    package = work.services.layout.inbox / PKG

    def publish_both() -> tuple[int, str]:
        work.with_pkg = True
        work.version = unseen()
        work.lay()
        work.lay(PKG)
        work.do(Publish())
        figures = local(work, PKG)
        package.unlink()
        work.with_pkg = False
        return figures

    older = publish_both()
    version, figures = work.version, local(work)
    work.deploy()
    newer = publish_both()
    assert work.download(PKG) == newer
    work.do(Rollback())
    assert_back(work, version, figures)
    assert work.download(PKG) == older, "it came with the release that was rolled back"
    next_version(work)
    assert work.do(Rollback()).digests.keys() & {DMG, PKG} == {DMG}, "the package in place is an older release's"
    assert work.download(PKG) == older


@pytest.mark.exhaustive
def test_what_was_rolled_back_is_published_again_without_an_upload(work: Publisher) -> None:
    next_version(work)
    work.do(Rollback())
    start = len(requests(work))
    work.do(Publish())
    assert_published(work)
    assert sent(work, start) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("steps", ["PATCH", seldom("git push|git commit|PATCH")])
def test_a_rollback_killed_at_its_writes_is_finished_by_the_next(work: Publisher, steps: str) -> None:
    version, figures = next_version(work)
    with pytest.MonkeyPatch.context() as patch:
        mortal = Mortal(patch)
        work.do(Rollback())
    points = [number for number, step in enumerate(mortal.seen, 1) if step.startswith(tuple(steps.split("|")))]
    assert len(points) >= 2
    for at, lost in itertools.product(points, ("answer",) if steps == "PATCH" else ("request", "answer")):
        next_version(work)
        with pytest.MonkeyPatch.context() as patch:
            Mortal(patch, at=at, lost=lost)
            with pytest.raises(Killed):
                work.do(Rollback())
        work.services.github.close()
        work.do(Rollback())
        assert_back(work, version, figures)
        assert work.inside.git("rev-parse", "HEAD") == work.inside.git("rev-parse", "main", cwd=work.inside.world.bare(CODE))
    print(f"a rollback killed at {len(points)} of its requests and git commands")


@pytest.mark.exhaustive
def test_wrong_bytes_after_a_rollback_are_taken_back(work: Publisher) -> None:
    next_version(work)
    figures = local(work)
    work.inside.fault("download-other-bytes", True, "final")
    try:
        with pytest.raises(Problem, match="The release URL gives") as raised:
            work.do(Rollback())
    finally:
        work.inside.fault("download-other-bytes", False)
    assert "as it was before the rollback" in raised.value.why
    assert work.download() == figures
    assert_published(work)


def test_recover_heals_a_cut_off_swap_and_does_nothing_else(work: Publisher) -> None:
    assert not work.do(Recover()).changed
    before, host = work.download(), work.services.github
    release = host.release("Update")
    assert release is not None
    assets = host.assets(release)
    host.delete(assets[f"previous-{DMG}"])
    host.rename(assets[DMG], f"previous-{DMG}")
    assert work.download_or_nothing() is None
    start = len(requests(work))
    assert work.do(Recover()).changed
    assert len(writes(work, start)) == 1 and work.download() == before
