"""Not yet: which item stands in the way, what was found, what to do, and the ways to do it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from nexy_tui.core.finding import Finding
from nexy_tui.engine.session import Session
from nexy_tui.release import Refusal
from screens.dialogs.dialog import Choice, Dialog, labelled
from screens.marks import STATUS
from screens.remedy import todo
from screens.text import clean, span

SHOW, LOOK, ATTEST, FIXERS = "show", "look", "attest", "fixers"
ACTION = "action-"


class RefusalDialog(Dialog):
    """Ends with what the operator wants to do about it: SHOW, LOOK, ATTEST, FIXERS, or ACTION and an action's name."""

    def __init__(self, session: Session, refusal: Refusal, asked: str, fixer_title: Callable[[str], str]) -> None:
        self._item = session.checklist.item(refusal.item)
        self._phase = session.checklist.phase_of(refusal.item)
        self._refusal, self._fixer_title, self._checklist = refusal, fixer_title, session.checklist
        self._finding: Finding | None = session.state.findings.get(refusal.item)
        self._back, self._exposed = session.rollback_offered(refusal), session.exposure.seconds
        super().__init__(f"{asked}: not yet", self._ways(session), tone="refusal")

    def _ways(self, session: Session) -> list[Choice]:
        item, actions = self._item, session.checklist.actions
        ways: list[Choice] = []
        if self._back is not None:
            ways.append(Choice(ACTION + self._back, actions[self._back].title, "b", "go"))
        if item.action is not None:
            ways.append(Choice(ACTION + item.action, actions[item.action].title, "a", "go"))
        if item.repair is not None and item.repair != item.action:
            ways.append(Choice(ACTION + item.repair, actions[item.repair].title, "p", "go"))
        if self._fixers():
            ways.append(Choice(FIXERS, "Fixers", "f"))
        if session.state.may_attest(item.id, "a reason is asked for next") is None:
            ways.append(Choice(ATTEST, "Attest", "t"))
        look, show = Choice(LOOK, "Look", "r"), Choice(SHOW, "Show the item", "s")
        return [look, *ways, show] if self._finding is None else [*ways, look, show]

    def _fixers(self) -> tuple[str, ...]:
        return self._item.fixers if self._finding is None else self._finding.fixers

    def body(self) -> Sequence[Widget]:
        """Item, fact, remedy."""
        mark = STATUS[self._refusal.status]
        where = f"\n{self._item.id} · {self._phase.title} · rulebook {self._item.section}"
        head = Content.assemble(mark.content(), "  ", (self._item.title, "bold"), (where, "$muted"))
        found = clean(self._finding.summary) if self._finding is not None else "It has not been looked at yet."
        told = "" if self._finding is None else self._finding.remedy
        exposed = f"For {span(self._exposed)} clients that follow the live appcast have been refusing the download." if self._back else ""
        what_to_do = todo(told, self._item, self._checklist, self._fixer_title) or self._default_remedy()
        rows = [("Exposed", exposed), ("What was found", found), ("Why it matters", self._item.why), ("What to do", what_to_do)]
        if self._fixers():
            rows.append(("Fixers that know this", "\n".join(self._fixer_title(name) for name in self._fixers())))
        return [Static(head), *labelled(rows)]

    def _default_remedy(self) -> str:
        return "Look at it. Where it is not there yet, its action brings it about." if self._item.action is not None else "Look at it."
