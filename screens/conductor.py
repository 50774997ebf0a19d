"""What stands between the screens and the session: it opens runs, queues looks and actions, and follows the release.

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
from nexy_tui.engine.outcome import Outcome
from nexy_tui.engine.session import Session
from nexy_tui.release import Refusal
from screens.actor import Actor
from screens.autopilot import Autopilot
from screens.backend import Backend, Ending
from screens.dialogs.confirm import GO, ConfirmDialog, Question
from screens.dialogs.message import ProblemDialog
from screens.feed import Feed
from screens.jobs import Jobs
from screens.leaver import Leaver
from screens.looking import look_on_opening
from screens.text import clean, one_line
from screens.view import RunView


class Stage(Protocol):
    """Where screens are shown: the application."""

    def show_phase(self, phase: str) -> None:
        """Put a phase's screen on, with the cursor on an item if one is named."""
        ...

    def show_item(self, item: str) -> None:
        """Put the cursor of the phase's screen on an item."""
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


class Conductor:
    """One application's runs, one at a time."""

    def __init__(self, app: App[Any], stage: Stage, backend: Backend, feed: Feed, *, auto: bool = False) -> None:
        self.app, self.stage, self.backend, self.feed, self.auto = app, stage, backend, feed, auto
        self.jobs = Jobs(app)
        self.actor, self.autopilot, self.leaver = Actor(self), Autopilot(self), Leaver(self)
        self.session: Session | None = None
        self.view: RunView | None = None
        self.acting: str | None = None
        self.look_only = self.driving = self.leaving = False
        self._closed = True

    @property
    def open_run(self) -> Session | None:
        """The run that is open and could be left, or None."""
        return None if self._closed else self.session

    @property
    def running(self) -> str | None:
        """What is under way, in a few words."""
        action = self.acting or (self.view.action if self.view is not None else None)
        return self.jobs.running if action is None else f"{self.title(action)} is running"

    @property
    def shown_phase(self) -> str:
        """The open phase; the last one when every phase is done or when this is a look without a run."""
        assert self.session is not None
        phases = self.session.checklist.phases
        return phases[-1].id if self.look_only else self.session.state.phase or phases[-1].id

    def title(self, action: str) -> str:
        """An action's title."""
        return action if self.session is None else self.session.checklist.actions[action].title

    def fixer_title(self, name: str) -> str:
        """A fixer's section and title, by its name or section."""
        for fixer in self.backend.fixers():
            if name in (fixer.name, fixer.section):
                return one_line(f"{fixer.section} {fixer.title}", 80)
        return name

    def tell(self, sentence: str) -> None:
        """A short remark that goes away by itself."""
        self.app.notify(clean(sentence), markup=False, timeout=6)

    def problem(self, problem: Problem) -> None:
        """Show a problem."""
        self.leaving = False
        self.stage.redraw()
        self.app.push_screen(ProblemDialog("That did not work", problem))

    def hands_off(self) -> bool:
        """Whether the operator's hands are off: the tool plays the operator, an action runs, or the run is being left. Says so."""
        if self.driving:
            self.tell("The tool is playing the operator here. q leaves.")
        elif self.leaving:
            self.tell("The run is being left.")
        elif self.acting is not None:
            self.tell(f"{self.title(self.acting)} is still running; one thing at a time. Escape asks it to stop.")
        else:
            return False
        return True

    def start(self, version: Version, kind: Kind, with_pkg: bool) -> None:
        """Begin a run."""
        self.if_meant(partial(self.open, partial(self.backend.open_run, version, kind, with_pkg)))

    def resume(self, path: Path) -> None:
        """Take a run up again."""
        self.if_meant(partial(self.open, partial(self.backend.resume, path), resumed=True))

    def if_meant(self, go: Callable[[], None]) -> None:
        """Go on; where the release target is not the last run's, only once that was shown and confirmed by typing."""
        target, changes = self.backend.target, self.backend.target_changes()
        if not changes or self.auto:
            go()
            return
        lines = ("The release target is not the last run's:", *changes)
        question = Question("The target has changed", lines, target.name, False, target, verb="It is meant so")
        self.app.push_screen(ConfirmDialog(question), lambda answer: go() if answer == GO else None)

    def open(self, factory: Callable[[], Session], *, resumed: bool = False) -> None:
        """Open a run in a thread and show its first phase."""
        self.jobs.start(
            f"Opening the run in {self.backend.target.name}", factory, partial(self._opened, resumed=resumed), self._could_not_open
        )
        self.stage.redraw()

    def open_look(self) -> None:
        """Final verification without a run."""
        self.jobs.start("Opening a look", self.backend.look_session, self._looking, self._could_not_open)
        self.stage.redraw()

    def stand_alone(
        self, action: str, factory: Callable[[], Session], perform: Callable[[Session], Outcome], then: Callable[[Outcome], None]
    ) -> None:
        """Open a run of one action, carry it out, and let it go: `perform` seals it. `then` is told how it ended."""
        self.acting = action

        def failed(problem: Problem) -> None:
            self.acting = None
            self._could_not_open(problem)

        opening = f"Opening the run in {self.backend.target.name}"
        self.jobs.start(opening, factory, partial(self._standing, perform, then), failed)
        self.stage.redraw()

    def take(self) -> None:
        """Bring the picture up to what the threads said, and follow the release to its phase."""
        notices = self.feed.drain()
        if self.view is None:
            return
        self.view.take(notices)
        opened = [notice.phase for notice in notices if isinstance(notice, PhaseOpened) and notice.phase is not None]
        if opened:
            self.stage.show_phase(opened[-1])
            if not self.driving:
                self.look()
        self.stage.redraw()

    def rested(self) -> None:
        """Nothing is under way any more."""
        if self.view is not None:
            self.view.rest()
            self.stage.redraw()

    def look(self, *, whole: bool = False) -> None:
        """Look at the shown phase: as it opens without what its actions are still to make, otherwise whole."""
        session = self.session
        if session is None or self.leaving or self.driving:
            return
        phase = self.shown_phase
        work = partial(session.looks.at_phase, phase) if whole else partial(look_on_opening, session, phase)
        self.jobs.start(f"Looking at {session.checklist.phase(phase).title}", work, self._looked, self.problem)
        self.stage.redraw()

    def look_at(self, item: str) -> None:
        """Look at one item again."""
        session = self.session
        if session is not None and not self.driving and not self.leaving:
            work = partial(session.looks.at, [session.checklist.item(item)])
            self.jobs.start(f"Looking at {session.checklist.item(item).title}", work, self._looked, self.problem)
            self.stage.redraw()

    def advance(self) -> None:
        """Open the next phase, seal after the last, or say what stands in the way."""
        session = self.session
        if session is None or self.hands_off():
            return
        if self.look_only:
            self.go_home()
        elif not self.jobs.idle and session.state.may_advance() is not None:
            self._advanced(session.advance())  # A refusal changes nothing, so it need not wait for a look to end.
        else:
            self.jobs.start("Next", session.advance, self._advanced, self.problem)

    def open_phase(self, phase: str) -> None:
        """Show an earlier phase again."""
        session = self.session
        if session is None or self.look_only or phase == session.state.phase or self.hands_off():
            return
        if phase not in session.state.phases[: session.state.position]:
            self.tell("That phase is not open yet; Next leads there, one phase at a time.")
            return
        self.jobs.start("Going back", partial(session.open_phase, phase), lambda _: self.take(), self.problem)

    def seal(self, outcome: str) -> None:
        """End the run and show where its log lies."""
        session = self.session
        assert session is not None

        def work() -> Path:
            path = session.seal(outcome)
            self.close()
            return path

        def sealed(path: Path) -> None:
            self.leaving = False
            self.take()
            self.stage.show_end(path, outcome)

        self.jobs.start("Sealing the log", work, sealed, self.problem)
        self.stage.redraw()

    def go_home(self) -> None:
        """Back to the home screen when no run is open."""
        if self._closed:
            self.session, self.view, self.look_only = None, None, False
            self.jobs.drop_waiting()
            self.stage.show_home()

    def ending(self) -> Ending:
        """What the application returns: 0 without a run or after a complete one, 1 after another end, 130 with one left open."""
        session = self.session
        if session is None or session.log is None:
            return Ending()
        sealed = self.view.sealed.outcome if self.view is not None and self.view.sealed is not None else None
        code = 130 if sealed is None else 0 if sealed == "complete" else 1
        return Ending(code, session.log.path, session.plan.run, sealed)

    def close(self) -> None:
        """Let the session go, once: its lock is given back and its log closed. May take time."""
        if self.session is not None and not self._closed:
            self._closed = True
            self.session.close()

    def _opened(self, session: Session, *, resumed: bool) -> None:
        self._closed = False
        self._adopt(session)
        if self.auto:
            self.autopilot.drive(session)
        elif resumed:
            self.autopilot.catch_up(session)
        else:
            self.look()

    def _standing(self, perform: Callable[[Session], Outcome], then: Callable[[Outcome], None], session: Session) -> None:
        self._closed = False
        self._follow(session)
        ended, title = partial(self._stood, then), self.title(str(self.acting))
        self.jobs.start(title, partial(perform, session), ended, lambda problem: ended(Outcome.from_problem(problem)))
        self.stage.redraw()

    def _stood(self, then: Callable[[Outcome], None], outcome: Outcome) -> None:
        self._closed, self.acting = True, None
        self.take()
        self.rested()
        if self.leaving:
            self.jobs.drop_waiting()
            self.app.exit(self.ending())
        else:
            then(outcome)

    def _looking(self, session: Session) -> None:
        self.look_only = True
        self._adopt(session)
        self.look(whole=True)

    def _adopt(self, session: Session) -> None:
        self._follow(session)
        self.stage.show_phase(self.shown_phase)

    def _follow(self, session: Session) -> None:
        self.session, self.view = session, RunView(session.services.clock)
        session.watch(self.feed)

    def _looked(self, _: object) -> None:
        self.take()
        self.rested()

    def _advanced(self, refusal: Refusal | None) -> None:
        assert self.session is not None
        if refusal is not None:
            self.actor.explain(refusal, "Next")
        elif self.session.state.phase is None:
            self.seal("complete")
        else:
            self.take()

    def _could_not_open(self, problem: Problem) -> None:
        def closed(_: str | None) -> None:
            if self.auto:
                self.app.exit(Ending(problem.exit_code))

        self.stage.redraw()
        self.app.push_screen(ProblemDialog("It cannot be opened", problem), closed)
