"""Where to look (rulebook section 5): every place a release leaves something at, with its state and age. Nothing outside is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from checks.database_records import Doubted, believe
from nexy_tui.checklist import CHECKLIST, ActionRole
from nexy_tui.core import manifest
from nexy_tui.core.database_record import DrillRecord
from nexy_tui.core.problem import CouldNotLook, Problem
from nexy_tui.core.target import DMG, PKG
from nexy_tui.core.text import printable
from nexy_tui.engine.opening import keys_of
from nexy_tui.runlog.read import RunSummary, list_runs, read_log
from nexy_tui.services import Services
from nexy_tui.services.database.archive import taken_at
from nexy_tui.services.database.folder import DRILL_SUFFIX, BackupFolder
from nexy_tui.services.database.settings import settings_of
from nexy_tui.services.plain_file import read_plain, read_version_text

THERE, MISSING, NOT_ASKED = "there", "missing", "not asked"
_DOCUMENT_LIMIT = 256 * 1024
PUBLISHERS = [made.name for one in CHECKLIST.of_role(ActionRole.PUBLISHER) for made in (one.action, one.dry_run) if made is not None]
"""Actions whose output the rulebook calls the script's."""


@dataclass(frozen=True, slots=True)
class Location:
    """One place: a path or an address, whether something is there, how old that is, and how to see it.

    `age_s` is None where nothing is there, or nobody asked.
    """

    name: str
    where: str
    state: str
    age_s: float | None = None
    note: str = ""
    how: str = ""

    def document(self) -> dict[str, object]:
        """The place as `where --json` prints it."""
        return {
            "name": self.name,
            "section": "5",
            "where": self.where,
            "state": self.state,
            "age_s": None if self.age_s is None else round(self.age_s, 1),
            "note": self.note,
            "how": self.how,
        }


def read_document(services: Services, path: Path) -> str:
    """A text of the checkout, to be shown, at most its first 256 KiB. Raises CouldNotLook where it cannot be read."""
    try:
        return read_plain(path, _DOCUMENT_LIMIT, services.layout.root).decode("utf-8", "replace")
    except OSError as error:
        raise CouldNotLook(f"{path} cannot be read: {error.strerror}.", remedy="See that it is a file of this checkout.") from None


def places(services: Services) -> tuple[Location, ...]:
    """Every place, in the rulebook's order. Raises Unusable outside a checkout."""
    services.require_checkout()
    now = services.clock.now()
    return (
        *_seen(_inbox(services, now), "inbox", services.layout.inbox),
        *_seen(_manifests(services, now), "manifest", services.checkout / services.layout.canonical.parent),
        *_seen(_runs(services, now), "run logs", services.settings.state_dir / "runs"),
        *_pages(services),
        *_seen(_backups(services, now), "backups", services.layout.backups),
        _journal(services),
    )


def _seen(found: Iterator[Location], name: str, where: Path) -> Iterator[Location]:
    """The places, and in the stead of those that cannot be read, why."""
    try:
        yield from found
    except OSError as error:
        yield Location(name, str(error.filename or where), NOT_ASKED, note=f"it cannot be read: {error.strerror}")
    except Problem as problem:
        yield Location(name, str(where), NOT_ASKED, note=problem.what, how=str(problem.remedy))


def _inbox(services: Services, now: datetime) -> Iterator[Location]:
    folder = services.layout.inbox
    if not folder.is_dir():
        yield Location("inbox", str(folder), MISSING, how=f"mkdir -p {folder}")
        return
    found = [path for name in (DMG, PKG) if (path := folder / name).is_file()]
    note = ", ".join(f"{path.name}, {path.stat().st_size} bytes" for path in found) or "no artifacts in it"
    yield Location("inbox", str(folder), THERE, _youngest(found or [folder], now), note, f"ls -la {folder}")


def _manifests(services: Services, now: datetime) -> Iterator[Location]:
    """The files of the version that VERSION names, or of the one the canonical manifest names."""
    for path in services.layout.manifest_files(_version(services)):
        file = services.checkout / path
        if not file.is_file():
            yield Location("manifest", str(file), MISSING, how="nexy-tui sync-manifests")
            continue
        try:
            note = f"version {manifest.read(_head(file)).version}"
        except manifest.ManifestError as error:
            note = f"no manifest: {error}"
        yield Location("manifest", str(file), THERE, _youngest([file], now), printable(note), "nexy-tui check version.manifests")


