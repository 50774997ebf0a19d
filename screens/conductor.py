"""What stands between the screens and the session: it opens runs, queues looks and actions, and asks the operator.

It decides nothing. Whether the release may go on, an action may run or an item may be attested is asked of the session.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from textual.app import App

from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import Problem
from nexy_tui.core.version import Version
from nexy_tui.engine.notice import PhaseOpened
from nexy_tui.engine.session import Session
from nexy_tui.release import Refusal
from screens.acting import Acting
from screens.backend import Backend, Ending
from screens.dialogs.leave import ABORT, LEAVE, LeaveDialog
from screens.dialogs.message import ProblemDialog
from screens.feed import Feed
from screens.jobs import Jobs
from screens.view import RunView


class Stage(Protocol):
    """Where screens are shown: the application."""

    def show_phase(self, phase: str) -> None:
        """Put a phase's screen on."""
        ...

    def show_end(self, log: Path, outcome: str) -> None:
        """Put the end screen on."""
        ...

    def show_home(self) -> None:
        """Back to the home screen."""
        ...

    def redraw(self) -> None:
        """Draw whatever is on, as the run stands."""
        ...


class Conductor(Acting):
    """One application's runs, one at a time."""

    def __init__(self, app: App[Any], stage: Stage, backend: Backend, feed: Feed, *, auto: bool = False) -> None:
        super().__init__(app, Jobs(app))
        self.stage, self.backend, self.feed, self.auto = stage, backend, feed, auto
        self.look_only = False
        self.driving = False
        self.leaving = False
        self._closed = True

    def start(self, version: Version, kind: Kind, with_pkg: bool) -> None:
        """Begin a run."""
        self.open(partial(self.backend.open_run, version, kind, with_pkg))

    def resume(self, path: Path) -> None:
        """Take a run up again."""
        self.open(partial(self.backend.resume, path), resumed=True)

    def open(self, factory: Callable[[], Session], *, resumed: bool = False) -> None:
        """Open a run in a thread and show its first phase."""
        self.jobs.start("Opening the run", factory, partial(self._opened, resumed=resumed), self._could_not_open)

    def open_look(self) -> None:
        """Final verification without a run."""
        self.jobs.start("Opening a look", self.backend.look_session, self._looking, self._could_not_open)

    def take(self) -> None:
        """Bring the picture up to what the threads said, and follow the release to its phase."""
        notices = self.feed.drain()
        if self.view is None:
            return
        self.view.take(notices)
        opened = [notice.phase for notice in notices if isinstance(notice, PhaseOpened)]
        if opened and opened[-1] is not None:
            self.stage.show_phase(opened[-1])
            if not self.driving:
                self.look()
        self.stage.redraw()

    def look(self, *, whole: bool = False) -> None:
        """Look at the open phase: when it opens without what its actions are still to make, otherwise whole."""
        session = self.session
        if session is None or self.leaving:
            return
        phase = self.shown_phase
        work = partial(session.look_at_phase if whole else session.look_ahead, phase)
        self.jobs.start(f"Looking at {session.checklist.phase(phase).title}", work, lambda _: self.stage.redraw(), self.problem)
        self.stage.redraw()

    def look_at(self, item: str) -> None:
        """Look at one item again."""
        if self.session is not None:
            work = partial(self.session.look, [self.session.checklist.item(item)])
            self.jobs.start(f"Looking at {item}", work, lambda _: self.stage.redraw(), self.problem)
            self.stage.redraw()

    @property
    def shown_phase(self) -> str:
        """The open phase; the last one when every phase is done or nothing is released."""
        assert self.session is not None
        phases = self.session.checklist.phases
        return phases[-1].id if self.look_only else self.session.state.phase or phases[-1].id

    def advance(self) -> None:
        """Open the next phase, seal after the last, or say what stands in the way."""
        session = self.session
        if session is None or self.hands_off():
            return
        if self.look_only:
            self.go_home()
            return
        if self.acting is not None:
            self.tell(f"{self.title(self.acting)} is still running. Next waits for its end.")
            return
        try:
            refusal = session.advance()
        except Problem as problem:
            self.problem(problem)
            return
        if isinstance(refusal, Refusal):
            self.explain(refusal, "Next")
        elif session.state.phase is None:
            self.seal("complete")
        else:
            self.take()

    def open_phase(self, phase: str) -> None:
        """Show an earlier phase again."""
        session = self.session
        if session is None or self.look_only or self.hands_off() or phase == session.state.phase:
            return
        if self.acting is not None:
            self.tell(f"{self.title(self.acting)} is still running.")
            return
        try:
            session.open_phase(phase)
        except ValueError:
            self.tell("That phase is not open yet; Next leads there, one phase at a time.")
            return
        self.take()

    def seal(self, outcome: str) -> None:
        """End the run and show where its log lies."""
        session = self.session
        assert session is not None

        def sealed(path: Path) -> None:
            self._closed = True
            session.close()
            self.take()
            self.stage.show_end(path, outcome)

        self.jobs.start("Sealing the log", partial(session.seal, outcome), sealed, self.problem)
        self.stage.redraw()

    def leave(self) -> None:
        """Leave the application; a run that is open is asked about first."""
        if self.session is None or self.look_only or self._closed:
            self.app.exit(self.ending())
            return
        running = None if self.acting is None else self.title(self.acting)
        self.app.push_screen(LeaveDialog(self.session, running), self._left)

    def go_home(self) -> None:
        """Back to the home screen when no run is open."""
        if self._closed:
            self.session, self.view, self.look_only = None, None, False
            self.jobs.drop_waiting()
            self.stage.show_home()

    def ending(self, *, interrupted: bool = False) -> Ending:
        """What the application returns: 0 after a complete run or without one, 1 after another end, 130 for one left open."""
        session = self.session
        if session is None or session.log is None:
            return Ending(130 if interrupted else 0)
        sealed = self.view.sealed.outcome if self.view is not None and self.view.sealed is not None else None
        code = 130 if sealed is None else 0 if sealed == "complete" else 1
        return Ending(code, session.log.path, session.plan.run, sealed)

    def close(self) -> None:
        """Let the session go, once: its lock is given back and its log closed. May take time."""
        if self.session is not None and not self._closed:
            self._closed = True
            self.session.close()

    def _opened(self, session: Session, *, resumed: bool) -> None:
        self._adopt(session)
        self._closed = False
        if self.auto:
            self.driving = True
            self.jobs.start("Auto", partial(self.backend.drive, session), self._driven, self._broke_off)
        elif resumed:
            self.driving = True
            self.jobs.start("Taking the run up", partial(catch_up, session), self._caught_up, self.problem)
        else:
            self.look()

    def _looking(self, session: Session) -> None:
        self.look_only = True
        self._adopt(session)
        self.look(whole=True)

    def _adopt(self, session: Session) -> None:
        self.session, self.view = session, RunView(session.services.clock)
        session.watch(self.feed)
        self.stage.show_phase(self.shown_phase)

    def _could_not_open(self, problem: Problem) -> None:
        def closed(_: str | None) -> None:
            if self.auto:
                self.app.exit(Ending(problem.exit_code))

        self.app.push_screen(ProblemDialog("The run cannot be opened", problem), closed)

    def _caught_up(self, _: object) -> None:
        self.driving = False
        self.take()
        self.look()

    def _left(self, choice: str | None) -> None:
        if choice not in (LEAVE, ABORT) or self.session is None:
            return
        self.jobs.drop_waiting()
        if self.acting is not None:
            self.leaving = True
            if not self.session.cancel():
                self.tell("It can no longer be stopped; the wizard leaves at its end.")
        if choice == ABORT:
            self.leaving = False
            self.seal("aborted")
        else:
            self.jobs.start("Closing the run", self.close, lambda _: self.app.exit(self.ending()), lambda _: self.app.exit(self.ending()))
        self.stage.redraw()


def catch_up(session: Session) -> None:
    """Ask the world about one phase after another and go on while everything holds; the last phase stays open."""
    while (phase := session.state.phase) is not None:
        session.look_ahead(phase)
        if phase == session.state.phases[-1] or session.state.may_advance() is not None:
            return
        session.advance()
