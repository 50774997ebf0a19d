"""The publisher killed at its requests and run again: always ends verified, and never sends the same bytes twice."""

from __future__ import annotations

import pytest
from publishing import Killed, Mortal, Publisher, assert_published, local, sent_whole, unseen

from checks.inbox import expected
from nexy_tui.actions.publish import Publish

_HERE = ("git add", "git commit", "git push")
"""What no request shows to anybody outside; the requests are struck one by one in test_publish_every_request.py."""


def prepare(work: Publisher) -> None:
    """Artifacts of a version that no run has seen."""
    work.version = unseen()
    work.events.clear()
    for name in expected(work.plan):
        work.lay(name)


def steps(work: Publisher) -> list[str]:
    """Every request and git command of one undisturbed publish, in order."""
    prepare(work)
    with pytest.MonkeyPatch.context() as patch:
        mortal = Mortal(patch)
        work.do(Publish())
    return mortal.seen


def killed_and_run_again(work: Publisher, at: int, lost: str) -> None:
    prepare(work)
    names = expected(work.plan)
    start, before = work.requests(), {name: work.download(name) for name in names}
    with pytest.MonkeyPatch.context() as patch:
        mortal = Mortal(patch, at=at, lost=lost)
        try:
            work.do(Publish())
        except Killed:
            pass
        else:
            assert len(mortal.seen) < at, "two artifacts at a time do not always take the same number of requests"
    where = f"killed at {at} ({mortal.seen[-1]}), its {lost} lost"
    for name in names:
        got = work.download_or_nothing(name)
        assert got in (before[name], local(work, name), None), where
        assert got is not None or f"previous-{name}" in work.assets(name), where
    work.services.github.close()
    work.do(Publish())
    assert_published(work)
    for name in names:
        assert sent_whole(work, start, name) == 1, where


@pytest.mark.exhaustive
def test_killed_at_each_command_that_writes_here_and_run_again(work: Publisher) -> None:
    points = [number for number, step in enumerate(steps(work), 1) if step.startswith(_HERE)]
    assert len(points) >= 3
    for at in points:
        killed_and_run_again(work, at, "answer")


@pytest.mark.exhaustive
@pytest.mark.parametrize("lost", ["request", "answer"])
def test_killed_at_every_request_of_both_artifacts_and_run_again(work: Publisher, lost: str) -> None:
    work.with_pkg = True
    seen = steps(work)
    for at in range(1, len(seen) + 1):
        killed_and_run_again(work, at, lost)
    print(f"killed at each of {len(seen)} requests and git commands, the {lost} lost: every second run ended verified")
