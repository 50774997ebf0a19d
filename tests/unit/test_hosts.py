"""Clocks, certificates and disks at their limits, over facts alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import test_deploy_judges as deploy
import test_gate as gate

from checks.deploy import judge_vm
from checks.gate_cells import Earlier, UnseenSource
from checks.hosts import LEAST_LEFT, MAX_SKEW, WARNED_LEFT, ClockFacts, Room, judge_certificate, judge_clocks, judge_disk
from checks.ready import ServerFacts, judge_server
from nexy_tui.core.finding import Status
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.target import Target
from nexy_tui.services.greeting import Greeting

NOW = datetime(2026, 2, 14, 12, tzinfo=UTC)
PLAN = Plan(Target(), None, Kind.FULL, NOW)
SECOND = timedelta(seconds=1)


def told(date: datetime, took: timedelta = timedelta(0)) -> Greeting:
    return Greeting("https://h/", NOW, NOW + took, date)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (told(NOW), Status.PASSED),
        (told(NOW - MAX_SKEW - SECOND), Status.PASSED),  # The header says whole seconds: it may have been almost the next one.
        (told(NOW - MAX_SKEW - 2 * SECOND), Status.FAILED),
        (told(NOW + MAX_SKEW), Status.PASSED),
        (told(NOW + MAX_SKEW + SECOND), Status.FAILED),
        (told(NOW + MAX_SKEW + SECOND, took=9 * SECOND), Status.PASSED),  # The answer itself was on its way for so long.
    ],
)
def test_a_clock_is_off_by_more_than_the_answers_way_explains(said: Greeting, status: Status) -> None:
    assert judge_clocks(ClockFacts((said,)), PLAN).status is status


def test_one_host_that_disagrees_is_named_and_one_that_tells_nothing_is_shown() -> None:
    facts = ClockFacts((told(NOW), replace(told(NOW - timedelta(minutes=9)), url="https://other/")), ("https://silent/",))
    verdict = judge_clocks(facts, PLAN)
    assert verdict.status is Status.FAILED and "539 s ahead of https://other/" in verdict.summary and "https://h/" not in verdict.summary
    assert ("Date", "not told", "https://silent/") in {(seen.name, seen.value, seen.source) for seen in verdict.evidence}


@pytest.mark.parametrize(
    ("left", "status", "said"),
    [
        (LEAST_LEFT - SECOND, Status.FAILED, "ends in 6 days"),
        (LEAST_LEFT, Status.PASSED, "Warning"),
        (WARNED_LEFT - SECOND, Status.PASSED, "Warning"),
        (WARNED_LEFT, Status.PASSED, "has 21 days left"),
        (-SECOND, Status.FAILED, "ends"),
    ],
)
def test_a_certificate_by_its_days_left(left: timedelta, status: Status, said: str) -> None:
    verdict = judge_certificate(replace(told(NOW), expires=NOW + left, issuer="CA"), PLAN)
    assert verdict.status is status and said in verdict.summary
    assert ("days left", str(left.days)) in {(seen.name, seen.value) for seen in verdict.evidence}


def test_a_certificate_that_is_refused_says_why() -> None:
    verdict = judge_certificate(replace(told(NOW), refused="certificate has expired"), PLAN)
    assert verdict.status is Status.FAILED and "certificate has expired" in verdict.summary and "tls.ca" in str(verdict.remedy)


def test_a_certificate_that_ends_soon_is_met_before_anything_is_written() -> None:
    facts = ServerFacts(gate.live(gate.OLD), Earlier())
    ends = replace(told(gate.plan().now), expires=gate.plan().now + LEAST_LEFT - SECOND)
    assert judge_server(facts, gate.plan()).status is Status.PASSED
    assert judge_server(replace(facts, certificate=ends), gate.plan()) == judge_certificate(ends, gate.plan())


def test_a_certificate_that_was_not_seen_passes_nowhere() -> None:
    unseen = UnseenSource("https://h/health showed no certificate.")
    verdict = judge_server(ServerFacts(gate.live(gate.OLD), Earlier(), certificate=unseen), gate.plan())
    assert verdict.status is Status.INCONCLUSIVE and "showed no certificate" in verdict.summary and verdict.remedy


def test_the_fullest_disk_is_named() -> None:
    rooms = (Room("run logs", "/s", 10, 11), Room("backups", "/b", 1 << 30, 2 << 30), Room("the checkout", "/c", 9 << 30, 1 << 20))
    verdict = judge_disk(rooms, PLAN)
    assert verdict.status is Status.FAILED and "/s" in verdict.summary and "1024 MiB for backups in /b" in verdict.summary
    assert "/c" not in verdict.summary and len(verdict.evidence) == 3
    assert judge_disk(rooms[2:], PLAN).status is Status.PASSED


@pytest.mark.parametrize(("off", "status"), [(0, Status.PASSED), (-300, Status.PASSED), (-301, Status.FAILED), (301, Status.FAILED)])
def test_the_vms_clock_by_its_survey(off: int, status: Status) -> None:
    taken = datetime(2026, 2, 14, tzinfo=UTC)
    verdict = judge_vm(deploy.vm(clock=int(taken.timestamp()) + off), deploy.plan())
    assert verdict.status is status and ("clock is 301 s off" in verdict.summary) == (status is Status.FAILED)
