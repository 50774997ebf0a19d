"""The exposure: how long the download and the live appcast have disagreed, followed in the log too."""

from __future__ import annotations

from datetime import datetime

from nexy_tui.core.event import Exposure
from nexy_tui.engine.context import Context
from nexy_tui.runlog.state import Checkpoint

_OPENED = "Exposure opened: clients that follow the live appcast refuse the download until both agree."


class ExposureTimer:
    """One run's exposure. `since` is the clock's monotonic second it began at, None where there is none."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.since: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds since it began; 0 where there is none."""
        return 0.0 if self.since is None else self._context.services.clock.monotonic() - self.since

    def follow(self, action: str, event: Exposure) -> Exposure | None:
        """Take in what an action says; the event with the seconds that have really gone, None for the end of none."""
        if not event.open:
            return self.close(action, "the download and what is offered agree")
        if self.since is None:
            self.since = self._context.services.clock.monotonic() - event.seconds
            if self._context.log is not None:
                self._context.log.progress_checkpoint(action, message=_OPENED, mark=Checkpoint.EXPOSED)
        return Exposure(self.seconds, open=True)

    def close(self, action: str, why: str) -> Exposure | None:
        """It is over; None where there was none."""
        if self.since is None:
            return None
        seconds, self.since = self.seconds, None
        if self._context.log is not None:
            self._context.log.progress_checkpoint(action, message=f"Exposure closed after {seconds:.1f} s: {why}.", mark=Checkpoint.AGREED)
        return Exposure(seconds, open=False)

    def restore(self, since: datetime | None) -> None:
        """Go on counting what the log being resumed left open."""
        if since is not None:
            clock = self._context.services.clock
            self.since = clock.monotonic() - max((clock.now() - since).total_seconds(), 0.0)
