"""Leaving a run: it can be resumed, or it can be ended here."""

from __future__ import annotations

from nexy_tui.engine.session import Session
from screens.dialogs.dialog import Choice
from screens.dialogs.message import MessageDialog

LEAVE, ABORT = "leave", "abort"


class LeaveDialog(MessageDialog):
    """Ends with LEAVE, ABORT or nothing."""

    def __init__(self, session: Session, running: str | None) -> None:
        run = session.plan.run or ""
        paragraphs = [
            "The run stays open: its signed log is on disk, and every step so far is in it.",
            f"Take it up again with Resume on the home screen, or:  nexy-tui release --resume {run}",
        ]
        if running is not None:
            paragraphs.insert(0, f"{running} is under way. Leaving asks it to stop, and waits for its end if it can no longer be stopped.")
        choices = [
            Choice("stay", "Stay"),
            Choice(LEAVE, "Leave, resume later", "q"),
            Choice(ABORT, "Abort: seal the log", "x", "danger"),
        ]
        super().__init__("Leave this run?", paragraphs, choices)
