"""What the wizard remembers of a run's notices: who is being looked at, what runs, how far it is, what it said."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from nexy_tui.core.clock import Clock
from nexy_tui.core.event import Event, Exposure, OutputLine, PointOfNoReturn, Progress, Waiting
from nexy_tui.core.finding import Status
from nexy_tui.engine.notice import ActionEnded, ActionEvent, ActionStarted, Found, Looking, Notice, Sealed
from screens.text import one_line, span

MAX_LINES = 2000
LOOK = "look"
"""The name under which a session passes on what looks say."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the live log; `tone` is plain, quiet, good, bad, unseen or wait; `brief` lines are never wrapped."""

    time: str
    source: str
    text: str
    tone: str = "plain"
    brief: bool = False


@dataclass
class Meter:
    """One subject's progress with its recent rates, in units a second."""

    subject: str
    phase: str
    done: int
    total: int | None
    unit: str
    begun: float
    ended: bool = False
    look: bool = False
    rates: deque[float] = field(default_factory=lambda: deque(maxlen=24))
    _sample: tuple[float, int] = (0.0, 0)

    def update(self, event: Progress, now: float) -> None:
        """Take in how far it is; the rate is measured over half a second at least, so that it can be read."""
        if event.phase != self.phase:
            self.phase, self.begun, self._sample = event.phase, now, (now, event.done)
            self.rates.clear()
        self.done, self.total, self.unit, self.ended = event.done, event.total, event.unit, False
        since, count = self._sample
        if now - since >= 0.5:
            self.rates.append(max(0.0, (event.done - count) / (now - since)))
            self._sample = (now, event.done)

    @property
    def fraction(self) -> float | None:
        """How much is done, 0 to 1; None where the whole is unknown."""
        if self.total is None:
            return None
        return 1.0 if self.total <= 0 else min(1.0, self.done / self.total)

    @property
    def rate(self) -> float:
        """The rate over the last few samples."""
        recent = list(self.rates)[-4:]
        return sum(recent) / len(recent) if recent else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds to go, where that can be said."""
        if self.total is None or self.rate <= 0 or self.done >= self.total:
            return None
        return (self.total - self.done) / self.rate


@dataclass(frozen=True, slots=True)
class Countdown:
    """A wait that has begun."""

    reason: str
    seconds: float
    since: float

    def left(self, clock: Clock) -> float:
        """Seconds of the clock still to wait. A rehearsal's clock may run faster than the wall's."""
        speed = float(getattr(clock, "speed", 1.0))
        return self.seconds - (clock.monotonic() - self.since) * speed


class RunView:
    """The present picture of a run, built from its notices alone."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.looking: set[str] = set()
        self.lines: deque[LogLine] = deque(maxlen=MAX_LINES)
        self.written = 0
        self.meters: dict[tuple[str, bool], Meter] = {}
        self.countdown: Countdown | None = None
        self.action: str | None = None
        self.begun = 0.0
        self.carried_through: str | None = None
        self.exposed_for: float | None = None
        self.sealed: Sealed | None = None
        self.result = ""

    def take(self, notices: Iterable[Notice]) -> None:
        """Take notices in, in order."""
        for notice in notices:
            self._take(notice)

    def rest(self) -> None:
        """Nothing is under way any more: what a look counted is gone, what an action counted stays as it ended."""
        self.meters = {key: meter for key, meter in self.meters.items() if not meter.look}
        self.looking.clear()
        self.countdown = None

    def say(self, text: str, source: str = "wizard", tone: str = "quiet", *, brief: bool = False) -> None:
        """Put a line into the live log."""
        stamp = self.clock.now().strftime("%H:%M:%S")
        self.lines.append(LogLine(stamp, one_line(source, 24), one_line(text, 1000), tone, brief))
        self.written += 1

    def _take(self, notice: Notice) -> None:
        if isinstance(notice, Looking):
            self.looking.add(notice.item)
        elif isinstance(notice, Found):
            self._found(notice)
        elif isinstance(notice, ActionStarted):
            self.action, self.begun, self.carried_through = notice.action, self.clock.monotonic(), None
            self.meters.clear()
            self.say("begun; its intent is in the log", notice.action, "plain")
        elif isinstance(notice, ActionEvent):
            self._event(notice.action, notice.event)
        elif isinstance(notice, ActionEnded):
            self._ended(notice)
        elif isinstance(notice, Sealed):
            self.sealed = notice
            self.say(f"run sealed: {notice.outcome}", "log", "good")

    def _found(self, notice: Found) -> None:
        finding = notice.finding
        self.looking.discard(finding.item)
        tone = {Status.FAILED: "bad", Status.INCONCLUSIVE: "unseen"}.get(finding.status, "quiet")
        self.say(f"{finding.shown[1]}: {finding.summary}", finding.item, tone, brief=True)

    def _event(self, action: str, event: Event) -> None:
        now = self.clock.monotonic()
        if not isinstance(event, Waiting):
            self.countdown = None
        if isinstance(event, OutputLine):
            self.say(event.text, event.source or action, "plain")
        elif isinstance(event, Progress):
            look = action == LOOK
            meter = self.meters.setdefault((event.subject, look), Meter(event.subject, "", 0, None, event.unit, now, look=look))
            meter.update(event, now)
        elif isinstance(event, Waiting):
            self.countdown = Countdown(one_line(event.reason, 120), event.seconds, now)
            self.say(f"waiting {event.seconds:.0f} s: {event.reason}", action, "wait")
        elif isinstance(event, Exposure):
            self.exposed_for = None if event.open else event.seconds
            if not event.open:
                self.say(f"exposure ended after {span(event.seconds)}", action, "good")
        elif isinstance(event, PointOfNoReturn):
            self.carried_through = one_line(event.what, 120)
            self.say(f"no way back from here: {event.what}", action, "wait")

    def _ended(self, notice: ActionEnded) -> None:
        self.action, self.countdown, self.carried_through = None, None, None
        for meter in self.meters.values():
            meter.ended = True
        if notice.problem is not None:
            self.say(f"failed: {notice.problem}", notice.action, "bad")
        elif notice.result is not None:
            self.result = notice.result.summary
            self.say(f"{'done' if notice.result.changed else 'already there'}: {notice.result.summary}", notice.action, "good")
