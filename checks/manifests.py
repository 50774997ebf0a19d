"""Phase publish: the manifest files agree with the bytes clients get, here and on the release branch (rulebook phase 2.6)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from checks.base import Check, Scope, not_there_yet
from checks.image import ImageFacts, look_image
from checks.inbox import read_manifest
from checks.named import Named, look_named, trouble
from checks.publish import ArtifactPlace, brought_back, read_place
from checks.tip import look_tip
from nexy_tui.core import manifest
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.remedy import Act
from nexy_tui.core.target import DMG
from nexy_tui.core.version import Version
from nexy_tui.services.plain_file import look_plain

_SYNC = Act("sync-manifests", "sync-manifests")
_PUBLISH = Act("publish", "publish")


@dataclass(frozen=True, slots=True)
class ManifestFacts:
    """The manifest files as they lie in the checkout (None: missing), the image they must speak of, and what manifests have named.

    `place` is where the image belongs, asked only where nothing is at its address.
    """

    files: Mapping[str, bytes | None]
    image: ImageFacts
    has_key: bool
    known: tuple[Named, ...] = ()
    place: ArtifactPlace | None = None


def look_manifests(scope: Scope) -> ManifestFacts:
    """The files of the version that is published, the download, and the signature over it."""
    image, host = look_image(scope), scope.services.github.watched(scope.emit)
    place = read_place(host, scope.plan.target, DMG) if image.download is None else None
    return ManifestFacts(_here(scope), image, scope.services.sparkle.verifies, look_named(scope), place)


def judge_manifests(facts: ManifestFacts, plan: Plan) -> Verdict:
    """All the same bytes, and those bytes true of the image at the release URL."""
    evidence = [Evidence(path, _digest(raw), "checkout") for path, raw in facts.files.items()]
    if _not_made(facts.files, plan):
        return not_there_yet(plan, f"The manifests of {plan.published} are not written yet.", _PUBLISH, *evidence)
    if apart := _apart(facts.files):
        return failed(apart, _SYNC if not plan.kind.publishes or _is_out(facts, plan) else _PUBLISH, *evidence)
    download = facts.image.download
    if download is None:
        return failed(f"Nothing is at {plan.target.asset_url(DMG)}, which the manifests name.", brought_back(facts.place, plan), *evidence)
    evidence.append(Evidence(f"{DMG} at the release URL", str(download), download.url, download.time))
    try:
        stated = manifest.read(next(iter(facts.files.values())) or b"")
    except manifest.ManifestError as error:
        return failed(f"{next(iter(facts.files))} cannot be read: {error}.", _SYNC, *evidence)
    wrong = stated.differences(version=None, url=plan.target.asset_url(DMG), size=download.size, sha256=download.sha256)
    if wrong:
        return failed(f"{next(iter(facts.files))} is not true: {'; '.join(wrong)}.", _SYNC, *evidence)
    return _judge_claims(facts, plan, stated, evidence)


def _not_made(files: Mapping[str, bytes | None], plan: Plan) -> bool:
    """Whether the version's own files are nowhere yet, and the others one and the same: as a release that publishes finds them."""
    mine = {raw for path, raw in files.items() if path.endswith(f"/manifest_{plan.published}.json")}
    others = {raw for path, raw in files.items() if path.endswith("/manifest.json")}
    return plan.kind.publishes and mine == {None} and len(others) == 1 and None not in others


def _is_out(facts: ManifestFacts, plan: Plan) -> bool:
    """Whether the download is this release's, or says nothing to the contrary: no manifest here names it as another version's."""
    download = facts.image.download
    named = [stated for raw in facts.files.values() if (stated := manifest.read_or_none(raw)) is not None]
    versions = {one.version for one in named if download is not None and (one.size, one.sha256) == (download.size, download.sha256)}
    return not versions or plan.published is None or str(plan.published) in versions


