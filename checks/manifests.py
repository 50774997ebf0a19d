"""Phase publish: the manifest files agree with the bytes clients get, here and on the release branch (rulebook phase 2.6)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from checks.base import Check, Scope
from checks.image import ImageFacts, look_image
from checks.inbox import read_manifest
from checks.tip import look_tip
from nexy_tui.core import manifest
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.target import DMG
from nexy_tui.core.version import Version
from nexy_tui.services.plain_file import look_plain

_SYNC = "nexy-tui sync-manifests"
_PUBLISH = "nexy-tui publish"


@dataclass(frozen=True, slots=True)
class ManifestFacts:
    """The files as they lie in the checkout (None: missing), and the image they must speak of."""

    files: Mapping[str, bytes | None]
    image: ImageFacts
    has_key: bool


def look_manifests(scope: Scope) -> ManifestFacts:
    """The files of the version that is published, the download, and the signature over it."""
    checkout = scope.services.checkout
    version = _version(scope)
    files = {str(path): _bytes(checkout, path) for path in scope.services.layout.manifest_files(version)}
    return ManifestFacts(files, look_image(scope), scope.services.sparkle.verifies)


def judge_manifests(facts: ManifestFacts, plan: Plan) -> Verdict:
    """All of them the same bytes, and those bytes true of the image at the release URL."""
    evidence = [Evidence(path, _digest(raw), "checkout") for path, raw in facts.files.items()]
    canonical, raw = next(iter(facts.files.items()))
    missing = [path for path, found in facts.files.items() if found is None]
    if raw is None or missing:
        return failed(f"{' and '.join(missing)} is missing.", _SYNC, *evidence)
    different = [path for path, found in facts.files.items() if found != raw]
    if different:
        return failed(f"{' and '.join(different)} differs from {canonical}.", _SYNC, *evidence)
    try:
        stated = manifest.parse(raw)
    except manifest.ManifestError as error:
        return failed(f"{canonical} cannot be used: {error}.", _SYNC, *evidence)
    download = facts.image.download
    if download is None:
        return failed(f"Nothing is at {plan.target.asset_url(DMG)}, which the manifests name.", _PUBLISH, *evidence)
    evidence.append(Evidence(f"{DMG} at the release URL", str(download), download.url, download.time))
    wrong = stated.differences(
        version=None if plan.published is None else str(plan.published),
        url=plan.target.asset_url(DMG),
        notes_url=plan.target.notes_url(DMG),
        size=download.size,
        sha256=download.sha256,
    )
    if wrong:
        return failed(f"The manifests are not true: {'; '.join(wrong)}.", _SYNC, *evidence)
    return _judge_signature(facts, plan, stated, evidence)


def _judge_signature(facts: ManifestFacts, plan: Plan, stated: manifest.Manifest, evidence: list[Evidence]) -> Verdict:
    evidence = [*evidence, Evidence("artifact.ed25519", stated.signature or "none", next(iter(facts.files)))]
    if stated.signature is None and plan.target.sparkle_public_key:
        return failed("The manifests carry no signature, but clients hold the public key and want one.", _PUBLISH, *evidence)
    if stated.signature is not None and not facts.has_key:
        what = "The manifests carry a signature, but no key is configured to verify it: it may be another file's."
        return failed(what, "Set target.sparkle_public_key in the configuration, or " + _SYNC + " to remove it.", *evidence)
    if facts.image.signed is False:
        return failed("The signature in the manifests is not valid over the bytes at the release URL.", _PUBLISH, *evidence)
    if stated.signature is not None and facts.image.signed is None:
        return inconclusive(f"Whether the signature fits could not be seen: {facts.image.unseen}", "Mend that, and look again.", *evidence)
    signed = "its signature is valid" if stated.signature else "it carries no signature, as no key is configured"
    return passed(f"All {len(facts.files)} manifests name {stated.version} and the bytes at the release URL; {signed}.", *evidence)


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """The manifest files on the release branch, as the code repository has it now, beside those of the checkout."""

    branch: str
    commit: str
    there: Mapping[str, bytes | None]
    here: Mapping[str, bytes | None]


def look_commit(scope: Scope) -> CommitFacts:
    """Ask the code repository for its release branch, and read the files there."""
    git, checkout, tip = scope.services.git, scope.services.checkout, look_tip(scope)
    paths = scope.services.layout.manifest_files(_version(scope))
    there = {str(path): git.show(tip.commit, path) for path in paths}
    return CommitFacts(tip.branch, tip.commit, there, {str(path): _bytes(checkout, path) for path in paths})


def judge_commit(facts: CommitFacts, plan: Plan) -> Verdict:
    """The branch carries exactly the bytes of the checkout, and they name the version that is published."""
    place = f"{plan.target.code_repository} {facts.branch} {facts.commit[:12]}"
    evidence = [Evidence("commit", facts.commit, f"{plan.target.code_repository} {facts.branch}")]
    evidence += [Evidence(path, _digest(raw), place) for path, raw in facts.there.items()]
    wrong = [path for path, raw in facts.there.items() if raw is None or raw != facts.here.get(path)]
    if wrong:
        return failed(f"{place} does not hold the checkout's {' and '.join(wrong)}.", _PUBLISH, *evidence)
    try:
        stated = manifest.parse(next(iter(facts.there.values())) or b"")
    except manifest.ManifestError as error:
        return failed(f"The manifest on {place} cannot be used: {error}.", _PUBLISH, *evidence)
    if plan.published is not None and stated.version != str(plan.published):
        return failed(f"The manifests on {place} name {stated.version}, not {plan.published}.", _PUBLISH, *evidence)
    return passed(f"The manifests of {stated.version} are on {facts.branch} of {plan.target.code_repository}.", *evidence)


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
COMMIT = Check(look_commit, judge_commit, "The VM takes the files from exactly that commit.")
