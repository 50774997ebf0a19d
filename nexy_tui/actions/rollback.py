"""The release before put back into place: two renames, its manifests after them, and the live server seen to offer it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checks.inbox import NOTHING_PUBLISHED, expected
from checks.publish import judge_target, previous_name, read_place, read_target, temporary_name
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.actions.package import with_its_package
from nexy_tui.actions.prepared import Prepared, kept_aside, move, nothing_aside, prepare, settle
from nexy_tui.actions.reoffer import AGAIN, reoffer, require_use
from nexy_tui.actions.swap import ROOM, Swapped, heal, swap, take_back
from nexy_tui.core import manifest
from nexy_tui.core.event import Exposure, OutputLine, PointOfNoReturn
from nexy_tui.core.finding import Evidence
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed, CouldNotLook, Problem, Refused
from nexy_tui.core.remedy import Act, Run, preceded
from nexy_tui.core.target import DMG, PKG
from nexy_tui.core.version import Version
from nexy_tui.services import Services
from nexy_tui.services.git import Git
from nexy_tui.services.github import Asset, GitHubRelease, ReleaseHost
from nexy_tui.services.manifest_places import directories_at
from nexy_tui.services.swap_guard import SwapGuard, guard_of
from nexy_tui.services.update_server import Offer, look_offer


@dataclass(frozen=True, slots=True)
class Way:
    """What one artifact goes back to: the asset, and the size and SHA-256 that were downloaded from it."""

    name: str
    release: GitHubRelease
    asset: Asset
    size: int
    sha256: str

    @property
    def figures(self) -> str:
        """Size and digest, for showing."""
        return f"{self.size} bytes, sha256 {self.sha256}"

    @property
    def done(self) -> bool:
        """Whether it is in place already: an earlier rollback got so far."""
        return self.asset.name == self.name


class Rollback:
    """Puts `previous-` back under the fixed name and pushes the manifests that name those bytes."""

    name = "rollback"
    title = "Put the release before back"
    writes_outside = True

    def applies(self, plan: Plan, /) -> bool:
        """Where artifacts are published there is something to put back."""
        return plan.kind.publishes

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The renames and the push."""
        lines = []
        for name in expected(plan):
            lines += [
                f"download {previous_name(name)} of {plan.target.artifacts_repository} and find the manifests that name its bytes",
                f"rename {name} to incoming-<sha256>-{name}; rename {previous_name(name)} to {name}; verify {plan.target.asset_url(name)}",
            ]
        if not plan.with_pkg:
            lines.append(f"the same with {PKG}, where the one in place is of {plan.version}")
        return [
            *lines,
            f"write that release's manifests, take manifest_{plan.version}.json away, commit that alone, push to {plan.target.code_url()}",
            f"if the live server offers {plan.version} already: lay those manifests on the VM, its settings with them, and restart",
            "run the gate (profile rulebook)",
        ]

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """World and version are typed; nothing besides."""
        return None

    def run(self, context: ActionContext) -> ActionResult:
        """Put it back, going on from whatever an earlier rollback left. Raises Refused when there is nothing to go back to."""
        context = with_its_package(context)
        services, plan = context.services, context.plan
        if not plan.kind.publishes:
            raise Refused(
                NOTHING_PUBLISHED, "There is no download of it to put back: customers have the file they had before.", _reverted(plan)
            )
        host = services.github.watched(context.emit, context.cancelled)
        verdict = judge_target(read_target(host, plan), plan)
        if not verdict.status.satisfied:
            raise Refused(verdict.summary, "Nothing was changed.", verdict.remedy)
        ways = [_way(host, context, name) for name in expected(plan)]
        image = next(way for way in ways if way.name == DMG)
        found, offer = _manifest_of(services.git, image), look_offer(services.update_server)
        if found is None or _is_own(plan, ways, found[1]):
            bytes_of = f"{image.asset.name} (sha256 {image.sha256})"
            raise Refused(
                f"There is nothing to go back to: no other release's manifest names the bytes of {bytes_of}.",
                "The manifests must be true of the bytes that are put back.",
                Act("publish", "publish", f"Look at {plan.target.notes_url(DMG)}; to publish a file anew"),
            )
        raw, stated = found
        require_use(offer, plan, stated)
        with kept_aside(context):
            prepared = prepare(context, raw, of=stated.version, withdraw=True)
            swapped = _put_back(context, ways, stated.version, offer)
            commit = _move(context, prepared, swapped, offer)
        pushed = settle(context, prepared, commit)
        live = reoffer(context, stated)
        names = ", ".join(way.name for way in ways)
        gaps = [Evidence(f"{one.name} out of place", f"{one.gap_s * 1000:.0f} ms", "between the two renames") for one in swapped]
        there = [Evidence(f"{way.name} in place", way.figures, plan.target.asset_url(way.name)) for way in ways]
        return ActionResult(
            f"{names} of {stated.version} is back; its manifests are on {pushed.branch} ({pushed.commit[:12]}), the live server offers it.",
            evidence=(*there, *gaps, *live),
            digests={**{way.name: way.sha256 for way in ways}, "manifests": pushed.sha256},
            manifest_commit=pushed.commit,
            changed=bool(swapped) or pushed.changed,
        )


