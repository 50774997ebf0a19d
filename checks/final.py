"""Final verification: the seven items of rulebook section 6, each seen anew from outside, with or without a run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from checks import backups
from checks.base import Check, Scope
from checks.cause import cause, down, look_behind
from checks.gate import API, URL, GateFacts, gate_matrix, look_gate, verdict_of
from checks.gate import judge_live as judge_live_before
from checks.gate_cells import Earlier, Expected, Profile, UnseenSource, appcast_column, expected, manifest_column, signature_cell
from checks.image import ImageFacts
from checks.inbox import InboxFacts, judge_dmg, judge_exists, judge_pkg, judge_version, look_inbox
from checks.inbox import expected as artifacts
from checks.live import APPCAST, HEALTH, UPDATES
from checks.manifests import CommitFacts, look_commit
from checks.named import versions_of
from checks.publish import ArtifactPlace, at_place, brought_back, read_place
from checks.released import Witnesses, look_witnesses
from checks.remotes import judge_remotes, look_remotes
from checks.version import released_in_full
from nexy_tui.core import manifest
from nexy_tui.core.finding import Evidence, Status, Verdict, failed, passed
from nexy_tui.core.matrix import Cell, Column, Matrix
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook, Refused, Unusable
from nexy_tui.core.remedy import Act, Mend, Remedy, Run
from nexy_tui.core.target import DMG
from nexy_tui.core.vm_facts import VmFacts
from nexy_tui.services.update_server import AppcastFacts

_PUBLISH = Act("publish", "publish")
_SYNC = Act("sync-manifests", "sync-manifests")


_CLAIMED = ("version", "build", "url", "size", "sha256", "signature")
"""What a publisher derives for each release and writes into the manifest; the rest is the same in all of them."""


@dataclass(frozen=True, slots=True)
class FinalFacts:
    """The gate's sources, the manifests as the release branch has them now, and which bytes are the release's.

    `unmix` is what sets the remotes right where one is wrong: until then nothing is published.
    """

    gate: GateFacts
    branch: CommitFacts
    witnesses: Witnesses
    unmix: Remedy = ""
    vm: VmFacts | UnseenSource | None = None
    """The VM, asked only where its server gives customers no sound answer."""

    @property
    def canonical(self) -> bytes | None:
        """The branch's canonical manifest."""
        return next(iter(self.branch.there.values()))

    @property
    def signature(self) -> str | None:
        """Its signature, or None."""
        return signature_of(self.canonical)

    def wanted(self, plan: Plan) -> Expected:
        """What everything must be after the deploy, by the download."""
        gate = self.gate
        want = expected(plan, Profile.POST_DEPLOY, gate.image, has_key=gate.has_key, earlier=Earlier(), known=gate.known)
        download = self.witnesses.download
        signed = None if download is None else self.witnesses.valid.get((self.signature or "", download.sha256))
        return replace(want, signed=signed)

    def wanted_of(self, plan: Plan, raw: bytes | None) -> Expected:
        """The same for a manifest, by the file it speaks of."""
        stated = manifest.read_or_none(raw)
        if stated is None:
            return self.wanted(plan)
        return self.witnesses.wanted(self.wanted(plan), stated.sha256, stated.signature)


def signature_of(raw: bytes | None) -> str | None:
    """A manifest's signature; None where it has none or cannot be read."""
    stated = manifest.read_or_none(raw)
    return None if stated is None else stated.signature


def look_final(scope: Scope) -> FinalFacts:
    """Every source, each looked at once a pass."""
    return scope.once("final", lambda: _look_final(scope))


def _look_final(scope: Scope) -> FinalFacts:
    branch = scope.once("manifests.commit", lambda: look_commit(scope))
    gate = look_gate(scope)
    remotes = judge_remotes(look_remotes(scope), scope.plan)
    return FinalFacts(gate, branch, look_bytes(scope, gate, branch), remotes.remedy)


def look_final_live(scope: Scope) -> FinalFacts:
    """The same, and where the server is down for customers, the VM: what the cause is stands there."""
    facts = look_final(scope)
    return replace(facts, vm=look_behind(scope, facts.gate.live))


