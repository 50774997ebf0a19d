"""Archives that somebody else made, for tests: whole backups whose dump, or whose members, would do something when taken in."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from databaseworld import Bench

from nexy_tui.rehearsal.bundled import postgresql
from nexy_tui.services.database import archive as archive_format

SEEDBED = "seedbed"
MARK = "{mark}"
"""Stands for the path of a file that is there once something was done on the database's host."""

_EVIL = """
CREATE FUNCTION public.evil() RETURNS integer LANGUAGE plpgsql {definer} AS $evil$
BEGIN
  {act};
  RETURN 1;
END
$evil$;
CREATE FUNCTION public.still(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $still$
BEGIN
  PERFORM public.evil();
  RETURN value;
END
$still$;
"""
_PROGRAM = "COPY (SELECT 1) TO PROGRAM 'cat > {mark}'"
_NOTES = """
CREATE TABLE public.notes (id integer {default});
CREATE FUNCTION public.note() RETURNS integer LANGUAGE plpgsql AS $note$
BEGIN
  INSERT INTO public.notes {values};
  RETURN 1;
END
$note$;
"""


def _evil(act: str = _PROGRAM, definer: str = "") -> str:
    return _EVIL.replace("{act}", act).replace("{definer}", definer)


def _notes(default: str = "", values: str = "DEFAULT VALUES") -> str:
    return _NOTES.format(default=default, values=values)


POISONED = {
    "expression index": _evil() + "CREATE INDEX evil_index ON public.users (public.still(hardware_id_hash))",
    "column default": _evil() + _notes("DEFAULT public.evil()") + "CREATE MATERIALIZED VIEW public.evil_view AS SELECT public.note()",
    "trigger": _evil()
    + _notes(values="VALUES (1)")
    + """
CREATE FUNCTION public.fired() RETURNS trigger LANGUAGE plpgsql AS $fired$
BEGIN
  PERFORM public.evil();
  RETURN NEW;
END
$fired$;
CREATE TRIGGER evil_trigger BEFORE INSERT ON public.notes FOR EACH ROW EXECUTE FUNCTION public.fired();
CREATE MATERIALIZED VIEW public.evil_view AS SELECT public.note()""",
    "event trigger": """
CREATE FUNCTION public.evil() RETURNS event_trigger LANGUAGE plpgsql AS $evil$
BEGIN
  COPY (SELECT 1) TO PROGRAM 'cat > {mark}';
END
$evil$;
CREATE EVENT TRIGGER evil_trigger ON login EXECUTE FUNCTION public.evil()""",
    "extension": """
CREATE EXTENSION file_fdw;
CREATE SERVER evil_server FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE public.evil_table (line text) SERVER evil_server OPTIONS (program 'touch {mark}');
CREATE MATERIALIZED VIEW public.evil_view AS SELECT * FROM public.evil_table""",
    "large object": _evil("PERFORM lo_export(4711, '{mark}')")
    + "SELECT lo_from_bytea(4711, 'x'); CREATE INDEX evil_index ON public.users (public.still(hardware_id_hash))",
    "generated column": _evil() + "ALTER TABLE public.users ADD COLUMN evil text GENERATED ALWAYS AS (public.still('x')) STORED",
    "check": _evil() + "ALTER TABLE public.users ADD CHECK (public.still(hardware_id_hash) <> '')",
    "view": _evil()
    + "CREATE VIEW public.seen AS SELECT public.evil(); "
    + "CREATE MATERIALIZED VIEW public.evil_view AS SELECT * FROM public.seen",
    "security definer": _evil(definer="SECURITY DEFINER") + "CREATE MATERIALIZED VIEW public.evil_view AS SELECT public.evil()",
    "server file": _evil("COPY (SELECT 1) TO '{mark}'") + "CREATE MATERIALIZED VIEW public.evil_view AS SELECT public.evil()",
    "dynamic role": _evil("EXECUTE 'ALTER ROLE nexy_user SUPERUSER'") + "CREATE MATERIALIZED VIEW public.evil_view AS SELECT public.evil()",
}
"""By what acts: SQL that a superuser ran in the database before it was dumped. It acts once that is restored, or used."""

STATEMENTS = {
    "program": _PROGRAM,
    "superuser": "ALTER ROLE nexy_user SUPERUSER",
    "the session's own user": f"RESET SESSION AUTHORIZATION; RESET ROLE; SET ROLE postgres; {_PROGRAM}",
    "the server's settings": "ALTER SYSTEM SET archive_command = 'touch {mark}'",
    "a database's settings": "ALTER DATABASE voice_assistant_db SET search_path = evil",
    "a role's settings": "ALTER ROLE postgres SET search_path = evil",
    "tablespace": "CREATE TABLESPACE evil_space LOCATION '{mark}.space'",
    "large object": "SELECT lo_export(lo_from_bytea(0, 'x'), '{mark}')",
    "subscription": "CREATE SUBSCRIPTION evil CONNECTION 'host=192.0.2.1' PUBLICATION evil WITH (connect = false)",
    "membership": "GRANT pg_execute_server_program TO nexy_user",
    "another database": "DROP DATABASE bystander",
    "a new role": "CREATE ROLE evil SUPERUSER LOGIN",
    "read file": "CREATE TABLE evil AS SELECT pg_read_file('{mark}.secret'); COPY evil TO PROGRAM 'cat > {mark}'",
}
"""Statements of a dump itself, which pg_restore sends as they stand there."""


