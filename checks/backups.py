"""Phase database: the backup of this release and the age of the restore drill (rulebook sections 3 Phase 1.1 and 6)."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import PurePosixPath

from checks.base import Check, Scope, not_there_yet
from checks.database import look_survey
from checks.database_records import Believed, Doubted, believe, vouched
from nexy_tui.core.database_record import BackupRecord, DatabaseId, DrillRecord
from nexy_tui.core.database_rules import SKEW
from nexy_tui.core.event import Emit, silent
from nexy_tui.core.finding import Evidence, Verdict, failed, passed, rfc3339
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.core.remedy import Act
from nexy_tui.core.text import printable
from nexy_tui.runlog.trust import AllowedSigners
from nexy_tui.services.database.facts import NewestArchive, StrayFile, Survey, seen
from nexy_tui.services.database.host import DatabaseAccess, pages

FRESH = timedelta(hours=12)
"""A backup older than this says too little about the data that a release puts at risk."""

_TYPED = 100
"""A longer name may have come cut, and is removed by its number."""

BACK_UP = Act("backup", "db backup", "Make one")
DRILL_NOW = Act("drill", "db drill", "Drill the newest archive")


@dataclass(frozen=True, slots=True)
class BackupFacts:
    """The newest archive, its record as far as it is believed, the database it should be of, and what lies there besides."""

    database: DatabaseId
    directory: str
    newest: NewestArchive | None
    record: Believed[BackupRecord] | Doubted | None
    strays: tuple[StrayFile, ...] = ()
    on_vm: bool = False

    def told(self) -> str:
        """What lies there and does not count, and how to remove it."""
        if not self.strays:
            return ""
        first, others = self.strays[0], len(self.strays) - 1
        more = f"; and {others} more" if others else ""
        return f" Not counted: {printable(first.name)}, since {first.reason}{more}; {self.removal(first)}."

    def removal(self, stray: StrayFile) -> str:
        """The command that removes it, and where."""
        if stray.name.isprintable() and len(stray.name) < _TYPED:
            command = f"rm -rf -- {shlex.quote(str(PurePosixPath(self.directory) / stray.name))}"
        else:
            command = f"ls -lib -- {shlex.quote(self.directory)}, then find there -maxdepth 1 -inum its number -delete"
        return f"to remove it, on the VM: sudo {command}" if self.on_vm else f"to remove it: {command}"


@dataclass(frozen=True, slots=True)
class DrillFacts:
    """Every drill record found, believed or not, with the archive it lies beside."""

    database: DatabaseId
    directory: str
    records: tuple[tuple[str, Believed[DrillRecord] | Doubted], ...]


def look_backup(scope: Scope) -> BackupFacts:
    """The newest archive and its record. Needs the server, to know which database it should be of."""
    return find_backup(scope.services.database.place, look_survey(scope), scope.trusted, scope.plan.now, scope.emit)


def find_backup(
    place: DatabaseAccess, survey: Survey, trusted: Callable[[], AllowedSigners], now: datetime, emit: Emit = silent
) -> BackupFacts:
    """The newest archive; where nobody vouches for it, the newest that a believed record vouches for, if there is one.

    Whoever may write to the folder could lay a newer one there: it is named, and takes nobody's place.
    """
    vault = seen(survey.vault)
    database = seen(survey.catalog).identity(survey.address)
    newest = vault.newest
    record = believe(newest.record, trusted(), BackupRecord.read) if newest is not None and newest.record is not None else None
    facts = BackupFacts(database, vault.directory, newest, record, vault.strays, survey.where == "vm")
    if newest is None or vault.others == 0 or (isinstance(record, Believed) and not _trouble(newest, record.record, database, now)):
        return facts
    passed_over: list[StrayFile] = []
    for shelf in pages(place, emit):
        for shelved in shelf.archives:
            reason = vouched(shelved, database, trusted(), now)
            if isinstance(reason, BackupRecord):
                try:
                    found = place.look_at(shelved.name, emit)
                except Refused:  # It went meanwhile.
                    continue
                reason = _trouble(found, reason, database, now)
                if not reason:
                    again = believe(found.record or b"", trusted(), BackupRecord.read)
                    return replace(facts, newest=found, record=again, strays=(*facts.strays, *passed_over))
            passed_over.append(StrayFile(shelved.name, reason.rstrip(".")))
    return facts


def look_drill(scope: Scope) -> DrillFacts:
    """Every drill record beside the archives."""
    survey = look_survey(scope)
    vault = seen(survey.vault)
    database = seen(survey.catalog).identity(survey.address)
    allowed = scope.trusted() if vault.drills else None
    records = tuple((drill.archive, believe(drill.line, allowed, DrillRecord.read)) for drill in vault.drills if allowed is not None)
    return DrillFacts(database, vault.directory, records)


def judge_backup(facts: BackupFacts, plan: Plan) -> Verdict:
    """A whole backup of this database, made after this run began (without a run: in the last 12 hours), with a signed record."""
    newest = facts.newest
    strays = [Evidence("not counted", f"{printable(stray.name)}: {stray.reason}", facts.removal(stray)) for stray in facts.strays]
    if newest is None:
        empty = Evidence("backup folder", "no backup in it", facts.directory)
        return not_there_yet(plan, f"There is no backup in {facts.directory}.{facts.told()}", BACK_UP, empty, *strays)
    name, source = newest.archive.name, f"{newest.archive.name}.backup.json"
    content = f"{name}, {newest.archive.size} bytes, sha256 {newest.archive.sha256}"
    evidence = [Evidence("newest archive", content, facts.directory), *strays]
    if isinstance(facts.record, Believed):
        record = facts.record.record
        evidence += [
            Evidence("finished", rfc3339(record.finished), source),
            Evidence("database", str(record.database), source),
            Evidence("rows", _rows(record.rows), source),
            Evidence("signed by", facts.record.keyid, source),
        ]
        trouble = _sum_trouble(newest) or _record_trouble(newest, record, facts.database) or _too_old(record, plan)
        if not trouble:
            return passed(f"{name} was finished {_ago(plan.now - record.finished)}, and reads back whole.{facts.told()}", *evidence)
    else:
        reason = facts.record.reason if facts.record is not None else "there is none"
        trouble = _sum_trouble(newest) or f"has no signed record that is believed, so nobody can tell what it contains: {reason}"
    # Whatever an older archive lacks, the run's own is still to be made; one whose bytes are not its own is harm to be seen.
    verdict = failed if _sum_trouble(newest) else partial(not_there_yet, plan)
    return verdict(f"{name} {trouble.rstrip('.')}.{facts.told()}", BACK_UP, *evidence)


def _trouble(newest: NewestArchive, record: BackupRecord, database: DatabaseId, now: datetime) -> str:
    """Why an archive that somebody vouches for cannot count, however old it is."""
    if record.finished > now + SKEW:
        return f"its record is dated in the future ({rfc3339(record.finished)})"
    trouble = _sum_trouble(newest) or _record_trouble(newest, record, database)
    return trouble and f"it {trouble}"


def _sum_trouble(newest: NewestArchive) -> str:
    if newest.sidecar == newest.archive.sha256:
        return ""
    return f"does not have the sha256 that {newest.archive.name}.sha256 gives ({newest.sidecar or 'not there'})"


def _record_trouble(newest: NewestArchive, record: BackupRecord, database: DatabaseId) -> str:
    if record.adopted:
        return "was adopted from another tool: who adopted it vouches for its bytes, not that it contains this release's data"
    if record.archive != newest.archive:
        return "lies beside a record of another archive, or of other bytes"
    if not record.database.same_as(database):
        return f"is of {record.database}, not of {database}"
    return ""


def _too_old(record: BackupRecord, plan: Plan) -> str:
    """Why its time is not right. What this run itself made may be dated a little before it began: clocks are set back."""
    finished = record.finished
    age = plan.now - finished
    if age < -SKEW:
        return f"is dated in the future ({rfc3339(finished)})"
    if plan.started is not None and not plan.standalone and finished <= plan.started - (SKEW if record.run == plan.run else timedelta(0)):
        return f"was finished before this run began ({rfc3339(plan.started)})"
    if age > FRESH:
        return f"was finished {_ago(age)}; more than {FRESH // timedelta(hours=1)} hours is too old"
    return ""


def judge_drill(facts: DrillFacts, plan: Plan) -> Verdict:
    """The newest believed drill of this database passed, and is not older than the limit. An unknown age counts as too old."""
    limit = timedelta(days=plan.target.database.drill_max_age_days)
    doubted = [f"{archive}: {record.reason}" for archive, record in facts.records if isinstance(record, Doubted)]
    ours = [
        (archive, record)
        for archive, record in facts.records
        if isinstance(record, Believed)
        and record.record.database.same_as(facts.database)
        and record.record.archive.name == archive
        and record.record.finished - plan.now <= SKEW
    ]
    doubts = [Evidence("not believed", reason, facts.directory) for reason in doubted[:3]]
    if not ours:
        others = f" Records that are not believed, or of another database: {len(facts.records)}." if facts.records else ""
        return failed(f"No restore drill of {facts.database} is on record, so its age is unknown.{others}", DRILL_NOW, *doubts)
    archive, newest = max(ours, key=lambda drill: drill[1].record.finished)
    record, source = newest.record, f"{archive}.drill.jsonl"
    evidence = (
        Evidence("drilled", rfc3339(record.finished), source),
        Evidence("archive", f"{archive}, sha256 {record.archive.sha256}", source),
        Evidence("restored", f"{_rows(record.rows)} in {record.duration_ms} ms", source),
        Evidence("server", f"PostgreSQL {record.server_version}", source),
        Evidence("signed by", newest.keyid, source),
        *doubts,
    )
    age = plan.now - record.finished
    if not record.passed:
        mend = replace(DRILL_NOW, first="Mend that, make a new backup, and drill the newest archive")
        return failed(f"The newest restore drill failed {_ago(age)}: {record.reason}.", mend, *evidence)
    if age > limit:
        return failed(f"The newest restore drill was {_ago(age)}; more than {limit.days} days is too old.", DRILL_NOW, *evidence)
    return passed(f"{archive} was restored {_ago(age)}: {_rows(record.rows)}.", *evidence)


def _rows(rows: Mapping[str, int]) -> str:
    return f"{sum(rows.values())} rows in {len(rows)} tables"


def _ago(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size or (seconds >= size and unit == "minute"):
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return f"{seconds} s ago"


BACKUP = Check(look_backup, judge_backup, "It is the way back if the release harms the data.")
DRILL = Check(look_drill, judge_drill, "A backup that was never restored is a hope.")