def look_bytes(scope: Scope, gate: GateFacts, branch: CommitFacts) -> Witnesses:
    """Inbox, download and manifest, with every signature that the branch and the appcast carry."""
    offered = gate.live.appcast.appcast if isinstance(gate.live.appcast, AppcastFacts) else None
    carried = {signature_of(raw) for raw in branch.there.values()} | {offered.signature if offered else None}
    seen = gate.image if isinstance(gate.image, ImageFacts) else None
    known = {}
    if seen is not None and seen.download is not None and seen.signed is not None and gate.signature is not None:
        known[gate.signature, seen.download.sha256] = seen.signed
    return look_witnesses(scope, gate.image, next(iter(branch.there.values())), (one for one in carried if one), known)


@dataclass(frozen=True, slots=True)
class FinalInboxFacts:
    """The inbox, and which bytes are the release's (None: that could not be seen, and then the inbox stands for itself)."""

    inbox: InboxFacts
    witnesses: Witnesses | None


def look_final_inbox(scope: Scope) -> FinalInboxFacts:
    """The inbox first: what is wrong with it is told also where nothing else can be seen."""
    inbox = look_inbox(scope)
    try:
        return FinalInboxFacts(inbox, look_final(scope).witnesses)
    except (CouldNotLook, Refused, Unusable):
        return FinalInboxFacts(inbox, None)


def judge_inbox(facts: FinalInboxFacts, plan: Plan) -> Verdict:
    """Item 1: the inbox is there and holds what this release announced: whole, of its version, and what was published."""
    inbox = facts.inbox
    verdicts = [judge_exists(inbox, plan), judge_dmg(inbox, plan)] + ([judge_pkg(inbox, plan)] if plan.with_pkg else [])
    version = judge_version(inbox, plan)
    if version.status is Status.FAILED:
        verdicts.append(version)
    wrong = [verdict for verdict in verdicts if not verdict.status.satisfied]
    evidence = tuple(item for verdict in verdicts for item in verdict.evidence)
    seen, url = facts.witnesses, plan.target.asset_url(DMG)
    if not wrong and seen is not None and seen.inbox_is_alone and plan.kind.publishes:
        published = Evidence(f"{DMG} published", str(seen.download), url)
        what = f"{DMG} in the inbox is not the file that was published: neither the download nor the pushed manifest is of its bytes."
        return failed(what, f"Lay the published {DMG} there, from {url}", *evidence, published)
    if wrong and wrong[0] is version and seen is not None and seen.download is not None and seen.download == seen.named:
        aside = f"Lay the published {DMG} there, from {url}; what lies there now may be the next release's: keep it aside first."
        return replace(version, remedy=aside, evidence=evidence)
    return replace(wrong[0] if wrong else verdicts[-1], evidence=evidence)


def judge_publication(facts: FinalFacts, plan: Plan) -> Verdict:
    """Item 2, what `RELEASE COMPLETE` stands for: the download is there, and the manifest on the branch speaks of those bytes."""
    want = facts.wanted(plan)
    column = manifest_column(facts.canonical, facts.canonical, want)
    pushed = {row: cell for row, cell in column.items() if row in _CLAIMED} or column
    download = gate_matrix(facts.gate, plan, Profile.POST_DEPLOY).columns[URL]
    matrix = Matrix({URL: download, f"{next(iter(facts.branch.there))} on {facts.branch.branch}": pushed})
    there = download["reachability"].verdict is Status.PASSED
    remedy = _renewed(facts, plan) if there else brought_back(facts.gate.place, plan)
    verdict = verdict_of(matrix, "The download is there, and the pushed manifest names exactly its bytes.", remedy)
    return verdict if there else at_place(verdict, facts.gate.place, plan)


@dataclass(frozen=True, slots=True)
class FinalAssetFacts:
    """The fixed tags' releases, the gate's view of the image, and which bytes are the release's (None: that could not be seen)."""

    places: tuple[ArtifactPlace, ...]
    gate: GateFacts
    witnesses: Witnesses | None


