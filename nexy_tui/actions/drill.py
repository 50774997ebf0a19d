"""Prove that the newest backup restores (rulebook section 3, Phase 1.1.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.core.finding import Evidence, rfc3339
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed
from nexy_tui.runlog.sign import sign_statement
from nexy_tui.services import Services


class Drill:
    """Restores the newest archive into a database of its own, checks and counts it, drops it, and signs a record.

    It is the operator's choice, and every drill is a fact of its own: it never skips because an earlier one is recent.
    """

    name = "drill"
    title = "Run a restore drill"
    writes_outside = True

    def applies(self, _: Plan) -> bool:
        """Every kind of run may need it."""
        return True

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """What is created where, and that it goes again."""
        address = services.database.place.address()
        return [
            f"On {address.host}:{address.port}, from {services.database.seen_from}:",
            "create the database restore_drill_<time>",
            "restore the newest archive into it with pg_restore",
            "check the service's tables, and hold their row counts against the backup's",
            "drop restore_drill_<time>, whatever happened",
            f"sign a record beside the archive; {address.name} itself is not touched",
        ]

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """The host, where it is not this very machine's (or the VM's) loopback."""
        address = services.database.place.address()
        return None if address.loopback else address.host

    def run(self, context: ActionContext) -> ActionResult:
        """Drill. Raises ActionFailed, after recording it, where the archive does not restore."""
        place = context.services.database.place
        context.intent("restore the newest backup into a database of its own", server=str(place.address()))
        record = replace(place.drill(context.emit, context.cancelled), run=context.plan.run)
        line = sign_statement(record.statement(), context.signer())
        name = record.archive.name
        place.keep_drill_record(name, line)
        if not record.passed:
            raise ActionFailed(
                f"The restore drill failed: {record.reason}.",
                f"{name} would not bring the data back. The failure is on record, and {record.restored_as} is dropped.",
                "Make a new backup and drill that: nexy-tui db backup, then nexy-tui db drill",
            )
        return ActionResult(
            f"{name} restored whole: {sum(record.rows.values())} rows in {len(record.rows)} tables, in {record.duration_ms} ms.",
            (
                Evidence("restored as", f"{record.restored_as}, dropped again", str(record.database), rfc3339(record.finished)),
                *(Evidence(table, f"{count} rows", record.restored_as) for table, count in sorted(record.rows.items())),
            ),
            {name: record.archive.sha256, f"{name}.drill.jsonl, last line": hashlib.sha256(line).hexdigest()},
        )
