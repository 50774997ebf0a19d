"""Histories of publishes, kills, rollbacks and faults, made up by hypothesis: at each end what clients download, the four manifests
and the remote branch agree, or the run says exactly what differs and stays refused; and whatever came before, the next undisturbed
release ends verified."""

from __future__ import annotations

import itertools
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from conftest import Inside
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from meeting import Listening, attributes, colleague, gpg_that_fails, says_no
from publishing import MANIFESTS, Publisher, local, publisher
from striking import FAILING, Apart, assert_ended, gone, guards, late, length, rows, strike, strikes

from checks.base import Scope
from nexy_tui.actions.base import Action
from nexy_tui.actions.publish import Publish
from nexy_tui.actions.rollback import Recover, Rollback
from nexy_tui.checklist import CHECKLIST
from nexy_tui.core.finding import Finding
from nexy_tui.core.problem import Problem
from nexy_tui.core.target import DMG
from nexy_tui.engine.evaluate import evaluate
from nexy_tui.rehearsal.names import CODE

Figures = tuple[int, str]

KILLED = ("hold", "hold-after", "hold-late")
STRUCK = ("publish", "again", "rollback")
"""What can be struck or killed at a request: the new release, the same one once more, and the way back."""

FAULTS = (
    ("upload-502", "1"),
    ("upload-502", None),
    ("upload-drop", "1"),
    ("upload-drop", None),
    ("rename-404-once", None),
    ("download-other-bytes", None),
    ("download-other-bytes", "final"),
    ("download-stale-once", None),
    ("rate-limited", "2"),
    ("push-rejected", None),
    ("token-invalid", None),
    ("token-without-scope", None),
    ("missing-tag", None),
    ("immutable-release", None),
    ("dmg-truncated", None),
    ("dmg-other-version", None),
)


MET = ("gpg", "pre-commit", "pre-push", "eol=crlf", "race", "race for the manifests")
"""What a commit or a push meets: a signing program or a hook that says no, an attribute, a colleague who pushes at the swap."""


@dataclass(frozen=True)
class Step:
    """Something that is tried, and what meets it: a request that goes wrong, a kill (of the guard too), a fault, what git meets, or
    nothing."""

    verb: str
    at: str = ""
    sort: str = ""
    alone: bool = False
    fault: tuple[str, str | None] | None = None
    meets: str = ""

    @property
    def trouble(self) -> str:
        if self.meets:
            return self.meets
        if self.fault is not None:
            return f"{self.fault[0]}{'=' + self.fault[1] if self.fault[1] else ''}"
        return f"{self.sort}{', its guard too' if self.alone else ''}" if self.sort else "nothing"


_numbers = itertools.count(43)
_moments = st.one_of(
    st.sampled_from(["PATCH1", "PATCH2", "PATCH3", "POST1", "POST2", "DELETE1"]),
    st.integers(1, 30).map(str),
)
_steps = st.one_of(
    st.builds(Step, verb=st.sampled_from([*STRUCK, "recover", "deploy"])),
    st.builds(Step, verb=st.sampled_from(STRUCK), at=_moments, sort=st.sampled_from(FAILING)),
    st.builds(Step, verb=st.sampled_from(STRUCK), at=_moments, sort=st.sampled_from(KILLED), alone=st.booleans()),
    st.builds(Step, verb=st.sampled_from(STRUCK), fault=st.sampled_from(FAULTS)),
    st.builds(Step, verb=st.sampled_from(STRUCK), meets=st.sampled_from(MET)),
)
_UNTOUCHED = settings(
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)
"""The world goes on from history to history: none can be made smaller by trying parts of it again."""


@dataclass(frozen=True)
class Outside:
    """What stands at the URL and on the branch, read with curl and from the bare repository, without the tool."""

    url: Figures | None
    files: tuple[bytes | None, ...]

    @property
    def canonical(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.files[0] or b"{}")
        return found

    @property
    def stated(self) -> Figures:
        return self.canonical["artifact"]["size"], self.canonical["artifact"]["sha256"]

    @property
    def agreed(self) -> str:
        """The version that URL, four manifests and branch agree on; empty where they do not."""
        whole = len(set(self.files)) == 1 and self.stated == self.url
        return str(self.canonical["version"]) if whole else ""


