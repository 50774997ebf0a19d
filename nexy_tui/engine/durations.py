"""How long things usually take, learned from the logs of earlier runs in this world."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

from nexy_tui.core.problem import Problem
from nexy_tui.runlog.read import list_runs, read_log
from nexy_tui.runlog.record import Record
from nexy_tui.runlog.state import Checkpoint

_RUNS = 8
"""As many of the newest runs are read: how it was long ago tells little of today."""


def usual_seconds(state_dir: Path, world: str | None, action: str) -> float | None:
    """The median time of an action that was done; None where no run here has done it."""
    times = [
        record.duration_ms / 1000
        for records in _earlier(state_dir, world)
        for record in records
        if record.kind == "result" and record.action == action and record.status == "done" and record.duration_ms is not None
    ]
    return median(times) if times else None


def usual_exposure(state_dir: Path, world: str | None) -> float | None:
    """The median time in which customers could not update; None where no run here has replaced the download."""
    times = [seconds for records in _earlier(state_dir, world) for seconds in _exposures(records)]
    return median(times) if times else None


def _earlier(state_dir: Path, world: str | None) -> Iterator[Sequence[Record]]:
    runs = [run for run in list_runs(state_dir) if run.world == world and run.outcome == "complete"]
    for run in runs[:_RUNS]:
        try:
            yield read_log(run.path)
        except Problem:  # It cannot be read: it teaches nothing.
            continue


def _exposures(records: Sequence[Record]) -> Iterator[float]:
    since: datetime | None = None
    for record in records:
        mark = record.details.get("mark")
        if mark == Checkpoint.EXPOSED.value:
            since = datetime.fromisoformat(record.time)
        elif mark == Checkpoint.AGREED.value and since is not None:
            yield (datetime.fromisoformat(record.time) - since).total_seconds()
            since = None
