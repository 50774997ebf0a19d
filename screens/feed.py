"""From worker threads to the screen: notices gathered, progress squashed, one wake-up at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from nexy_tui.core.event import OutputLine, Progress
from nexy_tui.engine.notice import ActionEvent, Notice

MAX_PENDING_LINES = 2000


class Feed:
    """An observer of a session. `wake` is called once when something waits, and not again before `drain`."""

    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake
        self._guard = threading.Lock()
        self._pending: list[Notice] = []
        self._progress: dict[tuple[str, str, str], int] = {}
        self._lines = 0
        self._awake = False

    def __call__(self, notice: Notice) -> None:
        """Take a notice in, from any thread."""
        with self._guard:
            self._put(notice)
            call, self._awake = not self._awake, True
        if call:
            self._wake()

    @property
    def waiting(self) -> bool:
        """Whether something has not been drained yet."""
        return self._awake

    def drain(self) -> list[Notice]:
        """Everything since the last time, in order; of each subject's progress only the latest."""
        with self._guard:
            taken, self._pending = self._pending, []
            self._progress.clear()
            self._lines = 0
            self._awake = False
        return taken

    def _put(self, notice: Notice) -> None:
        event = notice.event if isinstance(notice, ActionEvent) else None
        if isinstance(event, Progress) and isinstance(notice, ActionEvent):
            key = (notice.action, event.subject, event.phase)
            if key in self._progress:
                self._pending[self._progress[key]] = notice
                return
            self._progress[key] = len(self._pending)
        if isinstance(event, OutputLine):
            self._lines += 1
            if self._lines > MAX_PENDING_LINES:
                return  # A flood between two frames; the screen keeps no more than this anyway.
        self._pending.append(notice)
