"""The real checklist with made-up findings: what its looks see and what its actions do is invented, every word is its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import test_gate as gate
import test_publish_judges as inbox
from test_pending import TO_DO
from verdict_rows import ROWS

from checks.image import ImageFacts
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.checklist import CHECKLIST, Checklist, Item
from nexy_tui.core.event import Event
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Cancelled, Problem
from nexy_tui.core.remedy import Mend
from nexy_tui.services.artifact import ArtifactContents
from nexy_tui.services.download import Downloaded

Effect = Callable[[ActionContext], ActionResult]
UNREAD = inbox.inbox(replace(inbox.IMAGE, contents=ArtifactContents({}, "there is no 7-Zip")))
"""An image in the inbox whose version nobody could read."""

_CUT_OFF = gate.facts(image=ImageFacts(Downloaded(gate.URL, 67_108_864, "9c1be0d47f352a68" * 4, "t"), signed=False))
TORN = {"gate.manifests": gate.published(_CUT_OFF), "gate.asset": _CUT_OFF, "gate.appcast": _CUT_OFF}
"""What the gate sees, by item, where the release URL gives the first 64 MiB only."""


@dataclass
class Scripted:
    """A real action under its own name and in its own words; what running it does is the test's choice."""

    real: Any
    effect: Effect = lambda _: ActionResult("Done.")
    lines: Sequence[str] = ()
    ran: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def describe(self, services: Any, plan: Plan) -> Sequence[str]:
        return self.lines or self.real.describe(services, plan)

    def run(self, context: ActionContext) -> ActionResult:
        self.ran += 1
        return self.effect(context)


def emitting(*events: Event, result: str = "Done.", problem: Problem | None = None, hold: threading.Event | None = None) -> Effect:
    """An effect that says these things, waits for `hold`, and ends with a result or a problem."""

    def effect(context: ActionContext) -> ActionResult:
        for event in events:
            context.emit(event)
        for _ in range(0 if hold is None else 6_000):  # A test that fails meanwhile ends nevertheless.
            if hold is None or hold.wait(0.01):
                break
            if context.cancelled():
                raise Cancelled("Stopped by the operator.")
        if problem is not None:
            raise problem
        return ActionResult(result)

    return effect


@dataclass(frozen=True)
class Seen:
    """Facts, and what of the plan they are held against; whether the run awaits an action is the open run's."""

    facts: Any
    plan: Plan


class Play:
    """What each item is found to be: all of it holds, in the real judges' words, until a test says otherwise."""

    def __init__(self, *, with_pkg: bool = False) -> None:
        self.verdicts: dict[str, Verdict | Seen] = {}
        self.actions = {name: Scripted(real) for name, real in CHECKLIST.actions.items()}
        self.gate = threading.Event()
        self.gate.set()
        self.holds(*ROWS)
        if not with_pkg:
            self.sees("inbox.pkg", ROWS["inbox.dmg"].good, ROWS["inbox.dmg"].plan)

    def checklist(self) -> Checklist:
        phases = tuple(replace(phase, items=tuple(map(self._scripted, phase.items))) for phase in CHECKLIST.phases)
        used = tuple(replace(one, action=self.actions[one.name]) for one in CHECKLIST.release_actions)
        return replace(CHECKLIST, phases=phases, release_actions=used)

    def holds(self, *items: str) -> None:
        for item in items:
            self.sees(item, ROWS[item].good)

    def fails(self, item: str, summary: str = "", remedy: str = "Mend it.", *evidence: Evidence, fixer: str = "") -> None:
        """As its judge says it of facts that are wrong, in the test's words, or for a cause that a fixer ends."""
        if fixer:
            self.verdicts[item] = failed("It is broken.", Mend(fixer))
        elif summary:
            self.verdicts[item] = failed(summary, remedy, *evidence)
        else:
            self.sees(item, ROWS[item].bad)

    def awaits(self, *actions: str) -> None:
        """Each item of these actions of the main path is as it is before they ran, in the real judges' words."""
        for item in CHECKLIST.items:
            if item.action in actions and item.id in TO_DO:
                self.sees(item.id, TO_DO[item.id])

    def does(self, action: str, *, anew: Callable[[ActionContext], object] | None = None) -> None:
        """The action, when it runs, makes its own items good; before that it does `anew`, where that is named."""
        mine = [item.id for item in CHECKLIST.items if item.action == action or item.repair == action]

        def effect(context: ActionContext) -> ActionResult:
            if anew is not None:
                anew(context)
            self.holds(*mine)
            return ActionResult("Done.")

        self.actions[action].effect = effect

    def unseen(self, item: str, summary: str, remedy: str = "Let it be seen.") -> None:
        self.verdicts[item] = inconclusive(summary, remedy)

    def sees(self, item: str, facts: Any, plan: Plan | None = None) -> None:
        """What the item's own judge says of these facts, as the run stands then."""
        self.verdicts[item] = Seen(facts, plan or ROWS[item].plan)

    def _scripted(self, item: Item) -> Item:
        def look(_: object) -> Verdict | Seen:
            self.gate.wait(10)
            return self.verdicts[item.id]

        def judge(found: Verdict | Seen, plan: Plan) -> Verdict:
            if isinstance(found, Verdict):
                return found
            there = replace(found.plan, run=plan.run, standalone=plan.standalone, begun=plan.begun, tried=plan.tried)
            return CHECKLIST.item(item.id).check.judge(found.facts, there)

        return replace(item, check=replace(item.check, look=look, judge=judge))
