"""Phase ready, the VM's part: that Azure lets us at it, and that a deploy would find what it needs there (contracts: decided)."""

from __future__ import annotations

from dataclasses import dataclass

from checks.base import Check, Scope
from checks.deploy import VM, drifted, judge_no_drift, seen_on_vm
from checks.deploy import judge_service as judge_running
from checks.tip import look_head, look_tag
from checks.vm import look_vm
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive, not_applicable, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Problem, Unusable
from nexy_tui.core.remedy import Mend
from nexy_tui.core.vm_facts import VmFacts
from nexy_tui.services.azure import Machine
from nexy_tui.services.azure_errors import Denied


@dataclass(frozen=True, slots=True)
class AzureFacts:
    """The VM as Azure has it (None: it is denied us), and what is wrong."""

    machine: Machine | None
    trouble: Problem | None = None


def look_azure(scope: Scope) -> AzureFacts:
    """Ask Azure for the VM. What it denies is a fact; a line that breaks is not."""
    try:
        return AzureFacts(scope.services.azure.look())
    except (Denied, Unusable) as problem:
        return AzureFacts(None, problem)


def judge_azure(facts: AzureFacts, plan: Plan) -> Verdict:
    """A token is had, subscription, resource group and VM are found, and the VM runs."""
    vm = plan.target.vm
    named = Evidence("VM", f"{vm.resource_group}/{vm.name}", "target.vm")
    if facts.trouble is not None:
        told = " ".join(part for part in (facts.trouble.what, facts.trouble.why) if part)
        return failed(told, facts.trouble.remedy or "See target.vm in the configuration, then look again.", named)
    machine = facts.machine
    assert machine is not None
    evidence = (named, Evidence("subscription", machine.subscription, "Azure"), Evidence("power", machine.power or "not told", "Azure"))
    if machine.power == "running":
        return passed(f"Azure lets us at {vm.name} in {machine.location or vm.resource_group}; it is running.", *evidence)
    start = f"Start it, then look again: az vm start --resource-group {vm.resource_group} --name {vm.name}"
    if not machine.power:
        return inconclusive(f"Azure does not say whether {vm.name} is running.", start, *evidence)
    return failed(f"{vm.name} is {machine.power}, not running.", start, *evidence)


def judge_service(vm: VmFacts, plan: Plan) -> Verdict:
    """The service is up and stays up. One that does not may be what this release cures: a person says so."""
    service = plan.target.vm.service
    verdict = judge_running(vm, plan)
    if vm.service == "active" and not vm.restarts:
        return verdict
    what = f"{service} was restarted {vm.restarts} times in the last minutes: it does not stay up." if vm.restarts else verdict.summary
    by_hand = f"See its journal (journalctl -u {service} on the VM) and mend it; or attest that this release is its cure."
    cure = verdict.remedy if isinstance(verdict.remedy, Mend) else by_hand
    return inconclusive(what, cure, *verdict.evidence, fixers=verdict.fixers)


def judge_drift(vm: VmFacts, plan: Plan) -> Verdict:
    """Nobody changed the clone by hand, and nothing lies where the release would."""
    evidence = seen_on_vm(vm, plan, "drift", drifted(vm) or "none")
    wrong = judge_no_drift(vm, (evidence,))
    return wrong or passed("The VM's clone is as it was released, but for manifests and settings.", evidence)


@dataclass(frozen=True, slots=True)
class StartFacts:
    """The files that the VM's unit starts, and those of them that the release has."""

    vm: VmFacts
    released: frozenset[str]
    commit: str


def look_start(scope: Scope) -> StartFacts:
    """The unit's files, and the tree of the release: of its tag, or, before that is made, of HEAD."""
    vm, plan = look_vm(scope), scope.plan
    tagged = look_tag(scope, plan.version.tag) if plan.version is not None else None
    commit = tagged or look_head(scope)
    return StartFacts(vm, frozenset(scope.services.git.files_at(commit, *vm.started) if vm.started else ()), commit)


def judge_start(facts: StartFacts, plan: Plan) -> Verdict:
    """What the unit's ExecStart names is in the release that will be checked out."""
    if not plan.kind.tags:
        return not_applicable("An update-only run checks nothing out: the VM's code stays as it is.")
    vm, service = facts.vm, plan.target.vm.service
    evidence = (
        seen_on_vm(vm, plan, "unit", vm.unit or "not told"),
        seen_on_vm(vm, plan, "ExecStart's files", ", ".join(vm.started) or "none in the clone"),
        Evidence("release", facts.commit[:12], "checkout"),
    )
    if vm.unit == "not-found":
        return failed(f"There is no unit {service} on the VM.", "Install it there, or set target.vm.service; then look again.", *evidence)
    gone = [path for path in vm.started if path not in facts.released]
    if gone:
        what = f"{service} starts {', '.join(gone)}, which this release does not have."
        return failed(what, "Bring that file back, or mend the unit's ExecStart on the VM; then look again.", *evidence)
    return passed(f"What {service} starts is in the release: {', '.join(vm.started) or 'no file of the clone'}.", *evidence)


AZURE = Check(look_azure, judge_azure, "A credential that has expired is otherwise found when customers wait for the deploy.")
READY = VM
DRIFT = Check(look_vm, judge_drift, "What somebody changed there by hand would be run over, or be in the way.", slow=True)
START = Check(look_start, judge_start, "A release without the file that the unit starts stops the service for good.", slow=True)
SERVICE = Check(look_vm, judge_service, "A service that does not stay up cannot take a release.", slow=True)