def _judge_claims(facts: ManifestFacts, plan: Plan, stated: manifest.Manifest, evidence: list[Evidence]) -> Verdict:
    """What a manifest that is true of the download says besides: nothing carried over, this run's version, a valid signature."""
    if carried := trouble(facts.known, stated, facts.image.signed):
        return failed(carried, reused_remedy(plan), *evidence)
    if plan.published is not None and stated.version != str(plan.published):
        what = f"The manifests name {stated.version}, not {plan.published}: the bytes at the release URL are not published as that."
        return failed(what, renewed(plan), *evidence)
    return _judge_signature(facts, plan, stated, evidence)


def renewed(plan: Plan) -> Act:
    """What makes the manifests this release's."""
    return _PUBLISH if plan.kind.publishes else _SYNC


def reused_remedy(plan: Plan) -> Act:
    """What ends that a release stands over another one's file or signature."""
    if not plan.kind.publishes:
        return _SYNC
    return replace(_PUBLISH, first=f"Lay the {DMG} that was built for {plan.version or 'this release'} into the inbox, then")


def _apart(files: Mapping[str, bytes | None]) -> str:
    """Which files are missing, or are not the first one's copies, in a sentence; "" where all are the same bytes."""
    if missing := [path for path, found in files.items() if found is None]:
        return f"{' and '.join(missing)} is missing."
    first, raw = next(iter(files.items()))
    different = [path for path, found in files.items() if found != raw]
    return f"{' and '.join(different)} differs from {first}." if different else ""


def _judge_signature(facts: ManifestFacts, plan: Plan, stated: manifest.Manifest, evidence: list[Evidence]) -> Verdict:
    evidence = [*evidence, Evidence("artifact.ed25519", stated.signature or "none", next(iter(facts.files)))]
    if stated.signature is None and plan.target.sparkle_public_key and plan.kind.publishes:
        return failed("The manifests carry no signature, but clients hold the public key and want one.", _PUBLISH, *evidence)
    if stated.signature is not None and not facts.has_key:
        what = "The manifests carry a signature, but no key is configured to verify it: it may be another file's."
        return failed(what, replace(_SYNC, first="Set target.sparkle_public_key in the configuration, or remove it"), *evidence)
    if facts.image.signed is False:
        return failed("The signature in the manifests is not valid over the bytes at the release URL.", _SYNC, *evidence)
    if stated.signature is not None and facts.image.signed is None:
        return inconclusive(f"Whether the signature fits could not be seen: {facts.image.unseen}", "Mend that, and look again.", *evidence)
    none = "it carries no signature" + ("" if plan.target.sparkle_public_key else ", as no key is configured")
    signed = "its signature is valid" if stated.signature else none
    return passed(f"All {len(facts.files)} manifests name {stated.version} and the bytes at the release URL; {signed}.", *evidence)


@dataclass(frozen=True, slots=True)
class PairFacts:
    """The manifest files that the application reads first (`manifest.json` of each directory), and what manifests have named."""

    files: Mapping[str, bytes | None]
    known: tuple[Named, ...] = ()


def look_pair(scope: Scope) -> PairFacts:
    """Every directory's `manifest.json` as it stands in the working tree; the version's own files too where this run leaves them."""
    if scope.plan.kind.publishes:
        return PairFacts({path: raw for path, raw in _here(scope).items() if path.endswith("/manifest.json")})
    return PairFacts(_here(scope), look_named(scope))


