"""A release without an outside world: a checklist of plain values, a log in memory, a clock that stands still."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from checks.base import Check
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.checklist import Checklist, Item, Phase
from nexy_tui.core.event import Event
from nexy_tui.core.finding import Evidence, Status, Verdict, failed, inconclusive, not_applicable, passed
from nexy_tui.core.kind import Kind
from nexy_tui.core.layout import Layout
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Problem
from nexy_tui.core.target import Target
from nexy_tui.core.version import Version
from nexy_tui.engine.driver import Outcome, drive
from nexy_tui.engine.session import Keys, Session
from nexy_tui.fixers import TROUBLES
from screens.backend import Proposal

RUN = "0195048a-4c1e-7b3a-9d6e-2f1c5a7b9e10"
LOG = Path(f"/home/olga/.local/state/nexy-tui/runs/1.6.1.43/{RUN}.intoto.jsonl")
VERSION = Version(1, 6, 1, 43)
SHA = "3f2a9c51d0e8b7746c1f5a2e9d8b3c7046f1e2d5a9b8c7d6e5f4a3b2c1d09c1b"


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

    def check(self, item: str, status: str, message: str, evidence: Sequence[Evidence] = ()) -> None:
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


@dataclass
class FakeAction:
    """An action whose effect is a function of the test's choosing."""

    name: str
    title: str
    lines: tuple[str, ...] = ("do it",)
    irreversible: bool = False
    writes_outside: bool = False
    typed: str | None = None
    effect: Callable[[ActionContext], ActionResult] = lambda _: ActionResult("Done.")
    ran: int = 0

    def describe(self, services: Any, plan: Plan) -> Sequence[str]:
        return self.lines

    def confirmation(self, services: Any, plan: Plan) -> str | None:
        return self.typed

    def run(self, context: ActionContext) -> ActionResult:
        self.ran += 1
        return self.effect(context)


class Play:
    """What the fake world shows (a verdict an item) and what the fake actions do."""

    def __init__(self) -> None:
        self.verdicts: dict[str, Verdict] = {name: passed(summary, *evidence) for name, (summary, evidence) in SEEN.items()}
        self.actions = {action.name: action for action in _actions()}
        self.gate = threading.Event()
        self.gate.set()

    def checklist(self) -> Checklist:
        return Checklist(tuple(self._phase(*phase) for phase in PHASES), dict(self.actions))

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
        return Phase(name, title, section, intro, tuple(self._item(**item) for item in items))

    def _item(self, id: str, **rest: Any) -> Item:
        return Item(id=id, check=Check(lambda _: self._look(id), lambda facts, _: facts, slow=id == "publish.download"), **rest)

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
    session: Session | None = None

    @property
    def target(self) -> Target:
        return Target(world=self.world)

    def surroundings(self) -> Sequence[tuple[str, str]]:
        proxy = "http://127.0.0.1:41873" if self.world else "none"
        ca = "/tmp/world/ca/ca.pem" if self.world else "public"
        return (("checkout", str(self.root)), ("proxy", proxy), ("CA", ca), ("run logs", str(LOG.parent.parent)))

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
            Run("01950441-bbbb-7000-8000-000000000001", "1.6.1.41", LOG.with_name("c"), "sealed", "update-only", None, "pavel", outcome="aborted"),
        )

    def records(self, path: Path) -> Sequence[str]:
        return [f"   {seq}  2026-02-14T10:02:{seq:02d}.000000Z  check               passed         remotes.code   Code goes home." for seq in range(12)]

    def verify(self, path: Path) -> Judged:
        return Judged("SEALED", ("signed by olga on laptop, key SHA256:Yk2l…", "61 records, head 3f2a9c51…", "not checked: anchors: not asked"))

    def verify_commands(self, log: Path) -> Sequence[str]:
        signers = "/home/olga/.config/nexy-tui/allowed_signers"
        command = f"ssh-keygen -Y verify -f {signers} -I olga -n release-log@nexy-tui -Overify-time=20260214102107Z -s {log}.sig < {log}"
        return (f"nexy-tui runs verify {log}", command)

    def fixers(self) -> Sequence[Any]:
        return TROUBLES

    def _session(self, version: Version, kind: Kind, with_pkg: bool, log: MemoryLog | None) -> Session:
        services: Any = SimpleNamespace(clock=self.clock, layout=Layout("flat", self.root))
        plan = Plan(self.target, version, kind, self.clock.now(), with_pkg, RUN if log else None, self.clock.now() if log else None)
        keys: Any = Keys(lambda: None, lambda: None)
        journal: Any = log
        self.session = Session(services, self.play.checklist(), plan, keys, log=journal)
        while log is not None and self.at and self.session.state.phase not in (self.at, None):
            self.session.look_at_phase(str(self.session.state.phase))
            assert self.session.advance() is None, "the play does not lead to that phase"
        return self.session


