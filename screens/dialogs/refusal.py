"""Not yet: what was found, why it matters, what to do; the recommended way first, then the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from nexy_tui.core.finding import Finding
from nexy_tui.engine.next_step import Do, NextStep, step_for
from nexy_tui.engine.session import Session
from nexy_tui.release import Refusal
from screens.dialogs.dialog import Choice, Dialog, labelled
from screens.folded import shortened
from screens.marks import STATUS
from screens.remedy import todo
from screens.text import clean

SHOW, LOOK, ATTEST, FIXERS, MEND, ANEW = "show", "look", "attest", "fixers", "mend", "anew"
ACTION = "action-"
_WHEN = "Rolling back: choose it only if the release cannot be brought to work now."
_WHAT_IT_DOES_NOT = "Whoever has installed the new version keeps it, since updaters never go down; for them the cure is a higher version."


class RefusalDialog(Dialog):
    """Ends with what the operator wants to do about it: SHOW, LOOK, ATTEST, FIXERS, MEND, ANEW, or ACTION and an action's name."""

    def __init__(self, session: Session, refusal: Refusal, asked: str, fixer_title: Callable[[str], str]) -> None:
        self._item = session.checklist.item(refusal.item)
        self._phase = session.checklist.phase_of(refusal.item)
        self._refusal, self._fixer_title, self._checklist = refusal, fixer_title, session.checklist
        self._finding: Finding | None = session.state.findings.get(refusal.item)
        self._back = session.rollback_offered(refusal)
        self.step = step_for(session, refusal)
        super().__init__(f"{asked}: not yet", self._ways(session), tone="refusal")

    def _ways(self, session: Session) -> list[Choice]:
        """The recommended one, emphasised; then look again; then the rest; the way back last."""
        item, actions = self._item, session.checklist
        ways = [_choice_of(self.step), Choice(LOOK, "Check again", "r")]
        ways += [
            Choice(ACTION + name, actions.release_action(name).label, key)
            for name, key in ((item.action, "a"), (item.repair, "p"))
            if name is not None and session.applies(name)
        ]
        if self._fixers():
            ways.append(Choice(FIXERS, "Fixers", "f"))
        if session.state.may_attest(item.id, "a reason is asked for next") is None:
            ways.append(Choice(ATTEST, "Attest", "t"))
        ways.append(Choice(SHOW, "Show the item", "s"))
        if self._back is not None:
            ways.append(Choice(ACTION + self._back, actions.release_action(self._back).label, "z", "danger"))
        return _once(ways)

    def _fixers(self) -> tuple[str, ...]:
        return () if self._finding is None else self._finding.fixers

    def body(self) -> Sequence[Widget]:
        """Item, fact, why, what to do; what a way back is for, where there is one."""
        mark = STATUS[self._refusal.status]
        where = f"\n{self._item.id} · {self._phase.title} · rulebook {self._item.section}"
        head = Content.assemble(mark.content(), "  ", (self._item.title, "bold"), (where, "$muted"))
        found = shortened(clean(self._finding.summary)) if self._finding is not None else "It has not been checked yet."
        told = "" if self._finding is None else self._finding.remedy
        by_button = self.step.do in (Do.ACT, Do.MEND, Do.ANEW)
        what_to_do = todo(told, self._item, self._checklist, self._fixer_title, next_step=by_button) or f"{self.step.words}."
        rows = [("What was found", found), ("Why it matters", self._item.why), ("What to do", what_to_do)]
        if self._back is not None:
            rows.append(("The way back", f"{_WHEN} {_WHAT_IT_DOES_NOT}"))
        return [Static(head), *labelled(rows)]


def _choice_of(step: NextStep) -> Choice:
    """The step as a button."""
    match step.do:
        case Do.ANEW:
            return Choice(ANEW, step.words, "c", "go")
        case Do.ACT:
            return Choice(ACTION + step.subject, step.words, "a", "go")
        case Do.MEND:
            return Choice(MEND, step.words, "m", "go")
        case Do.ATTEST:
            return Choice(ATTEST, step.words, "t", "go")
        case _:
            return Choice(LOOK, step.words, "r", "go")


def _once(ways: Sequence[Choice]) -> list[Choice]:
    """Each value once, where it stands first."""
    kept: dict[str, Choice] = {}
    for way in ways:
        kept.setdefault(way.value, way)
    return list(kept.values())
