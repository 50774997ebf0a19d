"""Mending from the wizard: what is wrong, what would change, the confirmation, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from nexy_tui.core.finding import Finding
from nexy_tui.engine.mend import FixPreview
from nexy_tui.fixers import Trouble
from screens.backend import FixEnd
from screens.begin import if_meant
from screens.context import RunContext
from screens.dialogs.confirm import GO, ConfirmDialog, Question
from screens.dialogs.message import MessageDialog
from screens.dialogs.secret import SecretDialog
from screens.look import look
from screens.text import clean

_PLAIN = "Only what is wrong is changed, and checked again afterwards. Doing it twice does no harm."


@dataclass(frozen=True, slots=True)
class MendFlow:
    """One fixer at a time. Whether a trouble is here, and what ends it, is the fixer's to say; `diagnosed` hears what is here."""

    context: RunContext
    diagnosed: Callable[[Sequence[Finding]], None] | None = None
    wrong: str = ""
    """What was seen to be wrong, to be told again once it is mended."""

    def diagnose(self, names: Sequence[str] = ()) -> None:
        """Look for these troubles, or for every one."""
        if self.diagnosed is not None:
            self.context.start("Looking for what is wrong", partial(self.context.backend.diagnose, tuple(names)), self.diagnosed)

    def show(self, fixer: Trouble) -> None:
        """Show what would change, and change nothing."""
        self._plan(fixer, self._shown)

    def ask(self, fixer: Trouble) -> None:
        """Show what would change, and mend it once that is confirmed."""
        if not self.context.hands_off():
            self._plan(fixer, self._confirm)

    def _plan(self, fixer: Trouble, then: Callable[[Trouble, FixPreview], None]) -> None:
        work = partial(self.context.backend.plan_fix, fixer.name, self.context.open_run)
        self.context.prepare(f"Looking what {fixer.name} would change", work, partial(then, fixer))

    def _shown(self, fixer: Trouble, plan: FixPreview) -> None:
        lines = [*plan.lines, *_hidden(plan)] or ["This trouble is not here: nothing would change."]
        self._message(f"{fixer.section} {fixer.title}: what would change", lines)

    def _confirm(self, fixer: Trouble, plan: FixPreview) -> None:
        if not plan.lines:
            self._message(f"{fixer.section} {fixer.title}", _hidden(plan) or ["This trouble is not here. Nothing was changed."])
        else:
            question = Question(fixer.title, plan.lines, plan.typed, False, self.context.backend.target, "Fix it", (_PLAIN,))
            self.context.app.push_screen(ConfirmDialog(question), partial(self._confirmed, fixer, plan))

    def _confirmed(self, fixer: Trouble, plan: FixPreview, answer: str | None) -> None:
        if answer == GO:
            if_meant(self.context, partial(self._meant, fixer, plan))

    def _meant(self, fixer: Trouble, plan: FixPreview) -> None:
        if plan.secret:
            self.context.app.push_screen(SecretDialog(fixer.title, plan.secret), partial(self._given, fixer))
        else:
            self._mend(fixer, "")

    def _given(self, fixer: Trouble, secret: str | None) -> None:
        if secret is None:
            self.context.tell("Nothing was given, and nothing was changed.")
        else:
            self._mend(fixer, secret)

    def _mend(self, fixer: Trouble, secret: str) -> None:
        work = partial(self.context.backend.fix, fixer.name, secret, self.context.open_run)
        self.context.start(f"Mending: {fixer.title}", work, partial(self._mended, fixer))

    def _mended(self, fixer: Trouble, end: FixEnd) -> None:
        title = f"{fixer.section} {fixer.title}: " + ("fixed and verified" if end.outcome == "verified" else f"not mended ({end.outcome})")
        wrong = [f"What was wrong: {self.wrong}"] if self.wrong else []
        self._message(title, [*wrong, *end.lines, f"Log: {end.log}"])
        self.diagnose((fixer.name,))
        if self.context.open_run is not None or self.context.look_only:
            look(self.context, whole=True)

    def _message(self, title: str, lines: Sequence[str]) -> None:
        self.context.stage.redraw()
        self.context.app.push_screen(MessageDialog(clean(title), lines))


def _hidden(plan: FixPreview) -> list[str]:
    """What could not be seen: whether it is wrong, nobody can tell."""
    return [f"It could not be seen whether this is here: {line}" for line in plan.unseen]