def emitting(*events: Event, result: str = "Done.", problem: Problem | None = None, hold: threading.Event | None = None) -> Callable[[ActionContext], ActionResult]:
    """An effect that says these things, waits for `hold`, and ends with a result or a problem."""

    def effect(context: ActionContext) -> ActionResult:
        for event in events:
            context.emit(event)
        while hold is not None and not hold.wait(0.01):
            if context.cancelled():
                from nexy_tui.core.problem import Cancelled

                raise Cancelled("Stopped by the operator.")
        if problem is not None:
            raise problem
        return ActionResult(result)

    return effect


def _actions() -> list[FakeAction]:
    bump = ("write 1.6.1.43 into VERSION", "write the version fields of server/config/unified_config.yaml", "commit Release v1.6.1.43")
    push = ("push Release v1.6.1.43 and the tag v1.6.1.43 to Seregawpn/Nexy_server, in one atomic push",)
    backup = ("dump voice_assistant_db at 127.0.0.1:5432 as nexy_db_20260214T102107Z.tar.gz", "verify the archive and sign a record beside it")
    publish = (
        "upload Nexy.dmg (315.7 MB) as incoming-3f2a9c51d0e8b774-Nexy.dmg to Seregawpn/Nexy_production, tag Update",
        "download it again and compare size and sha256",
        "rename the present Nexy.dmg to previous-Nexy.dmg, and the new one to Nexy.dmg",
        "write the four manifest files from the downloaded bytes and push them as one commit",
    )
    deploy = ("check out v1.6.1.43 on the VM Nexy, lay the four manifest files over it", "restart voice-assistant.service and see /health")
    return [
        FakeAction("bump", "Raise the version", bump),
        FakeAction("push", "Push commit and tag", push, irreversible=True, writes_outside=True),
        FakeAction("backup", "Back the database up", backup, writes_outside=True),
        FakeAction("drill", "Restore drill", ("restore the newest archive into restore_drill_20260214_102107", "count its rows and drop it")),
        FakeAction("harden", "Harden the database", ("revoke DELETE and TRUNCATE from nexy_user",), typed="127.0.0.1"),
        FakeAction("publish", "Publish the artifacts", publish, irreversible=True, writes_outside=True),
        FakeAction("deploy", "Deploy to the VM", deploy, irreversible=True, writes_outside=True),
    ]


def _item(id: str, section: str, title: str, why: str, **rest: Any) -> dict[str, Any]:
    return {"id": id, "section": section, "title": title, "why": why, **rest}


