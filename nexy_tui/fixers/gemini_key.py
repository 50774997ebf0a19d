"""Rulebook 4.7: the Gemini key is invalid or expired."""

from __future__ import annotations

import re
from collections.abc import Sequence

from checks.base import Check
from checks.deploy import settings_there
from checks.vm import look_vm
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.core.finding import Evidence, Verdict, failed, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.core.remedy import Mend
from nexy_tui.core.vm_facts import VmFacts
from nexy_tui.fixers import vm_settings
from nexy_tui.fixers.base import Fixer, Mending, Part, SecretRequest, Trouble
from nexy_tui.services import Services
from nexy_tui.services.on_vm.settings_files import SETTINGS

KEY = "GEMINI_API_KEY"
NEW_KEY = SecretRequest("gemini-key", "New Gemini key (it is not shown): ", "NEXY_NEW_GEMINI_KEY")

_FORM = re.compile(r"[A-Za-z0-9._-]{20,200}")


def judge(vm: VmFacts, plan: Plan) -> Verdict:
    """The settings files hold one key, and since the server's start nothing said that it is not valid."""
    where = f"VM {plan.target.vm.name}"
    files = settings_there(vm)
    evidence = [Evidence(f"{path} {KEY}", file.gemini or "not set", where, vm.taken) for path, file in files.items()]
    said = vm.signs.get("gemini-key", 0)
    evidence.append(Evidence("journal since the start", f"API_KEY_INVALID or expired: {said} lines", where, vm.taken))
    if not files:
        return failed("There is no config.env on the VM.", "Lay the server's settings there, then look again.", *evidence)
    without = [path for path, file in files.items() if file.gemini != "set"]
    remedy = Mend("gemini-key", "Get a new key, then")
    if said:
        return failed(f"The server says that the Gemini key is not valid ({said} lines since its start).", remedy, *evidence)
    if without:
        return failed(f"{KEY} is not set in {' and '.join(without)}.", remedy, *evidence)
    if not vm.same_key:
        return failed("The settings files have different Gemini keys: one was left behind.", remedy, *evidence)
    return passed("The settings have one Gemini key, and the server does not complain of it.", *evidence)


class SetKey(Mending):
    """Sets or adds the key in every settings file that is there, restarts the service, and listens to its journal."""

    name = "fix gemini-key"
    title = "Set the Gemini key on the VM"
    writes_outside = True

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The files, the way the key takes, and the restart."""
        return [
            *(
                f"{plan.target.vm.directory}/{path}: {KEY} set wherever it stands, or added at the end; every other byte stays"
                for path in SETTINGS
            ),
            "(of those files the ones that are there)",
            "the key goes by Azure's protected parameters: it stands in no script, no log and no command line",
            f"sudo systemctl restart {plan.target.vm.service}, wait for /health, read the journal for API_KEY_INVALID",
            "if the server does not come up with it, or refuses it, the files are put back as they were",
        ]

    def run(self, context: ActionContext) -> ActionResult:
        """Send it. Raises Refused without a key in a form a key can have, ActionFailed saying which state is left."""
        key = context.services.secrets.handed(NEW_KEY.name)
        if key is None or _FORM.fullmatch(key.reveal()) is None:
            what = (
                "No key was given."
                if key is None
                else "What was given is no key: letters, digits, . _ and - only, at least twenty of them."
            )
            raise Refused(what, "Nothing was changed on the VM.", Mend("gemini-key", "Copy the whole key, on one line, and run it again"))
        changed = vm_settings.mend(context, "gemini-key", put_back=True, protected={"NEXY_GEMINI_KEY": key})
        evidence = tuple(Evidence("changed", line, context.services.vm.where) for line in changed)
        said = (
            f"The key is set ({'; '.join(changed)}), and the server is well with it."
            if changed
            else "The settings had this key, and the server is well."
        )
        return ActionResult(said, evidence, changed=bool(changed))


GEMINI_KEY = Fixer(
    Trouble(
        "gemini-key",
        "4.7",
        "Gemini key invalid or expired",
        "API_KEY_INVALID, API key expired; TextProcessor does not start.",
        (
            "Get a new key and set GEMINI_API_KEY in each config.env on the VM.",
            "Restart the service: sudo systemctl restart voice-assistant.service",
            "Read the journal for API_KEY_INVALID.",
        ),
    ),
    (
        Part(
            "fix.gemini-key",
            "The Gemini key is valid",
            Check(look_vm, judge, "Without it the server understands nobody.", slow=True),
            SetKey(),
        ),
    ),
    NEW_KEY,
)
