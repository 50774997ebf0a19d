"""The ends: the log sealed and shown, or the application left, at once or after the operator said what becomes of the open run."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from nexy_tui.core.version import Version
from screens.backend import NewRun
from screens.context import RunContext
from screens.dialogs.confirm import GO, ConfirmDialog, Question
from screens.dialogs.leave import ABORT, LEAVE, LeaveDialog
from screens.look import take


def seal(context: RunContext, outcome: str) -> None:
    """End the run and show where its log lies."""
    session = context.session
    assert session is not None

    def work() -> Path:
        path = session.seal(outcome)
        context.close()
        return path

    def sealed(path: Path) -> None:
        context.stay()
        take(context)
        context.stage.show_end(path, outcome)

    context.start("Sealing the log", work, sealed)


def anew(context: RunContext, version: str) -> None:
    """Once it is confirmed: the run sealed as aborted, and the start screen with another version."""
    session = context.open_run
    if session is None or context.hands_off():
        return
    plan = session.plan
    plain = (
        f"This run of {plan.version} ends here: it is sealed as aborted, and cannot be gone on with. What it has done stays as it is.",
        f"Then the start screen opens with {version}. Customers notice nothing.",
    )
    lines = (f"the run {plan.run} is sealed as aborted", "the release lock is given back")
    question = Question("Begin with another version", lines, None, True, plan.target, "Close it, begin anew", plain)

    def work() -> None:
        session.seal("aborted")
        context.close()

    def closed(_: None) -> None:
        context.go_home()
        context.stage.open_start(NewRun(Version.parse(version), plan.kind, plan.with_pkg))

    def answered(answer: str | None) -> None:
        if answer == GO:
            context.start("Closing the run", work, closed)

    context.app.push_screen(ConfirmDialog(question), answered)


def ask(context: RunContext) -> None:
    """Leave; a run that is open is asked about first."""
    if context.open_run is None:
        _exit(context)
        return
    running = None if context.acting is None else context.title(context.acting)
    context.app.push_screen(LeaveDialog(context.open_run, running), partial(_answered, context))


def _answered(context: RunContext, choice: str | None) -> None:
    if choice not in (LEAVE, ABORT) or context.open_run is None:
        return
    context.leave()
    if choice == ABORT:
        seal(context, "aborted")
    else:
        context.start("Closing the run", context.close, partial(_exit, context), partial(_exit, context))


def _exit(context: RunContext, _: object = None) -> None:
    context.app.exit(context.ending())
