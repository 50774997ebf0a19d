"""The publisher struck, or killed, at every one of its requests in turn, and run again: it always ends verified, nothing is sent
twice, and clients get a whole file at every moment but between two renames."""

from __future__ import annotations

import hashlib
import itertools
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from conftest import seldom
from publishing import Publisher, local, unseen
from striking import (
    FAILING,
    Apart,
    Mark,
    assert_ended,
    assert_unbroken,
    gone,
    guards,
    in_place,
    length,
    rows,
    strike,
    strikes,
)

from checks.inbox import expected
from nexy_tui.actions.publish import Publish
from nexy_tui.core.problem import Problem
from nexy_tui.core.target import DMG
from nexy_tui.rehearsal.net.strikes import WITNESS

KILLED = ("hold", "hold-after")
"""SIGKILL while the request is under way: it never takes effect, or it has."""

SORTS = FAILING + KILLED
SHARDS = 8


def prepare(work: Publisher) -> Mark:
    """Artifacts of a version that no run has seen."""
    work.version = unseen()
    work.events.clear()
    for name in expected(work.plan):
        work.lay(name)
    return Mark.set(work)


def struck_and_run_again(work: Publisher, at: int, sort: str) -> str:
    """How it went: at once, or after another run; an empty text where there was no such request any more."""
    mark, account = prepare(work), strikes(work.inside)
    since = length(account)
    failed = ""
    if sort in KILLED:
        with strike(work.inside, at, sort) as let_go:
            apart = Apart.begin(work)
            if apart.struck(account, since):
                failed, left = "killed", apart.kill()
                let_go()
                assert gone(left, within=60)
            assert work.inside.world.secrets.world_token not in apart.said.read_text()
    else:
        with strike(work.inside, at, sort):
            try:
                work.do(Publish())
            except Problem as problem:
                failed = problem.what
                assert problem.remedy and "ghp_" not in str(problem)
        assert gone(guards(), within=60)
    if length(account) == since:
        return ""
    where = f"{sort} at request {at}, {rows(account)[-1]['method']} {rows(account)[-1]['host']}{rows(account)[-1]['path']}: {failed}"
    for name in expected(work.plan):
        assert in_place(work.inside, name, work.services.target.tag_for(name)) is not None, where
    if failed:
        work.services.github.close()
        work.do(Publish())
    assert_ended(work)
    assert_unbroken(mark)
    assert "ghp_" not in str(work.events)
    return "killed, then run again" if failed == "killed" else "failed, then run again" if failed else "borne"


def walk(work: Publisher, numbers: Iterator[int], sorts: tuple[str, ...]) -> None:
    """Strike one request after the other until there are no more; what came of it is printed."""
    outcomes: Counter[tuple[str, str]] = Counter()
    requests = 0
    for number in numbers:
        sort = sorts[number // SHARDS % len(sorts)]
        outcome = struck_and_run_again(work, number, sort)
        if not outcome:
            break
        outcomes[sort, outcome] += 1
        requests += 1
    assert requests > 0
    print(f"{requests} requests struck: {', '.join(f'{sort} {outcome} {count}' for (sort, outcome), count in sorted(outcomes.items()))}")


@pytest.mark.parametrize("shard", [0, *map(seldom, range(1, SHARDS))])
def test_struck_at_every_request_once(work: Publisher, shard: int) -> None:
    prepare_first(work)
    walk(work, itertools.count(1 + shard, SHARDS), SORTS)


@pytest.mark.exhaustive
@pytest.mark.parametrize("sort", SORTS)
def test_both_artifacts_struck_at_every_request_in_every_way(work: Publisher, sort: str) -> None:
    work.with_pkg = True
    prepare_first(work)
    walk(work, itertools.count(1), (sort,))


def prepare_first(work: Publisher) -> None:
    """One undisturbed publish: from then on every one has an older `previous-` to delete."""
    mark = prepare(work)
    work.do(Publish())
    assert_ended(work)
    assert_unbroken(mark, missing=1)


@dataclass
class Prober:
    """A client that downloads without pause: small ranges and whole files, each with the asset they came from."""

    url: str
    context: ssl.SSLContext
    ranges: list[tuple[int, str, str]] = field(default_factory=list)
    wholes: list[tuple[int, str]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Prober:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        assert self._thread is not None
        self._thread.join(30)

    def _run(self) -> None:
        with httpx.Client(verify=self.context, follow_redirects=True, timeout=30, headers={WITNESS: "prober"}) as client:
            for number in itertools.count():
                if self._ended.is_set():
                    return
                try:
                    if number % 10:
                        got = client.get(self.url, headers={"Range": "bytes=0-15"})
                        total = got.headers.get("content-range", "").rpartition("/")[2]
                        self.ranges.append((got.status_code, got.headers.get("x-nexy-asset-id", ""), total))
                    else:
                        got = client.get(self.url)
                        self.wholes.append((got.status_code, hashlib.sha256(got.content).hexdigest()))
                except httpx.HTTPError as error:
                    self.troubles.append(repr(error))


@pytest.mark.exhaustive
def test_clients_get_one_whole_file_or_the_other_while_the_publisher_is_killed(work: Publisher) -> None:
    prepare_first(work)
    context = ssl.create_default_context(cafile=str(work.inside.world.ca))
    account = strikes(work.inside)
    digests, sizes = {local(work)[1]}, {str(local(work)[0])}
    begun = length(work.inside.world.log / "assets.jsonl")
    with Prober(work.services.target.asset_url(DMG), context) as prober:
        for at, sort in (("PATCH2", "hold-after"), ("PATCH3", "hold")):
            mark, since = prepare(work), length(account)
            digests.add(local(work)[1])
            sizes.add(str(local(work)[0]))
            with strike(work.inside, at, sort) as let_go:
                apart = Apart.begin(work)
                assert apart.struck(account, since)
                left = apart.kill()
                let_go()
            assert gone(left, within=60)
            work.do(Publish())
            assert_ended(work)
            assert_unbroken(mark)
    assert prober.troubles == [] and len(prober.ranges) > 50
    published = (row["assets"]["Update"] for row in rows(work.inside.world.log / "assets.jsonl", begun - 1))
    served = {str(assets[DMG][0]) for assets in published if DMG in assets}
    good = [(asset, size) for status, asset, size in prober.ranges if status == 206]
    assert {asset for asset, _ in good} <= served and {size for _, size in good} <= sizes
    assert {status for status, *_ in prober.ranges} | {status for status, _ in prober.wholes} <= {200, 206, 404}
    assert {digest for status, digest in prober.wholes if status == 200} <= digests
    missed = sum(status == 404 for status, *_ in prober.ranges)
    print(f"{len(prober.ranges)} ranges and {len(prober.wholes)} whole files asked for; {missed} found nothing, between two renames")