def _runs(services: Services, now: datetime) -> Iterator[Location]:
    """The folder of the run logs, and of the newest log in which the publisher ran: what it said and did is recorded there."""
    folder = services.settings.state_dir / "runs"
    runs = list_runs(services.settings.state_dir)
    if runs:
        note = f"{len(runs)}, the newest {runs[0].run} ({runs[0].version}, {runs[0].looks})"
        yield Location("run logs", str(folder), THERE, _youngest([run.path for run in runs], now), printable(note), "nexy-tui runs list")
    else:
        yield Location("run logs", str(folder), MISSING, note="no run yet")
    seen = "standard output of the terminal that it ran in"
    published = next((run for run in runs if _has_published(run)), None)
    if published is None:
        yield Location("script output", str(folder), MISSING, note=f"{seen}; no run here has published yet", how="nexy-tui publish")
    else:
        note, how = f"{seen}; what it did is in this log", f"nexy-tui runs show {published.run}"
        yield Location("script output", str(published.path), THERE, _youngest([published.path], now), note, how)


def _pages(services: Services) -> Iterator[Location]:
    target, how = services.target, "nexy-tui check final.assets"
    for name in (DMG, PKG):
        yield Location("release page", target.notes_url(name), NOT_ASKED, note=name, how=how)
    yield Location("download", target.asset_url(DMG), NOT_ASKED, note="what clients get", how=how)


def _backups(services: Services, now: datetime) -> Iterator[Location]:
    """The archives and the drills' records, which lie beside them; on the VM when the database is there."""
    how = "nexy-tui db status"
    if services.target.database.where == "vm":
        vm = services.target.vm
        default = f"{vm.directory}/{services.layout.relative('server/backups/postgres')}"
        where = f"VM {vm.resource_group}/{vm.name}: BACKUP_LOCAL_DIR of its config.env, else {default}"
        for name in ("backups", "drill records"):
            yield Location(name, where, NOT_ASKED, how=how)
        return
    folder = settings_of(services).backup_dir
    names = BackupFolder(folder, services.clock.now).names()
    if names:
        age = _age(taken_at(names[0]) or now, now)
        yield Location("backups", str(folder / names[0]), THERE, age, f"the newest of {len(names)} in {folder}", how)
    else:
        yield Location("backups", str(folder), MISSING, how="nexy-tui db backup")
    drills = [path for name in names if (path := folder / (name + DRILL_SUFFIX)).is_file() and not path.is_symlink()]
    if drills:
        newest_journal = max(drills, key=lambda path: path.stat().st_mtime)
        age, note = _drilled(services, newest_journal, now)
        yield Location("drill records", str(newest_journal), THERE, age, note, how)
    else:
        yield Location("drill records", str(folder), MISSING, how="nexy-tui db drill")


def _drilled(services: Services, journal: Path, now: datetime) -> tuple[float, str]:
    """When the newest drill of a journal ended, by its own record where that is believed, and how."""
    lines = _head(journal).splitlines()
    record = believe(lines[-1] if lines else b"", keys_of(services).trusted(), DrillRecord.read)
    if isinstance(record, Doubted):
        return _youngest([journal], now), printable(f"its last record is not believed: {record.reason}")
    return _age(record.record.finished, now), "the drill passed" if record.record.passed else "the drill failed"


def _journal(services: Services) -> Location:
    vm = services.target.vm
    command = f"journalctl -u {vm.service} -n 100 --no-pager"
    how = f"nexy-tui check deploy.vm (its newest lines), or on the VM: {command}"
    return Location("VM's journal", f"VM {vm.resource_group}/{vm.name}, unit {vm.service}", NOT_ASKED, how=how)


def _version(services: Services) -> str:
    try:
        text = read_version_text(services.layout)
    except CouldNotLook:
        text = ""
    return printable(text, 40).replace("/", "_") or "unknown"


def _has_published(run: RunSummary) -> bool:
    try:
        return any(record.kind == "intent" and record.action in PUBLISHERS for record in read_log(run.path))
    except Problem:
        return False


def _age(moment: datetime, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds())


def _youngest(files: list[Path], now: datetime) -> float:
    return max(0.0, now.timestamp() - max(path.stat().st_mtime for path in files))


def _head(path: Path) -> bytes:
    return read_plain(path, manifest.MAX_SIZE + 1)