def look_assets(scope: Scope) -> FinalAssetFacts:
    """The release of each artifact by the API; a code-only run still has the image of the release before."""
    host = scope.services.github.watched(scope.emit)
    names = artifacts(scope.plan) or (DMG,)
    places = scope.once("final.places", lambda: tuple(read_place(host, scope.plan.target, name) for name in names))
    return FinalAssetFacts(places, look_gate(scope), look_final_inbox(scope).witnesses)


def judge_assets(facts: FinalAssetFacts, plan: Plan) -> Verdict:
    """Item 3: every artifact is visible under its fixed tag, and the image there is the one its URL gives."""
    evidence = tuple(Evidence(place.name, _described(place), plan.target.notes_url(place.name)) for place in facts.places)
    for place in facts.places:
        if place.release is None or place.current is None or not place.current.ready:
            said = "is not there" if place.current is None else f"is {place.current.state}, not uploaded"
            return at_place(failed(f"{place.name} {said} under the tag {place.tag}.", brought_back(place, plan), *evidence), place, plan)
    if facts.witnesses is not None and facts.witnesses.download_is_alone:
        what = f"Clients get another {DMG} than the inbox has and the pushed manifest names."
        return failed(what, brought_back(None, plan), *evidence, Evidence(DMG, str(facts.witnesses.download), plan.target.asset_url(DMG)))
    matrix = gate_matrix(facts.gate, plan, Profile.POST_DEPLOY).of((API, URL))
    names = ", ".join(place.name for place in facts.places)
    verdict = verdict_of(matrix, f"Visible under the fixed tags: {names}.", brought_back(facts.gate.place, plan))
    return replace(verdict, evidence=evidence + verdict.evidence)


def _described(place: ArtifactPlace) -> str:
    return "missing" if place.current is None else f"{place.current.state}, {place.current.size} bytes"


def _renewed(facts: FinalFacts, plan: Plan) -> Remedy:
    """What makes the manifests on the branch true: where nothing is published with them, of a file that was published before alone."""
    download = facts.witnesses.download
    strange = download is not None and plan.published not in versions_of(facts.gate.known, download.size, download.sha256)
    if facts.unmix or plan.kind.publishes:
        return facts.unmix or (_SYNC if facts.branch.apart else _PUBLISH)
    return brought_back(None, plan) if strange else _SYNC


def judge_manifest(facts: FinalFacts, plan: Plan) -> Verdict:
    """Item 4: the manifest files on the code repository are this release's, and identical."""
    columns = {
        f"{path} on {facts.branch.branch}": manifest_column(raw, facts.canonical, facts.wanted_of(plan, raw))
        for path, raw in facts.branch.there.items()
    }
    verdict = verdict_of(Matrix(columns), f"The manifest files are on {plan.target.code_repository}, and true.", _renewed(facts, plan))
    return replace(verdict, evidence=(Evidence("commit", facts.branch.commit, plan.target.code_repository), *verdict.evidence))


def judge_live(facts: FinalFacts, plan: Plan) -> Verdict:
    """Item 5: `/health`, `/updates/health` and the appcast show this release, and the appcast speaks of the bytes at its URL."""
    matrix = gate_matrix(facts.gate, plan, Profile.POST_DEPLOY).of((HEALTH, UPDATES))
    columns = {**matrix.columns, APPCAST: offered_column(facts, plan)}
    if _network_works(facts.gate):
        columns = {source: _unanswered(column) for source, column in columns.items()}
    verdict = verdict_of(Matrix(columns), f"Live everywhere: {plan.version}.", _deployed(facts, plan, matrix))
    if verdict.status is Status.FAILED and down(facts.gate.live):
        return _broken(facts, plan, verdict)
    return verdict if verdict.status is not Status.PASSED else passed(_shown(plan), *verdict.evidence)


def _network_works(gate: GateFacts) -> bool:
    """Whether this machine reaches anything at all: then an address that gives no answer gives customers none either."""
    seen = (gate.image, gate.live.health, gate.live.updates, gate.live.appcast)
    return not gate.live.misled and any(not isinstance(one, UnseenSource) for one in seen)


