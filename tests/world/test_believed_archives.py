"""Which archive is drilled: the newest that a signed record vouches for, or one adopted by its sha256; and from whose folder."""

from __future__ import annotations

import json
import secrets
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Inside, seldom
from databaseworld import Bench, bench, running, verdict
from test_database_vm import Machine, machine

from checks import backups
from checks.database_records import Believed, believe
from nexy_tui.actions.adopt import Adoption
from nexy_tui.actions.backup import Backup
from nexy_tui.actions.drill import Drill
from nexy_tui.cli.database import require_adoption
from nexy_tui.core.database_record import Archive, BackupRecord, DatabaseId
from nexy_tui.core.event import silent
from nexy_tui.core.finding import Status
from nexy_tui.core.problem import Refused, Unusable
from nexy_tui.runlog.sign import SeedSigner, sign_statement
from nexy_tui.services.database.archive import archive_name, file_sha256

__all__ = ["bench", "machine", "running"]

BOTH = ("local", "vm")
SELDOM_ON_THE_VM = ("local", seldom("vm"))


def backed_up(bench: Bench, machine: Machine, where: str) -> Path:
    """The archive of a backup that has its signed record."""
    result = Backup().run(bench.context(where=where)[0])
    name = next(name for name in result.digests if name.endswith(".tar.gz"))
    return (bench.backups if where == "local" else machine.backups) / name


def beside(archive: Path) -> Path:
    return archive.with_name(archive.name + ".backup.json")


STRAYS = ("no record", "unknown signer", "another archive's record", "another database", "other bytes", "of the future", "no statement")


@pytest.mark.parametrize("where", SELDOM_ON_THE_VM)
@pytest.mark.parametrize("stray", STRAYS)
def test_what_nobody_vouches_for_is_passed_over(bench: Bench, machine: Machine, where: str, stray: str) -> None:
    good = backed_up(bench, machine, where)
    newer = good.with_name(archive_name(datetime.now(UTC) + timedelta(minutes=1)))
    newer.write_bytes(b"somebody's")
    place, now = bench.place(where), datetime.now(UTC)
    archive, database = Archive(newer.name, 10, file_sha256(newer)), place.shelf().database
    record = BackupRecord(archive, database, now, now, "18", "18", {})
    signer = bench.signer
    match stray:
        case "unknown signer":
            signer = SeedSigner.from_seed(secrets.token_bytes(32), "a stranger")
        case "another archive's record":
            record = replace(record, archive=replace(archive, name=good.name))
        case "another database":
            record = replace(record, database=DatabaseId("127.0.0.1", 5432, database.name, "1"))
        case "other bytes":
            record = replace(record, archive=replace(archive, sha256="ab" * 32))
        case "of the future":
            record = replace(record, finished=now + timedelta(days=1))
    line = b"{}" if stray == "no statement" else sign_statement(record.statement(), signer)
    if stray != "no record":
        beside(newer).write_bytes(line + b"\n")
    result = Drill().run(bench.context(where=where)[0])
    assert good.name in result.digests and newer.name not in result.digests
    assert [evidence.value.split(":")[0] for evidence in result.evidence if evidence.name == "passed over"] == [newer.name]
    good.unlink()
    with pytest.raises(Refused, match=f"is believed: {newer.name} is not") as refusal:
        Drill().run(bench.context(where=where)[0])
    assert f"nexy-tui db drill --adopt {newer.name}" in str(refusal.value.remedy)


def test_a_record_of_any_length_hides_no_believed_archive_on_the_vm(bench: Bench, machine: Machine) -> None:
    good = backed_up(bench, machine, "vm")
    for minutes in (1, 2, 3):
        newer = good.with_name(archive_name(datetime.now(UTC) + timedelta(minutes=minutes)))
        newer.write_bytes(b"somebody's")
        beside(newer).write_bytes(b'{"payload":"' + secrets.token_hex(30_000).encode() + b'"}\n')
    assert good.name in Drill().run(bench.context(where="vm")[0]).digests


