"""The one JSON shape for findings that every command prints (design: machine-readable output)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nexy_tui.checklist import Item
from nexy_tui.core.finding import Finding, Status
from nexy_tui.engine.session import Session


def outcome_of(findings: Sequence[Finding]) -> str:
    """`refused` with any failure, `inconclusive` with anything unseen, else `verified`; nothing looked at is inconclusive."""
    statuses = {finding.status for finding in findings}
    if Status.FAILED in statuses:
        return "refused"
    if not statuses or statuses & {Status.INCONCLUSIVE, Status.NOT_RUN}:
        return "inconclusive"
    return "verified"


EXIT = {"verified": 0, "refused": 1, "inconclusive": 3}
"""Exit statuses of the command line by outcome."""


def document(session: Session, items: Sequence[Item], outcome: str, duration_s: float) -> dict[str, Any]:
    """The document for these items as the session stands."""
    plan = session.plan
    return {
        "outcome": outcome,
        "world": plan.target.world,
        "target": plan.target.name,
        "version": None if plan.version is None else str(plan.version),
        "kind": plan.kind.value,
        "run": plan.run,
        "log": None if session.log is None else str(session.log.path),
        "duration_s": round(duration_s, 3),
        "items": [_item(session, item) for item in items],
    }


def _item(session: Session, item: Item) -> dict[str, Any]:
    finding = session.state.findings.get(item.id) or Finding(item.id, Status.NOT_RUN, "Not looked at in this run.")
    return {
        "id": item.id,
        "section": item.section,
        "phase": session.checklist.phase_of(item.id).id,
        "title": item.title,
        "status": finding.status.value,
        "summary": finding.summary,
        "remedy": finding.remedy,
        "fixers": list(finding.fixers),
        "evidence": [{"name": e.name, "value": e.value, "source": e.source, "time": e.time or finding.time} for e in finding.evidence],
        "duration_s": finding.duration_s,
    }
