"""The same run without a screen: what the engine says, as plain lines on a stream."""

from __future__ import annotations

import sys
import threading
import time
from typing import TextIO

from nexy_tui.checklist import Checklist
from nexy_tui.core.event import Event, Exposure, OutputLine, PointOfNoReturn, Progress, Ran, Waiting
from nexy_tui.core.finding import Finding
from nexy_tui.core.problem import Problem
from nexy_tui.core.text import printable_lines
from nexy_tui.engine.notice import ActionEnded, ActionEvent, ActionStarted, Found, Notice, PhaseOpened, Resumed, Sealed
from nexy_tui.output import write_line


class PlainRenderer:
    """Writes one line for what matters, and at most one progress line a second; never colour, never cursor codes."""

    def __init__(self, checklist: Checklist, stream: TextIO | None = None) -> None:
        self._checklist = checklist
        self._stream = stream or sys.stderr
        self._guard = threading.Lock()
        self._progress_at = 0.0

    def __call__(self, notice: Notice) -> None:
        """Show one notice."""
        text = self._text(notice)
        if text is None:
            return
        with self._guard:
            write_line(self._stream, printable_lines(text))

    def _text(self, notice: Notice) -> str | None:
        match notice:
            case Found(finding):
                return finding_line(finding)
            case PhaseOpened(phase):
                return "== all phases done ==" if phase is None else f"== {self._checklist.phase(phase).title} =="
            case ActionEvent(_, event):
                return self._event(event)
            case ActionStarted() | ActionEnded():
                return self._action(notice)
            case Resumed() | Sealed():
                return journal_line(notice)
            case _:
                return None

    def _action(self, notice: ActionStarted | ActionEnded) -> str:
        if isinstance(notice, ActionStarted):
            return f"-> {self._checklist.actions[notice.action].title}"
        if notice.result is not None:
            return f"<- {notice.action}: {notice.result.summary}"
        return f"<- {notice.action} FAILED\n{problem_text(notice.problem)}"

    def _event(self, event: Event) -> str | None:
        match event:
            case OutputLine(text, source):  # The publisher's are markers that people and scripts look for, word for word (rulebook 2.4).
                return text if source == "publish" else f"   {source + ': ' if source else ''}{text}"
            case Waiting(reason, seconds):
                return f"   waiting {seconds:.0f} s: {reason}"
            case PointOfNoReturn(what):
                return f"   past the point of no return: {what}"
            case Exposure(seconds, is_open):
                return f"   exposure {'open' if is_open else 'closed'} after {seconds:.1f} s" if not is_open or seconds == 0 else None
            case Ran():
                return None
            case Progress(subject, phase, done, total, _):
                return self._progress(subject, phase, done, total)

    def _progress(self, subject: str, phase: str, done: int, total: int | None) -> str | None:
        now = time.monotonic()
        if now - self._progress_at < 1.0:
            return None
        self._progress_at = now
        share = f"{100 * done // total} %" if total else f"{done} B"
        return f"   {subject}: {phase} {share}"


def journal_line(notice: Resumed | Sealed) -> str:
    """A run's log was taken up again, or ended."""
    if isinstance(notice, Sealed):
        apart = f"\n   the code repository does not have it: {notice.unanchored}" if notice.unanchored else ""
        return f"Log sealed ({notice.outcome}): {notice.log}{apart}"
    line = f"Going on with run {notice.run} of {notice.version}."
    if not notice.unknown:
        return line
    return f"{line}\n   cut off while it ran: {', '.join(notice.unknown)}; what came of it is looked at before anything is repeated."


def finding_line(finding: Finding) -> str:
    """A finding in one line, and its remedy in a second where it stands in the way."""
    line = f"   {' '.join(finding.shown):<13} {finding.item}: {finding.summary}"
    return line if finding.status.satisfied or not finding.remedy else f"{line}\n                 next: {finding.remedy}"


def problem_text(problem: Problem | None) -> str:
    """What happened, why it matters, what to do: one line each."""
    if problem is None:
        return ""
    rows = [problem.what]
    if problem.why:
        rows.append(f"  why:  {problem.why}")
    if problem.remedy:
        rows.append(f"  next: {problem.remedy}")
    return "\n".join(rows)
