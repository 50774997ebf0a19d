"""Actions whose effect is of the test's choosing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.core.event import Event
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Cancelled, Problem


@dataclass
class FakeAction:
    """An action whose effect is a function of the test's choosing."""

    name: str
    title: str
    lines: tuple[str, ...] = ("do it",)
    irreversible: bool = False
    writes_outside: bool = False
    typed: str | None = None
    effect: Callable[[ActionContext], ActionResult] = lambda _: ActionResult("Done.")
    ran: int = 0
    fits: bool = True

    def applies(self, plan: Plan) -> bool:
        return self.fits

    def describe(self, services: Any, plan: Plan) -> Sequence[str]:
        return self.lines

    def confirmation(self, services: Any, plan: Plan) -> str | None:
        return self.typed

    def run(self, context: ActionContext) -> ActionResult:
        self.ran += 1
        return self.effect(context)


def emitting(
    *events: Event, result: str = "Done.", problem: Problem | None = None, hold: threading.Event | None = None
) -> Callable[[ActionContext], ActionResult]:
    """An effect that says these things, waits for `hold`, and ends with a result or a problem."""

    def effect(context: ActionContext) -> ActionResult:
        for event in events:
            context.emit(event)
        while hold is not None and not hold.wait(0.01):
            if context.cancelled():
                raise Cancelled("Stopped by the operator.")
        if problem is not None:
            raise problem
        return ActionResult(result)

    return effect


def actions() -> list[FakeAction]:
    bump = ("write 1.6.1.43 into VERSION", "write the version fields of server/config/unified_config.yaml", "commit Release v1.6.1.43")
    push = ("push Release v1.6.1.43 and the tag v1.6.1.43 to Seregawpn/Nexy_server, in one atomic push",)
    backup = (
        "dump voice_assistant_db at 127.0.0.1:5432 as nexy_db_20260214T102107Z.tar.gz",
        "verify the archive and sign a record beside it",
    )
    publish = (
        "upload Nexy.dmg (315.7 MB) as incoming-3f2a9c51d0e8b774-Nexy.dmg to Seregawpn/Nexy_production, tag Update",
        "download it again and compare size and sha256",
        "rename the present Nexy.dmg to previous-Nexy.dmg, and the new one to Nexy.dmg",
        "write the four manifest files from the downloaded bytes and push them as one commit",
    )
    deploy = ("check out v1.6.1.43 on the VM Nexy, lay the four manifest files over it", "restart voice-assistant.service and see /health")
    back = ("rename previous-Nexy.dmg to Nexy.dmg", "write the four manifest files of 1.6.1.42 and push them as one commit")
    return [
        FakeAction("bump", "Raise the version", bump),
        FakeAction("push", "Push commit and tag", push, irreversible=True, writes_outside=True),
        FakeAction("backup", "Back the database up", backup, writes_outside=True),
        FakeAction(
            "drill", "Restore drill", ("restore the newest archive into restore_drill_20260214_102107", "count its rows and drop it")
        ),
        FakeAction("harden", "Harden the database", ("revoke DELETE and TRUNCATE from nexy_user",), typed="127.0.0.1"),
        FakeAction("publish", "Publish the artifacts", publish, irreversible=True, writes_outside=True),
        FakeAction("deploy", "Deploy to the VM", deploy, irreversible=True, writes_outside=True),
        FakeAction("rollback", "Put the release before back", back, irreversible=True, writes_outside=True),
        FakeAction("recover", "Heal a swap that was cut off", ("where Nexy.dmg is missing: rename previous-Nexy.dmg back",)),
    ]
