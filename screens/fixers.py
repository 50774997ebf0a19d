"""Fixers: the rulebook's troubleshooting chapter, by symptom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from screens.backend import FixerEntry
from screens.base import WizardScreen
from screens.text import clean, one_line

if TYPE_CHECKING:
    from screens.conductor import Conductor


class FixersScreen(WizardScreen):
    """Sections on the left, the chosen one on the right: how it shows itself and what to do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "Copy the steps"),
        Binding("escape", "app.pop_screen", "Back", key_display="esc"),
    ]

    def __init__(self, conductor: Conductor, named: Sequence[str] = ()) -> None:
        super().__init__(conductor)
        self._named = tuple(named)
        self._fixers = tuple(conductor.backend.fixers())

    def body(self) -> Iterable[Widget]:
        """The list and the section."""
        with Vertical(id="listing"):
            head = ("Fixers", "bold"), ("   rulebook section 4: what goes wrong, and how it is mended", "$muted")
            yield Static(Content.assemble(*head), id="list-title", markup=False)
            with Horizontal(id="fixer-columns"):
                yield OptionList(*(Option(self._row(fixer)) for fixer in self._fixers), id="list", markup=False, compact=True)
                with VerticalScroll(id="fixer"):
                    yield Static(id="fixer-text", markup=False)

    def on_mount(self) -> None:
        """Start at the first section that was asked for."""
        listing = self.query_one("#list", OptionList)
        asked = [index for index, fixer in enumerate(self._fixers) if self._asked(fixer)]
        listing.highlighted = (asked or [0])[0] if self._fixers else None
        listing.focus()
        self.redraw()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the section."""
        fixer = self._fixers[event.option_index]
        parts = [
            Content.assemble((f"{fixer.section}  {one_line(fixer.title)}", "bold")),
            Content.assemble(("\nSymptom\n", "bold $primary"), clean(fixer.symptom)),
            Content.styled("\nWhat to do", "bold $primary"),
            *(Content.assemble((f"{number}. ", "bold"), clean(step)) for number, step in enumerate(fixer.steps, 1)),
        ]
        self.query_one("#fixer-text", Static).update(Content("\n").join(parts))

    def action_copy(self) -> None:
        """Copy the chosen section's steps."""
        index = self.query_one("#list", OptionList).highlighted
        if index is not None:
            self.app.copy_to_clipboard(clean("\n".join(self._fixers[index].steps)))
            self.conductor.tell("Copied through the terminal (OSC 52).")

    def _asked(self, fixer: FixerEntry) -> bool:
        return fixer.name in self._named or fixer.section in self._named

    def _row(self, fixer: FixerEntry) -> Content:
        sign = "▸ " if self._asked(fixer) else "  "
        return Content.assemble((sign, "bold $primary"), (f"{fixer.section}  ", "bold $primary"), one_line(fixer.title, 60))
