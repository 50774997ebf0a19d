"""The same work by the scripts that are sent to the VM, really run under bash against the rehearsal's database."""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import seldom
from databaseworld import Bench, bench, running

from checks import backups
from checks import database as checks
from checks.base import Check
from checks.database_records import Believed, believe
from nexy_tui.actions.backup import Backup
from nexy_tui.actions.drill import Drill
from nexy_tui.actions.harden import Harden
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.database_record import BackupRecord
from nexy_tui.core.event import PointOfNoReturn, silent
from nexy_tui.core.finding import Status
from nexy_tui.core.problem import ActionFailed, Cancelled, CouldNotLook, Refused
from nexy_tui.core.vm_facts import VmFacts
from nexy_tui.rehearsal.bundled import postgresql
from nexy_tui.rehearsal.database import server as database
from nexy_tui.rehearsal.seed import database_settings
from nexy_tui.services.database.archive import archive_name, taken_at
from nexy_tui.services.database.connect import connection
from nexy_tui.services.database.facts import Survey, Unseen
from nexy_tui.services.database.sql import DRILL_COMMENT, DRILL_LOCK
from nexy_tui.services.database.vm import VmDatabase
from nexy_tui.services.vm import VmHost
from nexy_tui.services.vm_surveys import Surveys, survey_both

__all__ = ["bench", "running"]

LIMIT = 4096


class Bash:
    """Run-command's action: the script under its own interpreter, 4,096 bytes of each output, success whatever the status."""

    where = "NetworkWatcherRG/Nexy"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scripts: list[str] = []
        self.sizes: list[int] = []
        self.errors: list[int] = []
        self.before: Callable[[], None] = lambda: None

    def action(self, script: str, *, begun: Callable[[], None] | None = None, **_: Any) -> str:
        self.scripts.append(script)
        if begun is not None:
            begun()
        self.before()
        environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", "NEXY_VM_ENV": str(self.folder / "release.env")}
        hostile = {"PGHOST": "203.0.113.1", "PGHOSTADDR": "203.0.113.1", "PGSERVICE": "nowhere", "TMPDIR": str(self.folder / "tmp")}
        path = self.folder / "script.sh"
        path.write_text(script)
        interpreter = script.splitlines()[0].removeprefix("#!").split()
        done = subprocess.run([*interpreter, path], env=environ | hostile, capture_output=True, timeout=60, check=False)
        self.sizes.append(len(done.stdout))
        self.errors.append(len(done.stderr))
        out, err = (text[-LIMIT:].decode("utf-8", "replace") for text in (done.stdout, done.stderr))
        return f"Enable succeeded: \n[stdout]\n{out}\n[stderr]\n{err}"


