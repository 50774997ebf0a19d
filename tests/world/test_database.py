"""Backup, drill and hardening from here, against the rehearsal's real PostgreSQL; what they leave is read with stock programs."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from databaseworld import Bench, bench, running, verdict

from checks import backups
from checks.database_records import Believed, believe
from nexy_tui.actions.backup import Backup
from nexy_tui.actions.drill import Drill
from nexy_tui.actions.harden import Harden
from nexy_tui.core.database_record import BackupRecord, DrillRecord
from nexy_tui.core.event import Progress, silent
from nexy_tui.core.finding import Status
from nexy_tui.core.layout import Layout
from nexy_tui.core.problem import ActionFailed, Cancelled, Refused, Unusable
from nexy_tui.rehearsal.bundled import postgresql
from nexy_tui.rehearsal.database import server as database
from nexy_tui.runlog.trust import AllowedSigners
from nexy_tui.services.database.connect import connection
from nexy_tui.services.database.reach import Reach
from nexy_tui.services.database.settings import Address, load
from nexy_tui.services.database.sql import DRILL_COMMENT, DRILL_LOCK

__all__ = ["bench", "running"]


def stock(*argv: str | Path, cwd: Path, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run([str(word) for word in argv], cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def back_up(bench: Bench) -> BackupRecord:
    return bench.place().back_up(silent, lambda: False).record


def counts(bench: Bench, dbname: str = "voice_assistant_db") -> dict[str, int]:
    tables = [name for (name,) in bench.sql("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")]
    return {name: bench.sql(f'SELECT count(*) FROM "{name}"', dbname=dbname)[0][0] for name in tables}


class After:
    """`cancelled`: false for the first calls, then true."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


# --- backup ---


def test_a_backup_is_what_stock_programs_read(bench: Bench, tmp_path: Path) -> None:
    record = back_up(bench)
    name, stem = record.archive.name, record.archive.name.removesuffix(".tar.gz")
    assert bench.files() == [name, f"{name}.sha256"]
    assert stock("sha256sum", "-c", f"{name}.sha256", cwd=bench.backups) == f"{name}: OK\n"
    members = stock("tar", "-tzf", name, cwd=bench.backups).split()
    assert members == [f"{stem}/", *(f"{stem}/{member}" for member in ("db.dump", "schema.sql", "metadata.env", "SHA256SUMS"))]
    stock("tar", "-xzf", bench.backups / name, cwd=tmp_path)
    assert stock("sha256sum", "-c", "SHA256SUMS", cwd=tmp_path / stem).count("OK") == 3
    assert "TABLE DATA public users" in stock(postgresql() / "pg_restore", "--list", tmp_path / stem / "db.dump", cwd=tmp_path)
    assert "CREATE TABLE public.users" in (tmp_path / stem / "schema.sql").read_text()
    assert "DB_NAME=voice_assistant_db\n" in (tmp_path / stem / "metadata.env").read_text()
    assert {(bench.backups / file).stat().st_mode & 0o777 for file in bench.files()} == {0o600}
    assert record.archive.sha256 == hashlib.sha256((bench.backups / name).read_bytes()).hexdigest()
    assert record.rows == counts(bench)
    assert sum(record.rows.values()) > 3000


def test_a_backup_restores_with_plain_pg_restore(bench: Bench, tmp_path: Path) -> None:
    record = back_up(bench)
    stock("tar", "-xzf", bench.backups / record.archive.name, "--strip-components=1", cwd=tmp_path)
    bench.sql("CREATE DATABASE elsewhere TEMPLATE template0", dbname="postgres")
    try:
        environ = {"PGHOST": "127.0.0.1", "PGPORT": str(bench.world.ports["database"]), "PGUSER": "postgres"}
        environ["PGPASSWORD"] = bench.world.secrets.database_superuser_password
        stock(postgresql() / "pg_restore", "--exit-on-error", "-d", "elsewhere", tmp_path / "db.dump", cwd=tmp_path, environ=environ)
        assert counts(bench, "elsewhere") == record.rows
    finally:
        bench.sql("DROP DATABASE elsewhere", dbname="postgres")


def test_without_the_superusers_password_the_application_dumps(bench: Bench) -> None:
    bench.extra["PG_SUPERUSER_PASSWORD"] = ""
    assert back_up(bench).rows == counts(bench)


