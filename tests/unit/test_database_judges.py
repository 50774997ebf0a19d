"""The database judges as pure functions: what passes, what does not, and what the operator is told to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from checks import backups
from checks.backups import BackupFacts, DrillFacts, judge_backup, judge_drill
from checks.database import (
    RUNBOOKS,
    ToolFacts,
    judge_hardening,
    judge_reachable,
    judge_runbooks,
    judge_tables,
    judge_tools,
)
from checks.database_records import Believed, Doubted
from nexy_tui.core.database_record import Archive, BackupRecord, DatabaseId, DrillRecord
from nexy_tui.core.database_rules import FORBIDDEN, GRANTED, PROTECTED_TABLES, REQUIRED_TABLES
from nexy_tui.core.finding import Status, Verdict
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.target import Database, Target
from nexy_tui.core.version import Version
from nexy_tui.services.database.facts import Catalog, Excess, Guard, NewestArchive, Survey, Tool, Unseen, Vault, seen
from nexy_tui.services.database.settings import Address

NOW = datetime(2026, 2, 14, 12, tzinfo=UTC)
PLAN = Plan(Target(), Version.parse("1.6.1.43"), Kind.FULL, NOW, run="r", started=NOW - timedelta(hours=1), tried=frozenset({"backup"}))
ALONE = replace(PLAN, run=None, started=None)
HERE = DatabaseId("127.0.0.1", 5432, "voice_assistant_db", "7711")
NAME = "nexy_db_20260214T114500Z.tar.gz"
ARCHIVE = Archive(NAME, 41_203_118, "9c1be0d47f352a68" * 4)
BACKUPS = "/home/olga/Nexy_server/server/backups/postgres"
ROWS = {"users": 1204, "sessions": 6911}
BODY = "BEGIN RAISE EXCEPTION 'no; never' USING ERRCODE = '42501'; END"
CATALOG = Catalog(
    version="16.4 (Debian 16.4-1)",
    number=160004,
    system="7711",
    database="voice_assistant_db",
    tables=frozenset(PROTECTED_TABLES[:7]),
    app="nexy_user",
    app_superuser=False,
    app_createrole=False,
    owned_count=0,
    owned_some=(),
    owned_via=(),
    excess=(),
    lacking=(),
    may_create=False,
    default_granted=frozenset(GRANTED),
    default_excess=frozenset(),
    guards=tuple(Guard(table, True, "plpgsql", BODY) for table in PROTECTED_TABLES[:7]),
)
SURVEY = Survey(
    "local", Address("db.internal", 5432, "voice_assistant_db"), CATALOG, Tool("/usr/bin/pg_dump", "16.4"), Vault(BACKUPS, 0, None, ()), NOW
)
UNSEEN = Unseen(CouldNotLook("The database did not let nexy_user in: connection refused.", remedy="See that PostgreSQL runs."))


def stands(verdict: Verdict, status: Status, *words: str) -> None:
    assert verdict.status is status, verdict
    said = f"{verdict.summary} {verdict.remedy}"
    for word in words:
        assert word in said, said
    if status is not Status.PASSED:
        assert verdict.remedy


# --- server and tools ---


def test_a_server_that_answers_passes_and_shows_the_effective_host() -> None:
    verdict = judge_reachable(SURVEY, PLAN)
    stands(verdict, Status.PASSED, "16.4", "db.internal:5432/voice_assistant_db")
    assert verdict.evidence[0].value == "db.internal:5432/voice_assistant_db"


def test_a_server_that_does_not_answer_fails_with_its_words() -> None:
    verdict = judge_reachable(replace(SURVEY, catalog=UNSEEN), PLAN)
    stands(verdict, Status.FAILED, "connection refused", "See that PostgreSQL runs")
    assert verdict.evidence[0].value == "db.internal:5432/voice_assistant_db"


def test_what_was_not_seen_raises_could_not_look() -> None:
    with pytest.raises(CouldNotLook, match="connection refused"):
        seen(UNSEEN)
    assert seen(CATALOG) is CATALOG


@pytest.mark.parametrize(("tool", "status"), [("15.18", Status.FAILED), ("16.0", Status.PASSED), ("18.6", Status.PASSED)])
def test_pg_dump_must_not_be_older_than_the_server(tool: str, status: Status) -> None:
    stands(judge_tools(ToolFacts(Tool("/usr/bin/pg_dump", tool), "16.4", 16), PLAN), status, tool)


def test_a_missing_pg_dump_fails() -> None:
    missing = Unseen(CouldNotLook("pg_dump was not found.", remedy="Install it, or set NEXY_PG_BIN."))
    stands(judge_tools(ToolFacts(missing, "16.4", 16), PLAN), Status.FAILED, "pg_dump was not found", "NEXY_PG_BIN")


@pytest.mark.parametrize("table", REQUIRED_TABLES)
def test_every_required_table_is_required(table: str) -> None:
    stands(judge_tables(replace(CATALOG, tables=CATALOG.tables - {table}), PLAN), Status.FAILED, f"no table {table}")


def test_later_tables_may_be_missing() -> None:
    stands(judge_tables(replace(CATALOG, tables=frozenset(REQUIRED_TABLES)), PLAN), Status.PASSED)


# --- hardening ---


def test_a_hardened_catalog_passes() -> None:
    stands(judge_hardening(CATALOG, PLAN), Status.PASSED, "nexy_user", "42501")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"app_superuser": True}, "superuser"),
        ({"app_createrole": True}, "create roles"),
        ({"owned_count": 1, "owned_some": ("table users",)}, "owns table users"),
        ({"excess": (Excess("users", "DELETE", "nexy_user"),)}, "DELETE on users"),
        ({"lacking": (("users", "INSERT"),)}, "lacks INSERT on users"),
        ({"may_create": True}, "schema public"),
        ({"default_granted": frozenset({"SELECT", "INSERT"})}, "UPDATE on new tables"),
        ({"default_granted": frozenset()}, "default privileges"),
        *(({"default_excess": frozenset({privilege})}, privilege) for privilege in FORBIDDEN),
        ({"guards": CATALOG.guards[1:]}, "users has no prevent_hard_delete_trigger"),
        ({"guards": (replace(CATALOG.guards[0], armed=False), *CATALOG.guards[1:])}, "disabled"),
        ({"guards": (replace(CATALOG.guards[0], source="BEGIN RETURN OLD; END"), *CATALOG.guards[1:])}, "42501"),
    ],
)
def test_each_part_of_the_hardening_counts(change: dict[str, object], word: str) -> None:
    stands(judge_hardening(replace(CATALOG, **change), PLAN), Status.FAILED, word, "nexy-tui db harden")  # type: ignore[arg-type]


def test_every_finding_is_evidence() -> None:
    verdict = judge_hardening(replace(CATALOG, may_create=True, app_createrole=True), PLAN)
    assert len(verdict.evidence) == 2
    assert "1 more" in verdict.summary


def test_a_membership_is_taken_away_by_name() -> None:
    verdict = judge_hardening(replace(CATALOG, excess=(Excess("users", "DELETE", "writers"),)), PLAN)
    stands(verdict, Status.FAILED, "REVOKE writers FROM nexy_user", "as a member of writers")


def test_a_missing_role_fails() -> None:
    stands(judge_hardening(replace(CATALOG, app=None), PLAN), Status.FAILED, "DB_USER")


# --- backup ---


def record(finished: datetime = NOW - timedelta(minutes=15), **changes: object) -> BackupRecord:
    made = BackupRecord(ARCHIVE, HERE, finished - timedelta(minutes=1), finished, "16.4", "16.4", ROWS, "r")
    return replace(made, **changes)  # type: ignore[arg-type]


def backup(found: BackupRecord | Doubted | None, sidecar: str | None = ARCHIVE.sha256) -> BackupFacts:
    believed = Believed(found, "SHA256:Yk2l9QmZ0c7vT1xWb8rJ4nHs6dFgPaEoUi3yLkMqRtw") if isinstance(found, BackupRecord) else found
    return BackupFacts(HERE, BACKUPS, NewestArchive(ARCHIVE, sidecar, b"line"), believed)


def test_a_fresh_backup_of_this_run_passes() -> None:
    stands(judge_backup(backup(record()), PLAN), Status.PASSED, NAME, "15 minutes ago")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (BackupFacts(HERE, BACKUPS, None, None), [f"no backup in {BACKUPS}"]),
        (backup(record(), sidecar=None), ["sha256", "not there"]),
        (backup(record(), sidecar="cd" * 32), ["sha256", "cdcdcd"]),
        (backup(None), ["no signed record"]),
        (backup(Doubted("The signature does not fit.")), ["The signature does not fit"]),
        (backup(record(archive=replace(ARCHIVE, sha256="cd" * 32))), ["other bytes"]),
        (backup(record(archive=replace(ARCHIVE, name="nexy_db_20260214T114501Z.tar.gz"))), ["another archive"]),
        (backup(record(database=replace(HERE, system="9"))), ["is of voice_assistant_db"]),
        (backup(record(database=replace(HERE, name="other"))), ["is of other"]),
        (backup(record(NOW - timedelta(minutes=66))), ["before this run began"]),
        (backup(record(NOW + timedelta(minutes=6))), ["future"]),
    ],
)
def test_a_backup_that_does_not_count(facts: BackupFacts, words: list[str]) -> None:
    stands(judge_backup(facts, PLAN), Status.FAILED, "nexy-tui db backup", *words)


def test_the_way_to_the_server_does_not_matter() -> None:
    stands(judge_backup(backup(record(database=replace(HERE, host="10.0.0.4", port=6432))), PLAN), Status.PASSED)


@pytest.mark.parametrize(("hours", "status"), [(11.9, Status.PASSED), (12.1, Status.FAILED)])
def test_a_backup_of_a_long_run_ages(hours: float, status: Status) -> None:
    plan = replace(PLAN, started=NOW - timedelta(days=2))
    stands(judge_backup(backup(record(NOW - timedelta(hours=hours))), plan), status)
    for alone in (ALONE, replace(PLAN, standalone=True)):
        stands(judge_backup(backup(record(NOW - timedelta(hours=hours))), alone), status)


# --- drill ---


def drill(finished: datetime = NOW - timedelta(days=2), **changes: object) -> tuple[str, Believed[DrillRecord]]:
    made = DrillRecord(ARCHIVE, HERE, finished, finished, 900, "16.4", "restore_drill_20260212_120000", ROWS, True)
    return NAME, Believed(replace(made, **changes), "SHA256:Yk2l9QmZ0c7vT1xWb8rJ4nHs6dFgPaEoUi3yLkMqRtw")  # type: ignore[arg-type]


def drills(*records: tuple[str, Believed[DrillRecord] | Doubted]) -> DrillFacts:
    return DrillFacts(HERE, BACKUPS, records)


def test_a_recent_drill_passes() -> None:
    stands(judge_drill(drills(drill()), PLAN), Status.PASSED, "2 days ago", "8115 rows in 2 tables")


@pytest.mark.parametrize(("age", "status"), [(timedelta(days=7), Status.PASSED), (timedelta(days=7, seconds=1), Status.FAILED)])
def test_the_limit_is_seven_days(age: timedelta, status: Status) -> None:
    stands(judge_drill(drills(drill(NOW - age)), PLAN), status)


def test_the_limit_is_a_setting() -> None:
    plan = replace(PLAN, target=Target(database=Database(drill_max_age_days=1)))
    stands(judge_drill(drills(drill()), plan), Status.FAILED, "more than 1 days", "nexy-tui db drill")


@pytest.mark.parametrize(
    "records",
    [
        (),
        ((NAME, Doubted("The key is not trusted.")),),
        (drill(database=replace(HERE, system="9")),),
        (drill(NOW + timedelta(hours=1)),),
        (("nexy_db_20260101T000000Z.tar.gz", drill()[1]),),
    ],
)
def test_an_unknown_age_counts_as_too_old(records: tuple[tuple[str, Believed[DrillRecord] | Doubted], ...]) -> None:
    stands(judge_drill(drills(*records), PLAN), Status.FAILED, "age is unknown", "nexy-tui db drill")


def test_a_doubted_record_does_not_hide_a_good_one() -> None:
    verdict = judge_drill(drills((NAME, Doubted("torn")), drill()), PLAN)
    stands(verdict, Status.PASSED)
    assert any(evidence.name == "not believed" for evidence in verdict.evidence)


def test_the_newest_drill_decides_also_when_it_failed() -> None:
    failed_later = drill(NOW - timedelta(days=1), passed=False, reason="pg_restore ended with status 1")
    stands(judge_drill(drills(drill(), failed_later), PLAN), Status.FAILED, "pg_restore ended with status 1", "nexy-tui db drill")
    stands(judge_drill(drills(failed_later, drill(NOW - timedelta(hours=1))), PLAN), Status.PASSED)


# --- runbooks ---


def test_a_missing_runbook_is_a_persons_to_attest() -> None:
    both = dict.fromkeys(RUNBOOKS, True)
    stands(judge_runbooks(both, PLAN), Status.PASSED)
    for name in RUNBOOKS:
        stands(judge_runbooks({**both, name: False}, PLAN), Status.INCONCLUSIVE, name)


def test_ages_are_told_as_people_tell_them() -> None:
    told = [backups._ago(timedelta(seconds=seconds)) for seconds in (5, 60, 125, 7199, 7200, 90000, 172800)]
    assert told == ["5 s ago", "1 minute ago", "2 minutes ago", "119 minutes ago", "2 hours ago", "25 hours ago", "2 days ago"]
