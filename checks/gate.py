"""Phase gate: files, manifests, release asset and appcast-to-be agree, and the live server serves what it may (rulebook phase 2, 7).

The pre-deploy profile of contracts: decided. Each source is compared with its cell of the kind's column, not with the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from checks.base import Check, Scope
from checks.cause import because, look_behind
from checks.deploy import look_deployment
from checks.gate_cells import (
    Earlier,
    Profile,
    UnseenSource,
    asset_column,
    download_column,
    expected,
    manifest_column,
    to_be_column,
    version_column,
)
from checks.image import ImageFacts, look_image
from checks.live import APPCAST, HEALTH, UPDATES, Live, left_halfway, live_columns, look_earlier, look_live, or_unseen
from checks.manifests import renewed
from checks.named import Named, look_named
from checks.publish import ArtifactPlace, at_place, brought_back, read_place
from checks.version import NO_VERSION
from checks.working_tree import judge_files, look_files
from nexy_tui.core import manifest
from nexy_tui.core.deployment import Deployment
from nexy_tui.core.finding import Evidence, Status, Verdict, failed, inconclusive, not_applicable, passed
from nexy_tui.core.matrix import Cell, Column, Matrix
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.remedy import Act, Remedy
from nexy_tui.core.target import DMG
from nexy_tui.core.version import NAME_VERSION
from nexy_tui.core.vm_facts import VmFacts
from nexy_tui.services.github import Asset
from nexy_tui.services.plain_file import look_plain, read_version_text
from nexy_tui.services.version_files import Rewriting

API, URL, TO_BE = "release asset (API)", "release URL", "appcast-to-be"
VERSION = "VERSION"


@dataclass(frozen=True, slots=True)
class GateFacts:
    """Everything the gate compares. `image` is what the release URL gives; `earlier` what may have been out before.

    `known` are the files that manifests have named, here and in git's history; `place` is where the asset is, or would be.
    `vm` was asked only where the server gives no sound answer and the cause is wanted.
    """

    version: str | None
    manifests: Mapping[str, bytes | None]
    asset: Asset | UnseenSource | None
    image: ImageFacts | UnseenSource
    has_key: bool
    live: Live
    earlier: Earlier
    known: tuple[Named, ...] = ()
    place: ArtifactPlace | None = None
    vm: VmFacts | UnseenSource | None = None

    @property
    def canonical(self) -> bytes | None:
        """The manifest everything is copied from."""
        return next(iter(self.manifests.values()))

    @property
    def signature(self) -> str | None:
        """The canonical manifest's signature, or None."""
        stated = manifest.read_or_none(self.canonical)
        return None if stated is None else stated.signature


def gate_matrix(facts: GateFacts, plan: Plan, profile: Profile) -> Matrix:
    """The whole table for a kind of run and a profile. Pure."""
    want = expected(plan, profile, facts.image, has_key=facts.has_key, earlier=facts.earlier, known=facts.known)
    columns: dict[str, Column] = {VERSION: version_column(facts.version, want)}
    columns |= {path: manifest_column(raw, facts.canonical, want) for path, raw in facts.manifests.items()}
    columns |= {API: asset_column(facts.asset, want), URL: download_column(facts.image, want)}
    if profile is Profile.PRE_DEPLOY:
        columns[TO_BE] = to_be_column(facts.canonical, want)
    return Matrix(columns | live_columns(facts.live, facts.signature, want))


# --- looking ---


def look_gate(scope: Scope) -> GateFacts:
    """All sources, each looked at once a pass."""
    return scope.once("gate", lambda: _look_gate(scope))


def look_gate_live(scope: Scope) -> GateFacts:
    """The same, with what lies behind a server that is down."""
    facts = look_gate(scope)
    return replace(facts, vm=look_behind(scope, facts.live))


def _look_gate(scope: Scope) -> GateFacts:
    services = scope.services
    if scope.plan.version is None:
        raise CouldNotLook(NO_VERSION, remedy=NAME_VERSION)
    paths = services.layout.manifest_files(str(scope.plan.published or "unknown"))
    place = or_unseen(lambda: read_place(services.github.watched(scope.emit), scope.plan.target, DMG))
    return GateFacts(
        version=read_version_text(services.layout) or None,
        manifests={str(path): look_plain(services.checkout / path, manifest.MAX_SIZE + 1, services.checkout) for path in paths},
        asset=place if isinstance(place, UnseenSource) else place.current,
        image=or_unseen(lambda: look_image(scope)),
        has_key=services.sparkle.verifies,
        live=look_live(scope),
        earlier=look_earlier(scope),
        known=look_named(scope),
        place=None if isinstance(place, UnseenSource) else place,
    )


# --- judging ---


@dataclass(frozen=True, slots=True)
class PublishedFacts:
    """The gate's facts beside what is on the release branch."""

    gate: GateFacts
    deployment: Deployment


def look_published(scope: Scope) -> PublishedFacts:
    """The gate's sources, and the manifests as the code repository has them: those are what a deploy takes."""
    return PublishedFacts(look_gate(scope), look_deployment(scope))


def judge_version(files: tuple[Rewriting, ...], plan: Plan) -> Verdict:
    """VERSION, which the matrix shows, and the other version files say the release's version."""
    verdict = judge_files(files, plan)
    before = next((file.before for file in files if file.file.path == VERSION), None)
    cell = Cell.compared(None if before is None else before.strip(" \t\r\n"), plan.version)
    return replace(verdict, evidence=(_cell_seen(VERSION, "version", cell), *verdict.evidence))


