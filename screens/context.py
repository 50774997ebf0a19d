"""The run that the wizard has open, as one value that the screens and the flows share.

Only its own methods write its fields. It decides nothing: whether the release may go on, an action may run or an item may be
attested is asked of the session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import App

from nexy_tui.core.problem import Problem
from nexy_tui.core.remedy import Remedy
from nexy_tui.core.text import roughly
from screens.backend import Backend, Ending
from screens.dialogs.message import ProblemDialog
from screens.jobs import Jobs
from screens.remedy import todo
from screens.stage import Stage
from screens.text import clean, one_line

if TYPE_CHECKING:
    from nexy_tui.engine.session import Session
    from screens.feed import Feed
    from screens.view import RunView

T = TypeVar("T")


@dataclass(eq=False)
class RunContext:
    """One application's runs, one at a time: the session, what of it is shown, and who has his hands on it.

    `wake` is called from a thread that has something to show; `acting` is the action that the operator started, `usual` how many
    seconds it usually takes, `driving` that the tool plays the
    operator, `leaving` that the run is being left, `look_only` that there is no run to act on, `closed` that the session was let go.
    """

    app: App[Any]
    stage: Stage
    backend: Backend
    wake: Callable[[], object]
    auto: bool = False
    jobs: Jobs = field(init=False)
    session: Session | None = field(default=None, init=False)
    view: RunView | None = field(default=None, init=False)
    acting: str | None = field(default=None, init=False)
    usual: float | None = field(default=None, init=False)
    look_only: bool = field(default=False, init=False)
    driving: bool = field(default=False, init=False)
    leaving: bool = field(default=False, init=False)
    closed: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.app)

    @cached_property
    def feed(self) -> Feed:
        """What the session's threads say, on its way to the screen."""
        from screens.feed import Feed

        return Feed(self.wake)

    @property
    def open_run(self) -> Session | None:
        """The run that is open and could be left, or None."""
        return None if self.closed else self.session

    @property
    def action(self) -> str | None:
        """The action under way, whoever started it."""
        return self.acting or (self.view.action if self.view is not None else None)

    @property
    def running(self) -> str | None:
        """What is under way, in a few words."""
        if self.action is None:
            return self.jobs.running
        usual = "" if self.usual is None else f" · usually {roughly(self.usual)}; waiting is right"
        return f"{self.doing(self.action)} is running{usual}"

    @property
    def shown_phase(self) -> str:
        """The open phase; the last one when every phase is done or when this is a look without a run."""
        assert self.session is not None
        phases = self.session.checklist.phases
        return phases[-1].id if self.look_only else self.session.state.phase or phases[-1].id

    def title(self, action: str) -> str:
        """An action's title."""
        return action if self.session is None else self.session.checklist.actions[action].title

    def doing(self, action: str) -> str:
        """An action as a step of this run."""
        if self.session is None:
            return action
        return self.session.checklist.release_action(action).step_words(str(self.session.plan.version or ""))

    def fixer_title(self, name: str) -> str:
        """A fixer's section and title, by its name or section."""
        for fixer in self.backend.fixers():
            if name in (fixer.name, fixer.section):
                return one_line(f"{fixer.section} {fixer.title}", 80)
        return name

    def tell(self, sentence: str) -> None:
        """A short remark that goes away by itself."""
        self.app.notify(clean(sentence), markup=False, timeout=6)

    def copy(self, text: str, said: str = "Copied through the terminal (OSC 52).") -> None:
        """Copy through the terminal, and say so."""
        self.app.copy_to_clipboard(text)
        self.tell(said)

    def todo(self, remedy: Remedy, item: str = "") -> str:
        """A remedy as the wizard words it; `item` is the one it is about."""
        from nexy_tui.checklist import CHECKLIST

        checklist = CHECKLIST if self.session is None else self.session.checklist
        return todo(remedy, checklist.item(item) if item else None, checklist, self.fixer_title)

    def problem_dialog(self, title: str, problem: Problem, *, retry: str = "") -> ProblemDialog:
        """The dialog that shows a problem."""
        return ProblemDialog(title, problem, self.todo(problem.remedy), retry=retry)

    def problem(self, problem: Problem) -> None:
        """Show a problem. Whoever was leaving stays."""
        self.leaving = False
        self.stage.redraw()
        self.app.push_screen(self.problem_dialog("That did not work", problem))

    def start(self, name: str, work: Callable[[], T], then: Callable[[T], None], failed: Callable[[Problem], None] | None = None) -> None:
        """Queue work for a thread; `then` takes its value, `failed` its problem, which otherwise is shown."""
        self.jobs.start(name, work, then, failed or self.problem)
        self.stage.redraw()

    def prepare(self, name: str, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """As `start`, for what a question is made of: until that opens, no key is taken for a command of the screen below."""
        self.jobs.start(name, work, then, self.problem, asks=True)
        self.stage.redraw()

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

    def follow(self, session: Session, *, look_only: bool = False) -> None:
        """Take a session as the one that is shown. One that only looks is no open run."""
        from screens.view import RunView

        self.session, self.view, self.look_only = session, RunView(session.services.clock), look_only
        self.closed = look_only
        session.watch(self.feed)

    def act(self, action: str, usual: float | None = None) -> None:
        """An action begins; `usual` are the seconds that it usually takes."""
        self.acting, self.usual = action, usual

    def acted(self) -> str | None:
        """The action has ended; its name."""
        action, self.acting, self.usual = self.acting, None, None
        return action

    def over(self) -> None:
        """A run of one action has ended: it was sealed and let go by whoever carried it out."""
        self.closed, self.acting = True, None

    def drive(self) -> None:
        """The tool takes the operator's place."""
        self.driving = True

    def hand_back(self) -> None:
        """The tool gives the operator's place back."""
        self.driving = False

    def leave(self) -> None:
        """The run is being left: what waits is dropped, and what runs is asked to stop."""
        self.jobs.drop_waiting()
        self.leaving = True
        session = self.open_run
        if session is not None and (self.acting is not None or self.driving) and not session.turn.cancel():
            self.tell("It can no longer be stopped; the wizard leaves at its end.")

    def stay(self) -> None:
        """The run has ended, and the application stays."""
        self.leaving = False

    def rested(self) -> None:
        """Nothing is under way any more."""
        if self.view is not None:
            self.view.rest()
            self.stage.redraw()

    def close(self) -> None:
        """Let the session go, once: its lock is given back and its log closed. May take time."""
        if self.session is not None and not self.closed:
            self.closed = True
            self.session.close()

    def go_home(self) -> None:
        """Back to the home screen when no run is open."""
        if self.closed:
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
