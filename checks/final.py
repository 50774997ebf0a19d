"""Final verification: the seven items of rulebook section 6, each seen anew from outside, with or without a run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from checks.base import Check, Scope
from checks.gate import API, CANONICAL, HEALTH, STALE, TARGET, UPDATES, URL, GateFacts, gate_matrix, look_gate, verdict_of
from checks.gate_cells import Expected, Profile, appcast_column, expected, manifest_column
from checks.inbox import InboxFacts, judge_dmg, judge_exists, judge_pkg, look_inbox
from checks.inbox import expected as artifacts
from checks.manifests import CommitFacts, look_commit
from checks.publish import Place, read_place
from nexy_tui.core import manifest
from nexy_tui.core.finding import Evidence, Status, Verdict, failed, passed
from nexy_tui.core.matrix import Matrix
from nexy_tui.core.plan import Plan
from nexy_tui.core.target import DMG

_PUBLISH = "nexy-tui publish"


@dataclass(frozen=True, slots=True)
class FinalFacts:
    """The gate's sources, and the manifests as the release branch has them now."""

    gate: GateFacts
    branch: CommitFacts

    @property
    def canonical(self) -> bytes | None:
        """The branch's canonical manifest."""
        return self.branch.there.get(CANONICAL)

    @property
    def signature(self) -> str | None:
        """Its signature, or None."""
        try:
            return manifest.parse(self.canonical or b"").signature
        except manifest.ManifestError:
            return None

    def wanted(self, plan: Plan) -> Expected:
        """What everything must be after the deploy."""
        want = expected(plan, Profile.POST_DEPLOY, self.gate.image, has_key=self.gate.has_key, earlier=None)
        # The signature that was verified over the download is the checkout's; another one's validity nobody knows.
        return want if self.signature == self.gate.signature else replace(want, signed=None)


def look_final(scope: Scope) -> FinalFacts:
    """Every source, each looked at once a pass."""
    branch = scope.once("manifests.commit", lambda: look_commit(scope))
    return FinalFacts(look_gate(scope), branch)


def judge_inbox(facts: InboxFacts, plan: Plan) -> Verdict:
    """Item 1: the inbox is there and holds what this release announced."""
    verdicts = [judge_exists(facts, plan), judge_dmg(facts, plan)] + ([judge_pkg(facts, plan)] if plan.with_pkg else [])
    wrong = [verdict for verdict in verdicts if not verdict.status.satisfied]
    evidence = tuple(item for verdict in verdicts for item in verdict.evidence)
    return replace(wrong[0] if wrong else verdicts[-1], evidence=evidence)


def judge_publication(facts: FinalFacts, plan: Plan) -> Verdict:
    """Item 2, what `RELEASE COMPLETE` stands for: the download is there, and the manifest on the branch speaks of those bytes."""
    want = facts.wanted(plan)
    column = manifest_column(facts.canonical, facts.canonical, want)
    pushed = {row: cell for row, cell in column.items() if row in ("version", "size", "sha256", "signature", "reachability")}
    download = gate_matrix(facts.gate, plan, Profile.POST_DEPLOY).columns[URL]
    matrix = Matrix({URL: download, f"{CANONICAL} on {facts.branch.branch}": pushed})
    return verdict_of(matrix, "The download is there, and the pushed manifest names exactly its bytes.", _PUBLISH, STALE)


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """The fixed tags' releases, and the gate's view of the image."""

    places: tuple[Place, ...]
    gate: GateFacts


def look_assets(scope: Scope) -> AssetFacts:
    """The release of each artifact by the API; a code-only run still has the image of the release before."""
    host = scope.services.github.watched(scope.emit)
    names = artifacts(scope.plan) or (DMG,)
    places = scope.once("final.places", lambda: tuple(read_place(host, scope.plan, name) for name in names))
    return AssetFacts(places, look_gate(scope))


def judge_assets(facts: AssetFacts, plan: Plan) -> Verdict:
    """Item 3: every artifact is visible under its fixed tag, and the image there is the one its URL gives."""
    evidence = tuple(Evidence(place.name, _described(place), plan.target.notes_url(place.name)) for place in facts.places)
    for place in facts.places:
        if place.release is None or place.current is None or not place.current.ready:
            said = "is not there" if place.current is None else f"is {place.current.state}, not uploaded"
            return failed(f"{place.name} {said} under the tag {place.tag}.", _PUBLISH, *evidence, fixers=TARGET)
    matrix = gate_matrix(facts.gate, plan, Profile.POST_DEPLOY).of((API, URL))
    names = ", ".join(place.name for place in facts.places)
    verdict = verdict_of(matrix, f"Visible under the fixed tags: {names}.", _PUBLISH, TARGET)
    return replace(verdict, evidence=evidence + verdict.evidence)


def _described(place: Place) -> str:
    return "missing" if place.current is None else f"{place.current.state}, {place.current.size} bytes"


def judge_manifest(facts: FinalFacts, plan: Plan) -> Verdict:
    """Item 4: the four manifest files on the code repository are this release's, and identical."""
    want = facts.wanted(plan)
    columns = {f"{path} on {facts.branch.branch}": manifest_column(raw, facts.canonical, want) for path, raw in facts.branch.there.items()}
    verdict = verdict_of(Matrix(columns), f"The four manifest files are on {plan.target.code_repository}, and true.", _PUBLISH, STALE)
    return replace(verdict, evidence=(Evidence("commit", facts.branch.commit, plan.target.code_repository), *verdict.evidence))


def judge_live(facts: FinalFacts, plan: Plan) -> Verdict:
    """Item 5: `/health`, `/updates/health` and the appcast show this release, and the appcast speaks of the bytes at its URL."""
    want, live = facts.wanted(plan), facts.gate.live
    matrix = gate_matrix(facts.gate, plan, Profile.POST_DEPLOY).of((HEALTH, UPDATES))
    columns = {**matrix.columns, "appcast": appcast_column(live.appcast, live.health, facts.signature, want)}
    remedy = f"Deploy {plan.version.tag if plan.version else 'the release'} (the deploy screen, or nexy-tui deploy), then look again."
    verdict = verdict_of(Matrix(columns), f"Live everywhere: {plan.version}.", remedy, STALE)
    return verdict if verdict.status is not Status.PASSED else passed(_shown(plan), *verdict.evidence)


def _shown(plan: Plan) -> str:
    offered = f"the appcast offers {plan.published}" if plan.published != plan.version else "the appcast offers it"
    return f"/health and /updates/health show {plan.version}, {offered}."


INBOX = Check(look_inbox, judge_inbox)
PUBLICATION = Check(look_final, judge_publication, slow=True)
ASSETS = Check(look_assets, judge_assets, slow=True)
MANIFEST = Check(look_final, judge_manifest, slow=True)
LIVE = Check(look_final, judge_live, slow=True)
