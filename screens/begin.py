"""Beginning: a new run, one taken up again, a look without a run, a run of one action."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import Problem
from nexy_tui.core.version import Version
from nexy_tui.engine.outcome import Outcome
from nexy_tui.engine.session import Session
from screens import autopilot
from screens.backend import Ending
from screens.context import RunContext
from screens.dialogs.confirm import GO, ConfirmDialog, Question
from screens.look import look, take


def start(context: RunContext, version: Version, kind: Kind, with_pkg: bool) -> None:
    """Begin a run."""
    if_meant(context, partial(open_run, context, partial(context.backend.open_run, version, kind, with_pkg)))


def resume(context: RunContext, path: Path) -> None:
    """Take a run up again."""
    if_meant(context, partial(open_run, context, partial(context.backend.resume, path), resumed=True))


def if_meant(context: RunContext, go: Callable[[], None]) -> None:
    """Go on; where the release target is not the last run's, only once that was shown and confirmed by typing."""
    if context.auto:
        go()
        return

    def compared(changes: Sequence[str]) -> None:
        if not changes:
            go()
            return
        target, lines = context.backend.target, ("The release target is not the last run's:", *changes)
        question = Question("The target has changed", lines, target.name, False, target, verb="It is meant so")
        context.stage.redraw()
        context.app.push_screen(ConfirmDialog(question), lambda answer: go() if answer == GO else None)

    context.prepare("Comparing the target with the last run's", context.backend.target_changes, compared)


def open_run(context: RunContext, factory: Callable[[], Session], *, resumed: bool = False) -> None:
    """Open a run in a thread and show its first phase."""

    def opened(session: Session) -> None:
        _adopt(context, session)
        if context.auto:
            autopilot.drive(context, session)
        elif resumed:
            autopilot.resume(context, session)
        else:
            look(context)

    context.start(_opening(context), factory, opened, partial(_could_not_open, context))


def open_look(context: RunContext) -> None:
    """Final verification without a run."""

    def opened(session: Session) -> None:
        _adopt(context, session, look_only=True)
        look(context, whole=True)

    context.start("Opening final verification", context.backend.look_session, opened, partial(_could_not_open, context))


def open_alone(
    context: RunContext,
    action: str,
    factory: Callable[[], Session],
    perform: Callable[[Session], Outcome],
    then: Callable[[Outcome], None],
) -> None:
    """Open a run of one action, carry it out, and let it go: `perform` seals it. `then` is told how it ended."""
    context.act(action)

    def failed(problem: Problem) -> None:
        context.acted()
        _could_not_open(context, problem)

    def opened(session: Session) -> None:
        context.follow(session)
        context.start(context.title(action), partial(perform, session), ended, lambda problem: ended(Outcome.from_problem(problem)))

    def ended(outcome: Outcome) -> None:
        context.over()
        take(context)
        context.rested()
        if context.leaving:
            context.jobs.drop_waiting()
            context.app.exit(context.ending())
        else:
            then(outcome)

    context.start(_opening(context), factory, opened, failed)


def _opening(context: RunContext) -> str:
    return f"Opening the run in {context.backend.target.name}"


def _adopt(context: RunContext, session: Session, *, look_only: bool = False) -> None:
    context.follow(session, look_only=look_only)
    context.stage.show_phase(context.shown_phase)


def _could_not_open(context: RunContext, problem: Problem) -> None:
    def closed(_: str | None) -> None:
        if context.auto:
            context.app.exit(Ending(problem.exit_code))

    context.stage.redraw()
    context.app.push_screen(context.problem_dialog("It cannot be opened", problem), closed)
