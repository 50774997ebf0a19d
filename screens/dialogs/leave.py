"""Leaving a run: it can be resumed, or it can be ended here."""

from __future__ import annotations

from nexy_tui.engine.session import Session
from screens.dialogs.dialog import Choice
from screens.dialogs.message import MessageDialog

LEAVE, ABORT = "leave", "abort"
_UNDER_WAY = "{} is under way. Leaving asks it to stop, and waits for its end if it can no longer be stopped."
_ALONE = "Its log is sealed with what became of it. Doing it once more goes on from what is there then."
_STAY_OR_GO = (Choice("stay", "Stay"), Choice(LEAVE, "Leave", "q", "danger"))


class LeaveDialog(MessageDialog):
    """Ends with LEAVE, ABORT or nothing."""

    def __init__(self, session: Session, running: str | None) -> None:
        if session.plan.standalone:
            super().__init__("Leave while it runs?", [_UNDER_WAY.format(running), _ALONE], _STAY_OR_GO)
            return
        run = session.plan.run or ""
        paragraphs = [
            "The run stays open: its signed log is on disk, and every step so far is in it.",
            f"Take it up again with Resume on the home screen, or:  nexy-tui release --resume {run}",
        ]
        if running is not None:
            paragraphs.insert(0, _UNDER_WAY.format(running))
        choices = [
            Choice("stay", "Stay"),
            Choice(LEAVE, "Leave, resume later", "q"),
            Choice(ABORT, "Abort: seal the log", "x", "danger"),
        ]
        super().__init__("Leave this run?", paragraphs, choices)
