"""Reading logs without judging them: to show a run, to go on with one, to list them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.core.problem import Refused, Unusable
from nexy_tui.core.remedy import Run
from nexy_tui.runlog import canonical, dsse, seal
from nexy_tui.runlog.chain import read_line, split
from nexy_tui.runlog.logfile import read_whole
from nexy_tui.runlog.record import SUFFIX, BadRecord, Record
from nexy_tui.runlog.state import Errand, Purpose, RunState


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run as its log describes itself. `looks` is sealed, open, torn or unreadable, by form alone: only `verify` trusts."""

    run: str
    version: str
    path: Path
    looks: str
    kind: str = ""
    world: str | None = None
    operator: str = ""
    started: str = ""
    ended: str = ""
    records: int = 0
    head: str = ""
    outcome: str = ""
    dangling: tuple[str, ...] = ()
    purpose: Purpose | None = None

    @property
    def fixer(self) -> str:
        """The fixer whose run it is; empty for any other run."""
        fix = self.purpose is not None and self.purpose.errand is Errand.FIX
        return " ".join(self.purpose.names) if fix and self.purpose is not None else ""

    def document(self) -> dict[str, object]:
        """The summary for `runs list --json`."""
        return {
            "run": self.run,
            "version": self.version,
            "kind": self.kind,
            "purpose": None if self.purpose is None else str(self.purpose),
            "world": self.world,
            "operator": self.operator,
            "looks": self.looks,
            "outcome": self.outcome or None,
            "started": self.started or None,
            "ended": self.ended or None,
            "records": self.records,
            "head": self.head or None,
            "dangling": list(self.dangling),
            "log": str(self.path),
        }


def read_log(path: Path) -> list[Record]:
    """The whole lines of a log as records, signatures not looked at; a torn last line is left out. Raises Unusable or Refused."""
    return _records(path, split(read_whole(path))[0])


def summary(path: Path) -> RunSummary:
    """What a log says of its run. Never raises for a broken log: it says `unreadable`."""
    run, version = path.name.removesuffix(SUFFIX), path.parent.name
    try:
        lines, torn = split(read_whole(path))
        records = _records(path, lines)
    except (Unusable, Refused):
        return RunSummary(run, version, path, "unreadable")
    if not records or records[0].kind != "genesis":
        return RunSummary(run, version, path, "torn" if torn else "unreadable")
    first, last, state = records[0], records[-1], RunState.of(records)
    sealed = last.kind == "seal" and not torn
    return RunSummary(
        run=first.run,
        version=str(first.details.get("version", version)),
        path=path,
        looks=("sealed" if seal.signature_path(path).exists() else "open") if sealed else ("torn" if torn else "open"),
        kind=str(first.details.get("kind", "")),
        world=first.world,
        operator=first.operator.id,
        started=first.time,
        ended=last.time if sealed else "",
        records=len(records),
        head=last.digest,
        outcome=str(last.details.get("outcome", "")) if sealed else "",
        dangling=state.dangling,
        purpose=state.purpose,
    )


def list_runs(state_dir: Path) -> list[RunSummary]:
    """Every run under a state directory, the newest first (a run's id begins with its time)."""
    return sorted((summary(path) for path in _logs(state_dir)), key=lambda run: run.run, reverse=True)


def list_runs_of(state_dir: Path, version: str, *, besides: str | None = None) -> list[RunSummary]:
    """The runs of one version but for one, by the folder their logs lie in and the names they have; no other log is read."""
    logs = sorted((state_dir / "runs" / version).glob("*" + SUFFIX))
    return [summary(path) for path in logs if path.name != f"{besides}{SUFFIX}"]


def previous_head(state_dir: Path, operator: str) -> str | None:
    """The head of the operator's last run here, for the next genesis; None when this is the first."""
    return next((run.head for run in list_runs(state_dir) if run.operator == operator and run.head), None)


def find_log(state_dir: Path, named: str) -> Path:
    """The log a command names: a file, a run's id, or the beginning of just one id. Raises Unusable."""
    path = Path(named)
    if path.is_file():
        return path
    found = [log for log in _logs(state_dir) if re.fullmatch("[0-9a-f-]{4,}", named) and log.name.startswith(named)]
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} runs begin with {named[:60]!r}" if found else f"{named[:200]!r} is neither a file nor a run in {state_dir}"
    raise Unusable(f"{what}.", "One log must be named.", Run("runs list", "See which runs there are"))


def _logs(state_dir: Path) -> list[Path]:
    return sorted((state_dir / "runs").glob("*/*" + SUFFIX))


def _records(path: Path, lines: list[bytes]) -> list[Record]:
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(read_line(line)[0])
        except (dsse.BadEnvelope, canonical.NotCanonical, BadRecord) as error:
            raise Refused(
                f"Line {number} of {path} is not a record of a run: {error}.",
                "The log was changed, or is no run log.",
                Run(f"runs verify {shlex.quote(str(path))}", "See all of it"),
            ) from None
    return records