PHASES: Sequence[tuple[str, str, str, str, Sequence[dict[str, Any]]]] = (
    (
        "remotes",
        "Remotes",
        "0.1",
        "Code goes to the code repository, artifacts to the artifacts repository, and never the other way round.",
        (
            _item("remotes.code", "0.1", "Code remote", "A push to the wrong repository publishes source or tags where nobody looks for them.", fixers=("manifest-repository",)),
            _item("remotes.rights", "0.1", "Rights on the code repository", "Without the right to push, the release stops half-way.", fixers=("github-auth",)),
            _item("remotes.artifacts", "1.3", "Artifacts repository and tags", "Clients download from the fixed tags Update and App.", fixers=("target-repository",)),
            _item("remotes.token", "0", "Token separation", "The two pipelines have different owners.", attestable=True),
            _item("remotes.lock", "0.1", "Nobody else is releasing", "Two releases at once overwrite each other."),
        ),
    ),
    (
        "version",
        "Version",
        "3, phase 1",
        "The version is raised everywhere, committed and tagged.",
        (
            _item("version.next", "2", "Version comes next", "A client is never offered a lower version."),
            _item("version.clean", "3", "Checkout is clean", "What is not committed is not released."),
            _item("version.files", "3", "Version in every file", "The server reads its version from more than one place.", action="bump"),
            _item("version.commit", "3", "Release commit", "The tag must name exactly this state.", action="bump"),
            _item("version.tag", "3", "Tag on the code repository", "The VM checks out the tag.", action="push"),
        ),
    ),
    (
        "database",
        "Database",
        "3, phase 1.1",
        "A backup of this run and a recent restore drill, before anything is published or deployed.",
        (
            _item("database.answers", "1.1", "Database answers", "Nothing can be backed up that cannot be reached."),
            _item("database.backup", "1.1", "Backup of this run", "A deploy that damages data must be undone from today's state.", action="backup"),
            _item("database.drill", "1.1", "Restore drill not older than 7 days", "A backup that was never restored is a hope.", remedy="drill"),
            _item("database.hardened", "1.1", "Hard deletes are refused", "A bug in the server must not be able to delete users.", remedy="harden"),
            _item("database.runbooks", "1.1", "Runbooks in the checkout", "They are the canon for database operations."),
        ),
    ),
    (
        "inbox",
        "Inbox",
        "3, phase 2",
        "The artifacts are there, whole, and of this version.",
        (
            _item("inbox.exists", "1.1", "release_inbox", "The publisher takes its files from there.", fixers=("inbox",)),
            _item("inbox.dmg", "3", "Nexy.dmg is whole", "A truncated image is what every client would download.", fixers=("inbox",)),
            _item("inbox.version", "5", "Nexy.dmg carries this version", "Else clients are offered the same update without end.", attestable=True),
            _item("inbox.pkg", "3", "Nexy.pkg as announced", "What was announced at the start is what is published."),
        ),
    ),
    (
        "publish",
        "Publish",
        "3, phase 2",
        "The download is replaced, verified from outside, and the manifests say what is really there.",
        (
            _item("publish.rights", "4.3", "Rights on the artifacts repository", "An upload without rights fails after minutes.", fixers=("github-auth",)),
            _item("publish.asset", "3", "Nexy.dmg under the tag Update", "Clients know this one address.", action="publish", fixers=("target-repository",)),
            _item("publish.download", "4.1", "Download equals the inbox", "Size and digest are taken from the download, not from the disk.", action="publish"),
            _item("publish.manifests", "3", "Four manifests pushed", "Both runtime paths are read.", action="publish", fixers=("stale-appcast",)),
        ),
    ),
    (
        "gate",
        "Gate",
        "3, phase 2.7",
        "Every source is compared with what it must say before deploy.",
        (
            _item("gate.files", "3", "Files and manifests agree", "Drift between the two paths serves an old update.", fixers=("stale-appcast",)),
            _item("gate.release", "3", "Release asset agrees", "What clients download must be what the manifest says."),
            _item("gate.live", "3", "Live server is consistent", "It serves the release before this one or this one, nothing else.", fixers=("stale-appcast",)),
        ),
    ),
    (
        "deploy",
        "Deploy",
        "3, phase 3",
        "The tag on the VM, the service restarted, every step's status seen.",
        (
            _item("deploy.slot", "4.6", "Run-command slot is free", "The VM takes one command at a time.", fixers=("azure-busy",)),
            _item("deploy.tag", "3", "VM stands on the tag", "What runs must be what was tagged.", action="deploy"),
            _item("deploy.service", "3", "Service is active", "A service that does not come up is an outage.", action="deploy", fixers=("config-env", "gemini-key")),
        ),
    ),
    (
        "final",
        "Final verification",
        "6",
        "The rulebook's seven points, asked of the world and not of ourselves.",
        (
            _item("final.inbox", "6.1", "release_inbox holds the artifacts", "Rulebook 6, point 1."),
            _item("final.published", "6.2", "Publication is complete", "Rulebook 6, point 2."),
            _item("final.visible", "6.3", "Visible under the fixed tags", "Rulebook 6, point 3."),
            _item("final.manifest", "6.4", "Manifest pushed", "Rulebook 6, point 4."),
            _item("final.live", "6.5", "/health and appcast show the version", "Rulebook 6, point 5."),
            _item("final.backup", "6.6", "Backup was made", "Rulebook 6, point 6."),
            _item("final.drill", "6.7", "Drill not older than 7 days", "Rulebook 6, point 7."),
        ),
    ),
)


