"""Mending from the wizard: what is wrong, what would change, the confirmation, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from nexy_tui.core.finding import Finding
from nexy_tui.engine.notice import Notice
from screens.backend import FixEnd, FixerEntry, FixPlan
from screens.dialogs.confirm import GO, ConfirmDialog, Question
from screens.dialogs.message import MessageDialog
from screens.dialogs.secret import SecretDialog
from screens.text import clean

if TYPE_CHECKING:
    from screens.conductor import Conductor

Diagnosed = Callable[[Sequence[Finding]], None]


class Mender:
    """One fixer at a time. Whether a trouble is here, and what ends it, is the fixer's to say."""

    def __init__(self, conductor: Conductor, diagnosed: Diagnosed) -> None:
        self._conductor, self._diagnosed = conductor, diagnosed

    def look(self, names: Sequence[str] = ()) -> None:
        """Look for these troubles, or for every one."""
        work = partial(self._conductor.backend.diagnose, tuple(names))
        self._start("Looking for what is wrong", work, self._diagnosed)

    def show(self, fixer: FixerEntry) -> None:
        """Show what would change, and change nothing."""
        self._plan(fixer, self._shown)

    def ask(self, fixer: FixerEntry) -> None:
        """Show what would change, and mend it once that is confirmed."""
        if not self._conductor.hands_off():
            self._plan(fixer, self._confirm)

    def _plan(self, fixer: FixerEntry, then: Callable[[FixerEntry, FixPlan], None]) -> None:
        work = partial(self._conductor.backend.plan_fix, fixer.name, self._conductor.open_run)
        self._start(f"Looking what {fixer.name} would change", work, partial(then, fixer))

    def _shown(self, fixer: FixerEntry, plan: FixPlan) -> None:
        lines = [*plan.lines, *_hidden(plan)] or ["This trouble is not here: nothing would change."]
        self._message(f"{fixer.section} {fixer.title}: what would change", lines)

    def _confirm(self, fixer: FixerEntry, plan: FixPlan) -> None:
        conductor = self._conductor
        if not plan.lines:
            self._message(f"{fixer.section} {fixer.title}", _hidden(plan) or ["This trouble is not here. Nothing was changed."])
        else:
            question = Question(fixer.title, plan.lines, plan.typed, False, conductor.backend.target, "Mend it")
            conductor.app.push_screen(ConfirmDialog(question), partial(self._confirmed, fixer, plan))

    def _confirmed(self, fixer: FixerEntry, plan: FixPlan, answer: str | None) -> None:
        if answer == GO:
            self._conductor.if_meant(partial(self._meant, fixer, plan))

    def _meant(self, fixer: FixerEntry, plan: FixPlan) -> None:
        if plan.secret:
            self._conductor.app.push_screen(SecretDialog(fixer.title, plan.secret), partial(self._given, fixer))
        else:
            self._mend(fixer, "")

    def _given(self, fixer: FixerEntry, secret: str | None) -> None:
        if secret is None:
            self._conductor.tell("Nothing was given, and nothing was changed.")
        else:
            self._mend(fixer, secret)

    def _mend(self, fixer: FixerEntry, secret: str) -> None:
        work = partial(self._conductor.backend.fix, fixer.name, secret, self._heard, self._conductor.open_run)
        self._start(f"Mending: {fixer.title}", work, partial(self._mended, fixer))

    def _mended(self, fixer: FixerEntry, end: FixEnd) -> None:
        title = f"{fixer.section} {fixer.title}: " + ("mended, and seen" if end.outcome == "verified" else f"not mended ({end.outcome})")
        self._message(title, [*end.lines, f"Log: {end.log}"])
        self.look((fixer.name,))
        if self._conductor.open_run is not None:
            self._conductor.look(whole=True)

    def _heard(self, notice: Notice) -> None:
        """What the fixer says while it works is in its log; the screen shows that it works."""

    def _message(self, title: str, lines: Sequence[str]) -> None:
        self._conductor.stage.redraw()
        self._conductor.app.push_screen(MessageDialog(clean(title), lines))

    def _start(self, name: str, work: Callable[[], object], then: Callable[..., None]) -> None:
        self._conductor.jobs.start(name, work, then, self._conductor.problem)
        self._conductor.stage.redraw()


def _hidden(plan: FixPlan) -> list[str]:
    """What could not be seen: whether it is wrong, nobody can tell."""
    return [f"It could not be seen whether this is here: {line}" for line in plan.unseen]
