"""The database worked on where it is: on the VM, by bash scripts through run-command (`database.where = "vm"`).

They see and leave what is seen and left from here, with settings, archives and records that are the VM's own. A script
that is on its way cannot be stopped; the operator's key never goes there: records are signed here and laid there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nexy_tui import __version__
from nexy_tui.core.clock import Clock
from nexy_tui.core.database_record import Archive, BackupRecord, DatabaseId, DrillRecord
from nexy_tui.core.database_rules import DRILL_EXTENSIONS, DRILL_LEFT_OUT, DRILL_UNSAID, REQUIRED_TABLES, SKEW
from nexy_tui.core.event import Emit, PointOfNoReturn, silent
from nexy_tui.core.finding import rfc3339
from nexy_tui.core.layout import Layout
from nexy_tui.core.problem import ActionFailed, Cancelled, CouldNotLook, Refused
from nexy_tui.core.remedy import Act
from nexy_tui.core.text import printable
from nexy_tui.services.database.archive import EXPANSION, ROOM, taken_at
from nexy_tui.services.database.facts import Altered, BackupMade, NewestArchive, Shelf, Survey
from nexy_tui.services.database.local import no_such_archive
from nexy_tui.services.database.reach import Reach
from nexy_tui.services.database.retention import Retired
from nexy_tui.services.database.script_report import ScriptReport, unpack
from nexy_tui.services.database.settings import Address
from nexy_tui.services.database.sql import (
    CATALOG,
    COUNT_TABLES,
    DRILL_COMMENT,
    DRILL_LEFTOVERS,
    DRILL_LOCK,
    DRILL_ROLE,
    HARDEN,
    SILENCE,
    UNFORCE,
)
from nexy_tui.services.vm import ScriptResult, VmHost
from nexy_tui.services.vm_scripts import load

SURVEY_TIMEOUT = 600.0
_LOOK_PATIENCE = 30.0
_WORK_TIMEOUT = 5100.0
"""Seconds; Azure itself ends a command after 90 minutes."""

_LOOK_AGAIN = "Look again; if it stays, see what the VM's shell prints at start."


@dataclass(frozen=True, slots=True)
class _Job:
    """A script that changes something, what it does in words, and the action that does it again."""

    script: str
    what: str
    action: str


_BACKUP = _Job("database_backup.sh", "The backup", "backup")
_DRILL = _Job("database_drill.sh", "The restore drill", "drill")
_SHELF = _Job("database_shelf.sh", "The check of the archives", "drill")
_HARDEN = _Job("database_harden.sh", "Hardening", "harden")


class VmDatabase:
    """The database by scripts on the VM."""

    def __init__(self, vm: VmHost, layout: Layout, reach: Reach, clock: Clock) -> None:
        self._vm = vm
        self._layout = layout
        self._reach = reach
        self._clock = clock
        self._address: Address | None = None
        self._retiring: Retired | None = None

    def address(self) -> Address:
        """Where the VM's own settings say the database is; asked once."""
        if self._address is None:
            self.survey()
        assert self._address is not None
        return self._address

    def survey(self, emit: Emit = silent) -> Survey:
        """Look at server, catalog, tools and archives, by one script that changes nothing."""
        options: dict[str, Any] = {"timeout": SURVEY_TIMEOUT, "patience": _LOOK_PATIENCE, "emit": emit}
        result = self._vm.run_script(self.survey_script, name="survey", parameters=self.survey_parameters, **options)
        return self.read_survey(result, self._clock.now())

    @property
    def survey_script(self) -> str:
        """What looks at the database there."""
        return load("database.sh") + load("database_vault.sh") + load("database_survey.sh")

    @property
    def survey_parameters(self) -> dict[str, str]:
        """The script's parameters."""
        return {**self._common, "NEXY_CATALOG": CATALOG}

    @property
    def _common(self) -> dict[str, str]:
        now = self._clock.now().astimezone(UTC)
        return {
            "NEXY_BASE": str(self._layout.base),
            "NEXY_DB_HOSTS": " ".join(self._reach.hosts),
            "NEXY_NOW": rfc3339(now),
            "NEXY_LATEST": f"{now + SKEW:%Y%m%dT%H%M%SZ}",
        }

    def read_survey(self, result: ScriptResult, taken: datetime) -> Survey:
        """The report in the survey's output. Raises CouldNotLook, and Unusable for a host that does not count."""
        report = self._told(result)
        if result.exit != 0:
            said = report.get("refused") or report.get("failed") or result.tail or "it printed nothing"
            what = f"The database could not be looked at on {self._vm.where}: {printable(said, 400)}."
            raise CouldNotLook(what, remedy="Mend that on the VM, then look again.")
        try:
            self._address, self._retiring = report.address(), report.retiring()
            return Survey("vm", self._address, report.catalog(), report.pg_dump(), report.vault(), taken, report.dumper())
        except ValueError as error:
            raise CouldNotLook(f"The survey of the database on {self._vm.where} cannot be read: {error}.", remedy=_LOOK_AGAIN) from None

    def retiring(self) -> Retired:
        """What a backup made now would remove, as the last survey saw it."""
        if self._retiring is None:
            self.survey()
        assert self._retiring is not None
        return self._retiring

    def back_up(self, emit: Emit, cancelled: Callable[[], bool]) -> BackupMade:
        """Make a verified backup on the VM. Its times are this machine's, as those of the run are."""
        self._retiring, started = None, self._clock.now()
        parameters = {
            "NEXY_STAMP": f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}",
            "NEXY_CREATED": rfc3339(started),
            "NEXY_BY": f"nexy-tui/{__version__}",
            "NEXY_COUNT_TABLES": COUNT_TABLES,
        }
        report = self._work(_BACKUP, parameters, emit, cancelled)
        record = BackupRecord(
            archive=report.archive(),
            database=self._identity(report),
            started=started,
            finished=self._clock.now(),
            server_version=report.need("server"),
            pg_dump_version=report.need("pg-dump"),
            rows=report.rows(),
        )
        directory, held = f"{report.need('folder')} on {self._vm.where}", report.get("held") or ""
        return BackupMade(record, directory, report.need("offsite"), report.all("removed"), held)

    def keep_backup_record(self, archive: str, line: bytes) -> None:
        """Lay a backup's signed record beside its archive on the VM."""
        self._keep("backup", archive, line)

    def shelf(self, before: str = "", emit: Emit = silent) -> Shelf:
        """A page of the VM's archives with their records."""
        report = self._shelf(emit, before=before)
        try:
            where, more = f"{report.need('folder')} on {self._vm.where}", report.get("more") is not None
            return Shelf(where, self._identity(report), report.shelved(), more)
        except ValueError as error:
            raise self._unreadable(error) from None

    def measure(self, name: str, emit: Emit = silent) -> Archive:
        """Size and sha256 of an archive on the VM."""
        return self.look_at(name, emit).archive

    def look_at(self, name: str, emit: Emit = silent) -> NewestArchive:
        """An archive on the VM with what lies beside it."""
        report = self._shelf(emit, measure=name) if taken_at(name) is not None else ScriptReport([])
        try:
            if (found := report.newest()) is not None:
                return found
        except ValueError as error:
            raise self._unreadable(error) from None
        raise no_such_archive(name, f"{report.get('folder') or 'the backup folder'} on {self._vm.where}")

    def drill(self, archive: Archive, emit: Emit, cancelled: Callable[[], bool]) -> DrillRecord:
        """Restore that archive on the VM into a fresh database there, and drop it. Its bytes are verified by sha256 and size there."""
        started, begun = self._clock.now(), self._clock.monotonic()
        parameters = {
            "NEXY_STAMP": f"{started.astimezone(UTC):%Y%m%d_%H%M%S}",
            "NEXY_ARCHIVE": archive.name,
            "NEXY_SIZE": str(archive.size),
            "NEXY_SHA256": archive.sha256,
            "NEXY_DRILL_LOCK": str(DRILL_LOCK),
            "NEXY_DRILL_COMMENT": DRILL_COMMENT,
            "NEXY_LEFTOVERS": DRILL_LEFTOVERS,
            "NEXY_ROLE": DRILL_ROLE,
            "NEXY_SILENCE": SILENCE,
            "NEXY_UNFORCE": UNFORCE,
            "NEXY_EXTENSIONS": " ".join(DRILL_EXTENSIONS),
            "NEXY_LEFT_OUT": "|".join(DRILL_LEFT_OUT),
            "NEXY_UNSAID": "|".join(DRILL_UNSAID),
            "NEXY_EXPANSION": str(EXPANSION),
            "NEXY_ROOM": str(ROOM),
            "NEXY_REQUIRED": " ".join(REQUIRED_TABLES),
            "NEXY_COUNT_TABLES": COUNT_TABLES,
        }
        report = self._work(_DRILL, parameters, emit, cancelled)
        if (altered := report.get("altered")) is not None:
            raise Altered(printable(altered, 300))
        problem = report.get("problem") or ""
        return DrillRecord(
            archive=archive,
            database=self._identity(report),
            started=started,
            finished=self._clock.now(),
            duration_ms=round((self._clock.monotonic() - begun) * 1000),
            server_version=report.need("server"),
            restored_as=report.need("restored-as"),
            rows=report.rows(),
            passed=not problem,
            reason=printable(problem, 300),
        )

    def keep_drill_record(self, archive: str, line: bytes) -> None:
        """Add a drill's signed record to its archive's journal on the VM."""
        self._keep("drill", archive, line)

    def harden(self) -> None:
        """Apply the hardening on the VM, in one transaction."""
        self._work(_HARDEN, {"NEXY_HARDEN": HARDEN})

    def _identity(self, report: ScriptReport) -> DatabaseId:
        address = report.address()
        return DatabaseId(address.host, address.port, address.name, report.need("system"))

    def _keep(self, kind: str, archive: str, line: bytes) -> None:
        job = _Job("database_record.sh", "Laying the signed record beside its archive", kind)
        self._work(job, {"NEXY_RECORD": kind, "NEXY_ARCHIVE": archive, "NEXY_LINE": line.decode("ascii")})

    def _work(
        self, job: _Job, parameters: dict[str, str], emit: Emit = silent, cancelled: Callable[[], bool] = lambda: False
    ) -> ScriptReport:
        """A script that changes something: its report, or the failure it names."""
        if cancelled():
            raise Cancelled(f"{job.what} was not begun: the operator stopped it.")
        begun = PointOfNoReturn(f"{job.what} runs on the VM; run-command cannot be cancelled")
        options = {"timeout": _WORK_TIMEOUT, "emit": emit, "cancelled": cancelled, "begun": lambda: emit(begun)}
        return self._held(job, *self._run(job.script, parameters, options))

    def _held(self, job: _Job, report: ScriptReport, result: ScriptResult) -> ScriptReport:
        """The report, or the failure that they name."""
        remedy = Act(job.action, f"db {job.action}", "Mend that, then run again")
        if refused := report.get("refused"):
            raise Refused(f"{job.what} was refused on {self._vm.where}: {printable(refused, 700)}.", "Nothing was changed.", remedy)
        if result.exit != 0 or report.get("failed"):
            said = report.get("failed") or f"the script ended with status {result.exit}: {result.tail or 'it printed nothing'}"
            raise ActionFailed(f"{job.what} failed on {self._vm.where}: {printable(said, 400)}.", "Nothing was kept of it.", remedy)
        return report

    def _run(self, script: str, parameters: dict[str, str], options: dict[str, Any]) -> tuple[ScriptReport, ScriptResult]:
        text = load("database.sh") + load("database_vault.sh") + load(script)
        name = script.removeprefix("database_").removesuffix(".sh")
        result = self._vm.run_script(text, name=name, parameters={**self._common, **parameters}, **options)
        return self._told(result), result

    def _shelf(self, emit: Emit, *, before: str = "", measure: str = "") -> ScriptReport:
        options = {"timeout": SURVEY_TIMEOUT, "patience": _LOOK_PATIENCE, "emit": emit}
        return self._held(_SHELF, *self._run(_SHELF.script, {"NEXY_BEFORE": before, "NEXY_MEASURE": measure}, options))

    def _unreadable(self, error: ValueError) -> CouldNotLook:
        return CouldNotLook(f"The list of archives on {self._vm.where} cannot be read: {error}.", remedy=_LOOK_AGAIN)

    def _told(self, result: ScriptResult) -> ScriptReport:
        """The report of a script's output. Raises CouldNotLook, and Unusable for a host that does not count."""
        try:
            report = unpack(result.stdout)
        except ValueError as error:
            raise CouldNotLook(
                f"What the script did on {self._vm.where} cannot be told: {error}.",
                f"It ended with status {result.exit}; {result.tail or 'it printed nothing else'}",
                _LOOK_AGAIN,
            ) from None
        if host := report.get("unnamed"):
            raise self._reach.refusal(host, f"{self._layout.settings[1]} on {self._vm.where}")
        return report
