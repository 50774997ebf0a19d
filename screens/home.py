"""Home: what can be done here, and where here is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from screens.backend import REHEARSE, Ending
from screens.base import WizardScreen
from screens.context import RunContext
from screens.dialogs.dialog import Choice
from screens.dialogs.message import MessageDialog
from screens.text import one_line
from screens.widgets.grid import grid
from screens.widgets.menu import Menu

if TYPE_CHECKING:
    from nexy_tui.engine.doctor import Diagnosis
    from nexy_tui.engine.standing import Standing
    from nexy_tui.runlog.read import RunSummary

_ABOUT_READY = "is all set up here? Each line with its next step"

_MENU = (
    ("start", "s", "Start a release", "checked and done step by step, with a signed log"),
    ("resume", "u", "Resume a run", "everything is checked again, then it goes on"),
    ("rehearse", "e", "Rehearse", "a whole release in a sealed world on this machine"),
    ("doctor", "d", "Ready?", _ABOUT_READY),
    ("final", "v", "Final verification", "is what is out right? The rulebook's seven points"),
    ("rollback", "b", "Rollback", "put the release before back, and verify that"),
    ("fixers", "f", "Fixers", "the known troubles: find them, and mend them"),
    ("places", "w", "Where to look", "paths, pages, backups, drills, logs: state and age"),
    ("runs", "l", "Runs", "what was done here, by whom, and how it ended"),
)
_GO_ON = "go-on"


class HomeScreen(WizardScreen):
    """The first screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"choose('{name}')", title, show=False) for name, key, title, _ in _MENU),
        Binding("g", f"choose('{_GO_ON}')", "Go on", show=False),
        Binding("enter", "chosen", "Open", key_display="⏎"),
    ]

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self._left_open: RunSummary | None = None
        self._asked = False
        self._about_ready = _ABOUT_READY

    def body(self) -> Iterable[Widget]:
        """Name, menu, surroundings."""
        with Vertical(id="home"):
            about = ("   a Nexy release, one verified step at a time", "$muted")
            yield Static(Content.assemble(("nexy-tui", "bold $primary"), about), id="name", markup=False)
            yield Static(id="released", markup=False)
            yield Menu(*(Option(_row(*entry[1:]), id=entry[0]) for entry in _MENU), enter="Open", id="menu")
            yield Static(id="surroundings", markup=False)

    def on_mount(self) -> None:
        """Start on the menu; once it is drawn, ask where we are: that loads what is behind the first screen."""
        menu = self.query_one("#menu", OptionList)
        menu.highlighted = 0
        menu.focus()
        self.redraw()
        self.call_after_refresh(self._ask)

    def _ask(self) -> None:
        self._asked = True
        self.context.start("Looking for an open run", self.context.backend.standing, self._stands)
        self.context.start("Reading where this is", self.context.backend.surroundings, self._show)
        self._ask_whether_ready()

    def _ask_whether_ready(self) -> None:
        """What is set up, as far as this machine alone can tell: no other one is asked for this."""
        self.context.start("Checking the set-up", partial(self.context.backend.diagnosis, offline=True), self._ready)

    def _ready(self, found: Diagnosis) -> None:
        """How many lines are not ready, where the way to them stands."""
        if self.drawable:
            self._about_ready = found.shortcoming or _ABOUT_READY
            self.query_one("#menu", OptionList).replace_option_prompt("doctor", _row("d", "Ready?", self._about_ready))

    def on_screen_resume(self) -> None:
        """Back here: what was begun or ended meanwhile is told."""
        if self._asked and self.drawable:
            self.context.start("Looking for an open run", self.context.backend.standing, self._stands)

    def action_chosen(self) -> None:
        """Enter, wherever the focus is."""
        self.query_one("#menu", OptionList).action_select()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click."""
        if event.option_id is not None:
            self.action_choose(event.option_id)

    def action_choose(self, name: str) -> None:
        """Open what was chosen."""
        stage = self.context.stage
        ways: dict[str, Callable[[], object]] = {
            _GO_ON: self._go_on,
            "start": stage.open_start,
            "resume": partial(stage.open_runs, only_open=True),
            "rehearse": self._rehearse,
            "final": self._final,
            "rollback": stage.open_rollback,
            "doctor": stage.open_doctor,
            "fixers": stage.open_fixers,
            "places": stage.open_places,
            "runs": stage.open_runs,
        }
        ways[name]()

    def _stands(self, standing: Standing) -> None:
        """The open run first, and chosen unless the operator has chosen already; below the name what was released last."""
        if not self.drawable:
            return
        menu, moved = self.query_one("#menu", OptionList), self._left_open != standing.left_open
        self._left_open = standing.left_open
        released = self.query_one("#released", Static)
        released.display = bool(standing.released)
        released.update(Content.assemble(("✓ ", "$success"), one_line(standing.released)))
        if moved:
            menu.clear_options()
            if standing.left_open is not None:
                menu.add_option(Option(_row("g", f"Go on with {_name(standing.left_open)}", one_line(standing.at)), id=_GO_ON))
            menu.add_options(Option(_row(*entry[1:]), id=entry[0]) for entry in _MENU)
            menu.replace_option_prompt("doctor", _row("d", "Ready?", self._about_ready))
            menu.highlighted = 0

    def _go_on(self) -> None:
        from screens.begin import resume

        left = self._left_open
        if left is None:
            self.context.tell("No run is open here.")
        elif left.fixer:
            self.context.stage.open_fixers([left.fixer])
        else:
            resume(self.context, left.path)

    def _final(self) -> None:
        from screens.begin import open_look

        open_look(self.context)

    def _show(self, rows: Sequence[tuple[str, str]]) -> None:
        if not self.drawable:
            return
        target = self.context.backend.target
        database = f"on the VM {target.vm.name}" if target.database.where == "vm" else "local"
        facts = [
            ("operator", self.context.backend.operator),
            ("code", target.code_repository),
            ("artifacts", target.artifacts_repository),
            ("server", target.update_server.host),
            ("database", database),
            *rows,
        ]
        self.query_one("#surroundings", Static).update(grid(self.app, facts, width=14))

    def _rehearse(self) -> None:
        world = self.context.backend.target.world
        if world is not None:
            lines = [f"This is the rehearsal world {world} already: nothing done here leaves this machine.", "Start a release."]
            self.app.push_screen(MessageDialog("You are in a rehearsal", lines))
            return
        lines = [
            "A full local world: real git, a real PostgreSQL, a release host, a cloud, a VM and an update server, on this machine.",
            "It comes up in a few seconds. The wizard leaves and comes back inside it; nothing done there reaches production.",
            "Without this screen:  nexy-tui rehearse",
        ]
        choices = [Choice(REHEARSE, "Enter a rehearsal", "y", "go"), Choice("no", "Stay here", "n")]
        self.app.push_screen(MessageDialog("Rehearse", lines, choices), self._leave_to_rehearse)

    def _leave_to_rehearse(self, choice: str | None) -> None:
        if choice == REHEARSE:
            self.app.exit(Ending(request=REHEARSE))


def _name(run: RunSummary) -> str:
    from nexy_tui.engine.story import called

    return one_line(called(run.purpose, run.version) if run.fixer else run.version, 40)


def _row(key: str, title: str, about: str) -> Content:
    return Content.assemble((f"{key}  ", "bold $primary"), (f"{title:<20} ", "bold"), (about, "$muted"))