def _reverted(plan: Plan) -> Run:
    """What takes the code of a release back: the commits before it, under a higher number."""
    version = plan.version.next_build() if plan.version else "X.Y.Z.Build"
    return Run(f"release {version} --kind code-only", "git revert what is to go, push that, then release it as the next version")


class Recover:
    """Heals a swap that was cut off between its renames, and does nothing else: the first thing to do when clients get 404."""

    name = "recover"
    title = "Heal a swap that was cut off"
    writes_outside = True

    def applies(self, plan: Plan, /) -> bool:
        """In every kind of run: a cut-off swap may be anybody's."""
        return True

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The one rename, where it is needed."""
        return [f"where {name} is missing and {previous_name(name)} is there: rename it back to {name}" for name in (DMG, PKG)]

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """Nothing is typed for it."""
        return None

    def run(self, context: ActionContext) -> ActionResult:
        """Look at both artifacts' places, and heal."""
        host = context.services.github.watched(context.emit)
        healed = []
        for name in (DMG, PKG):
            place = read_place(host, context.plan.target, name)
            if place.release is not None and heal(host, name, dict(place.assets), context.emit):
                healed.append(name)
        nothing_aside(context)
        if not healed:
            return ActionResult("No swap was cut off: every artifact is in place, or was never published.", changed=False)
        return ActionResult(f"{' and '.join(healed)} put back in place: clients get the release before.")


def _way(host: ReleaseHost, context: ActionContext, name: str) -> Way:
    """The bytes an artifact goes back to, downloaded. A cut-off swap is healed first: it is then back already."""
    place = read_place(host, context.plan.target, name)
    release = place.release
    if release is None:
        raise Refused(f"There is no release {place.tag}.", remedy="Look at the releases in a browser.")
    steady = context.services.github.watched(context.emit)
    healed = heal(steady, name, dict(place.assets), context.emit)
    assets = host.assets(release)
    asset = assets.get(name) if healed else assets.get(previous_name(name)) or assets.get(name)
    if asset is None or not asset.ready:
        raise Refused(f"There is no {previous_name(name)} to put back.", "Only the release before is kept.", Act("publish", "publish"))
    got = host.download(release.tag, asset.name, subject=name, phase="downloading what is put back")
    if got is None or asset.is_file(got.size, got.sha256) is False:
        what = f"{asset.name} cannot be downloaded as the host describes it."
        raise ActionFailed(what, "Nothing was changed.", "Wait a little, then run again.")
    return Way(name, release, asset, got.size, got.sha256)


