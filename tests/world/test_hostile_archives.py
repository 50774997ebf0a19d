"""Archives of whoever may push: unsigned they are not restored, and even signed they do nothing but in the drill's own database."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import seldom, some
from databaseworld import Bench, bench, running
from hostilearchives import (
    CARRIER,
    POISONED,
    STATEMENTS,
    Host,
    add,
    carrying,
    dump,
    environ,
    lay,
    poisoned,
    restored_without_care,
)
from test_database_vm import Machine, machine

from nexy_tui.actions.backup import Backup
from nexy_tui.actions.drill import Drill
from nexy_tui.core.database_record import DrillRecord
from nexy_tui.core.problem import Refused
from nexy_tui.rehearsal.bundled import postgresql

__all__ = ["bench", "machine", "running"]


@pytest.fixture
def host(bench: Bench, tmp_path: Path) -> Iterator[Host]:
    folder = tmp_path / "host"
    folder.mkdir()
    (folder / "mark.space").mkdir()
    for path in (folder, folder / "mark.space"):
        path.chmod(0o777)
    (folder / "mark.secret").write_text("secret")
    (folder / "mark.secret").chmod(0o644)
    made = Host(bench, folder)
    made.heal()
    yield made
    made.heal()
    bench.sql("DROP DATABASE bystander", dbname="postgres")


@pytest.fixture(scope="module")
def carrier(running: Bench, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A dump whose one function gives its place to any statement."""
    running.sql("CREATE DATABASE seedbed TEMPLATE voice_assistant_db", dbname="postgres")
    try:
        running.sql(CARRIER, dbname="seedbed")
        return dump(running, "seedbed", tmp_path_factory.mktemp("carrier"))
    finally:
        running.sql("DROP DATABASE seedbed WITH (FORCE)", dbname="postgres")


def folder_of(bench: Bench, where: str) -> Path:
    """The backup folder of a place."""
    return bench.backups if where == "local" else Path(bench.place("vm").shelf().directory.split(" on VM")[0])


def refused_unsigned(bench: Bench, host: Host, where: str, name: str) -> None:
    """Nobody vouches for it: it is refused, and nothing was done."""
    before = host.state()
    with pytest.raises(Refused, match="it has no signed record") as refusal:
        Drill().run(bench.context(where=where)[0])
    assert f"nexy-tui db drill --adopt {name}" in str(refusal.value.remedy) and "nexy-tui db backup" in str(refusal.value.remedy)
    assert host.state() == before


def drilled(bench: Bench, host: Host, where: str) -> DrillRecord:
    """Drilled as if it were believed: nothing of it may be seen outside its own database."""
    before = host.state()
    record = bench.drill(where)
    assert host.state() == before
    assert (bench.drill_databases(), bench.drill_roles()) == ([], [])
    return record


def hostile_dump(bench: Bench, host: Host, tmp_path: Path, where: str, data: bytes) -> DrillRecord:
    """The dump does its worst where it is restored without care; unsigned and signed it does nothing."""
    name = lay(folder_of(bench, where), data)
    refused_unsigned(bench, host, where, name)
    record = drilled(bench, host, where)
    before = host.state()
    restored_without_care(bench, data, tmp_path)
    assert host.state() != before
    host.heal()
    return record


LEFT_OUT = ("event trigger",)
ORDINARY = ("expression index", "event trigger", "extension")


@pytest.mark.parametrize("kind", some(POISONED, ORDINARY))
def test_what_a_dump_carries_does_nothing_here(bench: Bench, host: Host, tmp_path: Path, kind: str) -> None:
    data = poisoned(bench, POISONED[kind], host.mark, tmp_path)
    record = hostile_dump(bench, host, tmp_path, "local", data)
    assert record.passed is (kind in LEFT_OUT), record.reason
    assert record.passed or "pg_restore ended with status" in record.reason
    assert kind != "extension" or "left out EXTENSION" in record.reason


@pytest.mark.parametrize("kind", some(STATEMENTS, ("program", "the session's own user")))
def test_a_statement_of_the_dump_itself_does_nothing_here(bench: Bench, host: Host, tmp_path: Path, carrier: bytes, kind: str) -> None:
    record = hostile_dump(bench, host, tmp_path, "local", carrying(carrier, STATEMENTS[kind], host.mark))
    assert not record.passed and "pg_restore ended with status" in record.reason


@pytest.mark.parametrize("kind", some(POISONED, ("extension",)))
def test_what_a_dump_carries_does_nothing_on_the_vm(bench: Bench, machine: Machine, host: Host, tmp_path: Path, kind: str) -> None:
    data = poisoned(bench, POISONED[kind], host.mark, tmp_path)
    record = hostile_dump(bench, host, tmp_path, "vm", data)
    assert record.passed is (kind in LEFT_OUT), record.reason
    assert kind != "extension" or "left out EXTENSION" in record.reason


@pytest.mark.parametrize("kind", some(STATEMENTS, ("the session's own user",)))
def test_a_statement_of_the_dump_itself_does_nothing_on_the_vm(
    bench: Bench, machine: Machine, host: Host, tmp_path: Path, carrier: bytes, kind: str
) -> None:
    assert not hostile_dump(bench, host, tmp_path, "vm", carrying(carrier, STATEMENTS[kind], host.mark)).passed


