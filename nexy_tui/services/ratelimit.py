"""When the release host asks to wait, and for how long (contracts: GitHub releases).

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

LEAST = 60.0
"""What is waited where the answer names no time."""

MOST = 3_700.0
"""The hourly limit is back after an hour; a longer wait asked for is not obeyed but reported."""


def wait_asked(status: int, headers: Mapping[str, str], message: str, now: datetime) -> float | None:
    """Seconds the host asks to wait, or None when this answer is no rate limit. `headers` are read in lower case."""
    if status not in (403, 429):
        return None
    after = _seconds(headers.get("retry-after", ""), now)
    if after is not None:
        return max(after, 0.0)
    nothing_left = _count(headers, "remaining") == 0
    until_reset = _until_reset(headers, now)
    if nothing_left and until_reset is not None:
        return until_reset
    if status == 429 or nothing_left or "rate limit" in message.lower():
        return LEAST
    return None


def wait_for_room(headers: Mapping[str, str], needed: int, now: datetime) -> float | None:
    """Seconds until the hour's allowance is back, where an answer says that fewer than `needed` requests are left; else None."""
    left = _count(headers, "remaining")
    return _until_reset(headers, now) if left is not None and left < needed else None


def _count(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(f"x-ratelimit-{name}", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _until_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    reset = _count(headers, "reset")
    return None if reset is None else max(reset - _host_time(headers, now), 0.0) + 1.0


def _seconds(text: str, now: datetime) -> float | None:
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None


def _host_time(headers: Mapping[str, str], now: datetime) -> float:
    """The host's own time of day: the reset is told in it, and this machine's clock may be wrong."""
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return now.timestamp()
