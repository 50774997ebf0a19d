"""A release without an outside world: a checklist of plain values, a log in memory, a clock that stands still."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from checks.base import Check
from nexy_tui.checklist import CHECKLIST, Checklist, Item, Phase
from nexy_tui.core.finding import Evidence, Finding, Status, Verdict, failed, inconclusive, not_applicable, passed
from nexy_tui.core.kind import Kind
from nexy_tui.core.layout import Layout
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Problem, Refused
from nexy_tui.core.target import Target
from nexy_tui.core.version import Version
from nexy_tui.engine.alone import Preview, perform_alone, preview_of
from nexy_tui.engine.context import Keys
from nexy_tui.engine.driver import drive
from nexy_tui.engine.notice import Observer
from nexy_tui.engine.outcome import Outcome
from nexy_tui.engine.places import Location
from nexy_tui.engine.rollback_preview import AssetPair, AssetState, RollbackPreview
from nexy_tui.engine.session import Session
from pilot.fake_actions import actions
from pilot.release_text import FIXERS, PHASES, SEEN
from screens.backend import FixEnd, FixPlan, Proposal

RUN = "0195048a-4c1e-7b3a-9d6e-2f1c5a7b9e10"
LOG = Path(f"/home/olga/.local/state/nexy-tui/runs/1.6.1.43/{RUN}.intoto.jsonl")
VERSION = Version(1, 6, 1, 43)


class FrozenClock:
    """Time stands still until a test moves it."""

    speed = 1.0

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> datetime:
        return datetime(2026, 2, 14, 10, 21, 7, tzinfo=UTC)

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed

    def sleep(self, seconds: float, cancelled: Callable[[], bool] | None = None) -> None:
        return None


class MemoryLog:
    """A run log that remembers what it was told."""

    def __init__(self) -> None:
        self.path, self.run = LOG, RUN
        self.records: list[tuple[Any, ...]] = []
        self.sealed = self.closed = False

    @property
    def count(self) -> int:
        return len(self.records)

    def check(self, item: str, status: str, message: str, evidence: Sequence[Evidence] = (), *, duration_ms: int = 0) -> None:
        self.records.append(("check", item, status, message))

    def intent(self, action: str, message: str = "") -> None:
        self.records.append(("intent", action, message))

    def result(self, action: str, status: str, message: str = "", **_: Any) -> None:
        self.records.append(("result", action, status, message))

    def attestation(self, item: str, reason: str) -> None:
        self.records.append(("attestation", item, reason))

    def progress_checkpoint(self, action: str, message: str = "", **_: Any) -> None:
        self.records.append(("progress-checkpoint", action, message))

    def seal(self, outcome: str) -> None:
        self.records.append(("seal", outcome))
        self.sealed = True

    def close(self) -> None:
        self.closed = True


class Play:
    """What the fake world shows (a verdict an item) and what the fake actions do."""

    def __init__(self) -> None:
        self.verdicts: dict[str, Verdict] = {name: passed(summary, *evidence) for name, (summary, evidence) in SEEN.items()}
        self.actions = {action.name: action for action in actions()}
        self.gate = threading.Event()
        self.gate.set()

    def checklist(self) -> Checklist:
        used = tuple(replace(CHECKLIST.release_action(name), action=action) for name, action in self.actions.items())
        return Checklist(tuple(self._phase(*phase) for phase in PHASES), used)

    def holds(self, *items: str) -> None:
        for item in items:
            summary, evidence = SEEN[item]
            self.verdicts[item] = passed(summary, *evidence)

    def fails(self, item: str, summary: str, remedy: str, *evidence: Evidence) -> None:
        self.verdicts[item] = failed(summary, remedy, *evidence)

    def unseen(self, item: str, summary: str, remedy: str, *evidence: Evidence) -> None:
        self.verdicts[item] = inconclusive(summary, remedy, *evidence)

    def not_needed(self, item: str, reason: str) -> None:
        self.verdicts[item] = not_applicable(reason)

    def _phase(self, name: str, title: str, section: str, intro: str, items: Sequence[dict[str, Any]]) -> Phase:
        offers = ("recover",) if name == "remotes" else ("rollback",) if name in ("publish", "gate", "deploy", "final") else ()
        return Phase(name, title, section, intro, tuple(self._item(**item) for item in items), offers)

    def _item(self, id: str, why: str, remedy: str | None = None, **rest: Any) -> Item:
        check = Check(lambda _: self._look(id), lambda facts, _: facts, why, slow=id == "publish.download")
        return Item(id=id, check=check, repair=remedy, closes_exposure=id == "final.live", **rest)

    def _look(self, item: str) -> Verdict:
        self.gate.wait(10)
        return self.verdicts[item]


@dataclass(frozen=True)
class Run:
    """A row of the list of runs."""

    run: str
    version: str
    path: Path
    looks: str
    kind: str = "full"
    world: str | None = "7f3a2c"
    operator: str = "olga"
    started: str = "2026-02-14T10:02:11.000000Z"
    records: int = 24
    outcome: str = ""


@dataclass(frozen=True)
class Judged:
    """A verdict on a log."""

    verdict: str
    lines: tuple[str, ...]


PLACES = (
    Location("inbox", "/home/olga/Nexy_server/release_inbox", "there", 7300.0, "Nexy.dmg, 315718837 bytes", "ls -la release_inbox"),
    Location("manifest", "/home/olga/Nexy_server/server/updates/manifests/manifest.json", "missing", how="nexy-tui sync-manifests"),
    Location("release page", "https://github.com/Seregawpn/Nexy_production/releases/tag/Update", "not asked", note="Nexy.dmg"),
    Location("drill records", "/home/olga/Nexy_server/server/backups/postgres/a.drill.jsonl", "there", 3 * 86400.0, "the drill passed"),
)


PREVIEW = RollbackPreview(
    (
        AssetPair(
            "Nexy.dmg",
            "Update",
            AssetState("1.6.1.43", "uploaded", 315_718_837, "3f2a9c51d0e8b774" * 4),
            AssetState("1.6.1.42", "uploaded", 314_102_996, "a61be29f4410c7d5" * 4),
        ),
        AssetPair("Nexy.pkg", "App", None, None),
    ),
    "1.6.1.43, 315718837 bytes",
)
CUT_OFF = replace(PREVIEW, pairs=(replace(PREVIEW.pairs[0], now=None, cut_off=True), PREVIEW.pairs[1]))
"""A swap that was cut off between its renames."""


@dataclass
class FakeBackend:
    """A backend on a Play."""

    play: Play = field(default_factory=Play)
    world: str | None = "7f3a2c"
    with_pkg: bool = False
    changes: tuple[str, ...] = ()
    refuses: Problem | None = None
    clock: FrozenClock = field(default_factory=FrozenClock)
    log: MemoryLog = field(default_factory=MemoryLog)
    root: Path = Path("/home/olga/Nexy_server")
    operator: str = "olga"
    opened: list[tuple[Any, ...]] = field(default_factory=list)
    at: str = ""
    ticked: threading.Event = field(default_factory=threading.Event)
    release: Callable[[], object] = lambda: None
    session: Session | None = None
    troubles: dict[str, Finding] = field(default_factory=dict)
    plans: dict[str, FixPlan] = field(default_factory=dict)
    fixed: list[tuple[str, str]] = field(default_factory=list)
    fixed_in: list[str | None] = field(default_factory=list)
    in_place: RollbackPreview = PREVIEW
    closed_runs: list[Path] = field(default_factory=list)

    @property
    def target(self) -> Target:
        return Target(world=self.world)

    def surroundings(self) -> Sequence[tuple[str, str]]:
        proxy = "http://127.0.0.1:41873" if self.world else "none"
        ca = "/tmp/world/ca/ca.pem" if self.world else "public"
        return (("checkout", str(self.root)), ("proxy", proxy), ("CA", ca), ("run logs", str(LOG.parent.parent)))

    def target_changes(self) -> Sequence[str]:
        return self.changes

    def proposal(self) -> Proposal:
        return Proposal(VERSION, Version(1, 6, 1, 42), Version(1, 6, 1, 42), self.changes)

    def open_run(self, version: Version, kind: Kind, with_pkg: bool) -> Session:
        if self.refuses is not None:
            raise self.refuses
        self.opened.append(("new", version, kind, with_pkg))
        return self._session(version, kind, with_pkg, self.log)

    def resume(self, path: Path) -> Session:
        if self.refuses is not None:
            raise self.refuses
        self.opened.append(("resume", path))
        return self._session(VERSION, Kind.FULL, False, self.log)

    def look_session(self) -> Session:
        self.opened.append(("look",))
        return self._session(VERSION, Kind.FULL, False, None)

    def drive(self, session: Session, confirm: Callable[[str], bool]) -> Outcome:
        return drive(session, confirm=confirm, attestations={}, attest_all=True)

    def runs(self) -> Sequence[Run]:
        return (
            Run(RUN, "1.6.1.43", LOG, "open"),
            Run("01950470-aaaa-7000-8000-000000000002", "1.6.1.42", LOG.with_name("b"), "sealed", outcome="complete", records=61),
            Run(
                "01950441-bbbb-7000-8000-000000000001",
                "1.6.1.41",
                LOG.with_name("c"),
                "sealed",
                "update-only",
                None,
                "pavel",
                outcome="aborted",
            ),
        )

    def close_run(self, path: Path) -> Sequence[str]:
        if path != LOG:
            raise Refused(f"Another process is writing the run log {path}.", remedy="Close that window first.")
        self.closed_runs.append(path)
        return [f"The run {RUN} of {VERSION} is closed: sealed as aborted."]

    def records(self, path: Path) -> Sequence[str]:
        return [
            f"   {seq}  2026-02-14T10:02:{seq:02d}.000000Z  check               passed         remotes.code   Code goes home."
            for seq in range(12)
        ]

    def verify(self, path: Path) -> Judged:
        return Judged(
            "SEALED", ("signed by olga on laptop, key SHA256:Yk2l…", "61 records, head 3f2a9c51…", "not checked: anchors: not asked")
        )

    def verify_commands(self, log: Path) -> Sequence[str]:
        signers = "/home/olga/.config/nexy-tui/allowed_signers"
        command = f"ssh-keygen -Y verify -f {signers} -I olga -n release-log@nexy-tui -Overify-time=20260214102107Z -s {log}.sig < {log}"
        return (f"nexy-tui runs verify {log}", command)

    def fixers(self) -> Sequence[Any]:
        return FIXERS

    def diagnose(self, names: Sequence[str] = ()) -> Sequence[Finding]:
        asked = [fixer.name for fixer in FIXERS if not names or fixer.name in names]
        found = [self.troubles.get(name, Finding(f"fix.{name}", Status.PASSED, "It is not here.")) for name in asked]
        return sorted((replace(one, fixers=(name,)) for one, name in zip(found, asked, strict=True)), key=lambda one: one.status.value)

    def plan_fix(self, name: str, run: Session | None = None) -> FixPlan:
        return self.plans.get(name, FixPlan((), None, "", outside=False))

    def fix(self, name: str, secret: str, observer: Observer, run: Session | None = None) -> FixEnd:
        if self.refuses is not None:
            raise self.refuses
        self.fixed_in.append(None if run is None else run.plan.run)
        self.fixed.append((name, secret))
        self.troubles.pop(name, None)
        return FixEnd("verified", ("passed: It is mended.",), LOG)

    def rollback_preview(self) -> RollbackPreview:
        if self.refuses is not None:
            raise self.refuses
        return self.in_place

    def preview(self, action: str, attestations: Mapping[str, str]) -> Preview:
        session = self._session(VERSION, Kind.FULL, False, None)
        return preview_of(session, action, attestations)

    def open_alone(self, action: str) -> Session:
        self.opened.append(("alone", action))
        return self._session(VERSION, Kind.FULL, False, self.log, standalone=True)

    def act_alone(self, session: Session, action: str, attestations: Mapping[str, str]) -> Outcome:
        return perform_alone(session, [action], confirm=lambda _: True, attestations=attestations)

    def places(self) -> Sequence[Location]:
        return PLACES

    def _session(self, version: Version, kind: Kind, with_pkg: bool, log: MemoryLog | None, *, standalone: bool = False) -> Session:
        services: Any = SimpleNamespace(clock=self.clock, environ={}, layout=Layout("flat", self.root), one_pass=nullcontext)
        started = self.clock.now() if log else None
        plan = Plan(self.target, version, kind, self.clock.now(), with_pkg, RUN if log else None, started, standalone=standalone)
        keys: Any = Keys(lambda: None, lambda: None)
        journal: Any = log
        self.session = Session(services, self.play.checklist(), plan, keys, log=journal)
        while log is not None and self.at and self.session.state.phase not in (self.at, None):
            self.session.looks.at_phase(str(self.session.state.phase))
            assert self.session.advance() is None, "the play does not lead to that phase"
        return self.session
