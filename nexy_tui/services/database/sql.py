"""The SQL spoken to the database: one read-only survey of the catalog, and the hardening.

Written with psql's variables (`:'app'` a literal, `:"app"` an identifier), so that the same text runs through psql on
the VM and, rendered, through psycopg from here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nexy_tui.core.database_rules import FORBIDDEN, GRANTED, PROTECTED_TABLES, SQLSTATE, TRIGGER

DRILL_LOCK = 4_208_112_026
"""Advisory lock key: whoever runs a drill holds it on the maintenance database, so that leftovers can be told from work in progress."""

MAINTENANCE = "postgres"
"""The database that drills are created and dropped from."""

DRILL_COMMENT = "nexy-tui restore drill"
"""Marks databases this tool made; of the others' it drops none."""

_VARIABLE = re.compile(r""":(['"])([a-z]+)\1""")
_TABLES = ", ".join(f"'{table}'" for table in PROTECTED_TABLES)
_GRANTED = ", ".join(GRANTED)
_FORBIDDEN = ", ".join(FORBIDDEN)


def render(text: str, names: Mapping[str, str]) -> str:
    """`text` with psql's variables filled in, quoted as psql quotes them."""

    def quoted(match: re.Match[str]) -> str:
        quote, value = match[1], names[match[2]]
        return quote + value.replace(quote, quote * 2) + quote

    return _VARIABLE.sub(quoted, text)


SILENCE = "SET LOCAL log_statement = 'none'; SET LOCAL log_min_duration_statement = -1; SET LOCAL log_min_error_statement = 'panic'"
"""What a superuser's transaction begins with before it names a password, so that the server's log does not hold it."""

DRILL_ROLE = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT CONNECTION LIMIT 4"
"""Whoever restores has no right but over the drill's own database: what the archive carries runs with that role's rights."""

_DRILL_LEFTOVERS = """
WITH ours AS (
  SELECT oid, rolname FROM pg_roles
  WHERE rolname ~ '^restore_drill_[0-9]{8}_[0-9]{6}$' AND shobj_description(oid, 'pg_authid') = :'comment'
)
SELECT 'database', datname FROM pg_database
WHERE datname ~ '^restore_drill_[0-9]{8}_[0-9]{6}$'
  AND (shobj_description(oid, 'pg_database') = :'comment' OR datdba IN (SELECT oid FROM ours))
UNION ALL SELECT 'role', rolname FROM ours ORDER BY 1, 2
"""
DRILL_LEFTOVERS = render(_DRILL_LEFTOVERS, {"comment": DRILL_COMMENT})
"""Databases first. A database's owner may change its comment, so its role's, which that may not, counts as well."""

UNFORCE = """
DO $unforce$
DECLARE
  item regclass;
BEGIN
  FOR item IN SELECT oid FROM pg_class WHERE relforcerowsecurity AND relnamespace = 'public'::regnamespace LOOP
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', item);
  END LOOP;
END
$unforce$
"""
"""Lets the owner of restored tables count all of their rows, as the superuser who dumped them did."""

