"""Why the update server is down, by what the VM tells of itself: the cause, where others see its symptom."""

from __future__ import annotations

from checks.base import Scope
from checks.deploy import judge_service, settings_remedy, settings_trouble
from checks.gate_cells import UnseenSource
from checks.live import Live, or_unseen
from checks.vm import look_vm
from nexy_tui.core.finding import Status, Verdict, failed
from nexy_tui.core.plan import Plan
from nexy_tui.core.remedy import Mend
from nexy_tui.core.vm_facts import VmFacts


def cause(vm: VmFacts, plan: Plan) -> Verdict | None:
    """What is wrong on the VM with the remedy that ends it; None where nothing there explains it."""
    if trouble := settings_trouble(vm):
        return failed(trouble, settings_remedy(vm))
    service = judge_service(vm, plan)
    return service if service.status is Status.FAILED else None


def down(live: Live) -> bool:
    """Whether the server gives customers no sound answer."""
    health = live.health
    return isinstance(health, UnseenSource) or health.said is None or not health.said.healthy


def look_behind(scope: Scope, live: Live) -> VmFacts | UnseenSource | None:
    """The VM, where the server is down and it may be asked; else None."""
    return or_unseen(lambda: look_vm(scope)) if scope.asks_vm and not live.misled and down(live) else None


def because(verdict: Verdict, vm: VmFacts | UnseenSource | None, plan: Plan) -> Verdict:
    """The verdict on a server that is down; with the cause in the symptom's place where a fixer ends it."""
    found = cause(vm, plan) if isinstance(vm, VmFacts) and not verdict.status.satisfied else None
    if found is None or not isinstance(found.remedy, Mend):
        return verdict
    evidence = (*verdict.evidence, *found.evidence)
    return failed(f"The server gives no sound answer: {found.summary}", found.remedy, *evidence, fixers=(found.remedy.fixer,))
