"""Keeps the release lock while a run lives: taken before the first write outside, renewed, given back at the end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from nexy_tui.core.problem import Problem, Refused
from nexy_tui.services.lock import LIFETIME, ReleaseLock


class LockKeeper:
    """Renews the lock in a thread every third of its lifetime; `hold` and `confirm` ask again before whatever is written outside."""

    def __init__(self, lock: ReleaseLock) -> None:
        self._lock = lock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()

    @property
    def held(self) -> bool:
        """Whether this run has the lock, as far as it knows."""
        return self._lock.held

    def hold(self) -> None:
        """Take the lock, or see that this run still has it for a while. Raises Refused naming another holder."""
        with self._guard, self._noticing():
            if self._lock.held:
                self._lock.keep()
            else:
                self._lock.acquire()
        self._keep()

    def confirm(self) -> None:
        """See that the lock is still this run's, in the middle of an action. Raises Refused naming who took it."""
        with self._guard, self._noticing():
            if self._lock.held:
                self._lock.confirm()

    def take_over(self) -> str:
        """Take the lock whoever holds it; who that was, an empty text when nobody did. Only after the operator has typed it."""
        with self._guard:
            before = self._lock.acquire(take_over=True)
        self._keep()
        return "" if before is None else str(before)

    def reclaim(self) -> None:
        """Take again a lock that this run left behind. One that cannot be asked for expires by itself."""
        with self._guard, contextlib.suppress(Problem):
            self._lock.reclaim()

    def give_back(self) -> None:
        """Stop renewing and remove the lock."""
        self._stop.set()
        with self._guard:
            self._lock.release()

    @contextlib.contextmanager
    def _noticing(self) -> Iterator[None]:
        """Whoever is told that the lock was lost holds it no more, and takes it anew when the action is run again."""
        try:
            yield
        except Refused:
            self._lock.forget()
            raise

    def _keep(self) -> None:
        if self._thread is None:
            renewing = threading.Thread(target=self._renew, name="release-lock", daemon=True)
            renewing.start()  # Where it cannot be started it is tried again, and no lock goes unrenewed.
            self._thread = renewing

    def _renew(self) -> None:
        while not self._stop.wait(LIFETIME.total_seconds() / 3):
            with self._guard:
                if not self._lock.held or self._stop.is_set():
                    return
                try:
                    self._lock.renew()
                except Problem:
                    continue  # The next writing action asks again and refuses aloud.
