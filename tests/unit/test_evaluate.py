"""Looking at many items at once: what ended in time counts, whoever was waited for before; what is given up says nothing later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from checks.base import Check, Scope
from nexy_tui.checklist import CHECKLIST, Item
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.finding import Evidence, Status, passed
from nexy_tui.engine import evaluate
from nexy_tui.engine.notice import Found, Notice


def item(number: int, look: Callable[[Scope], Any], *, slow: bool = False) -> Item:
    check = Check(look, lambda _facts, _plan: passed("Seen.", Evidence("n", "v", "s")), "It is looked at.", slow=slow)
    return replace(CHECKLIST.items[number], check=check)


def scope() -> Scope:
    services: Any = SimpleNamespace(clock=SystemClock(), environ={})
    return Scope(services, None, lambda: None)  # type: ignore[arg-type, return-value]


def test_a_look_that_ended_counts_although_another_used_up_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "QUICK_LIMIT", 0.05)
    release, notices = threading.Event(), list[Notice]()
    late = threading.Event()

    def watch(notice: Notice) -> None:
        notices.append(notice)

    def hang(_: Scope) -> None:
        release.wait(10)
        late.set()

    endless, quick = item(0, hang), item(1, lambda _: None)
    try:
        found = evaluate.evaluate([endless, quick], scope(), watch)
    finally:
        release.set()
    assert [finding.status for finding in found] == [Status.INCONCLUSIVE, Status.PASSED]
    assert late.wait(10)
    deadline = time.monotonic() + 10
    while any(thread.name.startswith("look") for thread in threading.enumerate()) and time.monotonic() < deadline:
        threading.Event().wait(0.005)
    told = [notice.finding for notice in notices if isinstance(notice, Found) and notice.finding.item == endless.id]
    assert [finding.status for finding in told] == [Status.INCONCLUSIVE], "what came too late is not shown as passed"


def test_a_look_that_had_to_wait_for_a_worker_has_its_whole_time() -> None:
    """The time is counted from when the look began, not from when the pass did."""
    now, waiting = evaluate._Pass(scope(), lambda _: None), item(0, lambda _: None)
    now.begun -= evaluate.QUICK_LIMIT - 1
    assert now.left(waiting) <= 1
    now.started[waiting.id] = time.monotonic()
    assert now.left(waiting) > evaluate.QUICK_LIMIT - 1
    for longer in (replace(waiting.check, slow=True), replace(waiting.check, waits=True)):
        assert now.left(replace(waiting, check=longer)) > evaluate.SLOW_LIMIT - 1


def test_cheap_looks_begin_before_slow_ones_and_evidence_says_when(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "AT_ONCE", 1)
    order: list[int] = []
    items = [item(number, lambda _, number=number: order.append(number), slow=number % 2 == 0) for number in range(4)]  # type: ignore[misc]
    found = evaluate.evaluate(items, scope(), lambda _: None)
    assert order == [1, 3, 0, 2]
    assert [finding.item for finding in found] == [one.id for one in items]
    assert all(seen.time == finding.time and seen.time.endswith("Z") for finding in found for seen in finding.evidence)
