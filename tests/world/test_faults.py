"""Each fault of a rehearsal world, one at a time: where a release stops, what it says, what has not happened, and that it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import pytest
from conftest import Inside, MakeWorld, seldom
from driving import Bench, Run, assert_released, outside, release_here, resume_here

from nexy_tui.checklist import CHECKLIST
from nexy_tui.config import load_settings
from nexy_tui.core.version import Version
from nexy_tui.rehearsal.faults.switchboard import registry
from nexy_tui.runlog.verify import State, verify_file

ORDER = [phase.id for phase in CHECKLIST.phases]
START = "start"
STOOD_FOR = (
    *("bandwidth", "run-command-slow"),  # These only take time.
    *("rate-limited", "rename-404-once", "upload-drop", "download-stale-once"),  # test_publish_faults
    *("inbox-empty", "dmg-other-version"),  # inbox-missing, dmg-other-key
    *("vm-credential-gone", "exec-start-gone", "service-restarts"),  # vm-drift, server-third-version
    *("wheel-broken", "config-env-broken", "gemini-key-invalid", "service-down"),  # deploy-exit-123, server-down; test_fixers
)
"""Faults that the ordinary run meets elsewhere, or in another of their kind that stops a run at the same item."""
PUSHED = frozenset(("tag", "branch"))
PUBLISHED = PUSHED | {"download", "manifests"}
CHECKED_OUT = PUBLISHED | {"vm code"}
CONFIGURED = CHECKED_OUT | {"vm settings"}


@dataclass(frozen=True)
class Stop:
    """The run stops: in this phase, by this item, saying a fact and a remedy; outside, nothing but `done` has happened.

    `at` is the phase at whose opening the fault strikes; `fresh` asks for a world that has released nothing yet;
    `keeps_lock` says that the fault hinders giving the release lock back, where the run has it: it then expires by itself.
    """

    fault: str
    phase: str
    item: str
    fact: str
    remedy: str
    done: frozenset[str] = frozenset()
    exit: int = 1
    at: str = START
    fresh: bool = False
    keeps_lock: bool = False


@dataclass(frozen=True)
class Borne:
    """The run bears it, says so, and ends verified."""

    fault: str
    says: str
    at: str = START
    fresh: bool = False


CASES: tuple[Stop | Borne, ...] = (
    Stop(
        "wrong-code-remote",
        "remotes",
        "remotes.code",
        "pushes to Seregawpn/Nexy_production: the pipelines are mixed",
        "fix manifest-repository",
    ),
    Stop(
        "repository-renamed",
        "remotes",
        "remotes.unmixed",
        "Seregawpn/Nexy_server has moved or was renamed",
        "set target.code_repository in the configuration and the checkout's remote",
        exit=3,
    ),
    Stop("missing-tag", "remotes", "remotes.artifacts", "no release under the tag Update", "gh release create Update"),
    Stop("token-invalid", "remotes", "remotes.push", "refuses a push with this credential", "gh auth login"),
    Stop("token-invalid", "publish", "remotes.push", "refuses a push with this credential", "gh auth login", at="publish", keeps_lock=True),
    Stop(
        "token-without-scope",
        "remotes",
        "remotes.artifacts",
        "may not write to Seregawpn/Nexy_production",
        "set GH_TOKEN to a token with that right",
    ),
    Stop("immutable-release", "remotes", "remotes.artifacts", "The release Update is immutable", "Lift that in the repository's settings"),
    Borne("rate-limited=2", "api.github.com asks to wait", at="publish"),
    Stop(
        "manifests-differ",
        "version",
        "version.manifests",
        "differs from server/updates/manifests/manifest.json",
        "nexy-tui sync-manifests",
    ),
    Stop(
        "manifests-differ",
        "gate",
        "gate.manifests",
        "server/server/updates/manifests/manifest.json: version is",
        "nexy-tui sync-manifests",
        done=PUBLISHED,
        at="gate",
    ),
    Stop("database-down", "ready", "ready.database", "Connection refused", "See that PostgreSQL runs at 127.0.0.1:"),
    Stop("drill-never", "ready", "ready.drill", "No restore drill of voice_assistant_db", "nexy-tui db drill"),
    Stop("drill-old", "ready", "ready.drill", "8 days ago; more than 7 days is too old", "nexy-tui db drill"),
    Stop("database-down", "database", "database.reachable", "Connection refused", "PostgreSQL runs at 127.0.0.1:", at="database"),
    Stop("drill-old", "database", "database.drill", "8 days ago; more than 7 days is too old", "nexy-tui db drill", at="database"),
    Stop("inbox-missing", "inbox", "inbox.exists", "There is no folder", "mkdir -p"),
    Stop("inbox-empty", "inbox", "inbox.dmg", "Nexy.dmg is not in the inbox", "Lay Nexy.dmg into"),
    Stop("dmg-truncated", "inbox", "inbox.dmg", "not a whole disk image", "Lay a finished Nexy.dmg into"),
    Stop("dmg-html", "inbox", "inbox.dmg", "is a web page", "Lay a finished Nexy.dmg into"),
    Stop("dmg-other-version", "inbox", "inbox.version", "CFBundleVersion in Nexy.app/Contents/Info.plist", "lay that file into"),
    Stop("dmg-other-key", "inbox", "inbox.application", "another Sparkle key than the one configured", "set target.sparkle_public_key"),
    Stop("dmg-other-feed", "inbox", "inbox.application", "https://staging.nexy-server", "Build it with SUFeedURL"),
    Stop("dmg-newer-macos", "inbox", "inbox.application", "needs macOS 13.0", "Build it with LSMinimumSystemVersion"),
    Stop("push-rejected", "publish", "publish.pushed", "the branch was moved by Colleague", "git pull --rebase --autostash, look"),
    Stop(
        "upload-502", "publish", "publish.asset", "uploads.github.com answered 502", "run again: it goes on with what is there", done=PUSHED
    ),
    Stop("upload-drop", "publish", "publish.asset", "the connection broke", "run again: it goes on with what is there", done=PUSHED),
    Borne("rename-404-once", "asking again", at="publish"),
    Stop(
        "download-other-bytes", "publish", "publish.asset", "did not arrive as it was sent", "look at the host's status page", done=PUSHED
    ),
    Stop(
        "download-other-bytes=final",
        "publish",
        "publish.asset",
        "The release before is back in place",
        "Look at the release page",
        done=PUSHED,
    ),
    Borne("download-stale-once", "other bytes are at the address of Nexy.dmg; asking again", at="publish"),
    Borne("bandwidth=40000000", "RELEASE COMPLETE", at="publish"),
    Stop("azure-secret-expired", "ready", "ready.azure", "AADSTS7000222", "AZURE_CLIENT_SECRET"),
    Stop("vm-deallocated", "ready", "ready.azure", "Nexy is deallocated, not running", "az vm start"),
    Stop("vm-credential-gone", "ready", "ready.vm", "The VM cannot fetch from Seregawpn/Nexy_server", "its credential there"),
    Stop("vm-disk-full", "ready", "ready.vm", "The VM has 40 MiB of disk left", "Make room on the VM"),
    Stop("vm-drift", "ready", "ready.drift", "server/main.py", "nexy-tui save-drift"),
    Stop("vm-drift", "publish", "ready.drift", "server/main.py", "nexy-tui save-drift", done=PUSHED, at="publish"),
    Stop("vm-deallocated", "publish", "ready.azure", "not running", "az vm start", at="publish"),
    Stop(
        "exec-start-gone", "ready", "ready.start", "starts server/voice_main.py, which this release does not have", "Bring that file back"
    ),
    Stop("service-restarts", "ready", "ready.service", "was restarted 3 times", "attest that this release is its cure", exit=3),
    Stop("branch-rule", "ready", "ready.rules", "pull_request", "bypass the rule"),
    Stop("server-down", "ready", "ready.server", "/health gives no answer", "attest that this release is its cure", exit=3),
    Stop("server-third-version", "ready", "ready.server", "1.6.0.7", "See what runs on the VM"),
    Stop("server-third-version", "gate", "gate.live", "/health: version is 1.6.0.7", "See what runs on the VM", done=PUBLISHED, at="gate"),
    Stop("server-down", "gate", "gate.live", "/health gives no answer", "See why the server does not answer", PUBLISHED, exit=3, at="gate"),
    Stop("appcast-broken", "ready", "ready.server", "it is not well-formed XML", "See what runs on the VM"),
    Stop("appcast-broken", "gate", "gate.live", "it is not well-formed XML", "See what runs on the VM", PUBLISHED, at="gate"),
    Stop("run-command-busy", "ready", "ready.vm", "execution is in progress (HTTP 409)", "nexy-tui fix azure-busy", exit=3),
    Stop(
        "run-command-busy",
        "deploy",
        "deploy.vm",
        "execution is in progress (HTTP 409)",
        "nexy-tui fix azure-busy",
        PUBLISHED,
        exit=3,
        at="deploy",
    ),
    Borne("run-command-busy=2", "NetworkWatcherRG/Nexy runs another command (one at a time); trying again", at="deploy"),
    Borne("run-command-slow=1", "RELEASE COMPLETE", at="deploy"),
    Stop("deploy-exit-123", "deploy", "deploy.head", "failed on the VM at step checkout, status 123", "git status there", done=PUBLISHED),
    Stop(
        "wheel-broken",
        "deploy",
        "deploy.config",
        "failed on the VM at step requirements",
        "the package that pip names",
        done=CHECKED_OUT,
        fresh=True,
    ),
    Stop("service-down", "deploy", "deploy.service", "Cannot allocate memory", "See the service's journal", done=CONFIGURED),
    Stop("config-env-broken", "ready", "ready.server", "a name that crashes the server", "nexy-tui fix config-env"),
    Stop(
        "config-env-broken",
        "gate",
        "gate.live",
        "/health gives no answer",
        "See why the server does not answer",
        done=PUBLISHED | {"vm settings"},
        exit=3,
        at="gate",
    ),
    Stop("gemini-key-invalid", "ready", "ready.service", "API_KEY_INVALID", "nexy-tui fix gemini-key"),
)


class Course:
    """Runs that meet one fault after another: a run that a fault has stopped goes on into the next, while the phases are in order.

    So every run but an ended one stands stopped in one phase, its fault switched off; `finish` has it go on to its end.
    """

    def __init__(self, make_world: MakeWorld) -> None:
        self._bench = Bench(make_world)
        self._stopped: Run | None = None
        self._in, self._length = "", 0
        self._version: Version | None = None
        self.inside: Inside
        self.done: frozenset[str] = frozenset()

    def meet(self, case: Stop | Borne) -> tuple[Inside, Callable[[Mapping[str, Callable[[], None]]], Run]]:
        """A world, and the call that has a run go until it stops or ends: the one that stands stopped, or a new one."""
        start = case.at if case.at != START else case.phase if isinstance(case, Stop) else START
        if self._stopped is not None and (case.fresh or start == START or ORDER.index(start) < ORDER.index(self._in)):
            self.finish()
        if self._stopped is None:
            self.inside, self._version = self._bench.take(fresh=case.fresh)
            self.done = frozenset()
            return self.inside, partial(release_here, self.inside, self._version)
        before = self._stopped
        return self.inside, partial(self._go_on, before)

    def stopped(self, run: Run, case: Stop) -> None:
        """The run stands stopped, with all of `done` behind it."""
        self._stopped, self._in, self.done = run, case.phase, self.done | case.done
        self._length = len(run.records)

    def finish(self) -> None:
        """Have the stopped run go on to its end, where there is one."""
        if self._stopped is not None:
            before, self._stopped = self._stopped, None
            self.ended(self._go_on(before, {}))

    def ended(self, run: Run) -> None:
        """It came to its end: everything is released, and its sealed log holds."""
        self._stopped = None
        assert (run.exit, run.document["outcome"], run.document["stopped_by"]) == (0, "verified", None), run.said
        assert judged(self.inside, run) is State.SEALED
        assert self._version is not None
        assert_released(self.inside, self._version)
        self._bench.whole = True

    def drop(self) -> None:
        """Bring the world down."""
        self._bench.drop()

    def _go_on(self, before: Run, when: Mapping[str, Callable[[], None]]) -> Run:
        run = resume_here(self.inside, before.log, when)
        assert (run.id, run.log) == (before.id, before.log)
        kinds = [record.kind for record in run.records]
        assert kinds[self._length :].count("resume") == 1
        return run


@pytest.fixture(scope="module")
def course(make_module_world: MakeWorld) -> Iterator[Course]:
    made = Course(make_module_world)
    try:
        yield made
        made.finish()
    finally:
        made.drop()


def _starts(case: Stop | Borne) -> int:
    """The place in the release of the phase that a run stands in when it meets the case."""
    return ORDER.index(case.at if case.at != START else case.phase if isinstance(case, Stop) else ORDER[0])


def _sample() -> Iterator[object]:
    """A fault for each item and exit status, the first time that it can strike; in the order of the phases, so that one run meets them."""
    names, ends = set(STOOD_FOR), set[object]()
    ordinary = set[int]()
    for number, case in enumerate(CASES):
        name, end = case.fault.partition("=")[0], (case.item, case.exit) if isinstance(case, Stop) else case.says
        if name not in names and end not in ends:
            ordinary.add(number)
            ends.add(end)
        names.add(name)
    for number, case in sorted(enumerate(CASES), key=lambda one: _starts(one[1])):
        yield case if number in ordinary else seldom(case)


SAMPLE = list(_sample())
"""One of every kind; the others, and the other moments at which a fault can strike, are walked by `make exhaustive`."""


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: f"{case.fault}-{case.at}")
def test_a_fault_stops_the_run_where_it_concerns_it_or_is_borne(course: Course, case: Stop | Borne) -> None:
    meet(course, case)


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.fault}-{case.at}")
def test_a_run_of_its_own_meets_each_fault_and_goes_on_to_its_end(course: Course, case: Stop | Borne) -> None:
    course.finish()
    meet(course, case)
    course.finish()


def meet(course: Course, case: Stop | Borne) -> None:
    """A run meets the fault, and the fault is switched off: then it has ended, or it stands stopped and can go on."""
    inside, go = course.meet(case)
    name, equals, parameter = case.fault.partition("=")

    def strike() -> None:
        inside.fault(name, param=parameter if equals else None)

    if case.at == START:
        strike()
    before = outside(inside)
    run = go({case.at: strike})
    if isinstance(case, Stop):
        after = outside(inside)
        assert_stopped(inside, run, case)
        done = case.done - course.done
        assert after.changed(before) == done | ({"branch"} if "manifests" in done else set()), "their commit moves it once more"
        assert after.lock is None or case.keeps_lock
        inside.fault(name, False)
        course.stopped(run, case)
    else:
        inside.fault(name, False)
        assert case.says in run.said
        course.ended(run)


def assert_stopped(inside: Inside, run: Run, case: Stop) -> None:
    """It refused, in the right place and in the right words, and its log says so and can be gone on with."""
    assert (run.exit, run.document["stopped_by"]) == (case.exit, case.item), run.said
    assert run.document["outcome"] == {1: "refused", 3: "inconclusive"}[case.exit]
    assert run.item(case.item)["status"] == {1: "failed", 3: "inconclusive"}[case.exit]
    assert f"in phase {case.phase}." in run.said
    told = run.said[run.said.index("Stopped (") :]
    assert case.item in told and case.remedy in told, told
    assert case.fact in run.document["message"] or case.fact in told, told
    assert f"nexy-tui release --resume {run.id}" in told
    later = {item["id"]: item["status"] for item in run.document["items"] if ORDER.index(item["phase"]) > ORDER.index(case.phase)}
    assert set(later.values()) <= {"not_run"}, later
    refusals = [record for record in run.records if record.kind == "result" and record.status == "refused"]
    assert refusals and refusals[-1].action in ("advance", *CHECKLIST.actions) and case.item in refusals[-1].message
    begun = {str(record.action) for record in run.records if record.kind == "intent"}
    reached = ORDER[: ORDER.index(case.phase) + 1]
    assert begun <= {action for phase in CHECKLIST.phases if phase.id in reached for action in CHECKLIST.main_actions(phase)}
    assert judged(inside, run) is State.OPEN


def judged(inside: Inside, run: Run) -> State:
    """What `nexy-tui runs verify` says of the run's log."""
    return verify_file(run.log, load_settings(inside.environ), checkout=inside.checkout).state