CATALOG = f"""
WITH app AS (
  SELECT oid, rolname, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = :'app'
), reach AS (  -- every role whose rights the application can use: itself, and whatever it is a member of
  SELECT r.oid, r.rolname, r.rolsuper FROM app JOIN pg_roles r ON pg_has_role(app.oid, r.oid, 'MEMBER')
), relation AS (
  SELECT c.oid, c.relname, c.relkind FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
), excess AS (
  SELECT relation.relname AS tab, p.priv, min(reach.rolname) AS via
  FROM relation CROSS JOIN unnest(ARRAY['{"','".join(FORBIDDEN)}']) AS p(priv) CROSS JOIN reach
  WHERE has_table_privilege(reach.oid, relation.oid, p.priv)
     OR (p.priv = 'REFERENCES' AND has_any_column_privilege(reach.oid, relation.oid, 'REFERENCES'))
  GROUP BY 1, 2
), lacking AS (
  SELECT relation.relname AS tab, p.priv
  FROM relation CROSS JOIN unnest(ARRAY['{"','".join(GRANTED)}']) AS p(priv) CROSS JOIN app
  WHERE relation.relkind IN ('r', 'p') AND NOT has_table_privilege(app.oid, relation.oid, p.priv)
), owned AS (
  SELECT DISTINCT reach.rolname AS via, pg_describe_object(d.classid, d.objid, 0)
    || CASE WHEN reach.rolname = :'app' THEN '' ELSE ' as a member of ' || reach.rolname END AS thing
  FROM pg_shdepend d JOIN reach ON reach.oid = d.refobjid
  WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o'
    AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), defaults AS (
  SELECT d.defaclrole, d.defaclnamespace, x.grantee, x.privilege_type AS priv
  FROM pg_default_acl d CROSS JOIN aclexplode(d.defaclacl) x
  WHERE d.defaclobjtype = 'r' AND d.defaclnamespace IN (0, 'public'::regnamespace)
), guard AS (
  SELECT c.relname AS tab, p.oid AS fn, l.lanname, p.prosrc,
    t.tgenabled IN ('O', 'A') AND t.tgtype & 10 = 10 AND t.tgqual IS NULL AS armed
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_language l ON l.oid = p.prolang
  WHERE t.tgname = '{TRIGGER}' AND NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace
)
SELECT json_build_object(
  'version', current_setting('server_version'),
  'number', current_setting('server_version_num')::int,
  'system', (SELECT system_identifier::text FROM pg_control_system()),
  'database', current_database(),
  'tables', (SELECT coalesce(json_agg(relname ORDER BY relname), '[]') FROM relation
             WHERE relkind IN ('r', 'p') AND relname IN ({_TABLES})),
  'app', (SELECT json_build_object('name', rolname, 'superuser', rolsuper, 'createrole', rolcreaterole) FROM app),
  'owned', (SELECT json_build_object('count', count(*), 'some', coalesce((array_agg(thing ORDER BY thing))[1:5], '{{}}'),
              'via', coalesce((array_agg(DISTINCT via))[1:9], '{{}}')) FROM owned),
  'excess', (SELECT coalesce(json_agg(json_build_array(tab, privs, via) ORDER BY tab), '[]')
             FROM (SELECT tab, via, string_agg(priv, ',' ORDER BY priv) AS privs FROM excess GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 12) AS e),
  'lacking', (SELECT coalesce(json_agg(json_build_array(tab, privs) ORDER BY tab), '[]')
              FROM (SELECT tab, string_agg(priv, ',' ORDER BY priv) AS privs FROM lacking GROUP BY 1 ORDER BY 1 LIMIT 12) AS m),
  'create', (SELECT coalesce(bool_or(has_schema_privilege(oid, 'public', 'CREATE')), false) FROM reach),
  'defaultGranted', (SELECT coalesce(json_agg(DISTINCT priv), '[]') FROM defaults
                     WHERE grantee = (SELECT oid FROM app)
                       AND defaclrole = (SELECT oid FROM pg_roles WHERE rolname = :'superuser')),
  'defaultExcess', (SELECT coalesce(json_agg(DISTINCT priv), '[]') FROM defaults
                    WHERE (grantee = 0 OR grantee IN (SELECT oid FROM reach)) AND priv IN ('{"','".join(FORBIDDEN)}')),
  'guards', (SELECT coalesce(json_agg(json_build_array(tab, armed, fn::text) ORDER BY tab), '[]') FROM guard),
  'functions', (SELECT coalesce(json_object_agg(fn, json_build_array(lanname, left(prosrc, 1500))), '{{}}')
                FROM (SELECT DISTINCT fn, lanname, prosrc FROM guard) AS f)
)::text
"""
"""One row, one column: everything the checks judge, as JSON; short, since it must fit into run-command's 4,096 bytes.

The application's own role may read all of it."""

COUNT_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname"
"""The tables whose rows are counted: partitions count for themselves, so partitioned parents do not."""

HARDEN = f"""
SET LOCAL lock_timeout = '15s';
SELECT set_config('nexy.app', :'app', true), set_config('nexy.superuser', :'superuser', true);
DO $harden$
DECLARE
  app CONSTANT text := current_setting('nexy.app');
  super CONSTANT text := current_setting('nexy.superuser');
  item record;
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = app AND rolsuper) THEN
    EXECUTE format('ALTER ROLE %I NOSUPERUSER', app);
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = app AND rolcreaterole) THEN
    EXECUTE format('ALTER ROLE %I NOCREATEROLE', app);
  END IF;
  EXECUTE format('REASSIGN OWNED BY %I TO %I', app, super);
  FOR item IN  -- default privileges anybody set, in any of the ways that reach the application
    SELECT DISTINCT d.defaclrole::regrole AS creator, d.defaclnamespace AS space
    FROM pg_default_acl d CROSS JOIN aclexplode(d.defaclacl) x
    WHERE d.defaclobjtype = 'r' AND d.defaclnamespace IN (0, 'public'::regnamespace)
      AND x.grantee IN (0, (SELECT oid FROM pg_roles WHERE rolname = app)) AND x.privilege_type IN ('{"','".join(FORBIDDEN)}')
  LOOP
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %s %s REVOKE {_FORBIDDEN} ON TABLES FROM %I, PUBLIC',
      item.creator, CASE WHEN item.space = 0 THEN '' ELSE 'IN SCHEMA public' END, app);
  END LOOP;
END
$harden$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC, :"app";
GRANT USAGE ON SCHEMA public TO :"app";
REVOKE {_FORBIDDEN} ON ALL TABLES IN SCHEMA public FROM PUBLIC, :"app" CASCADE;
GRANT {_GRANTED} ON ALL TABLES IN SCHEMA public TO :"app";
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"superuser" IN SCHEMA public GRANT {_GRANTED} ON TABLES TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"superuser" IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO :"app";
CREATE OR REPLACE FUNCTION public.prevent_hard_delete() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
  RAISE EXCEPTION 'rows of % are never deleted', TG_TABLE_NAME USING ERRCODE = '{SQLSTATE}';
END
$guard$;
DO $guards$
DECLARE
  item record;
BEGIN
  FOR item IN
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname IN ({_TABLES})
  LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS {TRIGGER} ON public.%I', item.relname);
    EXECUTE format('CREATE TRIGGER {TRIGGER} BEFORE DELETE ON public.%I '
      'FOR EACH ROW EXECUTE FUNCTION public.prevent_hard_delete()', item.relname);
  END LOOP;
END
$guards$;
"""
"""To be run as the superuser inside one transaction. Doing it again changes nothing more."""
