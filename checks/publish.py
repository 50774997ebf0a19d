"""Phase publish: the release host will take the artifacts, and then has them, byte for byte (rulebook phase 2, 4.1, 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from checks.base import Check, Scope, not_there_yet
from checks.image import look_image
from checks.inbox import NOTHING_PUBLISHED, InboxFacts, expected, look_inbox
from checks.version import released_in_full
from nexy_tui.core.finding import Evidence, Status, Verdict, failed, not_applicable, noted, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.remedy import Act, Mend, Run, preceded
from nexy_tui.core.target import DMG, PKG, Target
from nexy_tui.services.download import Downloaded
from nexy_tui.services.github import MOST_ASSETS, Asset, GitHubRelease, ReleaseHost, Rights

_NEW_TOKEN = Mend("github-auth", "gh auth status, gh auth login, or set GH_TOKEN to a token with that right.")
_LOGIN = "gh auth status, gh auth login, or set GH_TOKEN to a token with that right."


def previous_name(name: str) -> str:
    """The name under which the bytes of the release before are kept beside an artifact."""
    return f"previous-{name}"


def temporary_name(name: str, sha256: str) -> str:
    """The name bytes are uploaded under: whoever holds the release lock can tell by it what they are."""
    return f"incoming-{sha256[:16]}-{name}"


@dataclass(frozen=True, slots=True)
class ArtifactPlace:
    """Where one artifact goes: its release (None when there is none under the tag) and what is there."""

    name: str
    tag: str
    release: GitHubRelease | None
    assets: Mapping[str, Asset] = field(default_factory=dict)

    @property
    def current(self) -> Asset | None:
        """The asset clients download."""
        return self.assets.get(self.name)

    @property
    def previous(self) -> Asset | None:
        """The asset that stands aside: the bytes of the release before."""
        return self.assets.get(previous_name(self.name))

    @property
    def interrupted(self) -> bool:
        """Whether a swap was cut off between its two renames: the old bytes stand aside and none are in place."""
        return self.current is None and self.previous is not None and self.previous.ready


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """The token's rights, and the place of every artifact of this release."""

    rights: Rights
    places: tuple[ArtifactPlace, ...]


def read_target(host: ReleaseHost, plan: Plan) -> TargetFacts:
    """Look at rights, releases and assets. Raises CouldNotLook, and Unusable without a token."""
    return TargetFacts(host.rights(), tuple(read_place(host, plan.target, name) for name in expected(plan)))


def read_place(host: ReleaseHost, target: Target, name: str) -> ArtifactPlace:
    """The release and the assets of one artifact."""
    tag = target.tag_for(name)
    release = host.release(tag)
    return ArtifactPlace(name, tag, release, {} if release is None else host.assets(release))


def look_target(scope: Scope) -> TargetFacts:
    """Rights, releases and assets, once a pass."""
    return scope.once("publish.target", lambda: read_target(scope.services.github.watched(scope.emit), scope.plan))


def judge_target(facts: TargetFacts, plan: Plan) -> Verdict:
    """Everything that can be refused is refused before the first byte is sent."""
    if not plan.kind.publishes:
        return not_applicable(NOTHING_PUBLISHED)
    rights, repository = facts.rights, plan.target.artifacts_repository
    granted = "not told" if rights.scopes is None else ", ".join(rights.scopes) or "none"
    evidence = [
        Evidence("token", rights.source, "secret's source"),
        Evidence("rights", f"push {rights.push}; scopes {granted}", repository),
        *(Evidence(f"release {place.tag}", _described(place), repository) for place in facts.places),
    ]
    if not rights.visible:
        what = f"{repository} is not there for the token from {rights.source}."
        return failed(what, _LOGIN, *evidence)
    if not rights.may_write:
        return failed(f"The token from {rights.source} may not write to {repository}.", _NEW_TOKEN, *evidence)
    for place in facts.places:
        trouble = _trouble(place, plan)
        if trouble is not None:
            return failed(trouble[0], trouble[1], *evidence, fixers=("target-repository",))
    notes = [f"{place.name} is missing and {previous_name(place.name)} is there" for place in facts.places if place.interrupted]
    if notes:
        heal = Act("recover", "publish --recover")
        return noted(f"A swap was cut off: {'; '.join(notes)}. Publishing puts the bytes back first.", *evidence, remedy=heal)
    return passed(f"{repository} takes the artifacts: {', '.join(place.tag for place in facts.places)}.", *evidence)


