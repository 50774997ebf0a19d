"""Work that may take time, one piece after another in threads owned by the application, so that no change of screen ends it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from textual.app import App
from textual.message import Message

from nexy_tui.core.problem import Problem, Refused
from nexy_tui.core.secret import redact

T = TypeVar("T")


@dataclass
class Job:
    """One piece of work, and what to do on the screen with its value or its problem. One that `asks` ends in a question."""

    name: str
    work: Callable[[], Any]
    then: Callable[[Any], None]
    failed: Callable[[Problem], None]
    asks: bool = False
    dropped: bool = False


class JobEnded(Message):
    """A job's thread came to its end."""

    def __init__(self, job: Job, value: object, problem: Problem | None) -> None:
        super().__init__()
        self.job, self.value, self.problem = job, value, problem


class Jobs:
    """A queue with one worker. A job that is already waiting is not queued twice."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None

    @property
    def running(self) -> str | None:
        """The name of the job at work."""
        return None if self._running is None else self._running.name

    @property
    def idle(self) -> bool:
        """Whether nothing is at work and nothing waits."""
        return self._running is None and not self._waiting

    @property
    def asking(self) -> bool:
        """Whether a question is being prepared: it opens when its job ends."""
        return any(job.asks and not job.dropped for job in (*filter(None, [self._running]), *self._waiting))

    def start(
        self, name: str, work: Callable[[], T], then: Callable[[T], None], failed: Callable[[Problem], None], *, asks: bool = False
    ) -> None:
        """Queue a job. `work` runs in a thread; `then` or `failed` afterwards where widgets may be touched."""
        if any(job.name == name for job in self._waiting):
            return
        self._waiting.append(Job(name, work, then, failed, asks))
        self._pump()

    def drop_asking(self) -> None:
        """The questions that are being prepared are not asked."""
        self._waiting = deque(job for job in self._waiting if not job.asks)
        if self._running is not None and self._running.asks:
            self._running.dropped = True

    def drop_waiting(self) -> None:
        """Forget what has not begun."""
        self._waiting.clear()

    def ended(self, message: JobEnded) -> None:
        """Take a job's end in and begin the next one."""
        self._running = None
        if message.job.dropped:
            pass
        elif message.problem is not None:
            message.job.failed(message.problem)
        else:
            message.job.then(message.value)
        self._pump()

    def _pump(self) -> None:
        if self._running is None and self._waiting:
            self._running = job = self._waiting.popleft()
            self._app.run_worker(lambda: self._run(job), name=job.name, group="engine", thread=True, exit_on_error=False)

    def _run(self, job: Job) -> None:
        value, problem = None, None
        try:
            value = job.work()
        except Problem as known:
            problem = known
        except Exception as error:  # A worker that breaks must reach the operator, not end the application.
            problem = Refused(
                f"{job.name} broke: {type(error).__name__}: {redact(str(error))[:300]}",
                "This is a fault of the tool; what it was doing may be half done.",
                "Look again to see what is there, and report it with `nexy-tui --version`.",
            )
        self._app.post_message(JobEnded(job, value, problem))
