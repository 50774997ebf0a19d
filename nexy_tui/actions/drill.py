"""Prove that the newest backup restores (rulebook section 3, Phase 1.1.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from checks.database_records import vouched
from nexy_tui.actions.adopt import Adoption, adopt
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.core.database_record import DrillRecord
from nexy_tui.core.event import OutputLine
from nexy_tui.core.finding import Evidence, rfc3339
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed, Refused
from nexy_tui.core.remedy import Act
from nexy_tui.runlog.sign import sign_statement
from nexy_tui.services import Services
from nexy_tui.services.database.facts import Altered
from nexy_tui.services.database.host import pages

_TOLD = 5


@dataclass(frozen=True)
class Drill:
    """Restores the newest believed archive into a database of its own, checks and counts it, drops it, and signs a record.

    It is the operator's choice, and every drill is a fact of its own: it never skips because an earlier one is recent. An
    archive without a record that is believed is never restored; with `adopt` the operator vouches for one of another tool's.
    """

    adopt: Adoption | None = None

    name = "drill"
    title = "Run a restore drill"
    writes_outside = True

    def applies(self, _: Plan) -> bool:
        """Every kind of run may need it."""
        return True

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """What is created where, and that it goes again."""
        address = services.database.place.address()
        what = "the newest archive that has a believed record" if self.adopt is None else self.adopt.name
        return [
            *([] if self.adopt is None else self.adopt.describe(services)),
            f"On {address.host}:{address.port}, from {services.database.seen_from}:",
            "create the database restore_drill_<time>, and a role of that name without rights",
            f"restore {what} into it with pg_restore, as that role",
            "check the service's tables, and compare their row counts with the backup's",
            "drop restore_drill_<time>, whatever happened",
            f"sign a record beside the archive; {address.name} itself is not touched",
        ]

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """The host, where it is not this very machine's (or the VM's) loopback; for an adoption its archive's sha256."""
        address = services.database.place.address()
        host = "" if address.loopback else address.host
        vouched = "" if self.adopt is None else self.adopt.confirmation(services)
        return " on ".join(filter(None, (vouched, host))) or None

    def run(self, context: ActionContext) -> ActionResult:
        """Drill. Raises Refused where no archive is believed; ActionFailed, after recording it, where the archive does not restore."""
        place = context.services.database.place
        adopted = {} if self.adopt is None else adopt(self.adopt, context)
        context.intent("restore the newest believed backup into a database of its own", server=str(place.address()))
        done, strays = _drill(context, None if self.adopt is None else self.adopt.name)
        record = replace(done, run=context.plan.run)
        line = sign_statement(record.statement(), context.signer())
        name = record.archive.name
        place.keep_drill_record(name, line)
        if not record.passed:
            raise ActionFailed(
                f"The restore drill failed: {record.reason}.",
                f"{name} would not bring the data back. The failure is on record, and {record.restored_as} is dropped.",
                Act("backup", "db backup", "Make a new backup", "and drill that: nexy-tui db drill"),
            )
        summary = f"{name} restored whole: {sum(record.rows.values())} rows in {len(record.rows)} tables, in {record.duration_ms} ms."
        return ActionResult(
            f"{summary} Passed over, since nobody vouches for them: {len(strays)}." if strays else summary,
            (
                Evidence("restored as", f"{record.restored_as}, dropped again", str(record.database), rfc3339(record.finished)),
                *(Evidence(table, f"{count} rows", record.restored_as) for table, count in sorted(record.rows.items())),
                *(Evidence("passed over", stray, context.services.database.seen_from) for stray in strays[:_TOLD]),
            ),
            {name: record.archive.sha256, f"{name}.drill.jsonl, last line": hashlib.sha256(line).hexdigest(), **adopted},
        )


def _drill(context: ActionContext, only: str | None) -> tuple[DrillRecord, list[str]]:
    """Drill the newest archive that is believed and is what its record says; `only` of that name. Also the newer ones passed over."""
    place = context.services.database.place
    strays: dict[str, str] = {}
    where = ""
    for shelf in pages(place, context.emit):
        where = shelf.directory
        for shelved in shelf.archives:
            if only not in (None, shelved.name):
                continue
            record = vouched(shelved, shelf.database, context.trusted(), context.services.clock.now())
            try:
                if isinstance(record, str):
                    raise Altered(record)
                done = place.drill(record.archive, context.emit, context.cancelled)
            except Altered as doubt:
                strays[shelved.name] = doubt.what.rstrip(".")
                context.emit(OutputLine(f"passed over {shelved.name}: {strays[shelved.name]}", "nexy-tui"))
            else:
                return done, [f"{name}: {reason}" for name, reason in strays.items()]
    raise _nothing(where, strays)


def _nothing(where: str, strays: dict[str, str]) -> Refused:
    """No archive is there, or none that is believed."""
    if not strays:
        return Refused(f"There is no backup in {where}.", "A drill restores one.", Act("backup", "db backup", "Make one first"))
    newest, reason = next(iter(strays.items()))
    others = f", nor is any of the {len(strays) - 1} older" if len(strays) > 1 else ""
    return Refused(
        f"No archive in {where} is believed: {newest} is not, since {reason}{others}.",
        "An archive runs what it carries on the database server, and whoever could write to that folder may have laid it there.",
        "Make a backup and drill that: nexy-tui db backup, then nexy-tui db drill. Remove what is nobody's; "
        f"one that you know to be the team's own tool's is adopted by: nexy-tui db drill --adopt {newest}",
    )
