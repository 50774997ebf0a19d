"""What a backup removes and what it never does, and what lies among the archives without being one; from here and on the VM."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Inside, seldom
from databaseworld import Bench, bench, running
from test_database_vm import Machine, machine

from checks import backups
from checks.base import Check
from nexy_tui.actions.backup import Backup
from nexy_tui.actions.base import ActionResult
from nexy_tui.actions.drill import Drill
from nexy_tui.core.database_record import Archive, BackupRecord, DatabaseId, DrillRecord
from nexy_tui.core.finding import Status, Verdict
from nexy_tui.runlog.sign import SeedSigner, sign_statement
from nexy_tui.services.database.archive import archive_name

__all__ = ["bench", "machine", "running"]

ELSEWHERE = DatabaseId("127.0.0.1", 5432, "voice_assistant_db", "1")


@dataclass
class Shelf:
    """The backup folder of one of the two places."""

    bench: Bench
    machine: Machine
    where: str

    @property
    def folder(self) -> Path:
        folder = self.bench.backups if self.where == "local" else self.machine.backups
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def retain(self, days: str) -> None:
        self.bench.extra["BACKUP_RETENTION_DAYS"] = days
        self.machine.configure(BACKUP_RETENTION_DAYS=days)

    def lay(self, age: timedelta, drilled: timedelta | None = None, recorded: timedelta | None = None) -> str:
        """An archive of that age, with signed records of a drill and of a backup that are as old as is said."""
        now = datetime.now(UTC)
        name = archive_name(now - age)
        archive = Archive(name, 3, "ab" * 32)
        (self.folder / name).write_text("old")
        (self.folder / f"{name}.sha256").write_text("old")
        if drilled is not None:
            then = now - drilled
            drill = DrillRecord(archive, ELSEWHERE, then, then, 1, "18.0", "restore_drill_x", {}, True)
            (self.folder / f"{name}.drill.jsonl").write_bytes(sign_statement(drill.statement(), self.bench.signer) + b"\n")
        if recorded is not None:
            then = now - recorded
            made = BackupRecord(archive, ELSEWHERE, then, then, "18.0", "18.0", {"users": 1})
            (self.folder / f"{name}.backup.json").write_bytes(sign_statement(made.statement(), self.bench.signer) + b"\n")
        return name

    def archives(self) -> set[str]:
        return {path.name for path in self.folder.iterdir() if path.name.endswith(".tar.gz")}

    def back_up(self) -> ActionResult:
        return Backup().run(self.bench.context(where=self.where)[0])

    def verdict(self, check: Check = backups.BACKUP) -> Verdict:
        scope = self.bench.scope(where=self.where)
        survey = scope.services.database.place.survey()
        scope.once("database.survey", lambda: survey)
        return check.judge(check.look(scope), scope.plan)


@pytest.fixture(params=["local", "vm"])
def shelf(bench: Bench, machine: Machine, request: pytest.FixtureRequest) -> Shelf:
    return Shelf(bench, machine, request.param)


def once_on_the_vm(kind: object, kinds: Iterable[object]) -> list[object]:
    """Every kind here, and one of them on the VM; the others there seldom."""
    return [*(("local", one) for one in kinds), *(("vm", one) if one == kind else seldom("vm", one) for one in kinds)]


def days(count: float) -> timedelta:
    return timedelta(days=count)


def test_what_is_past_goes_and_what_was_spoken_of_stays(shelf: Shelf) -> None:
    kept = {
        shelf.lay(days(9)),
        shelf.lay(days(11), recorded=days(2)),  # adopted, as the team's own may be
        shelf.lay(days(40), drilled=days(6), recorded=days(40)),
        shelf.lay(days(41), drilled=days(3)),
    }
    past = {shelf.lay(days(12), recorded=days(12)), shelf.lay(days(50), drilled=days(8)), shelf.lay(days(60))}
    (shelf.folder / "nexy_db_notes.tar.gz").write_text("somebody's")
    shelf.retain("010")
    result = shelf.back_up()
    assert {seen.value for seen in result.evidence if seen.name == "removed"} == past
    assert shelf.archives() - kept - {"nexy_db_notes.tar.gz"} == {name for name in result.digests if name.endswith(".tar.gz")}
    assert not [path for path in shelf.folder.iterdir() if path.name.startswith(tuple(past))]


def test_what_a_backup_would_remove_is_counted_and_named_before(shelf: Shelf) -> None:
    kept, past = shelf.lay(days(9)), {shelf.lay(days(age)) for age in (12, 50, 60, 70)}
    shelf.retain("10")
    scope = shelf.bench.scope(where=shelf.where)
    said = next(line for line in Backup().describe(scope.services, scope.plan) if line.startswith("deletes "))
    assert said.startswith("deletes 4 old backups: ") and kept not in said
    assert sum(name in said for name in past) == 4 or (" and 1 more" in said and sum(name in said for name in past) == 3)
    assert shelf.archives() == {kept, *past}


def test_the_archive_drilled_last_stays_however_old(shelf: Shelf) -> None:
    last, before = shelf.lay(days(50), drilled=days(20)), shelf.lay(days(40), drilled=days(21))
    os.utime(shelf.folder / f"{last}.drill.jsonl", (0, 0))
    shelf.back_up()
    assert last in shelf.archives() and before not in shelf.archives()


@pytest.mark.parametrize("setting", ["0", seldom("1"), seldom("000"), seldom("6")])
def test_a_retention_of_less_than_a_week_costs_nothing(shelf: Shelf, setting: str) -> None:
    there = {shelf.lay(days(age)) for age in (2, 20, 400)} | {shelf.lay(days(-2))}
    shelf.retain(setting)
    result = shelf.back_up()
    assert there < shelf.archives() and len(shelf.archives()) == len(there) + 1
    assert f"No old archive was removed: BACKUP_RETENTION_DAYS is {setting.lstrip('0') or '0'}" in result.summary.replace("is 000", "is 0")
    assert shelf.verdict().status is Status.PASSED


def test_an_archive_of_the_future_never_takes_the_place_of_the_one_made(shelf: Shelf) -> None:
    future = {shelf.lay(days(-9999), recorded=days(0)), shelf.lay(days(-1))}
    past = shelf.lay(days(31))
    result = shelf.back_up()
    made = next(iter(result.digests))
    assert shelf.archives() == future | {made}
    verdict = shelf.verdict()
    assert verdict.status is Status.PASSED and made in verdict.summary
    assert past in {seen.value for seen in result.evidence}


def test_a_record_of_the_future_stops_the_removal(shelf: Shelf) -> None:
    there = {shelf.lay(days(40)), shelf.lay(days(3), recorded=days(-2))}
    result = shelf.back_up()
    assert there < shelf.archives()
    assert "dated in the future, so the clock or that record is wrong" in result.summary


def test_a_vm_whose_clock_is_elsewhere_removes_nothing(bench: Bench, machine: Machine, tmp_path: Path) -> None:
    shelf = Shelf(bench, machine, "vm")
    there = shelf.lay(days(40))
    trap = tmp_path / "bin"
    trap.mkdir()
    (trap / "date").write_text('#!/bin/sh\n[ "$*" = +%s ] && { echo 4000000000; exit; }\nexec /bin/date "$@"\n')
    (trap / "date").chmod(0o755)
    with (tmp_path / "release.env").open("a") as environment:
        environment.write(f"PATH={trap}:$PATH\n")
    assert "clock and the operator's are" in shelf.back_up().summary
    assert there in shelf.archives()


def test_what_cannot_be_removed_stands_in_nobodys_way(shelf: Shelf) -> None:
    past = shelf.lay(days(40))
    (shelf.folder / f"{past}.sha256").unlink()
    (shelf.folder / f"{past}.sha256" / "inside").mkdir(parents=True)
    assert shelf.back_up().changed
    assert past not in shelf.archives() and (shelf.folder / f"{past}.sha256").is_dir()


def _link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


STRAYS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "dated in the future": (archive_name(datetime.now(UTC) + days(4000)), Path.touch, "it is dated in the future"),
    "another name": ("nexy_db_; touch evil .tar.gz", Path.touch, "its name is not an archive's"),
    "a folder": (archive_name(datetime.now(UTC) + days(2)), Path.mkdir, "it is no plain file"),
    "a link": (archive_name(datetime.now(UTC) - days(2)), _link, "it is no plain file"),
}


@pytest.mark.parametrize(("shelf", "kind"), once_on_the_vm("another name", STRAYS), indirect=["shelf"])
def test_a_stray_is_named_blocks_nothing_and_goes_by_the_command_shown(shelf: Shelf, kind: str) -> None:
    name, lay, reason = STRAYS[kind]
    lay(shelf.folder / name)
    before = shelf.verdict()
    assert before.status is Status.FAILED and "There is no backup" in before.summary and f"{name}, since {reason}" in before.summary
    assert shelf.back_up().changed
    verdict = shelf.verdict()
    assert verdict.status is Status.PASSED and f"{name}, since {reason}" in verdict.summary
    command = shlex.split(verdict.summary.partition("to remove it")[2].partition(": ")[2].rstrip("."))
    assert command == [*(["sudo"] if shelf.where == "vm" else []), "rm", "-rf", "--", str(shelf.folder / name)]
    subprocess.run(command[-4:], check=True)
    after = shelf.verdict()
    assert (after.status, "Not counted" in after.summary) == (Status.PASSED, False)


def _pushed(shelf: Shelf, name: str) -> None:
    (shelf.folder / name).write_text("pushed")
    (shelf.folder / f"{name}.sha256").write_text("# no sum\n")


def _unsigned(shelf: Shelf, name: str) -> None:
    _pushed(shelf, name)
    now, stranger = datetime.now(UTC), SeedSigner.from_seed(bytes(32), "a stranger")
    digest = hashlib.sha256(b"pushed").hexdigest()
    record = BackupRecord(Archive(name, 6, digest), ELSEWHERE, now, now, "18.0", "18.0", {"users": 1})
    (shelf.folder / f"{name}.backup.json").write_bytes(sign_statement(record.statement(), stranger) + b"\n")


@pytest.mark.parametrize(("shelf", "lay"), once_on_the_vm(_pushed, [_pushed, _unsigned]), indirect=["shelf"])
def test_a_newer_archive_that_nobody_vouches_for_does_not_count(shelf: Shelf, lay: Callable[[Shelf, str], None]) -> None:
    made = next(iter(shelf.back_up().digests))
    names = [archive_name(datetime.now(UTC) + timedelta(seconds=second)) for second in (100, 150)]
    for name in names:
        lay(shelf, name)
    verdict = shelf.verdict()
    assert (verdict.status, made in verdict.summary) == (Status.PASSED, True), verdict
    assert f"Not counted: {names[1]}, since it" in verdict.summary and "and 1 more" in verdict.summary
    assert not shelf.back_up().changed
    assert shelf.verdict(backups.DRILL).remedy == backups.DRILL_NOW
    Drill().run(shelf.bench.context(where=shelf.where)[0])
    assert shelf.verdict(backups.DRILL).status is Status.PASSED


def test_a_record_of_the_future_never_wins(shelf: Shelf) -> None:
    made = next(iter(shelf.back_up().digests))
    ahead = shelf.lay(timedelta(seconds=-100), recorded=days(-3))
    verdict = shelf.verdict()
    assert (verdict.status, made in verdict.summary) == (Status.PASSED, True), verdict
    assert f"Not counted: {ahead}, since its record is dated in the future" in verdict.summary


def test_a_journal_of_the_future_does_not_hide_the_drills(shelf: Shelf) -> None:
    for number in range(60):
        stray = shelf.folder / f"{archive_name(datetime.now(UTC) + days(100 + number))}.drill.jsonl"
        stray.write_text("{}\n")
        os.utime(stray, (4e9, 4e9))
    name = shelf.lay(days(1), drilled=days(1))
    survey = shelf.bench.place(shelf.where).survey()
    assert [drill.archive for drill in survey.vault.drills if drill.archive == name]  # type: ignore[union-attr]


def test_the_phase_goes_on_beside_a_stray_and_db_status_names_it(module_world: Inside) -> None:
    folder = module_world.world.checkout_layout.backups
    folder.mkdir(parents=True, exist_ok=True)
    stray = folder / "nexy_db_20990101T000000Z.tar.gz"
    stray.write_text("pushed")
    env = {"BACKUP_RETENTION_DAYS": "0"}
    made = module_world.run("nexy-tui", "db", "backup", "--yes", env=env)
    assert "No old archive was removed: BACKUP_RETENTION_DAYS is 0" in made.stdout
    held = module_world.run("nexy-tui", "check", "database.backup", "--json")
    [item] = json.loads(held.stdout)["items"]
    assert item["status"] == "passed" and f"{stray.name}, since it is dated in the future" in item["summary"]
    shown = " ".join(module_world.run("nexy-tui", "db", "status", check=False).stdout.split())
    assert f"to remove it: rm -rf -- {stray}" in shown
    assert module_world.run("nexy-tui", "db", "drill", "--yes").returncode == 0
    stray.unlink()
    assert "Not counted" not in module_world.run("nexy-tui", "db", "status").stdout