@dataclass
class Story:
    """One history as it is told in a world whose clients, manifests and live server agree at its beginning."""

    work: Publisher
    known: dict[str, Figures]
    counts: Counter[str]
    before: str
    account: int = field(init=False)

    def __post_init__(self) -> None:
        self.account = length(self.work.inside.world.log / "assets.jsonl")

    def tell(self, history: tuple[Step, ...]) -> None:
        """Try each step; look from outside at each end; then release once more, undisturbed."""
        for step in history:
            how = self.tried(step)
            self.counts[f"{step.verb}, {step.trouble}: {how}"] += 1
            self.assert_agreed_or_refused(step, how)
        self.lay()
        self.do(Publish())
        assert_ended(self.work)
        self.work.deploy()
        assert self.outside().agreed == str(self.work.version)
        self.assert_every_moment_whole()
        self.assert_pushed_true()

    def tried(self, step: Step) -> str:
        """What became of it: `done`, `refused` or `killed`."""
        if step.verb == "publish":
            self.lay()
        self.work.services.github.close()
        if step.sort in KILLED:
            return self.killed(step)
        inside = self.work.inside
        try:
            if step.fault is not None:
                inside.fault(step.fault[0], True, step.fault[1])
            if step.sort:
                with strike(inside, step.at, step.sort):
                    self.act(step.verb)
            else:
                with self.met(step.meets):
                    self.act(step.verb)
        except Problem as problem:
            assert problem.what and problem.remedy and "ghp_" not in str(problem), step
            return "refused"
        finally:
            if step.fault is not None:
                inside.fault(step.fault[0], False)
            assert gone(guards(), within=60)
            assert not self.prepared(), "nothing waits aside once nobody is at work"
        self.assert_done(step.verb)
        return "done"

    @contextmanager
    def met(self, what: str) -> Iterator[None]:
        """What a commit or a push meets meanwhile. A race is followed by its remedy: the checkout is brought onto the branch."""
        work, folder = self.work, self.work.inside.home / f"met-{uuid.uuid4().hex}"
        races = {"race": ("notes.txt", f"{folder.name}\n"), "race for the manifests": (f"{MANIFESTS[0]}/manifest.json", "")}
        stops = {"gpg": gpg_that_fails, "eol=crlf": lambda work, _: attributes(work, "*.json text eol=crlf")}
        if what in races:
            path, text = races[what]
            before = self.outside().files[0]
            listening = Listening(lambda: colleague(work, folder, path, text or _touched(before)))
            work.events, events = listening, work.events
            try:
                yield
            finally:
                work.events = events
                work.inside.git("pull", "--quiet", "--rebase", "--autostash", "origin", "main")
        elif what:
            with stops.get(what, says_no(what))(work, folder):
                yield
        else:
            yield

    def prepared(self) -> list[str]:
        return self.work.inside.git(
            "for-each-ref", "--format=%(refname)", "refs/nexy/prepared", cwd=self.work.inside.world.bare(CODE)
        ).split()

    def act(self, verb: str) -> None:
        if verb == "deploy":
            self.work.deploy()
        else:
            verbs: dict[str, Callable[[], Action]] = {"rollback": Rollback, "recover": Recover}
            self.do(verbs.get(verb, Publish)())

    def killed(self, step: Step) -> str:
        account = strikes(self.work.inside)
        since = length(account)
        with strike(self.work.inside, step.at, step.sort) as let_go:
            apart = Apart.begin(self.work, *(["--rollback"] if step.verb == "rollback" else []))
            struck = apart.struck(account, since)
            if struck:
                for process in guards(apart.process.pid) if step.alone else ():
                    process.kill()
                left = apart.kill()
                let_go()
                assert gone(left, within=60)
                if step.sort == "hold-late":
                    late(account, since)
        assert self.work.inside.world.secrets.world_token not in apart.said.read_text()
        return "killed" if struck else "done" if apart.process.wait() == 0 else "refused"

    def assert_done(self, verb: str) -> None:
        """What a success claims, from outside."""
        now = self.outside()
        assert now.url is not None
        if verb in ("publish", "again"):
            assert now.agreed == str(self.work.version) and now.url == self.known[now.agreed]
        elif verb == "rollback":
            assert now.agreed and now.agreed != str(self.work.version) and now.url == self.known[now.agreed]
            assert f'sparkle:version="{now.agreed}"' in self.appcast()

    def assert_agreed_or_refused(self, step: Step, how: str) -> None:
        """The end of a step: all agree, or a look names every figure that differs, and the phase stays shut."""
        now, ours, version = self.outside(), local(self.work), str(self.work.version)
        found = self.looked()
        shut = [finding for finding in found if not finding.status.satisfied]
        where = f"{step}, {how}; {now.url}, {now.canonical.get('version')}, {version}"
        if now.agreed == version and now.url == ours:
            assert {finding.item for finding in shut} <= {"publish.manifests", "publish.commit"}, "only the checkout's own may lag behind"
        else:
            assert shut, where
        said = "\n".join(f"{finding.summary} {finding.remedy} {finding.evidence}" for finding in shut)
        assert all(finding.remedy for finding in shut)
        if now.url is None:
            assert f"nothing is at {self.work.services.target.asset_url(DMG)}" in said, where
        elif now.url != ours:
            assert now.url[1] in said and ours[1] in said, where
        if len(set(now.files)) > 1 or now.canonical["version"] != version:
            assert "publish.commit" in {finding.item for finding in shut}, where
        if not now.agreed:
            self.counts["ends that disagree, told and refused"] += 1

    def looked(self) -> list[Finding]:
        items = [item for item in CHECKLIST.phase("publish").items if item.action == "publish"]
        scope = Scope(self.work.services, self.work.plan, _no_key, emit=lambda _: None)
        return evaluate(items, scope, lambda _: None)

    def assert_every_moment_whole(self) -> None:
        """A whole file of a release stood at the URL at every moment but between two renames, and none was sent twice."""
        states = [row["assets"]["Update"] for row in rows(self.work.inside.world.log / "assets.jsonl", self.account - 1)]
        digests = {f"sha256:{sha256}" for _, sha256 in self.known.values()}
        for now in states:
            if DMG in now:
                assert now[DMG][1] == "uploaded" and now[DMG][3] in digests, now
            else:
                aside = [name for name, asset in now.items() if name != DMG and asset[1] == "uploaded" and asset[3] in digests]
                assert aside, "the name is only ever left by a rename"
        sent = {(asset[3], asset[0]) for state in states for asset in state.values() if asset[1] == "uploaded"}
        assert max(Counter(digest for digest, _ in sent).values()) == 1, "the same bytes were sent twice"

    def assert_pushed_true(self) -> None:
        """Every manifest on the branch since names its own version's figures."""
        inside, bare = self.work.inside, self.work.inside.world.bare(CODE)
        for commit in inside.git("rev-list", f"{self.before}..main", cwd=bare).split():
            stated = json.loads(inside.git("show", f"{commit}:{MANIFESTS[0]}/manifest.json", cwd=bare))
            assert (stated["artifact"]["size"], stated["artifact"]["sha256"]) == self.known[stated["version"]], stated

    def outside(self) -> Outside:
        inside, bare = self.work.inside, self.work.inside.world.bare(CODE)

        def shown(path: str) -> bytes | None:
            done = inside.run("git", "show", f"main:{path}", cwd=bare, check=False)
            return done.stdout.encode() if done.returncode == 0 else None

        first = shown(f"{MANIFESTS[0]}/manifest.json")
        version = json.loads(first or b"{}").get("version", "none")
        rest = (f"{MANIFESTS[0]}/manifest_{version}.json", f"{MANIFESTS[1]}/manifest.json", f"{MANIFESTS[1]}/manifest_{version}.json")
        return Outside(self.work.download_or_nothing(), (first, *map(shown, rest)))

    def appcast(self) -> str:
        return self.work.inside.run("curl", "-fsS", f"https://{self.work.inside.world.update_host}/updates/appcast.xml").stdout

    def lay(self) -> None:
        """The next version's image into the inbox."""
        self.work.version = type(self.work.version).parse(f"1.6.1.{next(_numbers)}")
        self.work.lay()
        self.known[str(self.work.version)] = local(self.work)

    def do(self, action: Action) -> None:
        self.work.events.clear()
        self.work.do(action)