def stated_manifests(git: Git, commit: str) -> Iterator[tuple[bytes, manifest.Manifest]]:
    """Every release's committed manifest that can be read, as bytes and as what it states."""
    directory = directories_at(git, commit)[0]
    for name in git.files_at(commit, f"{directory}/"):
        if name == f"{directory}/manifest.json":
            continue
        raw = git.show(commit, name)
        stated = manifest.read_or_none(raw)
        if raw is not None and stated is not None:
            yield raw, stated


def _manifest_of(git: Git, image: Way) -> tuple[bytes, manifest.Manifest] | None:
    """The committed manifest that names these bytes, and what it states; None where there is none."""
    for raw, stated in stated_manifests(git, git.head()):
        if (stated.size, stated.sha256) == (image.size, image.sha256):
            return raw, stated
    return None


def _is_own(plan: Plan, ways: Sequence[Way], stated: manifest.Manifest) -> bool:
    """Whether the bytes in place are this release's own, and none are kept to go back to."""
    return all(way.done for way in ways) and (plan.version is None or Version.parse(stated.version) >= plan.version)


def _put_back(context: ActionContext, ways: Sequence[Way], version: str, offer: Offer) -> list[Swapped]:
    """Both renames of every artifact, then what clients get; on other bytes everything is as before again."""
    waiting = [way for way in ways if not way.done]
    host, done = context.services.github.watched(context.emit), list[Swapped]()
    if not waiting:
        for way in ways:
            _require_bytes(host, way)
        return []
    with guard_of(context.services) as guard:
        guard.ready()
        context.services.github.watched(context.emit, context.cancelled).make_room(ROOM * len(waiting))
        context.intent("put the release before back", version=version, **{way.name: way.sha256 for way in waiting})
        context.emit(PointOfNoReturn("The download is being replaced."))
        try:
            for way in waiting:
                done.append(_swap_to(host, way, context, guard))
                context.emit(Exposure(0.0, open=True))
            for way in ways:
                _require_bytes(host, way)
        except Problem as error:
            raise _as_before(context, done, offer, error) from None
    for way in waiting:
        context.emit(OutputLine(f"{way.name} of {version} is back at {context.plan.target.asset_url(way.name)}", "rollback"))
    return done


def _move(context: ActionContext, prepared: Prepared, swapped: Sequence[Swapped], offer: Offer) -> str:
    """The branch's ref, once the bytes are back. Where it certainly did not move, everything is as before again."""
    try:
        return move(context, prepared)
    except CouldNotLook as error:
        why = "The bytes are back; whether their manifests are on the release branch is not known."
        raise CouldNotLook(error.what, why, preceded(str(error.remedy), AGAIN)) from None
    except Problem as error:
        raise _as_before(context, swapped, offer, error) from None


def _as_before(context: ActionContext, swapped: Sequence[Swapped], offer: Offer, error: Problem) -> ActionFailed:
    """Undo the renames; the failure, with how that went."""
    trouble = take_back(context.services.github.watched(context.emit), swapped)
    if swapped and not trouble and offer.appcast is not None and offer.appcast.build == str(context.plan.version):
        context.emit(Exposure(0.0, open=False))
    why = trouble or "Everything is as it was before the rollback; no manifest was pushed."
    return ActionFailed(error.what, why, error.remedy or "Run it again.")


def _swap_to(host: ReleaseHost, way: Way, context: ActionContext, guard: SwapGuard) -> Swapped:
    current = host.assets(way.release).get(way.name)
    aside = temporary_name(way.name, (current.sha256 if current else None) or "0" * 16)
    return swap(host, way.release, way.name, way.asset, aside=aside, guard=guard, clock=context.services.clock)


def _require_bytes(host: ReleaseHost, way: Way) -> None:
    """What clients get now is what was to be put back. Raises ActionFailed."""
    got = host.settled(way.release.tag, way.name, (way.size, way.sha256), subject=way.name, phase="verifying the download")
    if got is None or (got.size, got.sha256) != (way.size, way.sha256):
        seen = "nothing" if got is None else str(got)
        raise ActionFailed(f"The release URL gives {seen}; {way.asset.name} has {way.figures}.")