@pytest.mark.parametrize("where", BOTH)
def test_an_archive_of_the_teams_tool_is_adopted_by_its_sha256(bench: Bench, machine: Machine, where: str) -> None:
    archive = backed_up(bench, machine, where)
    beside(archive).unlink()
    sha256 = file_sha256(archive)
    asked = Drill(Adoption(archive.name))
    assert asked.confirmation(bench.services(where), bench.plan()) == f"adopt {sha256[:12]}"
    assert any(sha256 in line for line in asked.describe(bench.services(where), bench.plan()))
    with pytest.raises(Refused, match="not the archive that you vouch for"):
        Drill(Adoption(archive.name, "ab" * 32)).run(bench.context(where=where)[0])
    assert not beside(archive).exists()
    adoption = Drill(Adoption(archive.name, sha256))
    assert adoption.confirmation(bench.services(where), bench.plan()) is None
    context, intents = bench.context(where=where)
    result = adoption.run(context)
    assert (result.digests[archive.name], intents[0][1]["sha256"]) == (sha256, sha256)
    said = believe(beside(archive).read_bytes().removesuffix(b"\n"), bench.allowed, BackupRecord.read)
    assert isinstance(said, Believed) and said.record.adopted and said.record.archive.sha256 == sha256
    assert archive.name in Drill().run(bench.context(where=where)[0]).digests


def test_an_adopted_archive_is_no_backup_of_a_release(bench: Bench, machine: Machine) -> None:
    archive = backed_up(bench, machine, "local")
    assert verdict(bench, backups.BACKUP) is Status.PASSED
    Drill(Adoption(archive.name, file_sha256(archive))).run(bench.context()[0])
    assert verdict(bench, backups.BACKUP) is Status.FAILED
    assert verdict(bench, backups.DRILL) is Status.PASSED


def test_what_was_shown_is_what_is_adopted(bench: Bench, machine: Machine) -> None:
    archive = backed_up(bench, machine, "local")
    beside(archive).unlink()
    context, _ = bench.context()
    asked = Drill(Adoption(archive.name))
    asked.confirmation(context.services, context.plan)
    archive.write_bytes(b"somebody's")
    with pytest.raises(Refused, match="not the archive that you vouch for"):
        asked.run(context)
    assert not beside(archive).exists()


def test_only_an_archive_of_the_folder_is_adopted(bench: Bench, machine: Machine, tmp_path: Path) -> None:
    archive = backed_up(bench, machine, "local")
    (tmp_path / "elsewhere").write_bytes(archive.read_bytes())
    link = archive.with_name(archive_name(datetime.now(UTC) - timedelta(days=1)))
    link.symlink_to(tmp_path / "elsewhere")
    for name in ("../" + archive.name, link.name, archive_name(datetime.now(UTC) - timedelta(days=2))):
        for where in BOTH:
            with pytest.raises(Refused, match="has no archive"):
                Drill(Adoption(name, "ab" * 32)).run(bench.context(where=where)[0])


# --- the folder ---


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("where", BOTH)
def test_a_folder_that_git_fills_is_refused_until_it_is_untracked(bench: Bench, machine: Machine, where: str) -> None:
    archive = backed_up(bench, machine, where)
    root = bench.world.checkout_layout.root if where == "local" else machine.app
    git(root, "init", "-q")
    git(root, "add", "-f", "server/backups/postgres")
    for action in (Drill(), Drill(Adoption(archive.name, file_sha256(archive)))):
        with pytest.raises(Refused, match="tracked by git") as refusal:
            action.run(bench.context(where=where)[0])
        said = str(refusal.value)
        assert "git rm -r --cached -- server/backups/postgres" in said and "BACKUP_LOCAL_DIR" in said
    git(root, "rm", "-rq", "--cached", "--", "server/backups/postgres")
    assert archive.name in Drill().run(bench.context(where=where)[0]).digests


