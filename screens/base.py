"""What all full screens share: the top bar, the footer, the keys that work everywhere, and the size classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer

from screens.keys import help_parts
from screens.widgets.top_bar import TopBar

if TYPE_CHECKING:
    from screens.conductor import Conductor


class WizardScreen(Screen[None]):
    """A full screen. `-narrow` is set below 100 columns, `-short` below 32 rows."""

    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]] | None] = [(0, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS: ClassVar[list[tuple[int, str]] | None] = [(0, "-short"), (32, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q,ctrl+q,ctrl+c", "leave", "Quit", key_display="q", priority=False),
        Binding("colon", "app.command_palette", "Palette", show=False),
    ]

    def __init__(self, conductor: Conductor) -> None:
        super().__init__()
        self.conductor = conductor

    def body(self) -> Iterable[Widget]:
        """What stands between the top bar and the footer."""
        return ()

    def compose(self) -> ComposeResult:
        """Top bar, body, footer."""
        yield TopBar(self.conductor.backend.target)
        yield from self.body()
        yield Footer()

    def on_mount(self) -> None:
        """Draw what is known already."""
        self.redraw()

    def redraw(self) -> None:
        """Draw the run as it stands."""
        self.query_one(TopBar).show(self.conductor.session)

    def tick(self) -> None:
        """Half a second passed: draw what counts time."""
        self.query_one(TopBar).show(self.conductor.session)

    def action_help(self) -> None:
        """Show every key."""
        from screens.dialogs.viewer import Viewer

        self.app.push_screen(Viewer("Keys", help_parts()))

    def action_leave(self) -> None:
        """Leave the application, asking first when a run is open."""
        self.conductor.leave()
