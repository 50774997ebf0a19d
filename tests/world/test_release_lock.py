"""The release lock between two operators, each with a clone: whatever the other does between two steps of one.

Real git on a repository of its own; no world is needed for it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import seldom, some

from checks.remotes import LockFacts, judge_lock
from nexy_tui.core.event import Emit, silent
from nexy_tui.core.finding import Status
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed, CouldNotLook, Refused
from nexy_tui.core.target import Target
from nexy_tui.engine.lockkeeper import LockKeeper
from nexy_tui.services.git import Git, GitFailure
from nexy_tui.services.lock import LARGEST, LIFETIME, REF, ReleaseLock

NOW = datetime(2026, 2, 14, 10, 0, tzinfo=UTC)


@dataclass
class Hands:
    """A clock moved by hand."""

    at: datetime = NOW
    speed = 1.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def sleep(self, seconds: float, cancelled: Callable[[], bool] | None = None) -> None:
        raise AssertionError("nothing here waits")


class Meddled(Git):
    """A clone's git, with something done by others before or after one of its steps."""

    def __init__(self, clone: Path, remote: Path, environ: dict[str, str]) -> None:
        super().__init__(clone, Target(), environ)
        self.remote = remote
        self.after_asking: list[Callable[[], object]] = []
        self.after_fetching: list[Callable[[], object]] = []
        self.before_pushing: list[Callable[[], object]] = []
        self.lost_answers = 0
        self.down = False

    def code_remote(self) -> str:
        return str(self.remote)

    def code_source(self) -> str:
        return str(self.remote)

    def raw(self, *arguments: str, timeout: float = 60, emit: Emit = silent, told: Mapping[str, str] | None = None) -> str | GitFailure:
        outside = arguments[0] in ("ls-remote", "fetch", "push")
        if self.down and outside:
            return GitFailure(128, "fatal: unable to access: Could not resolve host")
        if arguments[0] == "push":
            self._meddle(self.before_pushing)
        out = super().raw(*arguments, timeout=timeout, emit=emit, told=told)
        if arguments[0] == "ls-remote":
            self._meddle(self.after_asking)
        if arguments[0] == "fetch":
            self._meddle(self.after_fetching)
        if arguments[0] == "push" and self.lost_answers:
            self.lost_answers -= 1
            return GitFailure(128, "fatal: the remote end hung up unexpectedly")
        return out

    @staticmethod
    def _meddle(what: list[Callable[[], object]]) -> None:
        if what:
            what.pop(0)()