class Machine:
    """The VM's folder: a clone with its `config.env`, and what the scripts leave there."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        self.app = folder / "home" / "voice-assistant"
        self.azure = Bash(folder)
        (self.app / "server").mkdir(parents=True)
        (folder / "tmp").mkdir()
        self.scratch = folder / "tmp"
        (folder / "release.env").write_text(f"NEXY_APP_DIR={self.app}\nNEXY_PG_BIN={postgresql()}\n")
        self.configure()
        bench.vm = VmHost(bench.world.target, self.azure, SystemClock())  # type: ignore[arg-type]

    def configure(self, **changes: str) -> None:
        lines = {"SERVER_VERSION": "1", **database_settings(self.bench.world), **changes}
        text = "# settings\n" + "".join(f"{key}={value}\n" for key, value in lines.items())
        (self.app / "server" / "config.env").write_text(text)

    @property
    def backups(self) -> Path:
        return self.app / "server" / "backups" / "postgres"

    def files(self) -> list[str]:
        return sorted(path.name for path in self.backups.iterdir()) if self.backups.exists() else []


@pytest.fixture
def machine(bench: Bench, tmp_path: Path) -> Iterator[Machine]:
    made = Machine(bench, tmp_path)
    yield made
    assert list(made.scratch.iterdir()) == []
    assert bench.drill_databases() == []
    assert all(size < LIMIT for size in made.azure.sizes)


def verdicts(bench: Bench, *several: Check) -> list[tuple[Status, str]]:
    """What the checks say of one survey."""
    scope = bench.scope(where="vm")
    survey = scope.services.database.place.survey()
    scope.once("database.survey", lambda: survey)  # the release lock is asked elsewhere
    found = [check.judge(check.look(scope), scope.plan) for check in several]
    return [(verdict.status, verdict.summary) for verdict in found]


def verdict(bench: Bench, check: Check) -> tuple[Status, str]:
    return verdicts(bench, check)[0]


def backup_sidecars_hold(machine: Machine, name: str) -> None:
    done = subprocess.run(["sha256sum", "-c", f"{name}.sha256"], cwd=machine.backups, capture_output=True, text=True, check=False)
    assert done.stdout == f"{name}: OK\n"


def test_the_whole_phase_on_the_vm(bench: Bench, machine: Machine) -> None:
    every = (checks.REACHABLE, checks.TOOLS, checks.TABLES, checks.HARDENING, backups.BACKUP, backups.DRILL)
    assert [status for status, _ in verdicts(bench, *every)] == [Status.PASSED] * 4 + [Status.FAILED] * 2

    context, intents = bench.context(where="vm")
    result = Backup().run(context)
    [name] = [file for file in machine.files() if file.endswith(".tar.gz")]
    assert machine.files() == [name, f"{name}.backup.json", f"{name}.sha256"]
    assert name in result.digests and len(intents) == 1
    backup_sidecars_hold(machine, name)
    believed = believe((machine.backups / f"{name}.backup.json").read_bytes().removesuffix(b"\n"), bench.allowed, BackupRecord.read)
    assert isinstance(believed, Believed)
    assert verdict(bench, backups.BACKUP) == (Status.PASSED, f"{name} was finished 0 s ago, and reads back whole.")
    assert not Backup().run(bench.context(where="vm")[0]).changed

    for _ in range(2):
        assert Drill().run(bench.context(where="vm")[0]).changed
    assert len((machine.backups / f"{name}.drill.jsonl").read_bytes().splitlines()) == 2
    assert [status for status, _ in verdicts(bench, *every)] == [Status.PASSED] * 6
    assert bench.files() == []


def test_both_places_read_each_others_archives(bench: Bench, machine: Machine) -> None:
    theirs = bench.place("vm").back_up(silent, lambda: False).record
    bench.backups.parent.mkdir(parents=True, exist_ok=True)
    machine.backups.rename(bench.backups)
    local = bench.drill()
    assert (local.passed, local.rows, local.archive) == (True, theirs.rows, theirs.archive)
    ours = bench.place().back_up(silent, lambda: False).record
    bench.backups.rename(machine.backups)
    remote = bench.drill("vm")
    assert (remote.passed, remote.rows, remote.archive) == (True, ours.rows, ours.archive)
    members = subprocess.run(["tar", "-tzf", ours.archive.name], cwd=machine.backups, capture_output=True, text=True, check=True).stdout
    theirs_members = subprocess.run(["tar", "-tzf", theirs.archive.name], cwd=machine.backups, capture_output=True, text=True, check=True)
    assert {Path(line).name for line in theirs_members.stdout.split()} <= {Path(line).name for line in members.split()}


@pytest.mark.parametrize("where", [seldom("local"), "vm"])
def test_a_backup_after_the_clock_was_set_back_is_the_newest(bench: Bench, machine: Machine, where: str) -> None:
    first = bench.place(where).back_up(silent, lambda: False).record
    folder = machine.backups if where == "vm" else bench.backups
    taken = taken_at(first.archive.name)
    assert taken is not None
    ahead = archive_name(taken + timedelta(minutes=2))
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace(first.archive.name, ahead))
    second = bench.place(where).back_up(silent, lambda: False).record
    assert second.archive.name > ahead
    assert bench.place(where).shelf().archives[0].name == second.archive.name


def test_no_password_is_sent_to_the_vm_or_comes_back(bench: Bench, machine: Machine) -> None:
    bench.place("vm").back_up(silent, lambda: False)
    bench.drill("vm")
    bench.place("vm").harden()
    secrets = (bench.world.secrets.database_password, bench.world.secrets.database_superuser_password)
    assert not [script for script in machine.azure.scripts if any(secret in script for secret in secrets)]


def test_settings_are_the_vms_own(bench: Bench, machine: Machine) -> None:
    bench.extra["DB_HOST"] = "here.example.com"
    assert bench.place("vm").address().host == "127.0.0.1"
    machine.configure(DB_HOST="db.example.com", DB_PORT="1")
    bench.hosts = ("db.example.com",)
    assert Drill().confirmation(bench.services("vm"), bench.plan()) == "db.example.com"
    machine.configure(DB_NAME="'voice_assistant_db'", BACKUP_LOCAL_DIR=str(machine.app / "elsewhere"))
    bench.place("vm").back_up(silent, lambda: False)
    assert len(list((machine.app / "elsewhere").iterdir())) == 2
    assert (machine.app / "elsewhere").stat().st_mode & 0o777 == 0o700


def test_settings_come_from_both_files_the_inner_over_the_outer(bench: Bench, machine: Machine) -> None:
    machine.configure()
    whole = (machine.app / "server" / "config.env").read_text()
    (machine.app / "config.env").write_text(whole.replace("DB_PORT=", "DB_PORT=1\nOLD_PORT="))
    (machine.app / "server" / "config.env").write_text("".join(line for line in whole.splitlines(True) if line.startswith("DB_PORT")))
    assert verdict(bench, checks.REACHABLE)[0] is Status.PASSED


@pytest.mark.parametrize(
    ("key", "value"),
    [("DB_NAME", "x'; DROP TABLE users"), seldom("DB_PORT", "5432; rm"), seldom("DB_HOST", "a,b"), seldom("DB_USER", "postgres")],
)
def test_settings_that_cannot_be_are_refused(bench: Bench, machine: Machine, key: str, value: str) -> None:
    machine.configure(**{key: value})
    with pytest.raises(CouldNotLook, match="DB_"):
        bench.place("vm").survey()
    with pytest.raises(Refused, match="DB_"):
        bench.place("vm").back_up(silent, lambda: False)


@pytest.mark.parametrize(
    "change", [{"DB_PORT": "1"}, *map(seldom, ({"DB_PASSWORD": "no", "PG_SUPERUSER_PASSWORD": "no"}, {"DB_NAME": "nothing"}))]
)
def test_a_database_that_does_not_answer(bench: Bench, machine: Machine, change: dict[str, str]) -> None:
    made = bench.place("vm").back_up(silent, lambda: False).record
    before = machine.files()
    machine.configure(**change)
    survey = bench.place("vm").survey()
    assert isinstance(survey.catalog, Unseen)
    status, summary = verdict(bench, checks.REACHABLE)
    assert status is Status.FAILED
    assert any(word in summary for word in ("refused", "authentication failed", "does not exist"))
    place = bench.place("vm")
    failing: list[Callable[[], object]] = [lambda: place.back_up(silent, lambda: False), place.harden]
    if "DB_NAME" not in change:
        failing.append(lambda: place.drill(made.archive, silent, lambda: False))
    for act in failing:
        with pytest.raises(ActionFailed, match=r"refused|authentication failed|does not exist"):
            act()
    assert machine.files() == before


def test_a_stopped_server_is_seen(bench: Bench, machine: Machine) -> None:
    bench.loop.run(database.stop(bench.world))
    try:
        assert verdict(bench, checks.REACHABLE)[0] is Status.FAILED
    finally:
        bench.loop.run(database.start(bench.world))


@pytest.mark.parametrize(
    "sabotage",
    [
        "GRANT DELETE ON users TO nexy_user",
        seldom("ALTER TABLE screenshots OWNER TO nexy_user"),
        seldom("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT DELETE ON TABLES TO nexy_user"),
        "DROP TRIGGER prevent_hard_delete_trigger ON users",
        "GRANT CREATE ON SCHEMA public TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC",
    ],
)
def test_hardening_on_the_vm(bench: Bench, machine: Machine, sabotage: str) -> None:
    bench.sql(sabotage)
    assert verdict(bench, checks.HARDENING)[0] is Status.FAILED
    assert Harden().run(bench.context(where="vm")[0]).changed
    assert verdict(bench, checks.HARDENING)[0] is Status.PASSED


def test_hardening_that_fails_on_the_vm_changes_nothing(bench: Bench, machine: Machine) -> None:
    bench.sql("GRANT DELETE ON users TO nexy_user", "ALTER FUNCTION prevent_hard_delete() RENAME TO moved")
    bench.sql("CREATE PROCEDURE prevent_hard_delete() LANGUAGE sql AS ''")
    try:
        with pytest.raises(ActionFailed, match="cannot change routine kind"):
            bench.place("vm").harden()
        assert bench.sql("SELECT has_table_privilege('nexy_user', 'users', 'DELETE')") == [(True,)]
    finally:
        bench.sql("DROP PROCEDURE prevent_hard_delete()", "ALTER FUNCTION moved() RENAME TO prevent_hard_delete")


def test_a_missing_role_is_refused(bench: Bench, machine: Machine) -> None:
    machine.configure(DB_USER="nobody_here", DB_PASSWORD="")
    with pytest.raises(Refused, match="no role nobody_here"):
        bench.place("vm").harden()


# --- locks, leftovers, failures ---


def test_the_teams_lock_on_the_vm_is_respected(bench: Bench, machine: Machine) -> None:
    (machine.backups / ".backup.lock").mkdir(parents=True)
    with pytest.raises(Refused, match=r"another backup is running.*rmdir"):
        bench.place("vm").back_up(silent, lambda: False)
    assert machine.files() == [".backup.lock"]


def test_a_dead_holders_lock_is_taken_over(bench: Bench, machine: Machine) -> None:
    lock = machine.backups / ".backup.lock"
    lock.mkdir(parents=True)
    (machine.backups / ".nexy_db_20260101T000000Z.partial").mkdir()
    with (lock / "owner").open("w+") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        with pytest.raises(Refused, match="another backup is running"):
            bench.place("vm").back_up(silent, lambda: False)
        assert lock.exists()
    name = bench.place("vm").back_up(silent, lambda: False).record.archive.name
    assert machine.files() == [name, f"{name}.sha256"]


def test_a_failing_pg_dump_on_the_vm_leaves_nothing(bench: Bench, machine: Machine) -> None:
    bench.sql("REVOKE SELECT ON payments FROM nexy_user")
    machine.configure(PG_SUPERUSER_PASSWORD="")
    with pytest.raises(ActionFailed, match="payments"):
        bench.place("vm").back_up(silent, lambda: False)
    assert machine.files() == []


def test_pg_dump_older_than_the_server_is_seen_and_a_newer_one_found(bench: Bench, machine: Machine, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    for program in ("pg_dump", "psql"):
        script = old / program
        says = f'[ "$1" = --version ] && {{ echo "{program} (PostgreSQL) 9.6.1"; exit; }}'
        script.write_text(f'#!/bin/sh\n{says}\nexec {postgresql()}/{program} "$@"\n')
        script.chmod(0o755)
    (tmp_path / "release.env").write_text(f"NEXY_APP_DIR={machine.app}\nNEXY_PG_BIN={old}\n")
    assert verdict(bench, checks.TOOLS)[0] is Status.FAILED
    (tmp_path / "release.env").write_text(f"NEXY_APP_DIR={machine.app}\nPATH={old}:{postgresql()}:$PATH\n")
    assert verdict(bench, checks.TOOLS)[0] is Status.PASSED


@pytest.mark.parametrize("cut", [seldom(1), 400, seldom(100_000)])
def test_a_truncated_archive_is_a_failed_drill_on_the_vm(bench: Bench, machine: Machine, cut: int) -> None:
    Backup().run(bench.context(where="vm")[0])
    path = next(machine.backups.glob("*.tar.gz"))
    path.write_bytes(path.read_bytes()[:-cut])
    bench.vouch("vm")
    with pytest.raises(ActionFailed, match="cannot be read whole"):
        Drill().run(bench.context(where="vm")[0])
    status, summary = verdict(bench, backups.DRILL)
    assert status is Status.FAILED and "cannot be read whole" in summary
    assert verdict(bench, backups.BACKUP)[0] is Status.FAILED


def test_other_rows_than_the_backup_had_fail_the_drill_on_the_vm(bench: Bench, machine: Machine, tmp_path: Path) -> None:
    bench.place("vm").back_up(silent, lambda: False)
    path = next(machine.backups.glob("*.tar.gz"))
    folder = tmp_path / "open" / path.name.removesuffix(".tar.gz")
    folder.parent.mkdir()
    subprocess.run(["tar", "-xzf", path], cwd=folder.parent, check=True)
    text = (folder / "metadata.env").read_text()
    (folder / "metadata.env").write_text(text.replace("ROWS_users=", "ROWS_users=9"))
    subprocess.run("sha256sum -b ./db.dump ./schema.sql ./metadata.env > SHA256SUMS", shell=True, cwd=folder, check=True)
    subprocess.run(["tar", "-czf", path, f"./{folder.name}"], cwd=folder.parent, check=True)
    assert "restored users with 240 rows where the backup had 9240" in bench.drill("vm").reason


def test_without_an_archive_the_vm_has_nothing_to_drill(bench: Bench, machine: Machine) -> None:
    with pytest.raises(Refused, match="no backup in"):
        Drill().run(bench.context(where="vm")[0])


def test_leftovers_on_the_vm_go_and_other_peoples_databases_stay(bench: Bench, machine: Machine) -> None:
    ours, theirs = "restore_drill_20260101_000000", "restore_drill_20260101_000001"
    bench.sql(f"CREATE DATABASE {ours}", f"COMMENT ON DATABASE {ours} IS '{DRILL_COMMENT}'", f"CREATE DATABASE {theirs}", dbname="postgres")
    bench.place("vm").back_up(silent, lambda: False)
    (machine.backups / ".restore_drill_20260101_000000").mkdir()
    bench.drill("vm")
    assert bench.drill_databases() == [theirs]
    bench.sql(f"DROP DATABASE {theirs}", dbname="postgres")
    assert len(machine.files()) == 2


def test_one_drill_at_a_time_on_the_vm(bench: Bench, machine: Machine) -> None:
    bench.place("vm").back_up(silent, lambda: False)
    made = database.settings(bench.world)
    with connection(made, made.superuser, database="postgres", autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (DRILL_LOCK,))
        with pytest.raises(Refused, match="another restore drill"):
            bench.drill("vm")
    assert bench.drill("vm").passed


def test_what_the_operator_stops_before_it_begins_is_not_sent(bench: Bench, machine: Machine) -> None:
    with pytest.raises(Cancelled):
        bench.place("vm").back_up(silent, lambda: True)
    assert machine.azure.scripts == []


def test_from_its_start_a_script_cannot_be_taken_back(bench: Bench, machine: Machine) -> None:
    seen: list[object] = []
    bench.place("vm").back_up(seen.append, lambda: False)
    assert any(isinstance(event, PointOfNoReturn) for event in seen)


def test_a_record_is_laid_beside_an_archive_that_is_there_alone(bench: Bench, machine: Machine) -> None:
    with pytest.raises(ActionFailed, match="no longer in"):
        bench.place("vm").keep_backup_record("nexy_db_20260101T000000Z.tar.gz", b"{}")
    with pytest.raises(ActionFailed, match="no name of an archive"):
        bench.place("vm").keep_drill_record("../../etc/passwd", b"{}")


def test_a_torn_journal_stays_a_line_of_its_own(bench: Bench, machine: Machine) -> None:
    Backup().run(bench.context(where="vm")[0])
    [name] = [file for file in machine.files() if file.endswith(".tar.gz")]
    (machine.backups / f"{name}.drill.jsonl").write_bytes(b'{"torn')
    Drill().run(bench.context(where="vm")[0])
    assert len((machine.backups / f"{name}.drill.jsonl").read_bytes().splitlines()) == 2
    assert verdict(bench, backups.DRILL)[0] is Status.PASSED


def both(bench: Bench, machine: Machine) -> Surveys:
    place = bench.place("vm")
    assert isinstance(place, VmDatabase) and bench.vm is not None
    return survey_both(bench.vm, place, SystemClock(), "1.6.1.43")


def test_one_script_looks_at_the_vm_and_at_its_database(bench: Bench, machine: Machine) -> None:
    Backup().run(bench.context(where="vm")[0])
    Drill().run(bench.context(where="vm")[0])
    machine.azure.scripts.clear()
    seen = both(bench, machine)
    assert len(machine.azure.scripts) == 1
    assert isinstance(seen.vm, VmFacts) and isinstance(seen.database, Survey)
    assert (seen.vm.settings["server/config.env"].versions, seen.vm.free_kib is not None) == (("1",), True)
    alone = bench.place("vm").survey()
    assert replace(seen.database, taken=alone.taken) == alone
    assert max(machine.azure.errors) < LIMIT


def test_what_keeps_one_survey_from_being_read_does_not_hide_the_other(bench: Bench, machine: Machine) -> None:
    machine.configure(DB_PORT="one")
    seen = both(bench, machine)
    assert isinstance(seen.vm, VmFacts) and isinstance(seen.database, CouldNotLook)
    assert "DB_PORT is 'one'" in seen.database.what and seen.database.remedy
    machine.configure()
    (machine.scratch.parent / "release.env").write_text(f"NEXY_APP_DIR={machine.app}-gone\nNEXY_PG_BIN={postgresql()}\n")
    seen = both(bench, machine)
    assert isinstance(seen.vm, CouldNotLook) and "is not there" in seen.vm.what
