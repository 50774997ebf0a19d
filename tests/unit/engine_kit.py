"""The engine with the real checklist, checks that say what a test wants, and actions that only note that they ran."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from checks.base import Check, Scope
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.checklist import CHECKLIST, Checklist, Item, ReleaseAction
from nexy_tui.core.finding import Status, Verdict
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook, Refused
from nexy_tui.core.target import Target
from nexy_tui.core.version import Version
from nexy_tui.engine.context import Keys
from nexy_tui.engine.notice import Notice
from nexy_tui.engine.session import Session
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.state import Checkpoint
from nexy_tui.services import Services

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
PLAN = Plan(Target(), Version.parse("1.6.1.43"), Kind.FULL, NOW, run="r", started=NOW)

UNSEEN = "cannot be looked at"
"""Instead of a status: the look raises CouldNotLook."""

BROKEN = "breaks"
"""Instead of a status: the look raises what nobody foresaw."""


@dataclass
class Journal:
    """In the run log's place: what was written, in order."""

    records: list[tuple[str, str, str, str]] = field(default_factory=list)
    sealed: str | None = None
    closed: bool = False
    fails_at: str | None = None
    run: str = "r"
    path: Path = Path("/nowhere/run.intoto.jsonl")

    def _write(self, kind: str, subject: str, status: str = "", message: str = "") -> None:
        if kind == self.fails_at:
            raise CouldNotLook("The disk is full.", "Nothing can be journalled.", "Make room.")
        self.records.append((kind, subject, status, message))

    @property
    def count(self) -> int:
        return len(self.records)

    def check(self, item: str, status: str, message: str = "", evidence: object = (), **_: object) -> None:
        self._write("check", item, status, message)

    def attestation(self, item: str, reason: str) -> None:
        self._write("attestation", item, "attested", reason)

    def intent(self, action: str, item: str | None = None, *, message: str | None = None) -> None:
        self._write("intent", action, "", message or "")

    def progress_checkpoint(self, action: str, *, message: str, mark: Checkpoint | None = None, evidence: object = ()) -> None:
        self._write("progress-checkpoint", action, mark or "", message)

    def result(self, action: str, status: str, *, message: str | None = None, **_: object) -> None:
        self._write("result", action, status, message or "")

    def set_subject(self, commit: str) -> None:
        self._write("subject", commit)

    def seal(self, outcome: str) -> None:
        self._write("seal", "", outcome)
        self.sealed = outcome

    def close(self) -> None:
        self.closed = True

    def results_of(self, action: str) -> list[tuple[str, str]]:
        """Status and message of an action's results."""
        return [(status, message) for kind, subject, status, message in self.records if (kind, subject) == ("result", action)]


@dataclass
class Lock:
    """In the lock keeper's place."""

    held: int = 0
    given_back: int = 0
    taken_by: str = ""

    def hold(self) -> None:
        self.held += 1

    def confirm(self) -> None:
        if self.taken_by:
            raise Refused(f"The release lock was taken over by {self.taken_by}.")

    def give_back(self) -> None:
        self.given_back += 1


@dataclass
class Recorder:
    """In an action's place: it notes that it ran, and brings its own items about."""

    stage: Stage
    real: Any
    does: Callable[[ActionContext], ActionResult] | None = None
    dry: bool = False

    @property
    def name(self) -> str:
        return str(self.real.name)

    @property
    def title(self) -> str:
        return str(self.real.title)

    @property
    def writes_outside(self) -> bool:
        return bool(self.real.writes_outside)

    def applies(self, plan: Plan) -> bool:
        return True

    def describe(self, services: Services, plan: Plan) -> list[str]:
        return [f"{self.name} would act"]

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        return None

    def run(self, context: ActionContext) -> ActionResult:
        if self.dry:
            self.stage.dry_ran.append(self.name)
            return ActionResult("Nothing was written.", changed=False)
        self.stage.ran.append(self.name)
        return ActionResult(f"{self.name} ran.") if self.does is None else self.does(context)