def _trouble(place: ArtifactPlace, plan: Plan) -> tuple[str, str] | None:
    """What keeps an artifact from being published at its place, and the remedy."""
    repository, tag = plan.target.artifacts_repository, place.tag
    page = plan.target.notes_url(place.name)
    if place.release is None:
        return f"{repository} has no release under the tag {tag}.", f"Create it once: gh release create {tag} -R {repository}; see {page}"
    if place.release.immutable:
        what = f"The release {tag} is immutable: the host refuses every change."
        return what, f"Lift that in the repository's settings, or name another tag; see {page}"
    if len(place.assets) > MOST_ASSETS - 2:
        return f"The release {tag} has {len(place.assets)} assets, as many as the host allows.", f"Delete old ones at {page}"
    mine = (place.name, previous_name(place.name))
    unready = [asset for asset in place.assets.values() if asset.name in mine and asset.state not in ("uploaded", "starter")]
    if unready:
        names = ", ".join(f"{asset.name} ({asset.state})" for asset in unready)
        return f"The release {tag} has assets that are not ready: {names}.", f"Let that upload end, or delete them at {page}"
    return None


def brought_back(place: ArtifactPlace | None, plan: Plan) -> Act | Run:
    """What brings a release's file to its address: a publish. A run that publishes nothing has a cut-off swap healed, or a next release."""
    if plan.kind.publishes or plan.version is None:
        return Act("publish", "publish")
    if place is not None and place.interrupted:
        return Act("recover", "publish --recover", then="heals the swap that was cut off.")
    return released_in_full(plan.version.next_build())


def at_place(verdict: Verdict, place: ArtifactPlace | None, plan: Plan) -> Verdict:
    """A verdict over what has to be brought to its place: where the place would refuse it, that is named first, and mended first."""
    trouble = None if place is None or verdict.status is not Status.FAILED else _trouble(place, plan)
    if trouble is None:
        return verdict
    what, first = trouble
    return replace(verdict, summary=f"{what} {verdict.summary}", remedy=preceded(f"{first}. Then", brought_back(place, plan)))


def _described(place: ArtifactPlace) -> str:
    if place.release is None:
        return "missing"
    mutable = "immutable" if place.release.immutable else "open"
    assets = [f"{asset.name} ({asset.size} bytes, {asset.state})" for asset in place.assets.values()]
    return f"{mutable}; {', '.join(assets) or 'no assets'}"


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """What the host's API says of the artifacts, beside the files of the inbox."""

    places: tuple[ArtifactPlace, ...]
    inbox: InboxFacts


def look_assets(scope: Scope) -> AssetFacts:
    """The assets by the API, and the inbox."""
    return AssetFacts(look_target(scope).places, look_inbox(scope))


def judge_assets(facts: AssetFacts, plan: Plan) -> Verdict:
    """Uploaded, and by size and digest the file of the inbox. A look without a run does without the inbox."""
    if not plan.kind.publishes:
        return not_applicable(NOTHING_PUBLISHED)
    evidence: list[Evidence] = []
    wrong: list[str] = []
    due: list[str] = []
    for place in facts.places:
        asset, local = place.current, facts.inbox.of_release(place.name, plan)
        if asset is None:
            (wrong if place.interrupted else due).append(f"{place.name} is not under the tag {place.tag}")
            continue
        has = f"{asset.size} bytes, sha256 {asset.sha256 or 'not told'}"
        evidence.append(Evidence(f"{place.name} on the host", f"{asset.state}, {has}", f"{plan.target.artifacts_repository} {place.tag}"))
        if not asset.ready:
            wrong.append(f"{place.name} is {asset.state}, not uploaded")
        elif local is None:
            wrong += _uncompared(facts.inbox, place.name, plan)
        elif asset.is_file(local.size, local.sha256) is False:
            due.append(f"{place.name} has {has}; the inbox has {local.size} bytes, sha256 {local.sha256}")
    if wrong or due:
        said, remedy = f"{'; '.join([*wrong, *due])}.", Act("publish", "publish")
        return failed(said, remedy, *evidence) if wrong else not_there_yet(plan, said, remedy, *evidence)
    return passed(f"The host has every artifact as uploaded: {', '.join(place.name for place in facts.places)}.", *evidence)


