"""Phase ready, the VM's part: that Azure lets us at it, and that a deploy would find what it needs there (contracts: decided)."""

from __future__ import annotations

from dataclasses import dataclass

from checks.base import Check, Scope
from checks.deploy import VM
from checks.deploy import judge_service as judge_running
from checks.vm import look_vm
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive, not_applicable, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Problem, Unusable
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
    if "deploy" in plan.begun:
        return not_applicable("This run's deploy was begun, and restarts the service; deploy.service sees what came of it.")
    verdict = judge_running(vm, plan)
    if vm.service == "active":
        return verdict
    cure = f"See its journal (journalctl -u {service} on the VM) and mend it; or attest that this release is its cure."
    return inconclusive(verdict.summary, cure, *verdict.evidence, fixers=verdict.fixers)


AZURE = Check(look_azure, judge_azure, "A credential that has expired is otherwise found when customers wait for the deploy.")
READY = VM
SERVICE = Check(look_vm, judge_service, "A service that does not stay up cannot take a release.", slow=True)