def _gate(source: str, **cells: str) -> tuple[Evidence, ...]:
    return tuple(Evidence(f"{source} {name}", f"{value} (passed)", source) for name, value in cells.items())


SEEN: dict[str, tuple[str, tuple[Evidence, ...]]] = {
    item["id"]: ("Holds.", ()) for phase in PHASES for item in phase[4]
} | {
    "remotes.code": (
        "server_repo pushes to Seregawpn/Nexy_server.",
        (
            Evidence("server_repo", "https://github.com/Seregawpn/Nexy_server.git", "git remote get-url --push"),
            Evidence("origin", "https://github.com/Seregawpn/Nexy_server.git", "git remote get-url --push"),
        ),
    ),
    "remotes.rights": ("Seregawpn/Nexy_server grants its write service.", (Evidence("push --dry-run", "accepted", "Seregawpn/Nexy_server"),)),
    "remotes.artifacts": ("Seregawpn/Nexy_production has the tags Update and App.", (Evidence("release Update", "Nexy.dmg, 315.7 MB", "api.github.com"),)),
    "remotes.token": ("The artifacts token cannot write to the code repository.", ()),
    "remotes.lock": ("Nobody else is releasing.", (Evidence("lock", "free", "refs/nexy/lock"),)),
    "version.next": ("1.6.1.43 comes after 1.6.1.42, which is served.", ()),
    "version.clean": ("Nothing uncommitted, branch main is level with the remote.", ()),
    "version.files": ("VERSION and four more files say 1.6.1.43.", ()),
    "version.commit": ("Release commit 8d1f0c2e77ab.", ()),
    "version.tag": ("v1.6.1.43 is on the code repository and names the release commit.", ()),
    "database.answers": ("PostgreSQL 16.4 at 127.0.0.1:5432.", ()),
    "database.backup": ("nexy_db_20260214T100912Z.tar.gz, 41.2 MB, made in this run.", ()),
    "database.drill": ("Restored 2 days ago: 4 tables, 8,120 rows.", ()),
    "database.hardened": ("nexy_user may not delete on 10 tables.", ()),
    "database.runbooks": ("Both are there.", ()),
    "inbox.exists": ("release_inbox holds Nexy.dmg.", ()),
    "inbox.dmg": ("UDIF image, 315.7 MB, settled.", (Evidence("Nexy.dmg size", "315718837", "release_inbox/Nexy.dmg"), Evidence("Nexy.dmg sha256", SHA, "release_inbox/Nexy.dmg"))),
    "inbox.version": ("Info.plist says 1.6.1.43.", ()),
    "publish.rights": ("The token may write to Seregawpn/Nexy_production.", ()),
    "publish.asset": ("Nexy.dmg, uploaded, 315.7 MB.", ()),
    "publish.download": ("The bytes at the release URL are the inbox's.", (Evidence("Nexy.dmg remote sha256", SHA, "https://github.com/Seregawpn/Nexy_production/releases/download/Update/Nexy.dmg"),)),
    "publish.manifests": ("Four files at a1b2c3d4e5f6, identical.", ()),
    "gate.files": (
        "VERSION and four manifests say the same.",
        _gate("VERSION", version="1.6.1.43")
        + _gate("server/updates/manifests/manifest.json", version="1.6.1.43", build="1.6.1.43", size="315718837", sha256=SHA)
        + _gate("server/server/updates/manifests/manifest.json", version="1.6.1.43", build="1.6.1.43", size="315718837", sha256=SHA),
    ),
    "gate.release": ("The asset and the download agree.", _gate("release asset (API)", size="315718837", sha256=SHA) + _gate("release URL", size="315718837", sha256=SHA)),
    "gate.live": ("1.6.1.42 is served, consistently.", _gate("/health", version="1.6.1.42", build="1.6.1.42") + _gate("appcast", version="1.6.1.42", size="315700101")),
    "deploy.slot": ("The VM Nexy takes commands.", ()),
    "deploy.tag": ("HEAD is v1.6.1.43, the four manifests lie over it.", ()),
    "deploy.service": ("voice-assistant.service is active since 10:31:40Z.", ()),
    "final.live": ("/health, /updates/health and appcast show 1.6.1.43.", ()),
    "final.drill": ("2 days ago.", ()),
}

SATISFIED = (Status.PASSED, Status.NOT_APPLICABLE, Status.ATTESTED)
