"""Fixers: the rulebook's troubleshooting chapter: what of it is here, what would change, and mending it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from nexy_tui.core.finding import Finding, Status
from nexy_tui.fixers import Trouble
from screens.base import WizardScreen
from screens.context import RunContext
from screens.marks import HERE, STATUS
from screens.mend import MendFlow
from screens.text import clean, one_line
from screens.widgets.menu import Menu

_INDENT, _PADDING = 7, 3
"""Columns before a title, and those beside a line of the list."""

_WORST = (Status.FAILED, Status.INCONCLUSIVE, Status.PASSED)


class FixersScreen(WizardScreen):
    """Sections on the left, the chosen one on the right: how it shows itself, whether it is here, and what to do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "look", "Look for all"),
        Binding("d", "plan", "What would change"),
        Binding("m", "mend", "Mend", show=False),
        Binding("y", "copy", "Copy the steps", show=False),
        Binding("escape", "app.pop_screen", "Back", key_display="esc"),
    ]

    def __init__(self, context: RunContext, named: Sequence[str] = ()) -> None:
        super().__init__(context)
        self._named = tuple(named)
        self._fixers = tuple(context.backend.fixers())
        self._findings: dict[str, tuple[Finding, ...]] = {}
        self._flow = MendFlow(context, self._diagnosed)
        self._room = 60

    def body(self) -> Iterable[Widget]:
        """The list and the section."""
        with Vertical(id="listing"):
            head = ("Fixers", "bold"), ("   rulebook section 4: what goes wrong, and how it is mended", "$muted")
            yield Static(Content.assemble(*head), id="list-title", markup=False)
            with Horizontal(id="fixer-columns"):
                yield Menu(*(Option(self._row(fixer)) for fixer in self._fixers), enter="Mend", id="list", compact=True)
                with VerticalScroll(id="fixer"):
                    yield Static(id="fixer-text", markup=False)

    def on_mount(self) -> None:
        """Start at the first section that was asked for."""
        listing = self.query_one("#list", OptionList)
        asked = [index for index, fixer in enumerate(self._fixers) if self._asked(fixer)]
        listing.highlighted = (asked or [0])[0] if self._fixers else None
        listing.focus()
        self.redraw()

    def on_resize(self) -> None:
        """Titles are folded by width, under themselves."""
        self.call_after_refresh(self._fold)

    def _fold(self) -> None:
        listing = self.query_one("#list", OptionList)
        self._room = listing.scrollable_content_region.width - _PADDING
        self._mark(listing)

    def _mark(self, listing: OptionList) -> None:
        for index, fixer in enumerate(self._fixers):
            listing.replace_option_prompt_at_index(index, self._row(fixer))

    @property
    def chosen(self) -> Trouble | None:
        """The section the cursor is on."""
        index = self.query_one("#list", OptionList).highlighted
        return None if index is None else self._fixers[index]

    def on_option_list_option_highlighted(self, _: OptionList.OptionHighlighted) -> None:
        """Show the section."""
        self._show()

    def on_option_list_option_selected(self, _: OptionList.OptionSelected) -> None:
        """Enter or a click mends, after it was shown and confirmed."""
        self.action_mend()

    def action_look(self) -> None:
        """Look for every trouble of the chapter."""
        self._flow.diagnose()

    def action_plan(self) -> None:
        """Show exactly what mending the chosen one would change."""
        if self.chosen is not None:
            self._flow.show(self.chosen)

    def action_mend(self) -> None:
        """Mend the chosen one."""
        if self.chosen is not None:
            self._flow.ask(self.chosen)

    def action_copy(self) -> None:
        """Copy the chosen section's steps."""
        if self.chosen is not None:
            self.context.copy("\n".join(self.chosen.steps))

    def _diagnosed(self, findings: Sequence[Finding]) -> None:
        """Mark what was found, section by section; the cursor goes to the worst of it."""
        if not self.drawable:
            return
        for name in {finding.fixers[0] for finding in findings}:
            self._findings[name] = tuple(finding for finding in findings if finding.fixers[0] == name)
        listing = self.query_one("#list", OptionList)
        self._mark(listing)
        worst = findings[0] if findings else None
        if worst is not None and not worst.status.satisfied:
            listing.highlighted = [fixer.name for fixer in self._fixers].index(worst.fixers[0])
        here = sum(finding.status is Status.FAILED for finding in findings)
        self.context.tell(f"{here} found, worst first." if here else "Looked: nothing of it is here, as far as could be seen.")
        self._show()

    def _show(self) -> None:
        fixer = self.chosen
        if fixer is None:
            return
        found = [
            Content.assemble(STATUS[finding.status].content(), "  ", one_line(finding.summary, 600))
            for finding in self._findings.get(fixer.name, ())
        ]
        parts = [
            Content.assemble((f"{fixer.section}  {one_line(fixer.title)}", "bold")),
            Content.assemble(("\nSymptom\n", "bold $primary"), clean(fixer.symptom)),
            *([Content.styled("\nIs it here?", "bold $primary"), *found] if found else []),
            Content.styled("\nWhat to do", "bold $primary"),
            *(Content.assemble((f"{number}. ", "bold"), clean(step)) for number, step in enumerate(fixer.steps, 1)),
            Content.styled("\nEnter mends it: it is shown first, and confirmed", "$muted"),
        ]
        self.query_one("#fixer-text", Static).update(Content("\n").join(parts))

    def _asked(self, fixer: Trouble) -> bool:
        return fixer.name in self._named or fixer.section in self._named

    def _row(self, fixer: Trouble) -> Content:
        found = self._findings.get(fixer.name, ())
        worst = next((status for status in _WORST if any(one.status is status for one in found)), None)
        mark = HERE if worst is None and self._asked(fixer) else None if worst is None else STATUS[worst]
        sign = ("  ", "") if mark is None else (f"{mark.symbol} ", mark.style)
        title = wrap(one_line(fixer.title, 60), max(12, self._room - _INDENT))
        return Content.assemble(sign, (f"{fixer.section}  ", "bold $primary"), f"\n{' ' * _INDENT}".join(title))
