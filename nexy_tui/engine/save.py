"""Keeping what final verification saw: a signed record of its own, in the log's format, that anybody can verify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.core.finding import Finding
from nexy_tui.engine.before import Before
from nexy_tui.engine.begin import RunRequest, genesis_of
from nexy_tui.engine.document import outcome_of
from nexy_tui.engine.looks import journal
from nexy_tui.engine.opening import known_secrets
from nexy_tui.engine.session import Session
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.state import Errand, Purpose

SEALED_AS = {"verified": "complete", "refused": "failed", "inconclusive": "failed"}


@dataclass(frozen=True, slots=True)
class Saved:
    """The record that was made: its run and its log."""

    run: str
    log: Path


def require_signer(session: Session) -> None:
    """Raise Problem where no key could sign a record, before anybody waits for a long look."""
    session.context.keys.signer()


def save(session: Session, findings: Sequence[Finding]) -> Saved:
    """Sign what was found into a log of its own and seal it; nothing is looked at again. Raises Problem."""
    services, plan = session.services, session.plan
    wanted = RunRequest(plan.version, plan.kind, plan.with_pkg, Purpose(Errand.CHECK))
    before = Before(plan.served_before, plan.published_before, plan.base_commit, plan.appcast_missing)
    beginning = genesis_of(services, session.checklist, wanted, plan.kind, before)
    folder, signer = services.settings.state_dir / "runs", session.context.keys.signer()
    log = RunLog.create(folder, beginning, signer, services.clock, secrets=known_secrets(services))
    try:
        for finding in findings:
            journal(log, finding)
        outcome = outcome_of(findings)
        log.seal(SEALED_AS[outcome], f"Final verification: {outcome}.")
    finally:
        log.close()
    return Saved(log.run, log.path)