@dataclass(frozen=True, slots=True)
class ByteFacts:
    """What a client gets from the release URLs (None: nothing), beside the files of the inbox."""

    downloads: Mapping[str, Downloaded | None]
    inbox: InboxFacts


def look_bytes(scope: Scope) -> ByteFacts:
    """Download every artifact of this release as a client does, once a pass; other bytes are asked for again."""
    downloads = {name: look_image(scope).download if name == DMG else _look_package(scope) for name in expected(scope.plan)}
    return ByteFacts(downloads, look_inbox(scope))


def _look_package(scope: Scope) -> Downloaded | None:
    host, local, tag = scope.services.github.watched(scope.emit), look_inbox(scope).of(PKG).found, scope.plan.target.tag_for(PKG)
    wanted = None if local is None else (local.size, local.sha256)
    return scope.once("publish.package", lambda: host.settled(tag, PKG, wanted, subject=PKG, phase="downloading"))


def judge_bytes(facts: ByteFacts, plan: Plan) -> Verdict:
    """The bytes at the release URL are the inbox file's: not what was sent counts, but what clients get (rulebook 4.1)."""
    if not plan.kind.publishes:
        return not_applicable(NOTHING_PUBLISHED)
    evidence: list[Evidence] = []
    wrong: list[str] = []
    due: list[str] = []
    for name, got in facts.downloads.items():
        url, local = plan.target.asset_url(name), facts.inbox.of_release(name, plan)
        if got is None:
            evidence.append(Evidence(f"{name} at the release URL", "nothing", url))
            (wrong if plan.published_before else due).append(f"nothing is at {url}")
            continue
        evidence += [
            Evidence(f"{name} remote size", str(got.size), got.url, got.time),
            Evidence(f"{name} remote sha256", got.sha256, got.url, got.time),
        ]
        if local is None:
            wrong += _uncompared(facts.inbox, name, plan)
        elif (got.size, got.sha256) != (local.size, local.sha256):
            evidence.append(Evidence(f"{name} in the inbox", f"{local.size} bytes, sha256 {local.sha256}", str(local.path)))
            due.append(f"{url} gives {got}; the inbox has {local.size} bytes, sha256 {local.sha256}")
    if wrong or due:
        remedy = Act("publish", "publish", then="(if clients must have the release before meanwhile: nexy-tui rollback)")
        said = f"{'; '.join([*wrong, *due])}."
        return failed(said, remedy, *evidence) if wrong else not_there_yet(plan, said, remedy, *evidence)
    return passed(f"The release URL gives whole files: {', '.join(facts.downloads)}.", *evidence)


def _uncompared(inbox: InboxFacts, name: str, plan: Plan) -> list[str]:
    """A run that is still to publish needs the inbox to compare with; afterwards there is the manifest to compare with."""
    if plan.out or (plan.standalone and ("publish" in plan.begun or not inbox.of(name).unfit)):
        return []
    return [f"{name} cannot be compared: it is missing or not whole in the inbox"]


TARGET = Check(
    look_target, judge_target, "Clients follow two fixed tags; a token without rights or an immutable release stops the swap half-way."
)
ASSET = Check(look_assets, judge_assets, "State, size and digest as the host itself says them.")
BYTES = Check(look_bytes, judge_bytes, "What clients download is what counts, not what was sent.", slow=True)
