"""The hardening against the rehearsal's real PostgreSQL: every weakness is seen and mended; and looks that only look."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from databaseworld import Bench, bench, running, verdict

from checks import backups
from checks import database as checks
from nexy_tui.actions.harden import Harden
from nexy_tui.core.finding import Status
from nexy_tui.core.problem import ActionFailed, CouldNotLook

__all__ = ["bench", "running"]

SABOTAGE = {
    "delete": "GRANT DELETE ON users TO nexy_user",
    "delete to all": "GRANT DELETE ON payments TO PUBLIC",
    "truncate": "GRANT TRUNCATE ON sessions TO nexy_user",
    "trigger right": "GRANT TRIGGER ON commands TO nexy_user",
    "references of a column": "GRANT REFERENCES (id) ON users TO nexy_user",
    "lost update": "REVOKE UPDATE ON users FROM nexy_user",
    "table owner": "ALTER TABLE screenshots OWNER TO nexy_user",
    "database owner": "ALTER DATABASE voice_assistant_db OWNER TO nexy_user",
    "function owner": "ALTER FUNCTION prevent_hard_delete() OWNER TO nexy_user",
    "other schema": "CREATE SCHEMA side AUTHORIZATION nexy_user",
    "create": "GRANT CREATE ON SCHEMA public TO nexy_user",
    "create to all": "GRANT CREATE ON SCHEMA public TO PUBLIC",
    "default delete": "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT DELETE ON TABLES TO nexy_user",
    "default delete everywhere": "ALTER DEFAULT PRIVILEGES GRANT DELETE ON TABLES TO PUBLIC",
    "default lost": "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE INSERT ON TABLES FROM nexy_user",
    "trigger gone": "DROP TRIGGER prevent_hard_delete_trigger ON users",
    "trigger off": "ALTER TABLE users DISABLE TRIGGER prevent_hard_delete_trigger",
    "trigger for replicas": "ALTER TABLE users ENABLE REPLICA TRIGGER prevent_hard_delete_trigger",
    "trigger with a condition": "DROP TRIGGER prevent_hard_delete_trigger ON users; CREATE TRIGGER prevent_hard_delete_trigger "
    "BEFORE DELETE ON users FOR EACH ROW WHEN (OLD.is_active) EXECUTE FUNCTION prevent_hard_delete()",
    "trigger for updates": "DROP TRIGGER prevent_hard_delete_trigger ON users; CREATE TRIGGER prevent_hard_delete_trigger "
    "BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION prevent_hard_delete()",
    "toothless function": "CREATE OR REPLACE FUNCTION prevent_hard_delete() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
    "superuser": "ALTER ROLE nexy_user SUPERUSER",
    "creates roles": "ALTER ROLE nexy_user CREATEROLE",
    "new table": "CREATE TABLE extra (id int); GRANT ALL ON extra TO nexy_user",
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_each_weakness_is_seen_and_mended(bench: Bench, name: str) -> None:
    assert verdict(bench, checks.HARDENING) is Status.PASSED
    try:
        bench.sql(SABOTAGE[name])
        assert verdict(bench, checks.HARDENING) is Status.FAILED
        context, intents = bench.context()
        assert Harden().run(context).changed
        assert len(intents) == 1
        assert verdict(bench, checks.HARDENING) is Status.PASSED
    finally:
        bench.sql("DROP TABLE IF EXISTS extra; DROP SCHEMA IF EXISTS side")


def test_a_membership_is_seen_and_named(bench: Bench) -> None:
    bench.sql("CREATE ROLE writers", "GRANT DELETE ON users TO writers", "GRANT writers TO nexy_user WITH INHERIT FALSE")
    try:
        scope = bench.scope()
        found = checks.judge_hardening(checks.look_catalog(scope), scope.plan)
        assert found.status is Status.FAILED
        assert "REVOKE writers FROM nexy_user" in str(found.remedy)
    finally:
        bench.sql("DROP OWNED BY writers", "DROP ROLE writers")


@pytest.mark.parametrize("role", ["app", "superuser"])
def test_delete_is_refused_with_42501(bench: Bench, role: str) -> None:
    with pytest.raises(psycopg.Error) as refusal:
        bench.sql("DELETE FROM payments", role=role)
    assert refusal.value.sqlstate == "42501"


def test_the_application_still_works(bench: Bench) -> None:
    rows = bench.sql(
        "INSERT INTO token_usage (user_id, model, input_tokens, output_tokens) SELECT id, 'm', 1, 2 FROM users LIMIT 1",
        "UPDATE users SET is_active = true WHERE hardware_id_hash = (SELECT min(hardware_id_hash) FROM users)",
        "SELECT count(*) FROM token_usage WHERE total_tokens = 3",
        role="app",
    )
    assert rows[0][0] >= 1


def test_hardening_what_is_hardened_does_nothing(bench: Bench) -> None:
    before = bench.sql("SELECT xmin, tgname FROM pg_trigger ORDER BY oid")
    context, intents = bench.context()
    assert not Harden().run(context).changed
    assert intents == []
    assert bench.sql("SELECT xmin, tgname FROM pg_trigger ORDER BY oid") == before


def test_hardening_that_fails_changes_nothing(bench: Bench) -> None:
    bench.sql("GRANT DELETE ON users TO nexy_user", "CREATE VIEW prevent AS SELECT 1")
    bench.sql("ALTER FUNCTION prevent_hard_delete() RENAME TO moved", "CREATE PROCEDURE prevent_hard_delete() LANGUAGE sql AS ''")
    try:
        with pytest.raises(ActionFailed, match="Hardening failed"):
            Harden().run(bench.context()[0])
        assert bench.sql("SELECT has_table_privilege('nexy_user', 'users', 'DELETE')") == [(True,)]
    finally:
        bench.sql("DROP VIEW prevent", "DROP PROCEDURE prevent_hard_delete()", "ALTER FUNCTION moved() RENAME TO prevent_hard_delete")


# --- looks ---


def test_a_stranger_and_a_closed_door(bench: Bench) -> None:
    bench.extra["DB_PASSWORD"] = "wrong"
    scope = bench.scope()
    found = checks.judge_reachable(checks.look_survey(scope), scope.plan)
    assert found.status is Status.FAILED
    assert "password authentication failed" in found.summary and "wrong" not in found.summary.replace("wrong password", "")
    bench.extra |= {"DB_PASSWORD": "x", "DB_PORT": "1"}
    scope = bench.scope()
    found = checks.judge_reachable(checks.look_survey(scope), scope.plan)
    assert found.status is Status.FAILED and "refused" in found.summary
    for look in (checks.look_catalog, checks.look_tools, backups.look_backup, backups.look_drill):
        with pytest.raises(CouldNotLook, match="refused"):
            look(scope)


def test_a_look_writes_nothing(bench: Bench) -> None:
    before = bench.sql("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables")
    scope = bench.scope()
    for check in (checks.REACHABLE, checks.TABLES, checks.HARDENING, checks.TOOLS, backups.BACKUP, backups.DRILL):
        check.judge(check.look(scope), scope.plan)
    assert bench.sql("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables") == before
    assert not bench.backups.exists()


def test_the_first_pg_dump_that_is_new_enough_is_taken(bench: Bench, tmp_path: Path) -> None:
    for folder, version in (("old", "9.6.24"), ("new", "99.1")):
        (tmp_path / folder).mkdir()
        script = tmp_path / folder / "pg_dump"
        script.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}'\n")
        script.chmod(0o755)
    bench.extra |= {"NEXY_PG_BIN": "", "PATH": f"{tmp_path}/old:{tmp_path}/new"}
    assert verdict(bench, checks.TOOLS) is Status.PASSED
    bench.extra["NEXY_PG_BIN"] = str(tmp_path / "old")
    assert verdict(bench, checks.TOOLS) is Status.FAILED
    bench.extra["NEXY_PG_BIN"] = str(tmp_path)
    assert verdict(bench, checks.TOOLS) is Status.FAILED


def test_the_runbooks_are_looked_for_where_the_layout_has_them(bench: Bench) -> None:
    assert verdict(bench, checks.RUNBOOKS_HERE) is Status.PASSED
    path = bench.world.checkout_layout.path(checks.RUNBOOKS[1])
    text = path.read_text()
    path.write_text("")
    try:
        assert verdict(bench, checks.RUNBOOKS_HERE) is Status.INCONCLUSIVE
    finally:
        path.write_text(text)
