"""Back the database up before anything is published (rulebook section 3, Phase 1.1.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from checks.backups import find_backup, judge_backup
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.core.finding import Evidence, Status, rfc3339
from nexy_tui.core.plan import Plan
from nexy_tui.runlog.sign import sign_statement
from nexy_tui.services import Services
from nexy_tui.services.database.facts import BackupMade, Unseen
from nexy_tui.services.database.retention import Retired


class Backup:
    """Dumps, packs, reads back, and lays a signed record beside the archive."""

    name = "backup"
    title = "Back up the database"
    writes_outside = True

    def applies(self, _: Plan) -> bool:
        """Every kind of run may need it."""
        return True

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """Which database, to where, and what of it is kept."""
        return [
            f"Back up {services.database.place.address()} from {services.database.seen_from}:",
            "pg_dump (custom format) and its schema, from one snapshot",
            "pack nexy_db_<time>.tar.gz with metadata and SHA256SUMS, and read it back whole",
            _deletes(services.database.place.retiring()),
            "sign a record of it beside the archive",
        ]

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """It changes nothing in the database: nothing is typed."""
        return None

    def run(self, context: ActionContext) -> ActionResult:
        """Make the backup, unless this run has a good one. Raises Refused, Cancelled, ActionFailed with nothing left behind."""
        place, plan = context.services.database.place, context.plan
        if not plan.standalone and (there := _there(context)) is not None:
            return there
        context.intent("back the database up", database=str(place.address()))
        return keep(context, place.back_up(context.emit, context.cancelled))


def _deletes(retired: Retired) -> str:
    """Which old backups go, by number and name."""
    count = len(retired.removed) + retired.more
    names = ", ".join(retired.removed) + (f" and {retired.more} more" if retired.more else "")
    told = f": {names}" if count else f" ({retired.held})" if retired.held else ""
    return f"deletes {count} old backup{'' if count == 1 else 's'}{told}"


def keep(context: ActionContext, made: BackupMade) -> ActionResult:
    """Lay the signed record of a verified backup beside its archive, and say what is in it."""
    record = replace(made.record, run=context.plan.run)
    line = sign_statement(record.statement(), context.signer())
    context.services.database.place.keep_backup_record(record.archive.name, line)
    name, finished = record.archive.name, rfc3339(record.finished)
    content = f"{name}, {record.archive.size} bytes, sha256 {record.archive.sha256}"
    offsite = "" if made.offsite == "none" else f" No copy was made at {made.offsite}: BACKUP_OFFSITE_PROVIDER is the team's script's."
    held = f" No old archive was removed: {made.held}." if made.held else ""
    return ActionResult(
        f"{name} contains {sum(record.rows.values())} rows of {record.database}, and reads back whole.{offsite}{held}",
        (
            Evidence("archive", content, made.directory, finished),
            *(Evidence("removed", old, made.directory) for old in made.removed),
        ),
        {name: record.archive.sha256, f"{name}.backup.json": hashlib.sha256(line).hexdigest()},
    )


def _there(context: ActionContext) -> ActionResult | None:
    """The effect, where it is there already: a backup that this run's check takes."""
    survey = context.services.database.place.survey(context.emit)
    if isinstance(survey.vault, Unseen) or isinstance(survey.catalog, Unseen):
        return None
    plan = replace(context.plan, now=context.services.clock.now())
    facts = find_backup(context.services.database.place, survey, context.trusted, plan.now, context.emit)
    verdict, newest = judge_backup(facts, plan), facts.newest
    if verdict.status is not Status.PASSED or newest is None or newest.record is None:
        return None
    digests = {newest.archive.name: newest.archive.sha256, f"{newest.archive.name}.backup.json": hashlib.sha256(newest.record).hexdigest()}
    return ActionResult(verdict.summary, verdict.evidence, digests, changed=False)
