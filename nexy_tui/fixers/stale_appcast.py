"""Rulebook 4.9: the appcast offers an old address, size or version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from checks.base import Check, Scope
from checks.deploy import DeployFacts, judge_manifests, look_deploy
from checks.final import FinalFacts, look_final
from checks.gate import GateFacts, judge_appcast, judge_asset, look_gate, verdict_of
from checks.gate_cells import UnseenSource, appcast_column
from checks.manifests import CommitFacts, ManifestFacts, judge_commit, look_commit, look_manifests
from checks.manifests import judge_manifests as judge_files
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.actions.deploy import failed_step, script_sha256, send
from nexy_tui.actions.sync import SyncManifests
from nexy_tui.core.finding import Evidence, Status, Verdict, inconclusive, passed
from nexy_tui.core.kind import Kind
from nexy_tui.core.matrix import Matrix
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed, CouldNotLook, Refused, Unusable
from nexy_tui.core.remedy import Act, Mend, Run
from nexy_tui.core.version import Version
from nexy_tui.core.vm_facts import VmFacts
from nexy_tui.fixers.base import Fixer, Mending, Part, Trouble
from nexy_tui.services import Services
from nexy_tui.services.deployment import find_deployment

_FIX = Mend("stale-appcast")


# --- manifests and gate ---


@dataclass(frozen=True, slots=True)
class ManifestsFacts:
    """The four files beside the download, the branch, and the gate's sources."""

    files: ManifestFacts
    commit: CommitFacts
    gate: GateFacts


def look_published(scope: Scope) -> ManifestsFacts:
    """Everything an appcast is made of, each looked at once a pass."""
    commit = scope.once("manifests.commit", lambda: look_commit(scope))
    return ManifestsFacts(look_manifests(scope), commit, look_gate(scope))


def judge_published(facts: ManifestsFacts, plan: Plan) -> Verdict:
    """The gate's files: true of the download, on the release branch, and fit for an appcast."""
    verdicts = (
        judge_files(facts.files, plan),
        judge_commit(facts.commit, plan),
        judge_asset(facts.gate, plan),
        judge_appcast(facts.gate, plan),
    )
    return worst(verdicts, "The manifest files are true of the download and on the release branch; the gate agrees.")


def worst(verdicts: Sequence[Verdict], well: str) -> Verdict:
    """The first failure, else the first that could not be seen, else passed; with all the evidence."""
    evidence = tuple(dict.fromkeys(item for verdict in verdicts for item in verdict.evidence))
    for status in (Status.FAILED, Status.INCONCLUSIVE):
        for verdict in verdicts:
            if verdict.status is status:
                return replace(verdict, remedy=_FIX if status is Status.FAILED else verdict.remedy, evidence=evidence)
    return passed(well, *evidence)


class SyncPublished(Mending):
    """The manifests' own sync."""

    name = "fix stale-appcast manifests"
    title = "Make the manifests agree with the download"
    writes_outside = True

    def __init__(self) -> None:
        self._sync = SyncManifests()

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """As sync-manifests does."""
        return self._sync.describe(services, plan)

    def run(self, context: ActionContext) -> ActionResult:
        """Sync."""
        return self._sync.run(context)


# --- what is served ---


@dataclass(frozen=True, slots=True)
class ServedFacts:
    """The live appcast beside what it must offer, and the manifests on the VM, where that could be asked."""

    final: FinalFacts
    vm: DeployFacts | UnseenSource


def look_served(scope: Scope) -> ServedFacts:
    """The appcast from outside, and the VM."""
    final = look_final(scope)
    try:
        return ServedFacts(final, look_deploy(scope))
    except (CouldNotLook, Unusable) as problem:
        return ServedFacts(final, UnseenSource(problem.what))


def judge_served(facts: ServedFacts, plan: Plan) -> Verdict:
    """The appcast offers the download at its address with its size and signature, and the VM's four files are the branch's."""
    final = facts.final
    column = appcast_column(final.gate.live.appcast, final.gate.live.health, final.signature, final.wanted(plan))
    live = verdict_of(Matrix({"appcast": column}), "The live appcast offers the published release.", _FIX)
    if isinstance(facts.vm, UnseenSource):
        there = inconclusive(f"The manifests on the VM could not be seen: {facts.vm.why}", "Look again when the VM answers.")
    else:
        there = judge_manifests(facts.vm, plan)
    return worst((live, there), "The live appcast offers the published release, and the VM serves the published manifests.")


