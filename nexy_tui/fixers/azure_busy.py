"""Rulebook 4.6: another command holds the VM's one run-command slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.base import Check, Scope
from checks.vm import look_vm
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.core.event import OutputLine, Waiting
from nexy_tui.core.finding import Evidence, Verdict, failed, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.remedy import Mend
from nexy_tui.core.vm_facts import VmFacts
from nexy_tui.fixers.base import Fixer, Mending, Part, Trouble
from nexy_tui.services import Services
from nexy_tui.services.azure_errors import Busy

LONGEST = 90 * 60.0
"""Seconds a run-command may last at most (contracts: Azure run-command): after that the slot is free."""

PROBE_EVERY = 30.0


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """The VM's survey, or why its slot was not free."""

    vm: VmFacts | None
    busy: str = ""


def look(scope: Scope) -> SlotFacts:
    """The survey all checks share: it was taken, or the slot is busy. Raises CouldNotLook for every other reason."""
    try:
        return SlotFacts(look_vm(scope))
    except Busy as problem:
        return SlotFacts(None, problem.what)


def judge(facts: SlotFacts, plan: Plan) -> Verdict:
    """The VM takes commands."""
    where = f"VM {plan.target.vm.resource_group}/{plan.target.vm.name}"
    if facts.vm is None:
        remedy = Mend("azure-busy", then="waits until it is free; the command that runs cannot be cancelled.")
        return failed(facts.busy, remedy, Evidence("run-command", "HTTP 409 Conflict", where))
    return passed("The VM takes commands.", Evidence("run-command", "free", where, facts.vm.taken))


_HANGS = "See in the VM's activity log what runs there; where nothing does, its agent hangs: restart the VM, then look again."


class WaitForSlot(Mending):
    """Waits with a countdown while the other command runs, then retries once; nothing is changed on the VM."""

    name = "fix azure-busy"
    title = "Wait until the VM is free"

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """How long, how often, and what is sent."""
        return [
            f"ask {services.vm.where} every {PROBE_EVERY:.0f} s, for at most {LONGEST / 60:.0f} minutes: as long as a command may last",
            "what asks is a script that does nothing, sent once the VM takes it; then run your own command again, once",
        ]

    def run(self, context: ActionContext) -> ActionResult:
        """Wait. Raises Busy when even the longest command must have ended, Cancelled when the operator stops waiting."""
        services, left, waited = context.services, LONGEST, 0.0
        while True:
            try:
                services.vm.run_script(
                    "true\n", name="nothing", timeout=120.0, patience=0.0, emit=context.emit, cancelled=context.cancelled
                )
            except Busy as busy:
                if left <= 0:
                    raise Busy(busy.what, "No command may last as long as was waited.", _HANGS) from None
                delay = min(PROBE_EVERY, left)
                context.emit(Waiting(f"{services.vm.where} runs another command; {left / 60:.0f} minutes left at most", delay))
                services.clock.sleep(delay, context.cancelled)
                left, waited = left - delay, waited + delay
                continue
            context.emit(OutputLine(f"{services.vm.where} is free", "azure"))
            return ActionResult(f"The VM takes commands again, after {waited:.0f} s. Run your own command once more.", changed=waited > 0)


AZURE_BUSY = Fixer(
    Trouble(
        "azure-busy",
        "4.6",
        "Azure run-command conflict",
        "Run command extension execution is in progress.",
        (
            "Another command runs on the VM; it cannot be cancelled. Wait for it (90 minutes at most).",
            "Run the action again: the deploy waits for the slot by itself and says so.",
        ),
    ),
    (
        Part(
            "fix.azure-busy",
            "The VM takes commands",
            Check(look, judge, "It runs one at a time, and none can be cancelled.", slow=True),
            WaitForSlot(),
        ),
    ),
)