def _unanswered(column: Column) -> Column:
    return {row: Cell.said(cell.value, "an answer", False) if _no_answer(row, cell) else cell for row, cell in column.items()}


def _no_answer(row: str, cell: Cell) -> bool:
    return row == "reachability" and cell.verdict is Status.INCONCLUSIVE


def _broken(facts: FinalFacts, plan: Plan, verdict: Verdict) -> Verdict:
    """The server is down for customers: with the cause that the VM tells of, and what ends that."""
    found = cause(facts.vm, plan) if isinstance(facts.vm, VmFacts) else None
    if found is None:
        return replace(verdict, summary=f"The update server is broken for customers. {verdict.summary}", remedy=_see_why(facts, verdict))
    evidence = (*verdict.evidence, *found.evidence)
    return failed(f"The update server is broken for customers: {found.summary}", found.remedy, *evidence, fixers=found.fixers)


def _see_why(facts: FinalFacts, verdict: Verdict) -> Remedy:
    if isinstance(facts.vm, VmFacts):
        return verdict.remedy
    return Run("check deploy.vm deploy.service --vm", "See on the VM why", "Mend that, then look again.")


def _deployed(facts: FinalFacts, plan: Plan, health: Matrix) -> Remedy:
    """What makes the live server this release's: a deploy, where the gate before it lets one begin."""
    if plan.version is not None and _offers_code(facts.gate, plan):
        return released_in_full(plan.version.next_build())
    if not health.wrong(Status.FAILED) and not down(facts.gate.live):
        return Mend("stale-appcast", then="lays the published manifests on the VM and restarts the service.")
    before = judge_live_before(facts.gate, plan)
    if not before.status.satisfied:
        return before.remedy
    tag = plan.version.tag if plan.version else "vX.Y.Z.Build"
    return Act("deploy", f"deploy {tag}", f"Deploy {tag}, then look again")


def _offers_code(facts: GateFacts, plan: Plan) -> bool:
    """Whether the appcast follows config.env, and so offers a code-only release with the file of the one before: no deploy ends that."""
    offered = facts.live.appcast.appcast if isinstance(facts.live.appcast, AppcastFacts) else None
    return offered is not None and not plan.kind.publishes and offered.version == str(plan.version) != str(plan.published)


def offered_column(facts: FinalFacts, plan: Plan) -> Column:
    """The live appcast against the release's bytes themselves: a manifest that was spoilt later is not the appcast's fault."""
    live = facts.gate.live
    read = live.appcast.appcast if isinstance(live.appcast, AppcastFacts) else None
    want = facts.witnesses.wanted(facts.wanted(plan), signature=read.signature if read else None)
    column = dict(appcast_column(live.appcast, live.health, facts.signature, want))
    if read is None:
        return column
    if read.minimum_system_version != manifest.MIN_OS:
        asks = f"an appcast for macOS {read.minimum_system_version or 'of any age'} and later"
        column["reachability"] = Cell.said(asks, f"an appcast for macOS {manifest.MIN_OS} and later", False)
    return column | {"signature": signature_cell(read.signature, want)}


def _shown(plan: Plan) -> str:
    offered = f"the appcast offers {plan.published}" if plan.published != plan.version else "the appcast offers it"
    return f"/health and /updates/health show {plan.version}, {offered}."


INBOX = Check(look_final_inbox, judge_inbox, "So that what was released can be looked at again.", slow=True)
PUBLICATION = Check(look_final, judge_publication, "Manifest, bytes and commit agree as the publisher claimed.", slow=True)
ASSETS = Check(look_assets, judge_assets, "Where clients and people look for them.", slow=True)
MANIFEST = Check(look_final, judge_manifest, "Four files on the code repository's branch.", slow=True)
LIVE = Check(look_final_live, judge_live, "What every client sees.", slow=True)
DRILL = replace(backups.DRILL, why="At most as old as the target allows.")
