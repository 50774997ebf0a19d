"""Looking at many items at once: in parallel, each with a time limit, cheap ones first; nothing unseen ever passes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from checks.base import Scope
from nexy_tui.checklist import Item
from nexy_tui.core.finding import Finding, Status, Verdict, inconclusive, not_applicable, rfc3339
from nexy_tui.core.problem import Problem
from nexy_tui.core.remedy import Mend
from nexy_tui.core.secret import redact, secrets_of
from nexy_tui.engine.notice import Found, Looking, Observer

QUICK_LIMIT = 180.0
SLOW_LIMIT = 3600.0
"""Seconds a look may take: a slow one downloads up to 2 GiB or waits for the VM; one may wait for a person."""

AT_ONCE = 32
"""Looks under way at the same time. More than there are slow ones, which wait for one another's downloads and surveys."""


@dataclass
class _Pass:
    """One evaluation under way: when it and each look began, and the looks nobody waits for any more."""

    scope: Scope
    observer: Observer
    begun: float = field(default_factory=time.monotonic)
    started: dict[str, float] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)

    def left(self, item: Item) -> float:
        """Seconds of its time an item has left, counted from when its look began."""
        return self.started.get(item.id, self.begun) + _limit(item) - time.monotonic()


def evaluate(items: Sequence[Item], scope: Scope, observer: Observer) -> list[Finding]:
    """A finding for every item, in the order given. A look that fails, raises or takes too long is inconclusive."""
    ordered = sorted(items, key=lambda item: item.check.slow)
    if not ordered:
        return []
    now = _Pass(scope, observer)
    pool = ThreadPoolExecutor(max_workers=min(AT_ONCE, len(ordered)), thread_name_prefix="look")
    try:
        futures = {item.id: pool.submit(_evaluate_one, item, now) for item in ordered}
        return [_result(item, futures[item.id], now) for item in items]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _limit(item: Item) -> float:
    return SLOW_LIMIT if item.check.slow or item.check.waits else QUICK_LIMIT


def _result(item: Item, future: Future[Finding], now: _Pass) -> Finding:
    while not future.done() and (left := now.left(item)) > 0:
        with suppress(FutureTimeout):  # It may have begun late, and then has time left.
            future.result(timeout=left)
    if future.done():
        return future.result()
    now.given_up.add(item.id)
    limit = _limit(item)
    verdict = inconclusive(f"The check gave no answer in {limit:.0f} s.", "See that what it looks at answers, then check again.")
    finding = _finding(item, verdict, limit, now.scope)
    now.observer(Found(finding))
    return finding


def _evaluate_one(item: Item, now: _Pass) -> Finding:
    begun = now.started[item.id] = time.monotonic()
    now.observer(Looking(item.id))
    finding = _finding(item, _still_asked(item, verdict_on(item, now.scope), now.scope), time.monotonic() - begun, now.scope)
    if item.id not in now.given_up:
        now.observer(Found(finding))
    return finding


def _still_asked(item: Item, verdict: Verdict, scope: Scope) -> Verdict:
    """The verdict, unless it stands in the way of what this run has begun already: what was to be seen before is not asked after."""
    if verdict.status.satisfied:
        return verdict
    if item.id in scope.past:
        return not_applicable(f"{scope.plan.version} is out, and this was asked for publishing it: {verdict.summary}", *verdict.evidence)
    if item.serves is None or item.serves not in scope.plan.begun:
        return verdict
    return not_applicable(f"This run has begun what that was for ({item.serves}), and goes on: {verdict.summary}", *verdict.evidence)


def verdict_on(item: Item, scope: Scope) -> Verdict:
    """Look and judge. Whatever keeps the look or the judge from its end makes the item inconclusive."""
    try:
        facts: Any = item.check.look(scope)
        return item.check.judge(facts, scope.plan)
    except Problem as problem:
        return inconclusive(" ".join(part for part in (problem.what, problem.why) if part), problem.remedy or "Mend that, then look again.")
    except OSError as error:
        place = f"{redact(str(error.filename))} could" if error.filename else "What it looks at could"
        return inconclusive(
            f"{place} not be read: {error.strerror or type(error).__name__}.", "See that it is there, and its permissions; then look again."
        )
    except Exception as error:  # A look that breaks must not end the others, nor pass.
        return inconclusive(
            f"The check broke: {type(error).__name__}: {redact(str(error), *secrets_of(scope.services.environ))[:300]}",
            "This is a fault of the tool; report it with `nexy-tui --version`.",
        )


def _finding(item: Item, verdict: Verdict, seconds: float, scope: Scope) -> Finding:
    now = rfc3339(scope.services.clock.now())
    mending = (verdict.remedy.fixer,) if isinstance(verdict.remedy, Mend) else ()
    fixers = verdict.fixers or mending or (item.fixers if verdict.status in (Status.FAILED, Status.INCONCLUSIVE) else ())
    return Finding(
        item=item.id,
        status=verdict.status,
        summary=verdict.summary,
        remedy=verdict.remedy,
        fixers=fixers,
        evidence=tuple(seen if seen.time else replace(seen, time=now) for seen in verdict.evidence),
        duration_s=round(seconds, 3),
        time=now,
        note=verdict.note,
    )
