"""The ends: the log sealed and shown, or the application left, at once or after the operator said what becomes of the open run."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from screens.context import RunContext
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