def test_no_password_stands_in_an_argv_and_no_pg_variable_interferes(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = postgresql()
    for name in ("pg_dump", "pg_restore"):
        script = tmp_path / name
        script.write_text(
            f'#!/bin/sh\n[ "$1" = --version ] || {{ echo "$@"; env | sed "s/^/ENV /"; }} >> {tmp_path}/seen\nexec {real / name} "$@"\n'
        )
        script.chmod(0o755)
    hostile = {"PGHOSTADDR": "203.0.113.1", "PGSERVICE": "nowhere", "PGOPTIONS": "-c nonsense=1"}
    bench.extra |= {"NEXY_PG_BIN": str(tmp_path), **hostile}
    monkeypatch.setenv("PGHOSTADDR", "203.0.113.1")
    monkeypatch.setenv("PGOPTIONS", "-c nonsense=1")
    back_up(bench)
    bench.drill()
    lines = (tmp_path / "seen").read_text().splitlines()
    environ = [line for line in lines if line.startswith("ENV ")]
    passwords = {bench.world.secrets.database_superuser_password, bench.world.secrets.database_password}
    assert [line for line in lines if not line.startswith("ENV ") and any(password in line for password in passwords)] == []
    assert any(line.startswith("ENV PGPASSWORD=") for line in environ)
    assert not [line for line in environ if line.removeprefix("ENV ").split("=")[0] in hostile]


@pytest.mark.parametrize("calls", [0, 1, 2, 3, 4])
def test_a_cancelled_backup_leaves_nothing(bench: Bench, calls: int) -> None:
    with pytest.raises(Cancelled):
        bench.place().back_up(silent, After(calls))
    assert bench.files() == []
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('pg_dump', 'nexy-tui')"
    patience = time.monotonic() + 20  # PostgreSQL takes a moment to see that its client is gone.
    while bench.sql(left) != [(0,)]:
        assert time.monotonic() < patience


def test_a_failing_pg_dump_leaves_nothing_and_says_why(bench: Bench) -> None:
    bench.sql("REVOKE SELECT ON payments FROM nexy_user")
    bench.extra["PG_SUPERUSER_PASSWORD"] = ""
    with pytest.raises(ActionFailed, match="payments") as refusal:
        back_up(bench)
    assert "nexy-tui db backup" in str(refusal.value.remedy)
    assert bench.files() == []


def test_a_full_disk_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nexy_tui.services.database.archive.pack", full)
    with pytest.raises(ActionFailed, match="No space left on device"):
        back_up(bench)
    assert bench.files() == []


def test_progress_is_told_for_every_part(bench: Bench) -> None:
    seen: list[object] = []
    bench.place().back_up(seen.append, lambda: False)
    assert {event.phase for event in seen if isinstance(event, Progress)} >= {"dump db.dump", "pack", "verify"}


def test_the_teams_lock_is_respected_and_stays(bench: Bench) -> None:
    (bench.backups / ".backup.lock").mkdir(parents=True)
    with pytest.raises(Refused, match=r"Another backup is running.*rmdir"):
        back_up(bench)
    assert bench.files() == [".backup.lock"]


def test_a_living_holder_is_waited_for_and_a_dead_one_replaced(bench: Bench) -> None:
    lock = bench.backups / ".backup.lock"
    lock.mkdir(parents=True)
    (bench.backups / ".nexy_db_20260101T000000Z.partial").mkdir()
    with (lock / "owner").open("w+") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        with pytest.raises(Refused, match="Another backup is running"):
            back_up(bench)
    name = back_up(bench).archive.name
    assert bench.files() == [name, f"{name}.sha256"]


# --- drill ---


def test_a_drill_restores_counts_and_drops(bench: Bench) -> None:
    made = back_up(bench)
    record = bench.drill()
    assert (record.passed, record.rows, record.archive) == (True, counts(bench), made.archive)
    assert record.restored_as.startswith("restore_drill_2")
    assert bench.drill_databases() == []
    assert bench.files() == [made.archive.name, f"{made.archive.name}.sha256"]


def test_a_drill_reads_the_teams_archives(bench: Bench, tmp_path: Path) -> None:
    """Another tool's archive: its own order of members, sums with `./` and binary marks, metadata without row counts."""
    made = back_up(bench)
    stem = made.archive.name.removesuffix(".tar.gz")
    stock("tar", "-xzf", bench.backups / made.archive.name, cwd=tmp_path)
    (tmp_path / stem / "metadata.env").write_text("BACKUP_TIMESTAMP=20260101\nDB_NAME=voice_assistant_db\n")
    sums = stock("sha256sum", "-b", "./db.dump", "./schema.sql", "./metadata.env", cwd=tmp_path / stem)
    (tmp_path / stem / "SHA256SUMS").write_text(sums)
    shutil.rmtree(bench.backups)
    bench.backups.mkdir()
    stock("tar", "-czf", bench.backups / made.archive.name, f"./{stem}", cwd=tmp_path)
    record = bench.drill()
    assert (record.passed, record.rows) == (True, counts(bench))


def spoil(change: Callable[[Path], None], bench: Bench, tmp_path: Path, resum: bool = True) -> None:
    """Take the newest archive apart, change its folder, and pack it again, sums made to fit."""
    name = bench.place().survey().vault.newest.archive.name  # type: ignore[union-attr]
    folder = tmp_path / name.removesuffix(".tar.gz")
    stock("tar", "-xzf", bench.backups / name, cwd=tmp_path)
    change(folder)
    if resum:
        (folder / "SHA256SUMS").write_text(stock("sha256sum", "db.dump", "schema.sql", "metadata.env", cwd=folder))
    stock("tar", "-czf", bench.backups / name, folder.name, cwd=tmp_path)


def more_users(metadata: Path) -> None:
    metadata.write_text(metadata.read_text().replace("ROWS_users=", "ROWS_users=9"))


@pytest.mark.parametrize(
    ("change", "resum", "reason"),
    [
        (lambda folder: (folder / "db.dump").write_bytes((folder / "db.dump").read_bytes()[:-2000]), True, "pg_restore ended with status"),
        (lambda folder: (folder / "db.dump").write_bytes(b"PGDMP nonsense"), True, "pg_restore ended with status"),
        (lambda folder: (folder / "schema.sql").write_text("changed"), False, "schema.sql does not have the sha256"),
        (lambda folder: (folder / "schema.sql").unlink(), False, "schema.sql is not in it"),
        (lambda folder: (folder / "link").symlink_to("/etc/passwd"), False, "no place in a backup"),
        (lambda folder: more_users(folder / "metadata.env"), True, "restored users with 240 rows where the backup had 9240"),
    ],
)
def test_an_archive_that_does_not_restore_is_a_failed_drill(
    bench: Bench, tmp_path: Path, change: Callable[[Path], None], resum: bool, reason: str
) -> None:
    back_up(bench)
    spoil(change, bench, tmp_path, resum)
    record = bench.drill()
    assert not record.passed
    assert reason in record.reason
    assert bench.drill_databases() == []
    assert len(bench.files()) == 2


@pytest.mark.parametrize("cut", [1, 20, 400, 100_000])
def test_a_truncated_archive_is_a_failed_drill(bench: Bench, cut: int) -> None:
    made = back_up(bench)
    path = bench.backups / made.archive.name
    path.write_bytes(path.read_bytes()[:-cut])
    record = bench.drill()
    assert "cannot be read whole" in record.reason
    assert bench.drill_databases() == []


def test_a_database_without_the_services_tables_fails_the_drill(bench: Bench) -> None:
    bench.sql("ALTER TABLE token_usage RENAME TO tokens")
    try:
        back_up(bench)
        assert "restored without token_usage" in bench.drill().reason
    finally:
        bench.sql("ALTER TABLE tokens RENAME TO token_usage")


@pytest.mark.parametrize("calls", [0, 1, 2, 3])
def test_a_cancelled_drill_leaves_no_database(bench: Bench, calls: int) -> None:
    back_up(bench)
    with pytest.raises(Cancelled):
        bench.drill(cancelled=After(calls))
    assert bench.drill_databases() == []
    assert len(bench.files()) == 2


def test_without_an_archive_there_is_nothing_to_drill(bench: Bench) -> None:
    with pytest.raises(Refused, match="no backup") as refusal:
        Drill().run(bench.context()[0])
    assert "nexy-tui db backup" in str(refusal.value.remedy)


def test_leftovers_of_killed_drills_go_and_other_peoples_databases_stay(bench: Bench) -> None:
    ours, theirs = "restore_drill_20260101_000000", "restore_drill_20260101_000001"
    bench.sql(f"CREATE DATABASE {ours}", f"COMMENT ON DATABASE {ours} IS '{DRILL_COMMENT}'", f"CREATE DATABASE {theirs}", dbname="postgres")
    back_up(bench)
    (bench.backups / ".restore_drill_20260101_000000").mkdir()
    bench.drill()
    assert bench.drill_databases() == [theirs]
    assert len(bench.files()) == 2


def test_one_drill_at_a_time(bench: Bench) -> None:
    back_up(bench)
    made = database.settings(bench.world)
    with connection(made, made.superuser, database="postgres", autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (DRILL_LOCK,))
        with pytest.raises(Refused, match="Another restore drill"):
            bench.drill()
    assert bench.drill().passed


# --- actions and their records ---


def test_the_backup_action_leaves_a_signed_record_that_the_check_takes(bench: Bench) -> None:
    assert verdict(bench, backups.BACKUP) is Status.FAILED
    context, intents = bench.context()
    result = Backup().run(context)
    [name] = [file for file in bench.files() if file.endswith(".tar.gz")]
    line = (bench.backups / f"{name}.backup.json").read_bytes()
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    believed = believe(line[:-1], bench.allowed, BackupRecord.read)
    assert isinstance(believed, Believed) and believed.record.run == "run"
    assert result.digests[f"{name}.backup.json"] == hashlib.sha256(line[:-1]).hexdigest()
    assert result.digests[name] == hashlib.sha256((bench.backups / name).read_bytes()).hexdigest()
    assert verdict(bench, backups.BACKUP) is Status.PASSED
    assert len(intents) == 1

    context, intents = bench.context()
    again = Backup().run(context)
    assert (again.changed, again.digests, intents) == (False, result.digests, [])
    assert Backup().run(bench.context(bench.plan(standalone=True))[0]).changed


def test_the_backup_check_sees_through_changes(bench: Bench) -> None:
    Backup().run(bench.context()[0])
    [name] = [file for file in bench.files() if file.endswith(".tar.gz")]
    assert verdict(bench, backups.BACKUP, started=datetime.now(UTC) + timedelta(minutes=1)) is Status.PASSED
    assert verdict(bench, backups.BACKUP, started=datetime.now(UTC) + timedelta(minutes=1), run="another") is Status.FAILED
    assert verdict(bench, backups.BACKUP, started=datetime.now(UTC) + timedelta(minutes=10)) is Status.FAILED
    scope = bench.scope(allowed=AllowedSigners())
    assert backups.judge_backup(backups.look_backup(replace(scope, trusted=AllowedSigners)), scope.plan).status is Status.FAILED
    with (bench.backups / name).open("ab") as archive:
        archive.write(b"x")
    assert verdict(bench, backups.BACKUP) is Status.FAILED


def test_the_drill_action_appends_signed_lines(bench: Bench) -> None:
    Backup().run(bench.context()[0])
    assert verdict(bench, backups.DRILL) is Status.FAILED
    assert Drill().run(bench.context()[0]).changed
    assert verdict(bench, backups.DRILL) is Status.PASSED
    journal = next(bench.backups.glob("*.drill.jsonl"))
    journal.write_bytes(journal.read_bytes() + b'{"torn')
    result = Drill().run(bench.context()[0])
    lines = journal.read_bytes().splitlines()
    assert len(lines) == 3
    assert [isinstance(believe(line, bench.allowed, DrillRecord.read), Believed) for line in lines] == [True, False, True]
    assert hashlib.sha256(lines[2]).hexdigest() in result.digests.values()
    assert verdict(bench, backups.DRILL) is Status.PASSED


def test_a_failed_drill_is_recorded_and_then_raised(bench: Bench) -> None:
    made = back_up(bench)
    path = bench.backups / made.archive.name
    path.write_bytes(path.read_bytes()[:-100])
    bench.vouch()
    with pytest.raises(ActionFailed, match="The restore drill failed") as failure:
        Drill().run(bench.context()[0])
    assert "nexy-tui db backup" in str(failure.value.remedy)
    assert verdict(bench, backups.DRILL) is Status.FAILED
    assert len(list(bench.backups.glob("*.drill.jsonl"))) == 1


@pytest.mark.parametrize("action", [Drill(), Harden()])
def test_off_loopback_the_host_is_typed(bench: Bench, action: Drill | Harden) -> None:
    assert action.confirmation(bench.services(), bench.plan()) is None
    bench.extra["DB_HOST"], bench.hosts = "db.example.com", ("db.example.com",)
    assert action.confirmation(bench.services(), bench.plan()) == "db.example.com"
    assert any("db.example.com" in line for line in action.describe(bench.services(), bench.plan()))
    assert Backup().confirmation(bench.services(), bench.plan()) is None


# --- settings ---


def test_environment_wins_over_config_env_and_that_over_defaults(bench: Bench, tmp_path: Path) -> None:
    layout = Layout("flat", tmp_path)
    reach = Reach(("db.example.com",), Path("config.toml"), Path("ca.pem"))
    assert load(layout, {}, reach).address == Address("localhost", 5432, "voice_assistant_db")
    layout.config_env.parent.mkdir()
    layout.config_env.write_text("DB_HOST=db.example.com\nDB_PASSWORD=a=b=c\nDB_NAME=\n")
    made = load(layout, {"DB_PORT": "6543", "PG_SUPERUSER_PASSWORD": "x"}, reach)
    assert made.address == Address("db.example.com", 6543, "voice_assistant_db")
    assert made.app.password is not None and made.app.password.reveal() == "a=b=c" and "a=b" not in repr(made)
    assert made.superuser.password is not None
    assert (made.app.password.source, made.superuser.password.source) == ("server/config.env, line 2", "environment")
    assert (made.backup_dir, made.retention_days) == (tmp_path / "server/backups/postgres", 30)
    assert load(Layout("nested", tmp_path), {}, reach).backup_dir == tmp_path / "server/server/backups/postgres"
    assert load(layout, {"BACKUP_LOCAL_DIR": "server/elsewhere"}, reach).backup_dir == tmp_path / "server/elsewhere"
    assert load(layout, {"BACKUP_LOCAL_DIR": "/var/backups"}, reach).backup_dir == Path("/var/backups")


@pytest.mark.parametrize(("kind", "outer", "inner"), [("flat", "", "server/"), ("nested", "server/", "server/server/")])
def test_the_inner_config_env_wins_over_the_outer_and_each_says_its_origin(tmp_path: Path, kind: str, outer: str, inner: str) -> None:
    layout, reach = Layout(kind, tmp_path), Reach(("a.example", "b.example"), Path("config.toml"), Path("ca.pem"))
    (tmp_path / inner).mkdir(parents=True)
    (tmp_path / outer / "config.env").write_text("DB_HOST=a.example\nDB_PORT=6543\nDB_PASSWORD=outer\nPG_SUPERUSER_PASSWORD=x\n")
    alone = load(layout, {}, reach)
    assert alone.address.host == "a.example" and alone.app.password is not None
    assert alone.app.password.source == f"{outer}config.env, line 3"
    (tmp_path / inner / "config.env").write_text("DB_HOST=b.example\nDB_PASSWORD=inner\nDB_PORT=\n")
    both = load(layout, {}, reach)
    assert (both.address.host, both.address.port) == ("b.example", 6543)
    assert both.app.password is not None and both.superuser.password is not None
    assert (both.app.password.reveal(), both.app.password.source) == ("inner", f"{inner}config.env, line 2")
    assert both.superuser.password.source == f"{outer}config.env, line 4"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("DB_PORT", "x"),
        ("DB_HOST", "a,b"),
        ("DB_NAME", "postgresql://evil/db"),
        ("DB_NAME", "host=evil"),
        ("DB_USER", "a b"),
        ("DB_USER", "postgres"),
        ("BACKUP_RETENTION_DAYS", "-1"),
        ("BACKUP_OFFSITE_PROVIDER", "gcp"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(Unusable, match=key) as refusal:
        load(Layout("flat", tmp_path), {key: value}, Reach((), Path("config.toml"), Path("ca.pem")))
    assert refusal.value.remedy


def test_a_configured_offsite_copy_is_not_passed_over_in_silence(bench: Bench) -> None:
    bench.extra["BACKUP_OFFSITE_PROVIDER"] = "azure"
    assert "No copy was made at azure" in Backup().run(bench.context()[0]).summary
