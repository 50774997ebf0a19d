"""The one JSON shape for findings that every command prints (design: machine-readable output)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nexy_tui.checklist import Item
from nexy_tui.core.finding import Finding, Status
from nexy_tui.core.problem import Problem
from nexy_tui.core.target import Target
from nexy_tui.engine.outcome import EXIT, Outcome
from nexy_tui.engine.session import Session


def outcome_of(findings: Sequence[Finding]) -> str:
    """`refused` with anything wrong or still to do, `inconclusive` with anything unseen, else `verified`; nothing looked at is unseen."""
    statuses = {finding.status for finding in findings}
    if statuses & {Status.FAILED, Status.PENDING}:
        return "refused"
    if not statuses or statuses & {Status.INCONCLUSIVE, Status.NOT_RUN}:
        return "inconclusive"
    return "verified"


def document(session: Session, items: Sequence[Item], outcome: str, duration_s: float) -> dict[str, Any]:
    """The document for these items as the session stands."""
    plan = session.plan
    return {
        "outcome": outcome,
        "world": plan.target.world,
        "target": plan.target.name,
        "target_changed": list(session.target_changed),
        "version": None if plan.version is None else str(plan.version),
        "kind": plan.kind.value,
        "run": plan.run,
        "log": None if session.log is None else str(session.log.path),
        "duration_s": round(duration_s, 3),
        "items": [_item(session, item) for item in items],
        **ending(EXIT[outcome]),
    }


def ending(status: int, problem: Problem | None = None) -> dict[str, Any]:
    """The end of every such document: the exit status, and the problem that made it so, in its three parts."""
    told = None if problem is None else {"what": problem.what, "why": problem.why, "remedy": str(problem.remedy)}
    return {"problem": told, "exit": status}


def broken_off(problem: Problem, session: Session | None, world: str | None, duration_s: float) -> dict[str, Any]:
    """The document of a command that a problem ended, in the same shape: with what its session has found so far, if it had one."""
    outcome = Outcome.from_problem(problem).outcome
    if session is not None:
        known = document(session, session.checklist.items, outcome, duration_s)
    else:
        known = {
            "outcome": outcome,
            "world": world,
            "target": Target(world=world).name,
            "target_changed": [],
            "version": None,
            "kind": None,
            "run": None,
            "log": None,
            "duration_s": round(duration_s, 3),
            "items": [],
        }
    return {**known, **ending(problem.exit_code, problem)}


def _item(session: Session, item: Item) -> dict[str, Any]:
    finding = session.state.findings.get(item.id) or Finding(item.id, Status.NOT_RUN, "Not looked at in this run.")
    return {
        "id": item.id,
        "section": item.section,
        "phase": session.checklist.phase_of(item.id).id,
        "title": item.title,
        "status": finding.status.value,
        "summary": finding.summary,
        "remedy": str(finding.remedy),
        "fixers": list(finding.fixers),
        "evidence": [{"name": e.name, "value": e.value, "source": e.source, "time": e.time or finding.time} for e in finding.evidence],
        "duration_s": finding.duration_s,
    }
