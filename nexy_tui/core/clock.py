"""The one clock all waiting goes through, so that a rehearsal or a test can shorten it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from nexy_tui.core.problem import Cancelled


class Clock(Protocol):
    """Time of day, a monotonic time in seconds, and waiting."""

    def now(self) -> datetime:
        """The time of day, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back."""
        ...

    def sleep(self, seconds: float, cancelled: Callable[[], bool] | None = None) -> None:
        """Wait. Raises Cancelled soon after `cancelled()` turns true."""
        ...


class SystemClock:
    """The machine's clock. `speed` divides every wait: 1 in production, more in a rehearsal's configuration."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed

    def now(self) -> datetime:
        """The time of day, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds from an arbitrary start."""
        return time.monotonic()

    def sleep(self, seconds: float, cancelled: Callable[[], bool] | None = None) -> None:
        """Wait `seconds / speed`, looking at `cancelled` ten times a second."""
        end = time.monotonic() + seconds / self.speed
        while (left := end - time.monotonic()) > 0:
            if cancelled is not None and cancelled():
                raise Cancelled("The wait was stopped by the operator.")
            time.sleep(min(left, 0.1))
