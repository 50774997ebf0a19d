"""The wizard as a Textual application: it shows screens, owns the worker threads, and leaves the terminal as it found it.

Home alone is imported before anything is drawn; every other screen, and the engine behind it, when it is first asked for.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.events import Event, Key
from textual.message import Message
from textual.screen import ModalScreen

import screens
from screens.backend import Backend, Ending, NewRun, Opening, ResumeRun
from screens.base import ALWAYS, WizardScreen
from screens.context import RunContext
from screens.home import HomeScreen
from screens.jobs import JobEnded
from screens.text import clean
from screens.theme import DAY, DEFAULTS, NIGHT

if TYPE_CHECKING:
    from nexy_tui.engine.session import Session

FRAME = 0.1
"""Seconds between two drawings of what the threads said: ten a second at most."""

_GRACE = 5.0
"""Seconds that whoever still looks is given, once the application was told to end."""

_BASE = 1
"""Screens that stay at the bottom of the stack: home."""


class Awake(Message):
    """A thread has something to show."""


class NexyApp(App[Ending]):
    """The wizard. `run` returns an Ending: exit status, log, and what the operator asked to be done next."""

    TITLE = "nexy-tui"
    COMMANDS: ClassVar[set[type[Provider]]] = set()  # type: ignore[assignment]
    CSS_PATH = Path(screens.__path__[0]) / "nexy.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "Help", key_display="?"),
        Binding("q", "quit", "Quit"),
        Binding("colon", "palette", "Palette", show=False),
        Binding("ctrl+q,ctrl+c", "quit", show=False, priority=True),
    ]

    def __init__(self, backend: Backend, auto: bool = False, opening: Opening | None = None) -> None:
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.register_theme(NIGHT)
        self.register_theme(DAY)
        self.set_reactive(App.theme, NIGHT.name)  # Not watched: at the start that would parse the style sheet twice.
        self.stylesheet.set_variables(self.get_css_variables())
        self.backend, self._opening = backend, opening or (NewRun() if auto else None)
        self.context = RunContext(self, self, backend, lambda: self.post_message(Awake()), auto)
        self._drawn = 0.0
        self._in_terminal = False

    def run(self, *args: Any, **options: Any) -> Ending | None:
        """Run to the end; whatever ends it, the session is let go."""
        try:
            return super().run(*args, **options)
        finally:
            self.context.close()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Colours that Textual's own themes do not name."""
        return dict(DEFAULTS)

    def get_default_screen(self) -> HomeScreen:
        """Home, at the bottom of the stack."""
        return HomeScreen(self.context)

    def on_mount(self) -> None:
        """Then what the command line asked for."""
        self._leave_on_signals()
        self._in_terminal = not self.is_headless and os.isatty(0)
        self.set_interval(0.5, self._tick)
        if self._opening is not None:
            self._open(self._opening)

    def _open(self, opening: Opening) -> None:
        from screens import begin

        if isinstance(opening, ResumeRun):
            begin.resume(self.context, opening.path)
        elif self.context.auto:
            begin.open_run(self.context, self._open_wanted)
        else:
            self.open_start(opening)

    def on_awake(self, _: Awake) -> None:
        """Draw now, or at the next frame when one was drawn a moment ago."""
        wait = self._drawn + FRAME - time.monotonic()
        if wait <= 0:
            self._draw()
        else:
            self.set_timer(wait, self._draw)

    def on_job_ended(self, message: JobEnded) -> None:
        """A worker thread ended."""
        self.context.jobs.ended(message)
        self.redraw()

    def show_phase(self, phase: str) -> None:
        """Put a phase's screen on, above home."""
        from screens.phases import screen_for

        self._show(screen_for(self.context, phase))

    def show_item(self, item: str) -> None:
        """Put the cursor of the phase's screen on an item."""
        from screens.phase import PhaseScreen

        for screen in self.screen_stack:
            if isinstance(screen, PhaseScreen) and screen.drawable:
                screen.select(item)

    def show_end(self, log: Path, outcome: str) -> None:
        """Put the end screen on."""
        from screens.end import EndScreen

        self._show(EndScreen(self.context, log, outcome))

    def show_home(self) -> None:
        """Back to home."""
        while len(self.screen_stack) > _BASE:
            self.pop_screen()

    def open_start(self, wanted: NewRun | None = None) -> None:
        """Open the form of a new run."""
        from screens.start import StartScreen

        self.push_screen(StartScreen(self.context, wanted))

    def open_runs(self, *, only_open: bool = False) -> None:
        """Open the list of runs, or of those that can be resumed."""
        from screens.runs import RunsScreen

        self.push_screen(RunsScreen(self.context, only_open=only_open))

    def open_fixers(self, named: Sequence[str] = ()) -> None:
        """Open the troubleshooting chapter at these fixers."""
        from screens.fixers import FixersScreen

        self.push_screen(FixersScreen(self.context, named))

    def open_rollback(self) -> None:
        """Open what a rollback would put back."""
        from screens.rollback import RollbackScreen

        self.push_screen(RollbackScreen(self.context))

    def open_doctor(self) -> None:
        """Open whether all is set up."""
        from screens.doctor import DoctorScreen

        self.push_screen(DoctorScreen(self.context))

    def open_places(self) -> None:
        """Open where to look."""
        from screens.places import PlacesScreen

        self.push_screen(PlacesScreen(self.context))

    def redraw(self) -> None:
        """Draw every full screen on the stack as the run stands."""
        for screen in self.screen_stack:
            if isinstance(screen, WizardScreen) and screen.drawable:
                screen.redraw()

    async def on_event(self, event: Event) -> None:
        """While a question is being prepared a key is no command: who types ahead means the question. Escape has it not asked."""
        if isinstance(event, Key) and self.context.jobs.asking and isinstance(self.screen, WizardScreen) and event.key not in ALWAYS:
            if event.key == "escape":
                self.context.jobs.drop_asking()
                self.context.tell("It is not asked, and nothing is done.")
                self.redraw()
            return
        await super().on_event(event)

    async def action_quit(self) -> None:
        """Leave; an open run is asked about first."""
        from screens import leave
        from screens.dialogs.leave import LeaveDialog

        if not isinstance(self.screen, LeaveDialog):
            leave.ask(self.context)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy through the terminal; what is pasted elsewhere commands no terminal there either."""
        super().copy_to_clipboard(clean(text))

    def action_palette(self) -> None:
        """The palette by a key that no terminal swallows."""
        self.action_command_palette()

    def action_help(self) -> None:
        """Explain what is shown: the item, the words, the keys."""
        from screens.dialogs.viewer import Viewer
        from screens.help import help_on

        if not isinstance(self.screen, Viewer):
            self.push_screen(Viewer("Help", help_on(self)))

    def _show(self, screen: WizardScreen) -> None:
        while len(self.screen_stack) > _BASE + 1 or isinstance(self.screen, ModalScreen):
            self.pop_screen()
        if len(self.screen_stack) == _BASE + 1:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def _open_wanted(self) -> Session:
        from nexy_tui.core.problem import Unusable
        from nexy_tui.core.version import NAME_VERSION

        wanted = self._opening if isinstance(self._opening, NewRun) else NewRun()
        version = wanted.version or self.backend.proposal().version
        if version is None:
            raise Unusable("Which version comes next could not be found out.", "Nothing is released by guess.", NAME_VERSION)
        return self.backend.open_run(version, wanted.kind, wanted.with_pkg)

    def _draw(self) -> None:
        from screens.look import take

        self._drawn = time.monotonic()
        take(self.context)

    def _tick(self) -> None:
        if self._in_terminal and not os.isatty(0):  # It is gone, and whoever started us may not pass its SIGHUP on.
            self._in_terminal = False
            self._signalled(128 + signal.SIGHUP)
        for screen in self.screen_stack:
            if isinstance(screen, WizardScreen) and screen.drawable:
                screen.tick()

    def _leave_on_signals(self) -> None:
        """SIGTERM and SIGHUP end the application in order, so that the terminal comes back from its alternate screen."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled, 128 + number)

    def _signalled(self, code: int) -> None:
        session = self.context.open_run
        if session is not None:
            session.turn.cancel()
        ending = self.context.ending()
        self.exit(Ending(code, ending.log, ending.run, ending.sealed))
        if not self.is_headless:
            threading.Thread(target=_end_at_last, args=(code, session), daemon=True).start()


def _end_at_last(code: int, session: Session | None) -> None:
    """End the process that was told to end: a look that hangs in a dead line is not waited for, an action is, and then none begins."""
    from nexy_tui.core.problem import Refused
    from nexy_tui.services.processes import end_all

    while True:
        time.sleep(_GRACE)
        with suppress(Refused), nullcontext() if session is None else session.turn.taken_by("Leaving"):
            end_all()
            os._exit(code)