def judge_pair(facts: PairFacts, plan: Plan) -> Verdict:
    """There and equal, byte for byte. What is wrong in them a publishing run makes anew; one that publishes nothing needs them sound."""
    evidence = [Evidence(path, "missing" if raw is None else f"{len(raw)} bytes", "checkout") for path, raw in facts.files.items()]
    if apart := _apart(facts.files):
        return failed(apart, _SYNC, *evidence)
    canonical, raw = next(iter(facts.files.items()))
    stated = manifest.read_or_none(raw)
    if stated is None:
        wrong = f"{canonical} cannot be read: it is not one JSON object."
    else:
        named = None if plan.published is None or plan.kind.publishes else str(plan.published)
        faults = stated.differences(version=named, url=None, size=None, sha256=None)
        wrong = f"{canonical}: {'; '.join(faults)}." if faults else trouble(facts.known, stated, signed=True)
    if wrong and not plan.kind.publishes:
        return failed(wrong, _SYNC, *evidence)
    if wrong:
        return passed(f"The manifest directories agree; the publish writes them anew ({wrong.removesuffix('.')}).", *evidence)
    if plan.kind.publishes and stated is not None and stated.version == str(plan.version) != str(plan.published_before):
        return passed(f"The manifest directories agree; they name {stated.version} already, and the publish writes them anew.", *evidence)
    return passed("The manifest directories agree.", *evidence)


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """The manifest files on the release branch, as the code repository has it now, beside those of the checkout."""

    branch: str
    commit: str
    there: Mapping[str, bytes | None]
    here: Mapping[str, bytes | None]

    @property
    def apart(self) -> bool:
        """Whether files on the branch are missing or differ: no publish begins over that, and a sync ends it."""
        return bool(_apart(self.there))


def look_commit(scope: Scope) -> CommitFacts:
    """Ask the code repository for its release branch, and read the files there."""
    git, tip = scope.services.git, look_tip(scope)
    here = _here(scope)
    return CommitFacts(tip.branch, tip.commit, {path: git.show(tip.commit, path) for path in here}, here)


def judge_commit(facts: CommitFacts, plan: Plan) -> Verdict:
    """The branch carries exactly the bytes of the checkout, and they name the version that is published."""
    place = f"{plan.target.code_repository} {facts.branch} {facts.commit[:12]}"
    evidence = [Evidence("commit", facts.commit, f"{plan.target.code_repository} {facts.branch}")]
    evidence += [Evidence(path, _digest(raw), place) for path, raw in facts.there.items()]
    remedy = _PUBLISH if plan.kind.publishes else _SYNC
    wrong = [path for path, raw in facts.there.items() if raw is None or raw != facts.here.get(path)]
    if _not_made(facts.there, plan):
        return not_there_yet(plan, f"The manifests of {plan.published} are not on {place} yet.", _PUBLISH, *evidence)
    if wrong:
        return failed(f"{place} does not have the checkout's {' and '.join(wrong)}.", remedy, *evidence)
    try:
        stated = manifest.read(next(iter(facts.there.values())) or b"")
    except manifest.ManifestError as error:
        return failed(f"{next(iter(facts.there))} on {place} cannot be read: {error}.", remedy, *evidence)
    named = None if plan.published is None else str(plan.published)
    if faults := stated.differences(version=named, url=None, size=None, sha256=None):
        return failed(f"{next(iter(facts.there))} on {place} is not this release's: {'; '.join(faults)}.", remedy, *evidence)
    return passed(f"The manifests of {stated.version} are on {facts.branch} of {plan.target.code_repository}.", *evidence)


def _here(scope: Scope) -> dict[str, bytes | None]:
    checkout = scope.services.checkout
    paths = scope.services.layout.manifest_files(_version(scope))
    return {str(path): _bytes(checkout, path) for path in paths}


def _version(scope: Scope) -> str:
    """The version whose files are meant: the one this run publishes, else what the canonical manifest says."""
    if scope.plan.published is not None:
        return str(scope.plan.published)
    stated = read_manifest(scope.services.checkout / scope.services.layout.canonical)
    try:
        return "unknown" if stated is None else str(Version.parse(stated.version))
    except ValueError:  # What is no version must not become part of a path.
        return "unknown"


def _bytes(checkout: Path, path: PurePosixPath) -> bytes | None:
    return look_plain(checkout / path, manifest.MAX_SIZE + 1, checkout)


def _digest(raw: bytes | None) -> str:
    return "missing" if raw is None else f"sha256 {hashlib.sha256(raw).hexdigest()}"


MANIFESTS = Check(look_manifests, judge_manifests, "Size, digest and signature are what a client checks before it installs.", slow=True)
PAIR = Check(
    look_pair,
    judge_pair,
    "The application reads now one, now another first: a difference is a release that half the world does not see.",
)
COMMIT = Check(look_commit, judge_commit, "The VM takes the files from exactly that commit.")
