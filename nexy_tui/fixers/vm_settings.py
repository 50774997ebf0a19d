"""The script that mends the server's settings on the VM, as both fixers that use it send it and read it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from nexy_tui.actions.base import ActionContext
from nexy_tui.core.event import OutputLine, PointOfNoReturn
from nexy_tui.core.problem import ActionFailed
from nexy_tui.core.remedy import Mend
from nexy_tui.core.secret import Secret
from nexy_tui.services import Services
from nexy_tui.services.vm import ScriptResult
from nexy_tui.services.vm_program import source

TIMEOUT = 300.0
SETTLE = 6.0
"""Seconds the journal is listened to after the restart."""

_CHANGE = re.compile(r"^nexy: change (\S+ .+)$", re.MULTILINE)
_STATE = re.compile(r"^nexy: state (old|new)$", re.MULTILINE)
_STEP = re.compile(r"^nexy: step (\S+) failed with status \d+$", re.MULTILINE)
_STATES = {
    "old": "The VM has its old state: the files are as they were.",
    "new": "The VM has the new state: the files are mended.",
    "": "How far it came is not known: it says so itself when it is run again.",
}


def would_change(services: Services, what: str) -> list[str]:
    """What the script would change, in its own words, asked of the VM without changing anything. Raises CouldNotLook."""
    result = services.vm.run_job("settings", _parameters(what, write=False, put_back=False, settle=0), timeout=TIMEOUT)
    if result.exit != 0:
        raise _failed(what, result)
    return _CHANGE.findall(result.stdout)


def mend(context: ActionContext, what: str, *, put_back: bool, protected: Mapping[str, Secret] | None = None) -> tuple[str, ...]:
    """Change the files, restart, and see that the server is well; what was changed. Raises ActionFailed saying which state it left."""
    services = context.services
    digest = hashlib.sha256(source("settings").encode()).hexdigest()
    context.intent(f"mend the settings on the VM ({what})", vm=services.vm.where, script_sha256=digest)
    settle = max(1, round(SETTLE / services.settings.speed))
    result = services.vm.run_job(
        "settings",
        _parameters(what, write=True, put_back=put_back, settle=settle),
        protected=protected,
        timeout=TIMEOUT,
        emit=context.emit,
        cancelled=context.cancelled,
        begun=lambda: context.emit(PointOfNoReturn("the VM's settings are being mended; run-command cannot be cancelled")),
    )
    for line in result.stdout.splitlines():
        if line.startswith("nexy: "):
            context.emit(OutputLine(line.removeprefix("nexy: "), "vm"))
    if result.exit != 0:
        raise _failed(what, result)
    return tuple(_CHANGE.findall(result.stdout))


def _parameters(what: str, *, write: bool, put_back: bool, settle: int) -> dict[str, object]:
    return {"mend": what, "write": write, "put_back": put_back, "settle": settle}


def _failed(what: str, result: ScriptResult) -> ActionFailed:
    said = "\n".join(line for line in result.tail.splitlines() if not line.startswith("nexy: s"))
    step, state = (found[-1] if found else "" for found in (_STEP.findall(result.stdout), _STATE.findall(result.stdout)))
    return ActionFailed(
        f"Mending the settings failed on the VM at step {step or 'unknown'}, status {result.exit}.\n{said}",
        _STATES[state],
        Mend(what, "Mend what it says above, then run it again"),
    )
