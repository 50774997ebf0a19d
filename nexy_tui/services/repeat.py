"""Asking again where a request may be repeated: waiting through the one clock, in sight of the operator."""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable
from typing import TypeVar

import httpx

from nexy_tui.core.clock import Clock
from nexy_tui.core.event import Emit, Waiting
from nexy_tui.services.ratelimit import MOST

T = TypeVar("T")

ATTEMPTS = 6
FIRST = 1.0
"""Seconds until the first repetition."""
_LONGEST = 30.0


class TryAgain(Exception):
    """An answer that another attempt may change. `seconds` is what the host asked to wait, None for the usual back-off."""

    def __init__(self, reason: str, status: int = 0, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.status, self.seconds = reason, status, seconds


class Repeating:
    """Calls that are made again after a broken connection, a server's trouble, or a wait that was asked for."""

    def __init__(self, clock: Clock, emit: Emit, cancelled: Callable[[], bool], attempts: int = ATTEMPTS) -> None:
        self._clock, self._emit, self._cancelled, self._attempts = clock, emit, cancelled, attempts

    def __call__(self, call: Callable[[], T], *, attempts: int | None = None, first: float = FIRST) -> T:
        """The result of `call`. Raises the last TryAgain or httpx.TransportError, or at once anything else; Cancelled while waiting.

        `first` is the first wait in seconds; each next one is twice as long.
        """
        tried = 0
        while True:
            tried += 1
            try:
                return call()
            except (TryAgain, httpx.TransportError) as error:
                seconds = pause(error, tried, first)
                if seconds is None or tried >= (attempts or self._attempts):
                    raise
                waiting = Waiting(f"{_reason(error)}; asking again", seconds)
            self._emit(waiting)
            self._clock.sleep(waiting.seconds, self._cancelled)


def pause(error: Exception, tried: int, first: float = FIRST) -> float | None:
    """Seconds until the next attempt after `tried` failed ones, or None when another attempt is of no use."""
    if isinstance(error, TryAgain):
        if error.seconds is not None:
            return error.seconds if error.seconds <= MOST else None
    elif not isinstance(error, httpx.TransportError) or untrusted(error):
        return None
    backoff: float = min(first * 2 ** (tried - 1), _LONGEST)
    return backoff * random.uniform(0.75, 1.25)


def untrusted(error: BaseException) -> bool:
    """Whether a connection failed because the host's certificate was refused: asking again would not mend that."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, TryAgain) else f"The connection broke ({type(error).__name__})"
