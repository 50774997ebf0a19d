"""The exposure in a run's log: how long the download and the live appcast have disagreed, also over a resume."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nexy_tui.runlog.record import Record

_OPENED = "Exposure opened: "
_CLOSED = "Exposure closed after "


def opened() -> str:
    """What the log says when the swap begins the exposure."""
    return f"{_OPENED}clients that follow the live appcast refuse the download until both agree."


def closed(seconds: float, why: str) -> str:
    """What the log says when it is over, after how long and why."""
    return f"{_CLOSED}{seconds:.1f} s: {why}."


def open_since(records: Sequence[Record]) -> datetime | None:
    """When the exposure began that a run's records leave open; None where they leave none."""
    since = None
    for record in records:
        if record.kind != "progress-checkpoint":
            continue
        if record.message.startswith(_OPENED):
            since = record.moment
        elif record.message.startswith(_CLOSED):
            since = None
    return since