BEFORE_THE_COMMIT, BEFORE_THE_SWAP, AFTER = ("remotes", "ready", "version"), ("database", "inbox", "publish"), ("gate", "deploy", "final")
"""Where a run stops: the release commit is the last that the phase version does."""

ONLY_AFTER = {
    "deploy-exit-123": "a step of the deploy: that git cannot change the VM's work tree is seen by changing it",
    "wheel-broken": "a step of the deploy: what pip gets is seen as it is installed",
    "service-down": "a step of the deploy: how the service starts is seen by starting it",
}
"""Faults that a release meets after the swap although they were there when it began, and why none of it is seen before."""

WITH_ARTIFACTS = {"inbox-missing", "inbox-empty", *(name for name in registry() if name.startswith("dmg-"))}
"""What is seen once the artifacts lie there."""

BY_WRITING = {"push-rejected", "upload-502", "upload-drop", "download-other-bytes"}
"""What the host says of a write alone; a dry push and reading pass."""


def test_a_fault_that_is_there_at_the_beginning_stops_the_run_in_time() -> None:
    """Each case is walked above; what could be seen without writing and without artifacts stands before the first commit."""
    first: dict[str, Stop | Borne] = {}
    for case in CASES:
        if case.at == START:
            first.setdefault(case.fault.partition("=")[0], case)
    stops = {name: case.phase for name, case in first.items() if isinstance(case, Stop)}
    assert {name for name, phase in stops.items() if phase in AFTER} == set(ONLY_AFTER)
    assert {name for name, phase in stops.items() if phase in BEFORE_THE_SWAP} == WITH_ARTIFACTS | BY_WRITING
    early = {name for name, phase in stops.items() if phase in BEFORE_THE_COMMIT}
    assert early | WITH_ARTIFACTS | BY_WRITING | set(ONLY_AFTER) == set(stops)
    never = {name for name, case in first.items() if isinstance(case, Borne)}
    assert set(registry()) == set(stops) | never | {case.fault.partition("=")[0] for case in CASES if isinstance(case, Borne)}


def test_every_fault_a_world_knows_stands_in_the_table() -> None:
    assert {case.fault.partition("=")[0] for case in CASES} == set(registry())
