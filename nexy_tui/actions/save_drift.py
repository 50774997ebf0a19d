"""What somebody changed on the VM by hand, kept there under a ref of ours, so that a release does not run over it (contracts: decided)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.core.event import OutputLine
from nexy_tui.core.finding import Evidence
from nexy_tui.core.layout import MANIFEST_PLACES
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed
from nexy_tui.core.text import printable
from nexy_tui.services import Services

_SAVED = re.compile(r"^nexy: drift (?P<commit>[0-9a-f]{40,64}) (?P<ref>refs/nexy/drift/\w+) (?P<count>\d+)$", re.MULTILINE)
_NONE = re.compile(r"^nexy: drift none$", re.MULTILINE)


class SaveDrift:
    """Commits the changed files beside every branch of the VM's clone, then lays its own there again."""

    name = "save-drift"
    title = "Save the VM's drift aside"
    writes_outside = True

    def applies(self, plan: Plan, /) -> bool:
        """In every kind of run."""
        return True

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The commit and the files."""
        return [
            f"on {services.vm.where}: commit the files that differ from HEAD, and those in the release's way, under refs/nexy/drift/",
            "then lay HEAD's own files there again; manifests and settings stay as they are, nothing is restarted",
        ]

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """Nothing is typed for it: what it takes away is kept."""
        return None

    def run(self, context: ActionContext) -> ActionResult:
        """Save and restore, in one script. Raises ActionFailed with what the VM said, CouldNotLook where it did not."""
        services, plan = context.services, context.plan
        version = plan.version
        release = services.git.tag_commit(version.tag) if version is not None and plan.kind.tags else None
        directories = list(plan.target.manifest_directories or map(str, MANIFEST_PLACES))
        context.intent("save the VM's drift aside", vm=services.vm.where)
        result = services.vm.run_job(
            "save_drift",
            {"manifest_directories": directories, "commit": release or ""},
            emit=context.emit,
            cancelled=context.cancelled,
        )
        if result.exit != 0:
            what = f"The drift on {services.vm.where} was not saved: {result.tail or 'it printed nothing'}"
            raise ActionFailed(what, "What could not be saved was left as it is.", "Mend that on the VM, then run again.")
        saved = _SAVED.search(result.stdout)
        if saved is None:
            if _NONE.search(result.stdout) is None:
                what = f"What became of the drift on {services.vm.where} was not told."
                raise ActionFailed(what, remedy="Look again: nexy-tui check ready.drift --vm")
            return ActionResult("Nothing on the VM differs from what was released.", changed=False)
        told = f"{saved['count']} files kept as {saved['ref']} ({saved['commit'][:12]}) on {services.vm.where}"
        context.emit(OutputLine(told, "vm"))
        evidence = Evidence("drift saved", printable(f"{saved['commit']} {saved['ref']}"), services.vm.where)
        return ActionResult(f"{told}; git show {saved['ref']} there.", evidence=(evidence,), digests={"drift": saved["commit"]})
