"""Why the update server is down, by what the VM tells of itself: the cause, where others see its symptom."""

from __future__ import annotations

from checks.deploy import judge_service, settings_remedy, settings_trouble
from nexy_tui.core.finding import Status, Verdict, failed
from nexy_tui.core.plan import Plan
from nexy_tui.core.vm_facts import VmFacts


def cause(vm: VmFacts, plan: Plan) -> Verdict | None:
    """What is wrong on the VM with the remedy that ends it; None where nothing there explains it."""
    if trouble := settings_trouble(vm):
        return failed(trouble, settings_remedy(vm))
    service = judge_service(vm, plan)
    return service if service.status is Status.FAILED else None
