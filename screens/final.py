"""Final verification without a run: whether what is out is right, what is wrong and why, mending it from here, and keeping the answer."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from nexy_tui.checklist import CHECKLIST
from nexy_tui.core.finding import Finding, Status
from nexy_tui.core.remedy import Mend
from nexy_tui.engine.next_step import mending_words
from nexy_tui.engine.session import Session
from screens.look import look
from screens.mend import MendFlow
from screens.phase import PhaseScreen
from screens.text import clean, one_line
from screens.widgets.line import relabel

CUSTOMERS = tuple(item.id for item in CHECKLIST.phases[-1].items if item.profiles)
"""The items that say what customers get: those that the gate asks too."""


class FinalScreen(PhaseScreen):
    """The morning after. One sentence says how it stands; Enter mends what is wrong where a fixer can, and then checks again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "save", "Save this check"),
        Binding("escape,h", "home", "Home", key_display="esc"),
    ]

    _led_to = ""
    """The item that the cursor was put on."""

    def panels(self) -> Iterable[Widget]:
        """The answer in a sentence or two."""
        yield Static(id="answer", markup=False)

    def redraw(self) -> None:
        """Draw the answer with the rest."""
        super().redraw()
        if not self.drawable:
            return
        answer, button = self.query_one("#answer", Static), self.query_one("#next", Button)
        answer.update(self._answer())
        mended = self._mendable()
        if mended is not None and mended[0].item != self._led_to:
            self._led_to = mended[0].item
            self.select(mended[0].item)
        relabel(button, Content.assemble((" ⏎ ", "bold"), f"{mending_words(mended[1]) if mended is not None else 'Home'} "))

    def action_primary(self) -> None:
        """Mend what is wrong, where something here can; else home."""
        mended = self._mendable()
        if self.context.running is not None:
            self.context.tell("It is being checked; the next step is shown when that has ended.")
        elif mended is None:
            self.context.go_home()
        else:
            finding, name = mended
            trouble = next((one for one in self.context.backend.fixers() if one.name == name), None)
            if trouble is not None:
                MendFlow(self.context, wrong=one_line(finding.summary, 400)).ask(trouble)

    def action_home(self) -> None:
        """Back to the home screen; a log that is open is folded first."""
        if self.has_class("-big-log"):
            self.remove_class("-big-log")
        else:
            self.context.go_home()

    def action_look(self) -> None:
        """Check everything again."""
        look(self.context, whole=True, again=True)

    def action_save(self) -> None:
        """Keep what was found as a signed record, and a page that can be shown to others."""
        context = self.context
        if len(self._found()) < len(self.phase.items) or context.running is not None:
            context.tell("Not everything is checked yet; it can be saved when it is.")
            return

        def reported(page: Path) -> None:
            context.copy(str(page), f"Saved and signed. To show to others (the path is copied): {page}")

        def saved(log: Path) -> None:
            context.start("Writing the page", partial(context.backend.report, log), reported)

        context.start("Saving this check", partial(context.backend.save, self.session), saved)

    def _found(self) -> list[Finding]:
        findings = self.session.state.findings
        return [findings[item.id] for item in self.phase.items if item.id in findings]

    def _mendable(self) -> tuple[Finding, str] | None:
        """The first thing that is wrong and that a fixer ends, with the fixer."""
        wrong = (finding for finding in self._found() if not finding.status.satisfied and isinstance(finding.remedy, Mend))
        return next(((finding, finding.remedy.fixer) for finding in wrong if isinstance(finding.remedy, Mend)), None)

    def _answer(self) -> Content:
        found, version = self._found(), self.session.plan.version
        if len(found) < len(self.phase.items):
            return Content.styled("Checking what is out, from outside …", "$muted")
        wrong = [finding for finding in found if finding.status in (Status.FAILED, Status.PENDING)]
        unseen = [finding for finding in found if finding.status is Status.INCONCLUSIVE]
        if wrong:
            first = next((finding for finding in wrong if isinstance(finding.remedy, Mend)), wrong[0])
            head = f"✗ {_how_bad(self.session, str(version))}: {len(wrong)} of {len(found)} wrong. "
            return Content.assemble((head, "bold $error"), clean(first.summary))
        if unseen:
            head = f"? {len(unseen)} of {len(found)} could not be seen; nothing was seen to be wrong. "
            return Content.assemble((head, "bold $warning"), clean(unseen[0].summary))
        return Content.assemble((f"✓ {version} is out and right: all {len(found)} verified. ", "bold $success"), "s keeps this, signed.")


def _how_bad(session: Session, version: str) -> str:
    """Broken, where what customers get is wrong; where all of that was seen to be right, they are served all the same."""
    statuses = [session.state.status(item) for item in CUSTOMERS]
    if Status.FAILED in statuses:
        return f"{version} is broken"
    return "Customers are served, but not all is right" if all(status.satisfied for status in statuses) else "Not all is right"
