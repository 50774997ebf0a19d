"""Looking at many items at once: in parallel, each with a time limit, cheap ones first; nothing unseen ever passes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

from checks.base import Scope
from nexy_tui.checklist import Item
from nexy_tui.core.finding import Finding, Status, Verdict, inconclusive, rfc3339
from nexy_tui.core.problem import Problem
from nexy_tui.core.secret import redact
from nexy_tui.engine.notice import Found, Looking, Observer

QUICK_LIMIT = 180.0
SLOW_LIMIT = 3600.0
"""Seconds a look may take: a slow one downloads up to 2 GiB or waits for the VM."""


def evaluate(items: Sequence[Item], scope: Scope, observer: Observer) -> list[Finding]:
    """A finding for every item, in the order given. A look that fails, raises or takes too long is inconclusive."""
    ordered = sorted(items, key=lambda item: item.check.slow)
    if not ordered:
        return []
    pool = ThreadPoolExecutor(max_workers=min(16, len(ordered)), thread_name_prefix="look")
    try:
        futures = {item.id: pool.submit(_evaluate_one, item, scope, observer) for item in ordered}
        return [_result(item, futures[item.id], scope, observer) for item in items]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _result(item: Item, future: Future[Finding], scope: Scope, observer: Observer) -> Finding:
    limit = SLOW_LIMIT if item.check.slow else QUICK_LIMIT
    try:
        return future.result(timeout=limit)
    except FutureTimeout:
        verdict = inconclusive(f"The look gave no answer in {limit:.0f} s.", "See that what it looks at answers, then look again.")
        finding = _finding(item, verdict, limit, scope)
        observer(Found(finding))
        return finding


def _evaluate_one(item: Item, scope: Scope, observer: Observer) -> Finding:
    observer(Looking(item.id))
    begun = time.monotonic()
    finding = _finding(item, verdict_on(item, scope), time.monotonic() - begun, scope)
    observer(Found(finding))
    return finding


def verdict_on(item: Item, scope: Scope) -> Verdict:
    """Look and judge. Whatever keeps the look or the judge from its end makes the item inconclusive."""
    try:
        facts: Any = item.check.look(scope)
        return item.check.judge(facts, scope.plan)
    except Problem as problem:
        return inconclusive(" ".join(part for part in (problem.what, problem.why) if part), problem.remedy or "Mend that, then look again.")
    except Exception as error:  # A look that breaks must not end the others, nor pass.
        return inconclusive(
            f"The look broke: {type(error).__name__}: {redact(str(error))[:300]}",
            "This is a fault of the tool; report it with `nexy-tui --version`.",
        )


def _finding(item: Item, verdict: Verdict, seconds: float, scope: Scope) -> Finding:
    fixers = tuple(dict.fromkeys(verdict.fixers + (item.fixers if verdict.status in (Status.FAILED, Status.INCONCLUSIVE) else ())))
    return Finding(
        item=item.id,
        status=verdict.status,
        summary=verdict.summary,
        remedy=verdict.remedy,
        fixers=fixers,
        evidence=verdict.evidence,
        duration_s=round(seconds, 3),
        time=rfc3339(scope.services.clock.now()),
    )
