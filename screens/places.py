"""Where to look: every place a release leaves something at, on one panel (rulebook section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from nexy_tui.core.text import age
from nexy_tui.engine.places import Location
from screens.base import WizardScreen
from screens.context import RunContext
from screens.text import one_line
from screens.widgets.grid import grid
from screens.widgets.menu import Menu

_LOOKING = "Looking where everything lies"

_SIGNS = {"there": ("✓", "$success"), "missing": ("✗", "bold $error")}


class PlacesScreen(WizardScreen):
    """The list in the rulebook's order; below it the chosen place's address, state, age, and how to see more of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "look", "Look again"),
        Binding("y", "copy", "Copy", show=False),
        Binding("c", "copy_how", "Copy its command"),
        Binding("escape", "app.pop_screen", "Back", key_display="esc"),
    ]

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self._places: tuple[Location, ...] = ()

    def body(self) -> Iterable[Widget]:
        """Title, list, and the chosen place."""
        about = ("   rulebook section 5; nothing outside is asked", "$muted")
        with Vertical(id="listing"):
            yield Static(Content.assemble(("Where to look", "bold"), about), id="list-title", markup=False)
            yield Menu(enter="Copy", id="list", compact=True)
            yield Static(id="about", markup=False)

    def on_mount(self) -> None:
        """Look."""
        self.query_one("#list").focus()
        self.context.start(_LOOKING, self.context.backend.places, self._list)
        self.redraw()

    @property
    def chosen(self) -> Location | None:
        """The place the cursor is on."""
        index = self.query_one("#list", OptionList).highlighted
        return None if index is None or index >= len(self._places) else self._places[index]

    def on_option_list_option_highlighted(self, _: OptionList.OptionHighlighted) -> None:
        """Show the place."""
        self._about()

    def on_option_list_option_selected(self, _: OptionList.OptionSelected) -> None:
        """Enter or a click copies."""
        self.action_copy()

    def action_look(self) -> None:
        """Look at every place again, and say so: often nothing has changed."""
        self.context.start(_LOOKING, self.context.backend.places, self._list_again)

    def action_copy(self) -> None:
        """Copy the path or the address."""
        self._copied("" if self.chosen is None else self.chosen.where)

    def action_copy_how(self) -> None:
        """Copy the command that shows more."""
        self._copied("" if self.chosen is None else self.chosen.how)

    def _copied(self, text: str) -> None:
        if text:
            self.context.copy(text)

    def _list_again(self, places: Sequence[Location]) -> None:
        self._list(places)
        self.context.tell("Looked again.")

    def _list(self, places: Sequence[Location]) -> None:
        if not self.drawable:
            return
        self._places = tuple(places)
        listing = self.query_one("#list", OptionList)
        before = listing.highlighted
        listing.clear_options()
        listing.add_options(Option(_row(place, self.app.size.width - 45)) for place in self._places)
        if self._places:
            listing.highlighted = min(before or 0, len(self._places) - 1)
        self._about()

    def _about(self) -> None:
        place = self.chosen
        if place is None:
            self.query_one("#about", Static).update("Looking …")
            return
        state = place.state if place.age_s is None else f"{place.state}, {age(place.age_s)} old"
        rows = [("place", place.where), ("state", state), ("note", place.note), ("see it", place.how)]
        self.query_one("#about", Static).update(grid(self.app, [row for row in rows if row[1]], width=8))


def _row(place: Location, room: int) -> Content:
    """Name, state and age; the address where it fits into `room` columns, as it stands below the list anyway."""
    sign, style = _SIGNS.get(place.state, ("·", "$muted"))
    where = one_line(place.where)
    old = "" if place.age_s is None else age(place.age_s)
    return Content.assemble(
        (f"{sign} {one_line(place.name, 14):<15}", style if place.state == "missing" else "bold"),
        (f"{one_line(place.state, 10):<11}", style),
        (f"{old:<9}", "$muted"),
        where if cell_len(where) <= room else "",
    )
