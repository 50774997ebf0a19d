from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from nexy_tui.core.clock import SystemClock
from nexy_tui.core.event import Event, Waiting, silent
from nexy_tui.core.problem import Cancelled
from nexy_tui.services.ratelimit import LEAST, wait_asked, wait_for_room
from nexy_tui.services.repeat import Repeating, TryAgain, pause

NOW = datetime(2026, 2, 14, 10, 0, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("status", "headers", "message", "wanted"),
    [
        (403, {"retry-after": "7"}, "", 7),
        (429, {"retry-after": "0"}, "", 0),
        (403, {"retry-after": "Sat, 14 Feb 2026 10:00:30 GMT"}, "", 30),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH + 90)}, "", 91),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH - 90)}, "", 1),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH + 90), "date": "Sat, 14 Feb 2026 10:01:00 GMT"}, "", 31),
        (403, {"x-ratelimit-remaining": "0"}, "", LEAST),
        (429, {}, "", LEAST),
        (403, {}, "You have exceeded a secondary rate limit.", LEAST),
        (403, {"x-ratelimit-remaining": "4999", "x-ratelimit-reset": str(EPOCH + 90)}, "Resource not accessible", None),
        (403, {}, "Resource not accessible by personal access token", None),
        (200, {"retry-after": "7"}, "", None),
        (503, {"retry-after": "7"}, "", None),
    ],
)
def test_a_wait_is_read_from_the_answer_in_githubs_order(status: int, headers: dict[str, str], message: str, wanted: float | None) -> None:
    assert wait_asked(status, headers, message, NOW) == wanted


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"x-ratelimit-remaining": "29", "x-ratelimit-reset": str(EPOCH + 90)}, 91),
        ({"x-ratelimit-remaining": "30", "x-ratelimit-reset": str(EPOCH + 90)}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH - 90)}, 1),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH + 90), "date": "Sat, 14 Feb 2026 10:01:00 GMT"}, 31),
        ({"x-ratelimit-remaining": "0"}, None),
        ({"x-ratelimit-remaining": "-1", "x-ratelimit-reset": str(EPOCH + 90)}, None),
        ({}, None),
    ],
)
def test_room_for_a_swap_is_waited_for_where_the_host_tells_that_it_is_missing(headers: dict[str, str], wanted: float | None) -> None:
    assert wait_for_room(headers, 30, NOW) == wanted


class StillClock(SystemClock):
    """Notes what is slept and does not sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    def sleep(self, seconds: float, cancelled: object = None) -> None:
        if callable(cancelled) and cancelled():
            raise Cancelled("Stopped.")
        self.slept.append(seconds)


def failing(times: int, error: Exception) -> tuple[list[int], object]:
    calls = [0]

    def call() -> str:
        calls[0] += 1
        if calls[0] <= times:
            raise error
        return "there"

    return calls, call


def test_a_broken_line_is_tried_again_with_growing_waits_in_sight() -> None:
    clock, events = StillClock(), list[Event]()
    calls, call = failing(3, httpx.ReadError("reset"))
    assert Repeating(clock, events.append, lambda: False)(call) == "there"  # type: ignore[arg-type]
    assert calls == [4] and clock.slept == sorted(clock.slept) and clock.slept[0] < 2 < clock.slept[2]
    assert [event.seconds for event in events if isinstance(event, Waiting)] == clock.slept
    assert all(isinstance(event, Waiting) and "ReadError" in event.reason for event in events)


def test_what_clients_wait_for_is_tried_again_at_once() -> None:
    clock = StillClock()
    _, call = failing(3, TryAgain("busy", 502))
    Repeating(clock, silent, lambda: False)(call, first=0.1)  # type: ignore[arg-type]
    assert clock.slept == sorted(clock.slept) and sum(clock.slept) < 1, "three failures, and not a second lost"


def test_it_ends_with_the_last_error_and_does_not_wait_after_it() -> None:
    clock = StillClock()
    calls, call = failing(99, TryAgain("busy", 502))
    with pytest.raises(TryAgain, match="busy"):
        Repeating(clock, silent, lambda: False, attempts=3)(call)  # type: ignore[arg-type]
    assert calls == [3] and len(clock.slept) == 2


def test_a_wait_the_host_asks_for_is_waited_exactly_and_a_day_is_not() -> None:
    clock = StillClock()
    calls, call = failing(1, TryAgain("limit", 429, 61.0))
    Repeating(clock, silent, lambda: False)(call)  # type: ignore[arg-type]
    assert calls == [2] and clock.slept == [61.0]
    calls, call = failing(1, TryAgain("limit", 429, 86_400.0))
    with pytest.raises(TryAgain):
        Repeating(clock, silent, lambda: False)(call)  # type: ignore[arg-type]
    assert calls == [1]


def test_other_errors_and_cancels_end_at_once() -> None:
    calls, call = failing(1, ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        Repeating(StillClock(), silent, lambda: False)(call)  # type: ignore[arg-type]
    assert calls == [1]
    calls, call = failing(1, httpx.ReadError("reset"))
    with pytest.raises(Cancelled):
        Repeating(StillClock(), silent, lambda: True)(call)  # type: ignore[arg-type]
    assert calls == [1]


def test_a_refused_certificate_is_not_asked_again() -> None:
    import ssl

    error = httpx.ConnectError("tls")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")
    assert pause(error, 1) is None
    assert pause(httpx.ConnectError("refused"), 1) is not None
