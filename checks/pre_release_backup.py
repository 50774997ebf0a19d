"""Final verification, item 6: the backup that was made for this release, also when newer ones have been made since."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from checks.backups import FRESH, BackupFacts, judge_backup, look_backup
from checks.base import Check, Scope
from checks.database_records import Believed, believe
from checks.tip import look_tip
from nexy_tui.core.database_record import BackupRecord
from nexy_tui.core.database_rules import SKEW
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive, passed, rfc3339
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.remedy import Run
from nexy_tui.core.version import NAME_VERSION
from nexy_tui.services.database.archive import archive_name
from nexy_tui.services.database.folder import RECORD_SUFFIX

_MOST_RECORDS = 4000
_RECORD_LIMIT = 256 * 1024
_RUN = re.compile(r"^Nexy-Run: ([0-9a-f-]{36})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PreReleaseFacts:
    """The newest backup, every believed record beside the archives, and which run made the release, and when.

    `whole` names archives whose bytes have the digest their record gives. `run` and `moment` are None where unknown.
    """

    newest: BackupFacts
    records: tuple[Believed[BackupRecord], ...]
    whole: frozenset[str]
    run: str | None
    moment: datetime | None


def look_pre_release(scope: Scope) -> PreReleaseFacts:
    """The backup folder, and the release's tag and manifest commit on the code repository."""
    newest = look_backup(scope)
    run, moment = _release(scope)
    folder = Path(newest.directory)
    local = scope.services.target.database.where == "local" and folder.is_dir()
    records = tuple(_records(scope, folder)) if local else ()
    wanted = [said.record for said in records if _belongs(said.record, run, moment)]
    whole = frozenset(record.archive.name for record in wanted if _sha256(folder / record.archive.name) == record.archive.sha256)
    return PreReleaseFacts(newest, records, whole, run, moment)


def _release(scope: Scope) -> tuple[str | None, datetime | None]:
    git, plan = scope.services.git, scope.plan
    if plan.version is None:
        raise CouldNotLook("No version is named.", remedy=NAME_VERSION)
    message = git.remote_tag_message(plan.version.tag) if plan.kind.tags else None
    match = _RUN.search(message or "")
    tip = look_tip(scope).commit
    paths = scope.services.layout.manifest_files(str(plan.version)) if plan.kind.publishes else [scope.services.layout.relative("VERSION")]
    commit = git.last_commit_of(tip, paths)
    moment = git.commit_time(commit) if commit else None
    return match[1] if match else None, moment


def _records(scope: Scope, folder: Path) -> Iterator[Believed[BackupRecord]]:
    latest = archive_name(scope.plan.now + SKEW)
    for path in sorted(path for path in folder.glob(f"nexy_db_*{RECORD_SUFFIX}") if path.name <= latest + RECORD_SUFFIX)[-_MOST_RECORDS:]:
        if not path.is_file() or path.is_symlink() or path.stat().st_size > _RECORD_LIMIT:
            continue
        said = believe(path.read_bytes().strip(), scope.trusted(), BackupRecord.read)
        if isinstance(said, Believed) and not said.record.adopted and said.record.archive.name == path.name.removesuffix(RECORD_SUFFIX):
            yield said


def _sha256(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _belongs(record: BackupRecord, run: str | None, moment: datetime | None) -> bool:
    """Whether a backup is this release's: made by its run, or finished within the twelve hours before it was published."""
    if run is not None and record.run == run:
        return True
    return moment is not None and moment - FRESH <= record.finished <= moment


def judge_pre_release(facts: PreReleaseFacts, plan: Plan) -> Verdict:
    """In a run, its own backup; afterwards, a whole and signed backup of this database that was made for this release."""
    if not plan.standalone:
        return judge_backup(facts.newest, plan)
    database = facts.newest.database
    ours = [said for said in facts.records if _belongs(said.record, facts.run, facts.moment) and said.record.database.same_as(database)]
    when = Evidence("released", rfc3339(facts.moment) if facts.moment else "unknown", plan.target.code_repository)
    if not ours:
        newest = facts.newest.record
        if isinstance(newest, Believed) and _belongs(newest.record, facts.run, facts.moment):
            return judge_backup(facts.newest, plan)
        if plan.target.database.where != "local":
            return inconclusive(
                f"Whether a backup was made for {plan.version} cannot be seen: only the VM's newest archive is, and it is another one.",
                Run("runs list", "Read the release's own log"),
                when,
            )
        return failed(
            f"No signed backup of {database} was made in the 12 hours before {plan.version} was published.",
            _brought_back("that backup, if there was one,", facts),
            when,
        )
    best = max(ours, key=lambda said: said.record.finished)
    record = best.record
    evidence = (
        Evidence("archive", f"{record.archive.name}, {record.archive.size} bytes, sha256 {record.archive.sha256}", facts.newest.directory),
        Evidence("finished", rfc3339(record.finished), record.archive.name + RECORD_SUFFIX),
        Evidence("signed by", best.keyid, record.archive.name + RECORD_SUFFIX),
        when,
    )
    if record.archive.name not in facts.whole:
        return failed(
            f"{record.archive.name} is not there any more, or not as its record says.",
            _brought_back(record.archive.name, facts),
            *evidence,
        )
    return passed(f"{record.archive.name} was made for {plan.version}, and is whole.", *evidence)


def _brought_back(what: str, facts: PreReleaseFacts) -> str:
    """What is left to do about a backup of a moment that is past: a new one is of another moment."""
    again = "A new one (nexy-tui db backup) is the way back for what comes, and cannot stand in for it"
    return f"Bring {what} back from a copy, with its record, into {facts.newest.directory}. {again}."


BACKUP = Check(look_pre_release, judge_pre_release, "The way back.")
