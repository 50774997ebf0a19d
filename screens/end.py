"""The end: that it is over, what customers get now, what to tell the team, where log and report lie, and that nothing is left to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.visual import VisualType
from textual.widget import Widget
from textual.widgets import Static

from nexy_tui.core.finding import Status
from nexy_tui.core.plan import Plan
from nexy_tui.core.target import DMG
from screens.base import WizardScreen
from screens.context import RunContext
from screens.dialogs.viewer import Viewer
from screens.marks import STATUS
from screens.text import clean, one_line
from screens.widgets.grid import grid


class EndScreen(WizardScreen):
    """Shown after the seal. Message and path can be copied through the terminal; the signature's details are one key away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,h,n", "home", "Home", key_display="enter"),
        Binding("m", "copy_message", "Copy message"),
        Binding("c", "copy_path", "Copy path"),
        Binding("s", "signature", "Signature"),
    ]

    def __init__(self, context: RunContext, log: Path, outcome: str) -> None:
        super().__init__(context)
        self._log, self._outcome = log, outcome
        self._page: Path | None = None

    def body(self) -> Iterable[Widget]:
        """Verdict, what customers get, message, places, what is left."""
        with VerticalScroll(id="end"):
            yield Static(self._verdict(), id="verdict", markup=False)
            for title, text in self._parts():
                yield Static(Content.assemble((f"{title}\n", "bold $primary"), clean(text)), classes="space-below", markup=False)
            yield Static(id="lies", markup=False)

    def on_mount(self) -> None:
        """Write the report beside the log."""
        self.add_class("-complete" if self._outcome == "complete" else "-ended")
        for part in self.query("#end"):
            part.focus()
        self.context.start("Writing the report", partial(self.context.backend.report, self._log), self._reported)
        self._show_places()
        self.redraw()

    def action_copy_message(self) -> None:
        """Copy the message for the team's chat."""
        self.context.copy(self._message(), "The message is copied: paste it into the team's chat.")

    def action_copy_path(self) -> None:
        """Copy the log's path."""
        self.context.copy(str(self._log), "The log's path is copied.")

    def action_signature(self) -> None:
        """How anybody verifies the log, and how every item was verified."""
        self.context.start("Composing", partial(self.context.backend.verify_commands, self._log), self._signature)

    def action_home(self) -> None:
        """Back to the home screen."""
        self.context.go_home()

    @property
    def _plan(self) -> Plan | None:
        return None if self.context.session is None else self.context.session.plan

    def _verdict(self) -> Content:
        plan = self._plan
        version = "The run" if plan is None else str(plan.version)
        if self._outcome == "complete":
            return Content.assemble((f"✓ {version} is released and verified.", "bold $success"), " You are finished.")
        rest = "\nIts log is signed; nothing more can be added to it. A new run looks at what is there."
        word = "closed unfinished" if self._outcome == "aborted" else f"ended: {self._outcome}"
        return Content.assemble((f"! {version} is {word}.", "bold $warning"), rest)

    def _parts(self) -> Iterable[tuple[str, str]]:
        plan = self._plan
        if self._outcome != "complete" or plan is None:
            return
        yield "Customers", _customers(plan)
        yield "For the team's chat (m copies it)", self._message()
        yield "Left to do", "Nothing."

    def _message(self) -> str:
        plan = self._plan
        if plan is None:
            return str(self._log)
        if self._outcome != "complete":
            return f"{_practice(plan)}The run of Nexy {plan.version} was closed unfinished ({self._outcome})."
        words = [f"{_practice(plan)}Nexy {plan.version} is released and verified ({plan.kind.value}, by {self.context.backend.operator})."]
        attested = self._attested()
        if attested:
            words.append(f"Attested, not seen by a machine: {', '.join(attested)}.")
        return " ".join([*words, _customers(plan), f"Run {plan.run}."])

    def _attested(self) -> Sequence[str]:
        session = self.context.session
        if session is None:
            return ()
        return [item.title for item in session.checklist.items if session.state.status(item.id) is Status.ATTESTED]

    def _reported(self, page: Path) -> None:
        self._page = page
        self._show_places()

    def _show_places(self) -> None:
        if self.drawable:
            rows = [("report", "being written …" if self._page is None else str(self._page)), ("signed log", str(self._log))]
            self.query_one("#lies", Static).update(grid(self.app, rows, width=10))

    def _signature(self, commands: Sequence[str]) -> None:
        parts: list[VisualType] = [
            self._counts(),
            Content("The log's signature lies beside it, in a file ending in .sig. Verify it, here or anywhere:"),
            grid(self.app, [("$", command) for command in commands], width=1),
        ]
        self.app.push_screen(Viewer("How it was verified and signed", parts, copy="\n".join(commands)))

    def _counts(self) -> Content:
        session = self.context.session
        if session is None:
            return Content("")
        counts = Counter(session.state.status(item.id) for item in session.checklist.items)
        parts: list[Content | str] = [f"{len(session.checklist.items)} items: "]
        for status in Status:
            if counts[status]:
                parts += [Content.styled(f"{STATUS[status].symbol} {counts[status]} {STATUS[status].word}", STATUS[status].style), "   "]
        attested = self._attested()
        if attested:
            sentence = f"\nattested by {one_line(self.context.backend.operator)}: {', '.join(attested)}"
            parts.append(Content.styled(sentence, STATUS[Status.ATTESTED].style))
        return Content.assemble(*parts, "\n")


def _practice(plan: Plan) -> str:
    return "" if plan.target.world is None else "REHEARSAL, not real: "


def _customers(plan: Plan) -> str:
    """What they get from now on."""
    if not plan.kind.publishes:
        return f"Customers keep the application they have ({plan.published or 'as before'}); the server runs {plan.version}."
    return f"Customers are offered {plan.version} from now on: {plan.target.asset_url(DMG)}"