def _renewed(facts: GateFacts, plan: Plan) -> Act:
    """What makes the files right: a sync; a publish where that would find nothing to do, or the signature is missing."""
    stated, got = manifest.read_or_none(facts.canonical), facts.image.download if isinstance(facts.image, ImageFacts) else None
    of_another = stated is not None and got is not None and stated.version != str(plan.published) and stated.sha256 == got.sha256
    unsigned = facts.signature is None and bool(plan.target.sparkle_public_key) and facts.canonical is not None
    return Act("publish", "publish") if plan.kind.publishes and (of_another or unsigned) else Act("sync-manifests", "sync-manifests")


def judge_manifests(facts: PublishedFacts, plan: Plan) -> Verdict:
    """The files agree with each other, with the kind's version and with the download, and are what is on the branch."""
    matrix = gate_matrix(facts.gate, plan, Profile.PRE_DEPLOY).of(facts.gate.manifests)
    verdict = verdict_of(matrix, "The manifest files agree with the download.", _renewed(facts.gate, plan))
    if verdict.status is not Status.PASSED:
        return verdict
    if trouble := facts.deployment.manifest_trouble:
        return failed(f"What a deploy would take is not this release: {trouble}.", renewed(plan), *verdict.evidence)
    pushed = Evidence("sha256 on the branch", facts.deployment.manifest_sha256, f"{plan.target.code_repository} {facts.deployment.branch}")
    if _sha256(facts.gate.canonical) != facts.deployment.manifest_sha256:
        return failed("The checkout's manifests are not those on the release branch.", renewed(plan), *verdict.evidence, pushed)
    return passed(f"The manifest files agree with the download and are on {facts.deployment.branch}.", *verdict.evidence, pushed)


def judge_asset(facts: GateFacts, plan: Plan) -> Verdict:
    """What the host's API says of the asset is what its URL gives."""
    matrix = gate_matrix(facts, plan, Profile.PRE_DEPLOY).of((API, URL))
    verdict = verdict_of(matrix, "The release asset and the bytes at its URL agree.", brought_back(facts.place, plan))
    return at_place(verdict, facts.place, plan)


def judge_appcast(facts: GateFacts, plan: Plan) -> Verdict:
    """The appcast that the server will make of the manifest offers this release, from the fixed address."""
    matrix = gate_matrix(facts, plan, Profile.PRE_DEPLOY).of((TO_BE,))
    return verdict_of(matrix, "The appcast-to-be offers the download from the fixed address.", _renewed(facts, plan))


def judge_live(facts: GateFacts, plan: Plan) -> Verdict:
    """The live server is up, of one mind, and serves the release before this one or this one, nothing else."""
    matrix = gate_matrix(facts, plan, Profile.PRE_DEPLOY).of((APPCAST, HEALTH, UPDATES))
    remedy = "See what runs on the VM (its journal, config.env and manifests), mend it, then look again."
    unseen = "See why the server does not answer (its journal on the VM: nexy-tui check deploy.service --vm), mend it, then look again."
    verdict = verdict_of(matrix, "The live server is up and serves what it may before the deploy.", remedy, unseen=unseen)
    if not left_halfway(verdict, facts.live, plan):
        return because(verdict, facts.vm, plan)
    reason = "This run's deploy was begun and left half-way, so the live server stands between two releases; deploying again ends that."
    return not_applicable(reason, *verdict.evidence)


_UNSEEN = "See that those addresses answer, then look again."


def verdict_of(matrix: Matrix, well: str, remedy: Remedy, *, unseen: str = _UNSEEN) -> Verdict:
    """One item's verdict from its part of the table: the first wrong cells named, every cell as evidence.

    `remedy` is for what is wrong, `unseen` for what could not be seen.
    """
    cells = ((source, row, cell) for source, column in matrix.columns.items() for row, cell in column.items())
    evidence = tuple(_cell_seen(*cell) for cell in cells)
    if wrong := matrix.wrong(Status.FAILED):
        return failed(_listed([_told(*cell) for cell in wrong]), remedy, *evidence)
    if hidden := matrix.wrong(Status.INCONCLUSIVE):
        said = _listed([_told(*cell) for cell in hidden])
        return inconclusive(f"Not everything could be seen. {said}", unseen, *evidence)
    return passed(well, *evidence)


def _cell_seen(source: str, row: str, cell: Cell) -> Evidence:
    return Evidence(f"{source} {row}", f"{cell.value} ({cell.verdict.value})", source)


def _told(source: str, row: str, cell: Cell) -> str:
    """One cell in words; what kept a whole source from being read speaks for itself."""
    fact = f"{source}: {cell.value}" if row == "reachability" else f"{source}: {row} is {cell.value}"
    return fact + (f", wanted {cell.wanted}" if cell.wanted else "")


def _listed(told: list[str]) -> str:
    more = f"; and {len(told) - 3} more" if len(told) > 3 else ""
    return "; ".join(fact.removesuffix(".") for fact in told[:3]) + more + "."


def _sha256(data: bytes | None) -> str:
    return hashlib.sha256(data or b"").hexdigest()


FILES = Check(look_files, judge_version, "Files, tag and manifests from one release.")
MANIFESTS = Check(look_published, judge_manifests, "The files, the API and the bytes.", slow=True)
ASSET = Check(look_gate, judge_asset, "API and release URL tell one story.", slow=True)
FUTURE_APPCAST = Check(look_gate, judge_appcast, "What the server will say after the deploy.", slow=True)
LIVE = Check(look_gate_live, judge_live, "The one before or this one; anything else means somebody else is at work.", slow=True)