def _touched(raw: bytes | None) -> str:
    """A manifest that says the same of the file, in other bytes."""
    return json.dumps({**json.loads(raw or b"{}"), "touched": uuid.uuid4().hex})


def _no_key() -> Any:
    raise AssertionError("the items of a publish need no key of the operator's")


@pytest.fixture
def story(module_world: Inside) -> Iterator[Story]:
    """A world in which one release has been published and deployed."""
    with publisher(module_world, "1.6.1.42") as work:
        told = Story(work, {}, Counter(), "")
        seen = told.outside()
        told.known[str(seen.canonical["version"])] = seen.stated
        told.tell(())
        yield told


def tell(story: Story, history: tuple[Step, ...]) -> None:
    """One history in the world that the ones before left, each from its own beginning."""
    tip = story.work.inside.git("rev-parse", "main", cwd=story.work.inside.world.bare(CODE))
    replace(story, before=tip).tell(history)
    story.counts["histories"] += 1


def told(story: Story) -> None:
    print(f"\n{story.counts.pop('histories')} histories:")
    for what, count in sorted(story.counts.items()):
        print(f"  {count:4} {what}")


EVERY_KIND = (
    (Step("publish"), Step("deploy"), Step("rollback"), Step("again"), Step("rollback", fault=("download-other-bytes", "final"))),
    (Step("publish", "PATCH3", "hold", alone=True), Step("recover"), Step("publish", fault=("push-rejected", None)), Step("rollback")),
    (Step("publish"), Step("rollback", "PATCH2", "hold-after"), Step("rollback"), Step("publish", "POST1", "cut-after"), Step("rollback")),
    (Step("publish", meets="gpg"), Step("again", meets="race"), Step("deploy"), Step("publish", meets="race for the manifests")),
)
"""Histories that have every verb, and each kind of trouble, at least once."""


def test_histories_end_in_agreement_or_say_what_differs(story: Story) -> None:
    @example(EVERY_KIND[0])
    @example(EVERY_KIND[1])
    @example(EVERY_KIND[2])
    @example(EVERY_KIND[3])
    @settings(_UNTOUCHED, phases=[Phase.explicit])
    @given(st.lists(_steps, min_size=2, max_size=4).map(tuple))
    def some(history: tuple[Step, ...]) -> None:
        tell(story, history)

    try:
        some()
    finally:
        told(story)


@pytest.mark.exhaustive
def test_many_histories_end_in_agreement_or_say_what_differs(story: Story) -> None:
    @settings(_UNTOUCHED, max_examples=100)
    @given(st.lists(_steps, min_size=2, max_size=6).map(tuple))
    def many(history: tuple[Step, ...]) -> None:
        tell(story, history)

    try:
        many()
    finally:
        told(story)
