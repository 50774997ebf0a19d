"""Records of backups and drills as statements, whether a line is believed, and which trigger functions can be seen to refuse."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from checks.database_records import Believed, Doubted, believe
from nexy_tui.core.database_record import Archive, BackupRecord, DatabaseId, DrillRecord
from nexy_tui.core.database_rules import always_refuses
from nexy_tui.runlog.sign import SeedSigner, sign_statement
from nexy_tui.runlog.trust import AllowedSigners, new_entry
from nexy_tui.services.database.dump import Extension, TableOfContents, wanted_extensions
from nexy_tui.services.database.settings import Address
from nexy_tui.services.database.sql import render

MADE = datetime(2026, 2, 14, 12, 0, 0, 5, tzinfo=UTC)
ARCHIVE = Archive("nexy_db_20260214T120000Z.tar.gz", 4711, "ab" * 32)
HERE = DatabaseId("127.0.0.1", 5432, "voice_assistant_db", "7711")
BACKUP = BackupRecord(ARCHIVE, HERE, MADE, MADE, "16.4", "18.6", {"users": 3, "sessions": 0}, "run-1")
DRILL = DrillRecord(ARCHIVE, HERE, MADE, MADE, 900, "16.4", "restore_drill_20260214_120000", {"users": 3}, True)
SIGNER = SeedSigner.from_seed(bytes(range(32)), "test")
TRUSTED = AllowedSigners((new_entry("ada@example.com", SIGNER.public, MADE - timedelta(days=1)),))


@pytest.mark.parametrize("record", [BACKUP, replace(BACKUP, run=None), DRILL, replace(DRILL, passed=False, reason="pg_restore said no")])
def test_a_record_reads_back_as_it_was_written(record: BackupRecord | DrillRecord) -> None:
    assert type(record).read(record.statement()) == record


def test_a_statement_names_the_archive_by_its_digest() -> None:
    assert BACKUP.statement()["subject"] == [{"name": ARCHIVE.name, "digest": {"sha256": ARCHIVE.sha256}}]
    assert BACKUP.statement()["predicateType"] != DRILL.statement()["predicateType"]


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("_type",), "other"),
        (("predicateType",), "https://example.com/other/v1"),
        (("predicate",), []),
        (("subject",), []),
        (("subject",), [{"name": "x", "digest": {"sha256": "short"}}]),
        (("predicate", "finished"), "yesterday"),
        (("predicate", "finished"), "2026-02-14T12:00:00"),
        (("predicate", "finished"), None),
        (("predicate", "rows"), {"users": -1}),
        (("predicate", "rows"), {"users": True}),
        (("predicate", "rows"), 7),
        (("predicate", "size"), "4711"),
        (("predicate", "database"), {"host": "h", "port": "5432", "name": "n", "system": "s"}),
        (("predicate", "run"), 3),
    ],
)
def test_what_was_not_written_so_is_not_read(where: tuple[str, ...], value: object) -> None:
    statement: Any = deepcopy(BACKUP.statement())
    inner = statement
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    with pytest.raises(ValueError, match="it"):
        BackupRecord.read(statement)


def test_a_drill_without_an_outcome_is_not_read() -> None:
    statement: Any = DRILL.statement()
    statement["predicate"]["outcome"] = "skipped"
    with pytest.raises(ValueError, match="neither passed nor failed"):
        DrillRecord.read(statement)


def test_a_backup_record_is_no_drill_record() -> None:
    with pytest.raises(ValueError, match="not a statement of the kind"):
        DrillRecord.read(BACKUP.statement())


def test_a_line_of_a_trusted_key_is_believed() -> None:
    assert believe(sign_statement(BACKUP.statement(), SIGNER), TRUSTED, BackupRecord.read) == Believed(BACKUP, SIGNER.keyid)


@pytest.mark.parametrize(
    "line",
    [
        sign_statement(BACKUP.statement(), SeedSigner.from_seed(bytes(32), "other")),
        sign_statement(BACKUP.statement(), SIGNER).replace(b'"sig":"', b'"sig":"AAAA'),
        sign_statement(BACKUP.statement(), SIGNER) + b" ",
        sign_statement(DRILL.statement(), SIGNER),
        sign_statement(replace(BACKUP, finished=MADE - timedelta(days=2)).statement(), SIGNER),  # before the key was valid
        b"{}",
        b"",
        b"\xff",
    ],
)
def test_any_other_line_is_doubted_with_a_reason(line: bytes) -> None:
    doubted = believe(line, TRUSTED, BackupRecord.read)
    assert isinstance(doubted, Doubted)
    assert doubted.reason.endswith(".")


# --- trigger functions ---


@pytest.mark.parametrize(
    "body",
    [
        "BEGIN RAISE EXCEPTION 'never' USING ERRCODE = '42501'; END",
        "\nBEGIN\n RAISE EXCEPTION 'Off; BEGIN' USING ERRCODE = '42501', HINT = 'soft; delete';\nRETURN OLD;\nEND;\n",
        "begin raise exception 'it''s off' using errcode = 'insufficient_privilege'; end",
        "BEGIN -- refuse\n /* a; b */ RAISE insufficient_privilege USING MESSAGE = 'no'; END",
        "BEGIN RAISE SQLSTATE '42501'; END",
    ],
)
def test_functions_that_can_be_seen_to_refuse(body: str) -> None:
    assert always_refuses("plpgsql", body)


@pytest.mark.parametrize(
    "body",
    [
        "BEGIN RETURN OLD; END",
        "BEGIN RAISE EXCEPTION 'no'; END",
        "BEGIN RAISE EXCEPTION '42501'; END",
        "BEGIN RAISE NOTICE 'no' USING ERRCODE = '42501'; RETURN OLD; END",
        "BEGIN RAISE WARNING 'no' USING ERRCODE = '42501'; RETURN OLD; END",
        "BEGIN IF current_user = 'x' THEN RAISE EXCEPTION 'no' USING ERRCODE = '42501'; END IF; RETURN OLD; END",
        "BEGIN RETURN OLD; RAISE EXCEPTION 'no' USING ERRCODE = '42501'; END",
        "BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '42501'; EXCEPTION WHEN OTHERS THEN RETURN OLD; END",
        "BEGIN -- RAISE EXCEPTION 'no' USING ERRCODE = '42501';\n RETURN OLD; END",
        "BEGIN /* RAISE EXCEPTION 'no' USING ERRCODE = '42501'; */ RETURN OLD; END",
        "",
    ],
)
def test_functions_that_cannot(body: str) -> None:
    assert not always_refuses("plpgsql", body)


def test_other_languages_cannot_be_read() -> None:
    assert not always_refuses("sql", "BEGIN RAISE EXCEPTION 'never' USING ERRCODE = '42501'; END")


# --- addresses and SQL ---


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("/var/run/postgresql", True),
        ("10.0.0.4", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("db", False),
    ],
)
def test_what_counts_as_loopback(host: str, loopback: bool) -> None:
    assert Address(host, 5432, "x").loopback is loopback


def test_names_are_quoted_as_psql_quotes_them() -> None:
    text = "GRANT x TO :\"app\"; SELECT :'app', a::text, ':app', :other"
    assert render(text, {"app": "o'b\"c"}) == "GRANT x TO \"o'b\"\"c\"; SELECT 'o''b\"c', a::text, ':app', :other"


LISTING = """;
; Archive created at 2026-02-14 12:00:00 UTC
;
7; 2615 17001 SCHEMA - extensions postgres
3; 3079 17002 EXTENSION - citext postgres
4; 3079 17003 EXTENSION - plperlu postgres
4300; 0 0 COMMENT - EXTENSION citext postgres
219; 1259 17100 TABLE public users postgres
4299; 0 0 ACL public TABLE users postgres
4301; 0 0 DEFAULT ACL public DEFAULT PRIVILEGES FOR TABLES postgres
3410; 3466 17200 EVENT TRIGGER - watch postgres
4200; 6104 17300 PUBLICATION - everything postgres
4201; 6106 17301 PUBLICATION TABLE public everything users postgres
4292; 0 17100 TABLE DATA public users postgres
"""
SCRIPT = """
CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA extensions;
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS plperlu WITH SCHEMA pg_catalog;
CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public; DROP DATABASE x;
"""


def test_what_only_a_superuser_may_make_is_left_out_of_a_drill() -> None:
    listed = TableOfContents(LISTING)
    made = wanted_extensions(SCRIPT)
    assert made == [Extension("citext", "extensions"), Extension("uuid-ossp", "public")]
    assert [line.split(";")[0] for line in listed.extensions.splitlines()] == ["3", "4"]
    assert [line.split(";")[0] for line in listed.kept(made).splitlines() if line[0] != ";"] == ["219", "4292"]
    assert [line.split(";")[0] for line in listed.kept([]).splitlines() if line[0] != ";"] == ["7", "219", "4292"]
    told = ["EXTENSION plperlu", "EVENT TRIGGER watch", "PUBLICATION everything", "PUBLICATION TABLE everything users"]
    assert listed.left_out(made) == told


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_whether_an_archive_was_adopted_is_said_plainly_or_not_believed(value: object) -> None:
    adopted = replace(BACKUP, adopted=True)
    assert BackupRecord.read(adopted.statement()) == adopted
    statement = cast("dict[str, Any]", adopted.statement())
    statement["predicate"]["adopted"] = value
    with pytest.raises(ValueError, match="adopted"):
        BackupRecord.read(statement)
