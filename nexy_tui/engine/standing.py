"""How things stand on this machine before anything is begun: a run that is open, and the last release that was verified."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from nexy_tui.checklist import CHECKLIST, ActionRole
from nexy_tui.core.problem import Problem
from nexy_tui.engine.story import phase_of
from nexy_tui.runlog.read import RunSummary, list_runs, read_log
from nexy_tui.runlog.record import Record
from nexy_tui.runlog.state import Errand
from nexy_tui.runlog.verify import State, verify_file
from nexy_tui.services import Services

_WAYS_BACK = frozenset(one.name for one in CHECKLIST.of_role(ActionRole.ROLLBACK))


@dataclass(frozen=True, slots=True)
class Standing:
    """The operator's own run that is open here, where it stands and since when; and which release was verified last, in words."""

    left_open: RunSummary | None = None
    at: str = ""
    released: str = ""


def standing(services: Services) -> Standing:
    """Read from the logs on this machine alone; nobody outside is asked."""
    here = [run for run in list_runs(services.settings.state_dir) if run.world == services.target.world]
    left = next((run for run in here if _goes_on(run, services.settings.operator)), None)
    now = services.clock.now()
    return Standing(left, "" if left is None else _at(left, now), _released(services, here, now))


def clock_time(moment: datetime, now: datetime) -> str:
    """A time as people say it here: `14:02` today, else with its day."""
    here, today = moment.astimezone(), now.astimezone()
    return f"{here:%H:%M}" if here.date() == today.date() else f"{here:%d %b %H:%M}"


def where(records: Sequence[Record]) -> tuple[str, datetime]:
    """The phase a run stands in, by what it checked last, and since when; no phase where it checked nothing yet."""
    phase, since = "", records[0].moment
    for record in records:
        found = phase_of(record.item) if record.kind == "check" else phase
        if found != phase:
            phase, since = found, record.moment
    return phase, since


def _goes_on(run: RunSummary, operator: str) -> bool:
    errand = None if run.purpose is None else run.purpose.errand
    return run.looks in ("open", "torn") and run.operator == operator and errand in (Errand.RELEASE, Errand.FIX)


def _at(run: RunSummary, now: datetime) -> str:
    try:
        phase, since = where(read_log(run.path))
    except Problem:
        return ""
    return f"at {phase} since {clock_time(since, now)}" if phase else f"begun at {clock_time(since, now)}"


def _released(services: Services, runs: Iterable[RunSummary], now: datetime) -> str:
    """The newest release whose log verifies; none where a rollback came after it."""
    for run in runs:
        if run.purpose is None or run.outcome != "complete":
            continue
        if run.purpose.errand is Errand.ACTION and _WAYS_BACK & set(run.purpose.names):
            return ""
        if run.purpose.errand is Errand.RELEASE:
            if verify_file(run.path, services.settings).state not in (State.SEALED, State.ANCHORED):
                continue
            ended = datetime.fromisoformat(run.ended)
            day = "today " if ended.astimezone().date() == now.astimezone().date() else ""
            return f"{run.version} is released and verified, {day}{clock_time(ended, now)}"
    return ""