@dataclass
class Two:
    """Two operators of one code repository."""

    folder: Path
    clocks: dict[str, Hands] = field(default_factory=dict)
    gits: dict[str, Meddled] = field(default_factory=dict)

    @property
    def bare(self) -> Path:
        return self.folder / "code.git"

    def git(self, *arguments: str | Path, cwd: Path | None = None) -> str:
        done = subprocess.run(["git", *map(str, arguments)], cwd=cwd or self.bare, env=self.environ, capture_output=True, check=True)
        return done.stdout.decode().strip()

    @property
    def environ(self) -> dict[str, str]:
        names = {f"GIT_{who}_{what}": "o@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "GIT_CONFIG_GLOBAL": os.devnull, **names}

    def lock(self, operator: str, run: str = "", cut_off: Callable[[str], bool] = lambda _: False) -> ReleaseLock:
        if operator not in self.gits:
            clone = self.folder / operator
            self.git("init", "-q", clone, cwd=self.folder)
            self.gits[operator] = Meddled(clone, self.bare, self.environ)
            self.clocks[operator] = Hands()
        git, clock = self.gits[operator], self.clocks[operator]
        return ReleaseLock(git, clock, operator=operator, host=f"{operator}s", run=run or f"run-{operator}", cut_off=cut_off)

    def ref(self) -> str | None:
        return self.git("for-each-ref", "--format=%(objectname)", REF) or None

    def lay(self, message: str | bytes, *, ref: bool = True) -> str:
        """A lock commit with this message, as somebody who may push lays it."""
        tree = self.git("hash-object", "-t", "tree", "-w", os.devnull)
        text = message.encode() if isinstance(message, str) else message
        head = f"tree {tree}\nauthor x <x> 1 +0000\ncommitter x <x> 1 +0000\n\n".encode()
        made = subprocess.run(
            ["git", "hash-object", "-t", "commit", "-w", "--literally", "--stdin"], cwd=self.bare, env=self.environ, input=head + text,
            capture_output=True, check=True,
        )  # fmt: skip
        commit = made.stdout.decode().strip()
        if ref:
            self.git("update-ref", REF, commit)
        return commit


@pytest.fixture
def two(tmp_path: Path) -> Two:
    made = Two(tmp_path)
    made.git("init", "-q", "--bare", made.bare, cwd=tmp_path)
    return made


def tick(two: Two) -> None:
    """Everybody's clocks go on: a lock written again is another commit."""
    for clock in two.clocks.values():
        clock.at += timedelta(seconds=10)


def test_the_loser_is_told_holder_host_run_since_when_and_expiry(two: Two) -> None:
    ada, ben = two.lock("ada"), two.lock("ben")
    ada.acquire()
    tick(two)
    ada.renew()
    with pytest.raises(Refused) as refused:
        ben.acquire()
    assert "ada on adas (run run-ada, since 2026-02-14T10:00:00" in refused.value.what
    assert "until 2026-02-14T10:15:10" in refused.value.what and "--take-over" in str(refused.value.remedy)


def test_a_lock_is_extended_when_a_third_of_its_time_has_gone_and_never_when_it_is_lost(two: Two) -> None:
    ada, ben = two.lock("ada"), two.lock("ben")
    ada.acquire()
    first = ada.holder()
    ada.keep()
    assert ada.holder() == first
    two.clocks["ada"].at += LIFETIME / 3 + timedelta(seconds=1)
    ada.keep()
    extended = ada.holder()
    assert first is not None and extended is not None and extended.expires > first.expires
    ben.acquire(take_over=True)
    with pytest.raises(Refused, match="taken over by ben"):
        ada.keep()


@pytest.mark.parametrize("renewals", [1, seldom(3)])
def test_a_lock_renewed_between_the_question_and_the_fetch_is_read_again(two: Two, renewals: int) -> None:
    ada, ben = two.lock("ada"), two.lock("ben")
    ada.acquire()

    def renew_and_forget() -> None:
        tick(two)
        ada.renew()
        two.git("-c", "gc.reflogExpire=now", "gc", "-q", "--prune=now")

    two.gits["ben"].after_asking = [renew_and_forget] * renewals
    with pytest.raises(Refused, match="held by ada on adas"):
        ben.acquire()


def test_a_lock_that_changes_each_time_it_is_read_is_given_up_as_not_seen(two: Two) -> None:
    ada, ben = two.lock("ada"), two.lock("ben")
    ada.acquire()

    def renew() -> None:
        tick(two)
        ada.renew()

    two.gits["ben"].after_asking, two.gits["ben"].after_fetching = [renew] * 50, [renew] * 50
    with pytest.raises(CouldNotLook, match="changed each time") as unseen:
        ben.acquire()
    assert unseen.value.exit_code == 3 and unseen.value.remedy


def test_a_lock_given_back_between_the_question_and_the_fetch_is_free(two: Two) -> None:
    ada, ben = two.lock("ada"), two.lock("ben")
    ada.acquire()
    two.gits["ben"].after_asking = [ada.release]
    ben.acquire()
    found = ben.holder()
    assert found is not None and found.operator == "ben"


def test_a_lock_made_between_the_question_and_the_push_is_its_makers(two: Two) -> None:
    ada, ben = two.lock("ada"), two.lock("ben")
    two.gits["ben"].before_pushing = [ada.acquire]
    with pytest.raises(Refused, match="held by ada on adas"):
        ben.acquire()
    assert not ben.held and two.ref() is not None


def test_a_lapsed_lock_wanted_by_two_is_had_by_one(two: Two) -> None:
    ada, ben, eve = two.lock("ada"), two.lock("ben"), two.lock("eve")
    ada.acquire()
    two.clocks["ben"].at = two.clocks["eve"].at = NOW + LIFETIME
    two.gits["ben"].before_pushing = [eve.acquire]
    with pytest.raises(Refused, match="held by eve on eves"):
        ben.acquire()
    assert eve.held


def test_a_lapsed_lock_renewed_while_it_is_taken_stays_its_holders(two: Two) -> None:
    ada, ben = two.lock("ada"), two.lock("ben")
    ada.acquire()
    two.clocks["ada"].at = two.clocks["ben"].at = NOW + LIFETIME
    two.gits["ben"].before_pushing = [ada.renew]
    with pytest.raises(Refused, match="held by ada on adas"):
        ben.acquire()


@pytest.mark.parametrize("look", ["confirm", "hold"])
def test_a_clock_that_is_ahead_takes_a_living_lock_and_its_holder_stops(two: Two, look: str) -> None:
    ada, ben = LockKeeper(two.lock("ada")), two.lock("ben")
    ada.hold()
    two.clocks["ben"].at = NOW + timedelta(hours=1)
    assert str(ben.acquire()).startswith("ada on adas")
    with pytest.raises(Refused, match=r"taken over by ben on bens \(run run-ben") as stopped:
        getattr(ada, look)()
    assert "nexy-tui runs close run-ada" in str(stopped.value.remedy)
    ada.give_back()
    found = ben.holder()
    assert found is not None and found.operator == "ben", "what is another's is not given back"


@pytest.mark.parametrize("look", ["confirm", "hold"])
def test_a_holder_whose_lock_is_gone_stops_once_and_takes_it_anew_when_told_to(two: Two, look: str) -> None:
    ada, ben = LockKeeper(two.lock("ada")), two.lock("ben")
    ada.hold()
    assert str(ben.acquire(take_over=True)).startswith("ada on adas (run run-ada")
    ben.release()
    with pytest.raises(Refused, match="taken over and given back") as stopped:
        getattr(ada, look)()
    assert "branch" not in str(stopped.value) and "Run the action again" in str(stopped.value.remedy)
    ada.hold()
    found = ben.holder()
    assert found is not None and found.operator == "ada"
    ada.give_back()
    assert two.ref() is None


@pytest.mark.parametrize("step", ["acquire", "renew", "release"])
def test_a_push_that_was_done_and_whose_answer_was_lost_counts(two: Two, step: str) -> None:
    ada = two.lock("ada")
    if step != "acquire":
        ada.acquire()
        tick(two)
    two.gits["ada"].lost_answers = 1
    getattr(ada, step)()
    tick(two)
    if step != "release":
        ada.renew()
        ada.release()
    assert two.ref() is None


def test_a_renewal_that_nobody_heard_of_is_taken_for_this_runs_own(two: Two) -> None:
    ada, twin = two.lock("ada"), two.lock("ada")
    ada.acquire()
    tick(two)
    twin.acquire()
    ada.renew()
    tick(two)
    twin.release()
    assert two.ref() is None


def test_a_host_that_is_down_takes_nothing_from_a_holder_before_its_time_runs_out(two: Two) -> None:
    ada = LockKeeper(two.lock("ada"))
    ada.hold()
    two.gits["ada"].down = True
    ada.confirm()
    two.clocks["ada"].at += LIFETIME
    with pytest.raises(CouldNotLook):
        ada.confirm()
    with pytest.raises((CouldNotLook, ActionFailed)):
        ada.hold()
    two.gits["ada"].down = False
    ada.hold()


BODY = {"operator": "ada", "host": "adas", "run": "r", "expires": "2026-02-14T10:15:00Z"}
HOSTILE: dict[str, str | bytes] = {
    "empty": "",
    "prose": "Release lock\n\nmine!",
    "list": 'Release lock\n\n["operator"]',
    "half": 'Release lock\n\n{"operator": "ada"}',
    "deep": "Release lock\n\n" + "[" * 30_000,
    "bytes": b"Release lock\n\n\xff\xfe{}",
    "large": "Release lock\n\n" + json.dumps({**BODY, "x": "y" * LARGEST}),
}


@pytest.mark.parametrize("name", some([*HOSTILE, "tag", "blob", "tree"], ("half", "bytes", "tag")))
def test_a_lock_that_cannot_be_read_is_somebodys_and_taken_over_only_when_typed(two: Two, name: str) -> None:
    if name in HOSTILE:
        two.lay(HOSTILE[name])
    elif name == "tag":
        two.git("tag", "-a", "-m", "tag", "t", two.lay("Release lock\n\n" + json.dumps(BODY), ref=False))
        two.git("update-ref", REF, "refs/tags/t")
    else:
        two.git("update-ref", REF, two.git("hash-object", "-t", name, "-w", os.devnull))
    ben = two.lock("ben")
    two.clocks["ben"].at = NOW + timedelta(days=1000)
    with pytest.raises(Refused, match="held by somebody: ") as refused:
        ben.acquire()
    assert "until" not in str(refused.value.remedy).lower() and "--take-over" in str(refused.value.remedy)
    assert ben.acquire(take_over=True) is not None
    assert ben.held


@pytest.mark.parametrize("field_", list(BODY))
def test_what_a_lock_says_is_shown_and_not_obeyed(two: Two, field_: str) -> None:
    two.lay("Release lock\n\n" + json.dumps({**BODY, field_: "\u001b[2J\u202e" + "x" * 5000}))
    ben = two.lock("ben")
    with pytest.raises(Refused) as refused:
        ben.acquire()
    said = str(refused.value)
    assert "\u001b" not in said and "\u202e" not in said and len(said) < 2000


def test_the_item_names_the_same_and_its_way_out(two: Two) -> None:
    ada = two.lock("ada")
    ada.acquire()
    verdict = judge_lock(LockFacts(ada.holder()), Plan(Target(), None, Kind.FULL, NOW, run="mine"))
    assert verdict.status is Status.FAILED
    assert all(part in verdict.summary for part in ("ada on adas", "run run-ada", "since 2026-02-14T10:00:00", "2026-02-14T10:15:00"))
    assert "nexy-tui release --resume mine --take-over" in str(verdict.remedy)
