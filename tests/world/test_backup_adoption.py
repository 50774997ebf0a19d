"""A backup that the team's own script made: what of it is recorded, and what is not."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Inside, MakeWorld

from nexy_tui.config import load_settings
from nexy_tui.core.event import silent
from nexy_tui.core.problem import ActionFailed
from nexy_tui.services import Services
from nexy_tui.services.database.adopt import adopt, look_before

TEAM = Path(__file__).parent / "team"
FOLDER = "server/scripts"


@pytest.fixture(scope="module")
def place(make_module_world: MakeWorld) -> Inside:
    """A world whose checkout has the team's own backup script."""
    inside = make_module_world()
    shutil.copyfile(TEAM / "db_backup.sh.in", inside.world.checkout_layout.scripts / "db_backup.sh")
    return inside


@pytest.fixture
def services(place: Inside) -> Services:
    return Services(load_settings(place.environ), place.checkout, environ=place.environ)


def _rerun(place: Inside) -> str:
    """The team's own backup; the name of the archive that it leaves."""
    done = place.run("bash", f"{FOLDER}/db_backup.sh")
    return done.stdout.split("Backup created: ")[1].split("\x1b")[0]


def _repack(folder: Path, name: str, new: str, change: Callable[[Path], None]) -> None:
    work = folder / "work"
    work.mkdir()
    subprocess.run(["tar", "-xzf", str(folder / name), "-C", str(work)], check=True)
    inner = work / new.removesuffix(".tar.gz")
    (work / name.removesuffix(".tar.gz")).rename(inner)
    change(inner)
    lines = [f"{hashlib.sha256((inner / part).read_bytes()).hexdigest()}  {part}\n" for part in ("db.dump", "schema.sql", "metadata.env")]
    (inner / "SHA256SUMS").write_text("".join(lines))
    subprocess.run(["tar", "-czf", str(folder / new), "-C", str(work), inner.name], check=True)
    shutil.rmtree(work)
    (folder / f"{new}.sha256").write_text(f"{hashlib.sha256((folder / new).read_bytes()).hexdigest()}  {new}\n")


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ("old", "its dump was made at .*, not in this run"),
        ("torn", "cannot be read whole|pg_restore does not read its dump"),
        ("sum", "sha256 does not give the sha256"),
        ("other database", "its dump is of the database postgres, not"),
        ("empty", "its dump holds no data of users"),
    ],
)
def test_an_archive_that_is_no_backup_of_now_is_not_recorded(place: Inside, services: Services, lie: str, reason: str) -> None:
    folder, new = place.checkout / "server/backups/postgres", "nexy_db_20981231T235959Z.tar.gz"
    old = _rerun(place)
    before = look_before(services, silent)
    if lie == "old":  # As if the run had begun a minute after that dump.
        before = replace(before, moment=before.moment + timedelta(minutes=1))

    def dumped(*options: str) -> Callable[[Path], None]:
        def dump(inner: Path) -> None:
            role = {"PGPASSWORD": place.environ["PG_SUPERUSER_PASSWORD"]}
            address = ("-h", place.environ["DB_HOST"], "-p", place.environ["DB_PORT"], "-U", place.environ.get("PG_SUPERUSER", "postgres"))
            place.run("pg_dump", "--no-password", *address, "-Fc", "-f", inner / "db.dump", *options, env=role)

        return dump

    changes: dict[str, Callable[[Path], None]] = {
        "old": lambda inner: None,
        "torn": lambda inner: (inner / "db.dump").write_bytes((inner / "db.dump").read_bytes()[:2000]) and None,
        "sum": dumped(place.environ["DB_NAME"]),
        "other database": dumped("postgres"),
        "empty": dumped("--schema-only", place.environ["DB_NAME"]),
    }
    try:
        _repack(folder, old, new, changes[lie])
        if lie == "sum":
            (folder / f"{new}.sha256").write_text(f"{'0' * 64}  {new}\n")
        with pytest.raises(ActionFailed, match=reason):
            adopt(services, before, silent, lambda: False)
    finally:
        for path in folder.glob(f"{new}*"):
            path.unlink()
    assert not list(folder.glob(".nexy_db_*")) and not (folder / ".backup.lock").exists()


def test_what_the_honest_script_leaves_is_counted_in_the_dump_itself(place: Inside, services: Services) -> None:
    before = look_before(services, silent)
    name = _rerun(place)
    made = adopt(services, before, silent, lambda: False)
    assert made.record.archive.name == name
    rows = {table: count for table, count in before.rows.items() if count}
    assert {table: made.record.rows[table] for table in rows} == rows
    assert made.record.started <= made.record.finished and made.record.pg_dump_version
    assert place.git("status", "--porcelain", "--", "server/backups") == ""
