"""Progress that people can read: at most ten updates a second, and always the last one."""

from __future__ import annotations

import time

from nexy_tui.core.event import Emit, Progress

_INTERVAL = 0.1


class ByteMeter:
    """Counts one subject's bytes in one phase and shows them."""

    def __init__(self, emit: Emit, subject: str, phase: str, total: int | None) -> None:
        self._emit, self._subject, self._phase, self._total = emit, subject, phase, total
        self._shown = 0.0
        self.done = 0

    def at(self, done: int) -> None:
        """So many bytes are done now."""
        self.done = done
        now = time.monotonic()
        if now - self._shown >= _INTERVAL:
            self._shown = now
            self._show()

    def of(self, total: int | None) -> None:
        """The total, once it is known."""
        self._total = total

    def end(self) -> None:
        """Show the last state, however soon after the one before."""
        self._show()

    def _show(self) -> None:
        self._emit(Progress(self._subject, self._phase, self.done, self._total))