@pytest.mark.parametrize("where", [seldom("local"), "vm"])
def test_a_script_under_the_dumps_name_is_no_dump(bench: Bench, machine: Machine, host: Host, tmp_path: Path, where: str) -> None:
    script = f"\\! touch {host.mark}\n".encode()
    (tmp_path / "script").write_bytes(script)
    subprocess.run([postgresql() / "psql", "-f", tmp_path / "script"], env=environ(bench, "postgres"), check=True)
    assert host.mark.exists()
    host.mark.unlink()
    refused_unsigned(bench, host, where, lay(folder_of(bench, where), script))
    record = drilled(bench, host, where)
    assert "db.dump is not in pg_dump's custom format" in record.reason


# --- members ---

Change = Callable[[tarfile.TarFile, str, Path], None]


def through_a_link(tar: tarfile.TarFile, stem: str, mark: Path) -> None:
    add(tar, stem, type=tarfile.SYMTYPE, linkname=str(mark.parent))
    add(tar, f"{stem}/mark", b"x")


MEMBERS: dict[str, Change] = {
    "outside": lambda tar, stem, mark: add(tar, f"{stem}/../../../../../../../../../../..{mark}", b"x"),
    "absolute": lambda tar, stem, mark: add(tar, str(mark), b"x"),
    "another folder": lambda tar, stem, mark: add(tar, "elsewhere/db.dump", b"x"),
    "link": lambda tar, stem, mark: add(tar, f"{stem}/link", type=tarfile.SYMTYPE, linkname=str(mark.parent)),
    "through a link": through_a_link,
    "hard link": lambda tar, stem, mark: add(tar, f"{stem}/hard", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
    "device": lambda tar, stem, mark: add(tar, f"{stem}/device", type=tarfile.CHRTYPE, devmajor=1, devminor=5),
    "pipe": lambda tar, stem, mark: add(tar, f"{stem}/pipe", type=tarfile.FIFOTYPE),
    "twice": lambda tar, stem, mark: add(tar, f"{stem}/db.dump", b"PGDMP"),
    "expansion": lambda tar, stem, mark: add(tar, f"{stem}/more", bytes(100 << 20)),
}


@pytest.mark.parametrize("where", ["local", seldom("vm")])
@pytest.mark.parametrize("kind", some(MEMBERS, ("outside", "through a link", "twice", "expansion")))
def test_a_member_that_has_no_place_there_is_refused(bench: Bench, machine: Machine, host: Host, kind: str, where: str) -> None:
    folder = folder_of(bench, where)
    name = lay(folder, b"PGDMP", lambda tar, stem: MEMBERS[kind](tar, stem, host.mark))
    refused_unsigned(bench, host, where, name)
    record = drilled(bench, host, where)
    assert "cannot be read whole" in record.reason
    assert [path.name for path in folder.iterdir()] == [name]


# --- the drill's role ---


@pytest.mark.parametrize("where", ["local", seldom("vm")])
def test_what_a_killed_drill_left_goes_by_its_role_alone(bench: Bench, machine: Machine, where: str) -> None:
    """The owner of a database may take its comment away; the role's it may not."""
    name = "restore_drill_20260101_000000"
    comment = f"COMMENT ON ROLE {name} IS 'nexy-tui restore drill'"
    bench.sql(f"CREATE ROLE {name} LOGIN", comment, f"CREATE DATABASE {name} OWNER {name}", dbname="postgres")
    Backup().run(bench.context(where=where)[0])
    Drill().run(bench.context(where=where)[0])
    assert (bench.drill_databases(), bench.drill_roles()) == ([], [])


@pytest.mark.parametrize("where", [seldom("local"), "vm"])
def test_a_believed_archive_with_extensions_and_rights_restores(bench: Bench, machine: Machine, where: str) -> None:
    """What the service may use: extensions, also in a schema of their own, and tables whose owner sees no rows but by a policy."""
    bench.sql(
        "CREATE SCHEMA extensions",
        "CREATE EXTENSION citext",
        "CREATE EXTENSION pg_trgm WITH SCHEMA extensions",
        "CREATE TABLE names (name citext PRIMARY KEY)",
        "INSERT INTO names VALUES ('Ada'), ('Grace')",
        "CREATE INDEX ON names USING gin ((name::text) extensions.gin_trgm_ops)",
        "ALTER TABLE names ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        "CREATE PUBLICATION everything FOR ALL TABLES",
        "COMMENT ON TABLE names IS 'people'",
        "GRANT SELECT ON names TO nexy_user",
    )
    try:
        Backup().run(bench.context(where=where)[0])
        result = Drill().run(bench.context(where=where)[0])
    finally:
        bench.sql(
            "DROP PUBLICATION everything",
            "DROP TABLE names",
            "DROP EXTENSION citext, pg_trgm",
            "DROP SCHEMA extensions",
        )
    assert {evidence.name: evidence.value for evidence in result.evidence}["names"] == "2 rows"