class LayManifests(Mending):
    """The deploy's manifest step by itself: the four files of the manifest commit on the VM, their digests seen there, and a restart."""

    name = "fix stale-appcast vm"
    title = "Lay the published manifests on the VM and restart"
    writes_outside = True

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The commit, the files, the restart."""
        deployment = find_deployment(services.git, _needed(plan), plan.kind)
        return [
            f"on {services.vm.where}, git fetch",
            f"git checkout {(deployment.manifest_commit or '')[:12]} -- {' '.join(deployment.manifest_files)}",
            f"sha256 of each: {deployment.manifest_sha256}; HEAD and the settings' version stay as they are",
            f"sudo systemctl restart {plan.target.vm.service}, and wait for /health",
        ]

    def run(self, context: ActionContext) -> ActionResult:
        """Run the deploy script's part. Raises Refused while the release itself is not deployed, ActionFailed naming the step."""
        services, plan = context.services, context.plan
        version = _needed(plan)
        deployment = replace(find_deployment(services.git, version, plan.kind), kind=Kind.UPDATE_ONLY)
        if deployment.problem or deployment.manifest_commit is None:
            raise Refused(
                f"{deployment.problem or 'There is no manifest commit'}.", "The VM takes the files from the code repository.", _FIX
            )
        _require_deployed(services.vm.survey(deployment.manifest_version, emit=context.emit, cancelled=context.cancelled), version)
        context.intent(
            "lay the published manifests on the VM",
            vm=services.vm.where,
            manifest_commit=deployment.manifest_commit,
            manifest_sha256=deployment.manifest_sha256,
            script_sha256=script_sha256(),
        )
        result = send(context, deployment, "the manifests are being laid on the VM; run-command cannot be cancelled")
        if result.exit != 0:
            step = failed_step(result)
            laid = step in ("restart", "health", "config")
            raise ActionFailed(
                f"Laying the manifests failed on the VM at step {step}, status {result.exit}.\n{result.tail}",
                f"The VM has the {'new manifests' if laid else 'old state: nothing it serves was changed'}.",
                f"Mend what it says above, then run it again: {_FIX}",
            )
        evidence = (Evidence("manifest commit", deployment.manifest_commit, services.vm.where),)
        return ActionResult(
            f"The VM serves the manifests of {deployment.manifest_version}.", evidence, {"manifest": deployment.manifest_sha256}
        )


def _needed(plan: Plan) -> Version:
    if plan.version is None:
        raise Unusable(
            "The released version is not known.",
            "The VM's settings are compared with it.",
            Run("check version.files", "See that VERSION is there"),
        )
    return plan.version


def _require_deployed(vm: VmFacts, version: Version) -> None:
    """A stale appcast is mended by its manifests only where the release itself is there; else a deploy is due."""
    said = {value for file in vm.settings.values() for value in (*file.versions, *file.builds)}
    if said != {str(version)}:
        raise Refused(
            f"The VM's settings say {', '.join(sorted(said)) or 'no version'}, not {version}: the release is not deployed.",
            "The appcast is not stale but early: manifests without their release would offer what the server is not.",
            Act("deploy", f"deploy {version.tag}"),
        )


STALE_APPCAST = Fixer(
    Trouble(
        "stale-appcast",
        "4.9",
        "Appcast serves a stale artifact",
        "/updates/appcast.xml shows an old URL or size; clients get 404 or a size mismatch.",
        (
            "Make the manifests agree with the download: nexy-tui sync-manifests",
            "Look at the gate again: nexy-tui gate",
            "Deploy again, which lays the manifests on the VM and restarts the service: nexy-tui deploy TAG",
        ),
    ),
    (
        Part(
            "fix.stale-appcast.manifests",
            "The manifests are true and published",
            Check(look_published, judge_published, "The appcast is made of them.", slow=True),
            SyncPublished(),
        ),
        Part(
            "fix.stale-appcast.live",
            "The live appcast offers the published release",
            Check(look_served, judge_served, "It is what every client reads.", slow=True),
            LayManifests(),
        ),
    ),
)