@dataclass(frozen=True)
class Host:
    """What there is to be changed: files beside the mark, and what of the server is not a restored database's own."""

    bench: Bench
    folder: Path

    @property
    def mark(self) -> Path:
        return self.folder / "mark"

    def state(self) -> object:
        sql = """SELECT (SELECT json_agg(json_build_array(rolname, rolsuper, rolcreaterole) ORDER BY rolname) FROM pg_roles)::text,
            (SELECT json_agg(json_build_array(roleid::regrole, member::regrole) ORDER BY 1) FROM pg_auth_members a)::text,
            (SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database),
            (SELECT string_agg(spcname, ' ' ORDER BY spcname) FROM pg_tablespace),
            (SELECT count(*) FROM pg_subscription),
            (SELECT json_agg(setconfig ORDER BY setdatabase, setrole) FROM pg_db_role_setting)::text,
            (SELECT json_agg(json_build_array(name, setting)) FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf')::text"""
        files = sorted(path.name for path in self.folder.iterdir() if path.name != "mark.space")
        return files, self.bench.sql(sql, dbname="postgres")

    def heal(self) -> None:
        """Undo whatever a hostile archive can do that was restored without care."""
        self.mark.unlink(missing_ok=True)
        existing = {name for (name,) in self.bench.sql("SELECT datname FROM pg_database", dbname="postgres")}
        if "elsewhere" in existing:
            if self.bench.sql("SELECT 1 FROM pg_subscription", dbname="elsewhere"):
                self.bench.sql("ALTER SUBSCRIPTION evil SET (slot_name = NONE)", "DROP SUBSCRIPTION evil", dbname="elsewhere")
            self.bench.sql("DROP DATABASE elsewhere WITH (FORCE)", dbname="postgres")
        if "bystander" not in existing:
            self.bench.sql("CREATE DATABASE bystander", dbname="postgres")
        self.bench.sql(
            "ALTER ROLE nexy_user NOSUPERUSER",
            "REVOKE pg_execute_server_program FROM nexy_user",
            "ALTER SYSTEM RESET ALL",
            "ALTER DATABASE voice_assistant_db RESET ALL",
            "ALTER ROLE postgres RESET ALL",
            "DROP TABLESPACE IF EXISTS evil_space",
            "DROP ROLE IF EXISTS evil",
            dbname="postgres",
        )


def environ(bench: Bench, dbname: str) -> dict[str, str]:
    """For stock programs, as the superuser."""
    where = {"PGHOST": "127.0.0.1", "PGPORT": str(bench.world.ports["database"]), "PGUSER": "postgres", "PGDATABASE": dbname}
    return {**where, "PGPASSWORD": bench.world.secrets.database_superuser_password}


def poisoned(bench: Bench, sql: str, mark: Path, folder: Path) -> bytes:
    """The dump of the service's database with that SQL run in it."""
    bench.sql(f"CREATE DATABASE {SEEDBED} TEMPLATE voice_assistant_db", dbname="postgres")
    try:
        bench.sql(sql.replace(MARK, str(mark)), dbname=SEEDBED)
        return dump(bench, SEEDBED, folder)
    finally:
        bench.sql(f"DROP DATABASE {SEEDBED} WITH (FORCE)", dbname="postgres")
        mark.unlink(missing_ok=True)


def dump(bench: Bench, dbname: str, folder: Path) -> bytes:
    """What pg_dump writes in its custom format."""
    target = folder / "made.dump"
    subprocess.run([postgresql() / "pg_dump", "-Fc", "-f", target], env=environ(bench, dbname), check=True)
    return target.read_bytes()


_PADDING = "/* " + "x" * 400 + " */"
CARRIER = f"CREATE FUNCTION public.carrier() RETURNS integer LANGUAGE sql AS $$ SELECT 1 {_PADDING} $$"


def carrying(carrier: bytes, statement: str, mark: Path) -> bytes:
    """The dump of a database with CARRIER, another statement in the place of the function's."""
    start = carrier.index(b"CREATE FUNCTION public.carrier()")
    end = carrier.index(b"*/ $$;", start) + len(b"*/ $$;")
    text = (statement.replace(MARK, str(mark)) + ";").encode()
    assert len(text) <= end - start
    return carrier[:start] + text.ljust(end - start) + carrier[end:]


def lay(folder: Path, dump: bytes, change: Callable[[tarfile.TarFile, str], None] | None = None) -> str:
    """An archive of now with that dump, its sums made to fit; `change` adds members. Its name."""
    name = archive_format.archive_name(datetime.now(UTC))
    stem = archive_format.stem_of(name)
    members = {"db.dump": dump, "schema.sql": b"", "metadata.env": b"PG_DUMP_VERSION=18\n"}
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {member}\n" for member, data in members.items())
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / name, "wb") as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for member, data in {**members, "SHA256SUMS": sums.encode()}.items():
            add(tar, f"{stem}/{member}", data)
        if change is not None:
            change(tar, stem)
    return name


def add(tar: tarfile.TarFile, name: str, data: bytes = b"", **fields: object) -> None:
    """A member of an archive."""
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    for key, value in fields.items():
        setattr(entry, key, value)
    tar.addfile(entry, io.BytesIO(data))


def restored_without_care(bench: Bench, dump: bytes, folder: Path) -> None:
    """What a drill must not be: pg_restore as the superuser, who then looks into what was restored."""
    made = folder / "careless.dump"
    made.write_bytes(dump)
    bench.sql("CREATE DATABASE elsewhere", dbname="postgres")
    argv: list[str | Path] = [postgresql() / "pg_restore", "-d", "elsewhere", made]
    subprocess.run(argv, env=environ(bench, "elsewhere"), capture_output=True, check=False)
    bench.sql("SELECT count(*) FROM public.users", dbname="elsewhere")