@pytest.mark.parametrize("where", BOTH)
def test_no_backup_is_laid_where_git_would_take_it_along(bench: Bench, machine: Machine, where: str) -> None:
    root = bench.world.checkout_layout.root if where == "local" else machine.app
    folder = root / "server/backups/postgres"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "laid.txt").write_text("by whoever may push")
    git(root, "init", "-q")
    git(root, "add", "-f", "server/backups/postgres")
    with pytest.raises(Refused, match="tracked by git"):
        Backup().run(bench.context(where=where)[0])
    assert [path.name for path in folder.iterdir()] == ["laid.txt"]
    git(root, "rm", "-rqf", "--", "server/backups/postgres")


@pytest.mark.parametrize("where", BOTH)
def test_a_folder_behind_a_link_is_refused(bench: Bench, machine: Machine, tmp_path: Path, where: str) -> None:
    archive = backed_up(bench, machine, where)
    archive.parent.rename(tmp_path / "really")
    archive.parent.symlink_to(tmp_path / "really")
    try:
        with pytest.raises(Refused, match="reached through a link") as refusal:
            Drill().run(bench.context(where=where)[0])
        assert "BACKUP_LOCAL_DIR" in str(refusal.value)
    finally:
        archive.parent.unlink()
        (tmp_path / "really").rename(archive.parent)
    into = tmp_path / "into"
    into.symlink_to(archive.parent)
    bench.extra["BACKUP_LOCAL_DIR"] = str(into)
    machine.configure(BACKUP_LOCAL_DIR=str(into))
    with pytest.raises(Refused, match="link that leads into"):
        Drill().run(bench.context(where=where)[0])


def test_a_backup_is_not_written_where_git_or_a_link_leads(bench: Bench, machine: Machine, tmp_path: Path) -> None:
    bench.backups.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "theirs").mkdir()
    bench.backups.symlink_to(tmp_path / "theirs")
    try:
        with pytest.raises(Refused, match="reached through a link"):
            bench.place().back_up(silent, lambda: False)
        assert list((tmp_path / "theirs").iterdir()) == []
    finally:
        bench.backups.unlink()


# --- the command ---


NAME = "nexy_db_20260101T000000Z.tar.gz"


@pytest.mark.parametrize(("adopt", "sha256"), [("", "ab" * 32), ("x", "ab" * 32), (f"../{NAME}", ""), (NAME, "a")])
def test_an_adoption_that_is_none_is_refused(adopt: str, sha256: str) -> None:
    with pytest.raises(Unusable) as refusal:
        require_adoption(adopt, sha256, yes=False)
    assert refusal.value.remedy


def test_the_command_asks_for_the_sha256_and_says_so(module_world: Inside) -> None:
    folder = module_world.world.checkout_layout.backups
    [archive] = folder.glob("nexy_db_*.tar.gz")
    beside(archive).unlink()
    drill = ("nexy-tui", "db", "drill", "--yes")
    refused = module_world.run(*drill, check=False)
    assert refused.returncode == 1 and f"nexy-tui db drill --adopt {archive.name}" in refused.stdout + refused.stderr
    unsaid = module_world.run(*drill, "--adopt", archive.name, check=False)
    assert unsaid.returncode == 2 and f"--adopt {archive.name} --sha256 HEX --yes" in unsaid.stdout + unsaid.stderr
    another = module_world.run(*drill, "--adopt", archive.name, "--sha256", "ab" * 32, check=False)
    assert another.returncode == 1 and "vouch for" in another.stdout + another.stderr
    assert not beside(archive).exists()
    adopted = module_world.run(*drill, "--adopt", archive.name, "--sha256", file_sha256(archive).upper(), "--json", check=False)
    assert adopted.returncode == 0, adopted.stdout + adopted.stderr
    assert json.loads(adopted.stdout)["outcome"] == "verified"
    assert module_world.run(*drill, check=False).returncode == 0
