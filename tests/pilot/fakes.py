"""A backend on the real checklist without an outside world: a log in memory, a clock that stands still, made-up runs and places."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import test_gate as gate
from engine_kit import Journal

from nexy_tui.core.finding import Finding, Status
from nexy_tui.core.kind import Kind
from nexy_tui.core.layout import Layout
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Problem, Refused
from nexy_tui.core.remedy import Run
from nexy_tui.core.target import Target
from nexy_tui.core.version import Version
from nexy_tui.engine.alone import Preview, perform_alone, preview_of
from nexy_tui.engine.context import Keys
from nexy_tui.engine.doctor import LINES, Diagnosis
from nexy_tui.engine.driver import drive
from nexy_tui.engine.mend import FixPreview
from nexy_tui.engine.outcome import Outcome
from nexy_tui.engine.places import Location
from nexy_tui.engine.rollback_preview import AssetPair, AssetState, RollbackPreview
from nexy_tui.engine.session import Session
from nexy_tui.engine.standing import Standing
from nexy_tui.engine.story import Step, Tone
from nexy_tui.fixers import TROUBLES, Trouble
from nexy_tui.runlog.read import RunSummary
from nexy_tui.runlog.show import verify_command
from nexy_tui.runlog.verify import State
from nexy_tui.services.database.retention import Retired
from nexy_tui.services.database.settings import Address
from pilot.scripted import Play
from screens.backend import FixEnd, Proposal

RUN = "0195048a-4c1e-7b3a-9d6e-2f1c5a7b9e10"
LOG = Path(f"/home/olga/.local/state/nexy-tui/runs/1.6.1.43/{RUN}.intoto.jsonl")
VERSION = Version(1, 6, 1, 43)
NOW = datetime(2026, 2, 14, 10, 21, 7, tzinfo=UTC)


class FrozenClock:
    """Time stands still until a test moves it."""

    speed = 1.0

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed

    def sleep(self, seconds: float, cancelled: Callable[[], bool] | None = None) -> None:
        return None


RUNS = (
    RunSummary(RUN, "1.6.1.43", LOG, "open", "full", "7f3a2c", "olga", "2026-02-14T10:02:11.000000Z", records=24),
    RunSummary(
        "01950470-aaaa-7000-8000-000000000002",
        *("1.6.1.42", LOG.with_name("b"), "sealed", "full", "7f3a2c", "olga", "2026-02-13T09:12:40.000000Z"),
        records=61,
        outcome="complete",
    ),
    RunSummary(
        "01950441-bbbb-7000-8000-000000000001",
        *("1.6.1.41", LOG.with_name("c"), "sealed", "update-only", None, "pavel", "2026-02-11T16:40:03.000000Z"),
        records=24,
        outcome="aborted",
    ),
)
STORY = (
    Step("2026-02-14T10:02:11.000000Z", "2026-02-14T10:02:11.000000Z", "", "Release 1.6.1.43", "olga", "begun", Tone.PLAIN),
    Step(
        "2026-02-14T10:02:12.000000Z", "2026-02-14T10:02:15.000000Z", "Remotes", "Checked Remotes", "olga", "11 of 11 verified", Tone.GOOD
    ),
    Step(
        *("2026-02-14T10:04:40.000000Z", "2026-02-14T10:05:20.000000Z", "Database", "Back up the database", "olga", "failed", Tone.BAD),
        "pg_dump ended with status 1: could not write to file: No space left on device.",
        acted=True,
    ),
    Step("2026-02-14T10:09:00.000000Z", "2026-02-14T10:09:00.000000Z", "", "Taken up again", "pavel", "resumed", Tone.PLAIN),
)
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
            AssetState("1.6.1.43", "uploaded", 315_718_837, gate.SHA),
            AssetState("1.6.1.42", "uploaded", 314_102_996, "a61be29f4410c7d5" * 4),
        ),
        AssetPair("Nexy.pkg", "App", None, None),
    ),
    "1.6.1.43, 315718837 bytes",
)
CUT_OFF = replace(PREVIEW, pairs=(replace(PREVIEW.pairs[0], now=None, cut_off=True), PREVIEW.pairs[1]))
"""A swap that was cut off between its renames."""


def services(clock: FrozenClock, root: Path) -> Any:
    """What the real actions ask when they say what they would do."""
    tips = {"refs/heads/main": gate.MANIFEST_COMMIT, "refs/tags/v1.6.1.43^{}": gate.COMMIT}
    git = SimpleNamespace(
        target=Target(),
        files_at=lambda *_: (),
        code_remote=lambda: "server_repo",
        release_branch=lambda: "main",
        changes=lambda: [(" M", "VERSION"), (" M", "server/config/unified_config.yaml")],
        remote_refs=lambda *_: tips,
        has_commit=lambda _: True,
        show=lambda *_: gate.raw(),
        last_commit_of=lambda *_: gate.MANIFEST_COMMIT,
    )
    address = Address("db.internal", 5432, "voice_assistant_db")
    database = SimpleNamespace(place=SimpleNamespace(address=lambda: address, retiring=Retired), seen_from="this machine")
    settings = SimpleNamespace(state_dir=root / "no-runs-here")
    return SimpleNamespace(
        clock=clock,
        environ={},
        layout=Layout("flat", root),
        one_pass=nullcontext,
        writing=nullcontext,
        git=git,
        database=database,
        settings=settings,
    )


@dataclass
class FakeBackend:
    """A backend on a Play. `mends` are the items that a fixer puts right.

    `at` is the phase its runs stand in, `exposed` for how many seconds customers could not update then.
    """

    world: str | None = "7f3a2c"
    with_pkg: bool = False
    changes: tuple[str, ...] = ()
    refuses: Problem | None = None
    clock: FrozenClock = field(default_factory=FrozenClock)
    log: Journal = field(default_factory=lambda: Journal(run=RUN, path=LOG))
    root: Path = Path("/home/olga/Nexy_server")
    operator: str = "olga"
    opened: list[tuple[Any, ...]] = field(default_factory=list)
    at: str = ""
    exposed: float | None = None
    ticked: threading.Event = field(default_factory=threading.Event)
    release: Callable[[], object] = lambda: None
    session: Session | None = None
    troubles: dict[str, Finding] = field(default_factory=dict)
    plans: dict[str, FixPreview] = field(default_factory=dict)
    mends: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fixed: list[tuple[str, str]] = field(default_factory=list)
    fixed_in: list[str | None] = field(default_factory=list)
    in_place: RollbackPreview = PREVIEW
    closed_runs: list[Path] = field(default_factory=list)
    stands: Standing = field(default_factory=Standing)
    reported: list[Path] = field(default_factory=list)
    saved: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.play = Play(with_pkg=self.with_pkg)

    @property
    def target(self) -> Target:
        return Target(world=self.world)

    def standing(self) -> Standing:
        return self.stands

    def story(self, path: Path) -> Sequence[Step]:
        return STORY

    def report(self, path: Path) -> Path:
        self.reported.append(path)
        return path.with_name(f"{RUN}.html")

    def save(self, session: Session) -> Path:
        self.saved.append({name: finding.status.value for name, finding in session.state.findings.items()})
        return LOG.with_name("check.intoto.jsonl")

    def surroundings(self) -> Sequence[tuple[str, str]]:
        proxy = "http://127.0.0.1:41873" if self.world else "none"
        ca = "/tmp/world/ca/ca.pem" if self.world else "public"
        config = "/home/olga/.config/nexy-tui/config.toml"
        return (("checkout", str(self.root)), ("configuration", config), ("proxy", proxy), ("CA", ca), ("run logs", str(LOG.parent.parent)))

    def target_changes(self) -> Sequence[str]:
        return self.changes

    def proposal(self) -> Proposal:
        return Proposal(VERSION, Version(1, 6, 1, 42), Version(1, 6, 1, 42), self.changes)

    def open_run(self, version: Version, kind: Kind, with_pkg: bool) -> Session:
        return self._session(("new", version, kind, with_pkg), Plan(self.target, version, kind, NOW, with_pkg, RUN, NOW))

    def resume(self, path: Path) -> Session:
        return self._session(("resume", path), Plan(self.target, VERSION, Kind.FULL, NOW, False, RUN, NOW))

    def look_session(self) -> Session:
        return self._session(("look",), Plan(self.target, VERSION, Kind.FULL, NOW))

    def drive(self, session: Session, confirm: Callable[[str], bool]) -> Outcome:
        return drive(session, confirm=confirm, attestations={}, attest_all=True)

    def runs(self) -> Sequence[RunSummary]:
        return RUNS

    def close_run(self, path: Path) -> Sequence[str]:
        if path != LOG:
            raise Refused(f"Another process is writing the run log {path}.", remedy="Close that window first.")
        self.closed_runs.append(path)
        return [f"The run {RUN} of {VERSION} is closed: sealed as aborted."]

    def records(self, path: Path) -> Sequence[str]:
        seen = [("remotes.code", "origin pushes to Seregawpn/Nexy_server."), ("remotes.lock", "Nobody else is releasing.")] * 6
        return [
            f"{seq:>4}  2026-02-14T10:02:{seq:02d}.000000Z  check               passed         {item:<28} {said}"
            for seq, (item, said) in enumerate(seen, 1)
        ]

    def verify(self, path: Path) -> tuple[State, Sequence[str]]:
        lines = ("signed by  olga on laptop, key SHA256:Yk2l9cQx", "records    61, head 3f2a9c51", "not seen   anchors: not asked")
        return State.SEALED, lines

    def verify_commands(self, log: Path) -> Sequence[str]:
        sealed: Any = SimpleNamespace(moment=NOW)
        return (f"nexy-tui runs verify {log}", verify_command(log, "olga", sealed, "/home/olga/.config/nexy-tui/allowed_signers"))

    def fixers(self) -> Sequence[Trouble]:
        return TROUBLES

    def diagnose(self, names: Sequence[str] = ()) -> Sequence[Finding]:
        found = []
        for name in (trouble.name for trouble in TROUBLES if not names or trouble.name in names):
            finding = self.troubles.get(name, Finding(f"fix.{name}", Status.PASSED, "It is not here."))
            found.append(replace(finding, fixers=(name,)))
        return sorted(found, key=lambda one: one.status.value)

    def plan_fix(self, name: str, run: Session | None = None) -> FixPreview:
        return self.plans.get(name, FixPreview())

    def fix(self, name: str, secret: str, run: Session | None = None) -> FixEnd:
        if self.refuses is not None:
            raise self.refuses
        self.fixed_in.append(None if run is None else run.plan.run)
        self.fixed.append((name, secret))
        self.troubles.pop(name, None)
        self.play.holds(*self.mends.get(name, ()))
        return FixEnd("verified", ("passed: It is mended.",), LOG)

    def rollback_preview(self) -> RollbackPreview:
        if self.refuses is not None:
            raise self.refuses
        return self.in_place

    def preview(self, action: str, attestations: Mapping[str, str]) -> Preview:
        return preview_of(self._session(None, Plan(self.target, VERSION, Kind.FULL, NOW)), action, attestations)

    def open_alone(self, action: str) -> Session:
        return self._session(("alone", action), Plan(self.target, VERSION, Kind.FULL, NOW, False, RUN, NOW, standalone=True))

    def act_alone(self, session: Session, action: str, attestations: Mapping[str, str]) -> Outcome:
        return perform_alone(session, [action], confirm=lambda _: True, attestations=attestations)

    def diagnosis(self, *, offline: bool) -> Diagnosis:
        """All is ready but Sparkle's key; offline the rest is not asked for."""
        wrong = Finding("sparkle", Status.FAILED, "There is nothing to sign with for Sparkle.", Run("secrets set sparkle-private-key"))
        unasked = [line.id for line in LINES if line.outside and offline]
        found = [Finding(line.id, Status.NOT_RUN if line.id in unasked else Status.PASSED, f"{line.title} is right.") for line in LINES]
        return Diagnosis(tuple(wrong if one.item == "sparkle" else one for one in found), self.target, offline, {})

    def places(self) -> Sequence[Location]:
        return PLACES

    def status(self, item: str) -> Status:
        """How an item stands in the run."""
        assert self.session is not None
        return self.session.state.status(item)

    @property
    def phase(self) -> str | None:
        """The phase that the run stands in."""
        assert self.session is not None
        return self.session.state.phase

    def look_again(self, item: str) -> None:
        """As if something had the run look at one item, whatever is shown."""
        assert self.session is not None
        self.session.looks.at([self.session.checklist.item(item)])

    def _session(self, asked: tuple[Any, ...] | None, plan: Plan) -> Session:
        if self.refuses is not None:
            raise self.refuses
        if asked is not None:
            self.opened.append(asked)
        keys, journal = Keys(lambda: None, lambda: None), self.log if plan.run else None  # type: ignore[arg-type,return-value]
        session = Session(services(self.clock, self.root), self.play.checklist(), plan, keys, log=journal)  # type: ignore[arg-type]
        self.session = session
        while plan.run and self.at and session.state.phase not in (self.at, None):
            session.looks.at_phase(str(session.state.phase))
            assert session.advance() is None, "the play does not lead to that phase"
        session.exposure.restore(None if self.exposed is None else NOW - timedelta(seconds=self.exposed))
        return session