@dataclass
class Stage:
    """What the outside world looks like: everything holds, but what an action brings about holds only after it, and what is forced."""

    forced: dict[str, Status | str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    dry_ran: list[str] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)
    confirmed: list[str] = field(default_factory=list)

    def status(self, item: Item) -> Status | str:
        if item.id in self.forced:
            return self.forced[item.id]
        return Status.PASSED if item.action is None or {item.action, item.repair} & set(self.ran) else Status.FAILED

    def confirm(self, action: str) -> bool:
        """Yes to everything, and noted."""
        self.confirmed.append(action)
        return True

    def checklist(self, does: dict[str, Callable[[ActionContext], ActionResult]] | None = None, of: Checklist = CHECKLIST) -> Checklist:
        """The real checklist, its checks and actions replaced."""
        phases = tuple(replace(phase, items=tuple(replace(item, check=self._check(item)) for item in phase.items)) for phase in of.phases)
        return Checklist(phases, tuple(self._recorded(one, (does or {}).get(one.name)) for one in of.release_actions))

    def _recorded(self, one: ReleaseAction, does: Callable[[ActionContext], ActionResult] | None) -> ReleaseAction:
        dry = None if one.dry_run is None else Recorder(self, one.dry_run, dry=True)
        return replace(one, action=Recorder(self, one.action, does), dry_run=dry)

    def _check(self, item: Item) -> Check:
        def look(_: Scope) -> Status:
            self.looked.append(item.id)
            status = self.status(item)
            if status == UNSEEN:
                raise CouldNotLook(f"{item.id} could not be seen.", "", "Let it be seen.")
            if status == BROKEN:
                raise RuntimeError("nobody foresaw this")
            return Status(status)

        def judge(status: Status, _: Plan) -> Verdict:
            return Verdict(status, f"{item.id} was seen.", "" if status.satisfied else f"Mend {item.id}.")

        return replace(item.check, look=look, judge=judge)


class StillClock:
    """Time stands; a monotonic second passes with every look at it."""

    def __init__(self) -> None:
        self.ticks = 0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        self.ticks += 1
        return float(self.ticks)

    def sleep(self, seconds: float, cancelled: object = None) -> None:
        raise AssertionError("the engine does not wait")


@dataclass
class Engine:
    """A session on a stage, with everything around it that a test may look at."""

    stage: Stage
    session: Session
    journal: Journal
    lock: Lock
    notices: list[Notice]


def engine(
    stage: Stage | None = None,
    *,
    plan: Plan = PLAN,
    looks_only: bool = False,
    checklist: Checklist | None = None,
    does: dict[str, Callable[[ActionContext], ActionResult]] | None = None,
    of: Checklist = CHECKLIST,
    log: RunLog | None = None,
) -> Engine:
    """A session over a stage. `looks_only` leaves the journal away; `does` gives actions something to do; `log` is a true one.

    `checklist` is taken as it is, in the place of the stage's own of `of`.
    """
    stage = stage or Stage()
    journal, lock, notices = Journal(), Lock(), list[Notice]()
    services: Any = SimpleNamespace(clock=StillClock(), environ={}, target=plan.target, one_pass=nullcontext, writing=nullcontext)
    session = Session(
        services,
        checklist or stage.checklist(does, of),
        plan,
        Keys(_no_key, _no_key),
        log=log or (None if looks_only else journal),  # type: ignore[arg-type]
        observer=notices.append,
        lock=lock,  # type: ignore[arg-type]
    )
    return Engine(stage, session, journal, lock, notices)


def _no_key() -> Any:
    raise AssertionError("nothing here signs")


def items_of(phases: Sequence[str]) -> list[Item]:
    """The items of some phases."""
    return [item for phase in CHECKLIST.phases if phase.id in phases for item in phase.items]
