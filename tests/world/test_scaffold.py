"""`nexy-tui scaffold`: what it lays, what it never touches, how its scripts live beside a release, and the one that works on the VM."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Inside, MakeWorld

from nexy_tui.core.layout import Layout
from nexy_tui.core.target import Target
from nexy_tui.services.team_scripts import NAMES, text

FOLDER = "server/scripts"
THEIRS = "update_server_version.sh"
"""The world's repository has this one of its own."""

OURS = [name for name in NAMES if name != THEIRS]


@pytest.fixture(scope="module")
def world(make_module_world: MakeWorld) -> Inside:
    """A tree without the team's publisher script."""
    return make_module_world(seed=["no-publisher"])


@pytest.fixture
def inside(world: Inside) -> Iterator[Inside]:
    """The module's world, its checkout and its code repository put back afterwards."""
    checkout, bare = world.checkout, world.world.bare("Seregawpn/Nexy_server")
    head = world.git("rev-parse", "HEAD")
    yield world
    world.reset(head)
    world.git("clean", "-fdq", "--", FOLDER)
    world.git("update-ref", "refs/heads/main", head, cwd=bare)
    assert (checkout / FOLDER / THEIRS).is_file()


def scaffold(inside: Inside, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return inside.run("nexy-tui", "scaffold", *arguments, check=check)


def words(said: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """What became of each script."""
    rows = [line.split() for line in said.stdout.splitlines()]
    return {row[1].removeprefix(f"{FOLDER}/"): row[0] for row in rows if len(row) > 1 and row[1].startswith(FOLDER)}


def tree(inside: Inside, item: str = "version.tree") -> tuple[int, str]:
    done = inside.run("nexy-tui", "check", item, check=False)
    return done.returncode, done.stdout


def test_it_lays_what_is_missing_and_nothing_else(inside: Inside) -> None:
    before = (inside.checkout / FOLDER / THEIRS).read_bytes()
    assert words(scaffold(inside)) == {**dict.fromkeys(OURS, "laid"), THEIRS: "left"}
    folder = inside.checkout / FOLDER
    assert {path.name for path in folder.iterdir()} == set(NAMES)
    assert all(os.access(folder / name, os.X_OK) for name in NAMES)
    assert all((folder / name).read_bytes() == text(name, Target()) for name in OURS)
    assert (folder / THEIRS).read_bytes() == before
    assert {line[3:] for line in inside.changes()} == {f"{FOLDER}/{name}" for name in OURS}


def test_a_second_time_it_changes_nothing(inside: Inside) -> None:
    scaffold(inside)
    stamps = {path: path.stat().st_mtime_ns for path in (inside.checkout / FOLDER).iterdir()}
    assert words(scaffold(inside)) == {**dict.fromkeys(OURS, "there"), THEIRS: "left"}
    assert {path: path.stat().st_mtime_ns for path in (inside.checkout / FOLDER).iterdir()} == stamps


def test_a_dry_run_writes_nothing(inside: Inside) -> None:
    said = scaffold(inside, "--dry-run")
    first, *_, last = said.stdout.splitlines()
    assert first.split() == ["would", "lay", f"{FOLDER}/update_version.py"]
    assert last == "Nothing was written."
    assert [path.name for path in (inside.checkout / FOLDER).iterdir()] == [THEIRS]


@pytest.mark.parametrize("kind", ["file", "empty", "dangling link", "folder"])
def test_what_is_there_is_never_overwritten(inside: Inside, tmp_path: Path, kind: str) -> None:
    path = inside.checkout / FOLDER / "db_backup.sh"
    if kind == "folder":
        path.mkdir()
    elif kind == "dangling link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.write_text("#!/bin/sh\nexit 7\n" if kind == "file" else "")
    said = scaffold(inside)
    assert words(said)["db_backup.sh"] == "left"
    assert not (tmp_path / "elsewhere").exists()
    if kind == "file":
        assert path.read_text() == "#!/bin/sh\nexit 7\n"
        assert "not executable: chmod +x server/scripts/db_backup.sh" in said.stdout
    if kind == "folder":
        path.rmdir()


def test_a_folder_that_leads_out_of_the_checkout_is_not_written_to(inside: Inside, tmp_path: Path) -> None:
    shutil.rmtree(inside.checkout / FOLDER)
    (inside.checkout / FOLDER).symlink_to(tmp_path)
    done = scaffold(inside, check=False)
    assert done.returncode == 1 and "leads out of the checkout" in done.stderr
    assert list(tmp_path.glob("*.sh")) == []
    (inside.checkout / FOLDER).unlink()


@pytest.mark.parametrize("name", OURS)
def test_without_nexy_tui_each_says_how_to_get_it(inside: Inside, tmp_path: Path, name: str) -> None:
    scaffold(inside)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "dirname", "env"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    (tools / "python3").symlink_to(sys.executable)
    done = inside.run(inside.checkout / FOLDER / name, check=False, env={"PATH": str(tools)}, cwd=tmp_path)
    assert done.returncode in (1, 127) and done.stdout == ""
    assert done.stderr.startswith("nexy-tui is not on PATH. Install it")


class TestBesideARelease:
    """The scripts are files that git does not know: they neither stop a release nor slip into one."""

    def test_unchanged_they_do_not_make_the_tree_dirty(self, inside: Inside) -> None:
        scaffold(inside)
        assert tree(inside)[0] == 0

    def test_nor_staged(self, inside: Inside) -> None:
        scaffold(inside)
        inside.git("add", FOLDER)
        assert tree(inside)[0] == 0

    def test_edited_they_are_somebodys_work(self, inside: Inside) -> None:
        scaffold(inside)
        with (inside.checkout / FOLDER / "db_backup.sh").open("a") as script:
            script.write("echo mine\n")
        status, said = tree(inside)
        assert status == 1 and f"{FOLDER}/db_backup.sh" in said

    def test_another_file_beside_them_is_a_stranger(self, inside: Inside) -> None:
        scaffold(inside)
        (inside.checkout / FOLDER / "notes.sh").write_text("# mine\n")
        assert tree(inside)[0] == 1

    def test_the_release_commit_gets_exactly_the_version_files(self, inside: Inside) -> None:
        scaffold(inside)
        assert inside.run("python3", f"{FOLDER}/update_version.py", "1.6.1.43").returncode == 0
        inside.git("commit", "--quiet", "-m", "Release v1.6.1.43")
        assert set(inside.git("show", "--format=", "--name-only", "HEAD").splitlines()) == {
            *("VERSION", "server/config/unified_config.yaml", "server/config/unified_config.py", "server/config.env.example")
        }

    def test_what_it_says_next_brings_them_to_the_code_repository(self, inside: Inside) -> None:
        said = scaffold(inside).stdout
        steps = [line.strip() for line in said.splitlines() if line.startswith("  git ")]
        assert len(steps) == 3
        for step in steps[:2]:
            inside.run("bash", "-c", step)
        status, told = tree(inside, "version.branch")
        assert status == 1 and "Scripts that call nexy-tui" in told, "a commit that is not pushed is not part of a release"
        inside.run("bash", "-c", steps[2])
        assert tree(inside, "version.branch")[0] == tree(inside)[0] == 0
        assert inside.git("ls-tree", "-r", "main", FOLDER, cwd=inside.world.bare("Seregawpn/Nexy_server")).count("100755") == len(NAMES)
        assert not [line for line in scaffold(inside).stdout.splitlines() if line.startswith("  git ")]


class TestPublisher:
    def test_another_target_in_it_is_refused_before_anything_is_sent(self, inside: Inside) -> None:
        scaffold(inside)
        script = inside.checkout / FOLDER / "publish_assets_and_sync.py"
        assert 'TARGET_REPO = "Seregawpn/Nexy_production"\n' in script.read_text()
        script.write_text(script.read_text().replace("Seregawpn/Nexy_production", "Seregawpn/Nexy_server").replace('"Update"', '"v1"'))
        runs = set((inside.world.state / "runs").rglob("*.jsonl"))
        done = inside.run("python3", script, check=False)
        assert done.returncode == 1 and done.stdout == ""
        assert "TARGET_REPO is 'Seregawpn/Nexy_server' here and 'Seregawpn/Nexy_production' in the configuration in force" in done.stderr
        assert """ARTIFACT_MAPPING["Nexy.dmg"]["tag"] is 'v1' here and 'Update'""" in done.stderr
        assert set((inside.world.state / "runs").rglob("*.jsonl")) == runs, "no run was begun"

    def test_from_another_folder_it_finds_its_checkout(self, inside: Inside, tmp_path: Path) -> None:
        scaffold(inside)
        done = inside.run("python3", inside.checkout / FOLDER / "update_version.py", "1.6.1", cwd=tmp_path, check=False)
        assert done.returncode == 2 and "1.6.1" in done.stderr, "it came as far as the version"
        assert inside.git("diff", "--cached", "--name-only") == ""


# --- on the VM ---


@pytest.fixture(params=["flat", "nested"])
def clone(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A clone as the VM has it: only what the script looks at."""
    root = tmp_path / "voice assistant"
    script = root / Layout(request.param, root).relative(f"{FOLDER}/{THEIRS}")
    for folder in (root / ".git", root / "server" / "server", script.parent):
        folder.mkdir(parents=True, exist_ok=True)
    script.write_bytes(text(THEIRS, Target()))
    script.chmod(0o755)
    (root / "script").symlink_to(script)
    return root


def set_version(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = (root / "script").resolve()
    environ = {"PATH": os.environ["PATH"]}
    return subprocess.run([str(script), *arguments], cwd="/", env=environ, capture_output=True, text=True, timeout=20, check=False)


def configs(root: Path) -> tuple[Path, Path]:
    return root / "server/config.env", root / "server/server/config.env"


def test_it_sets_both_keys_in_both_files(clone: Path) -> None:
    one, two = configs(clone)
    one.write_text("# Settings\nSERVER_VERSION=1.6.1.42\nCOOKIE=a=b; c=d\nSERVER_BUILD=1.6.1.42\nOLD_SERVER_VERSION=1\n")
    two.write_text("SERVER_BUILD=1\n#SERVER_VERSION=2\nLAST=no newline")
    one.chmod(0o640)
    two.chmod(0o600)
    done = set_version(clone, "1.6.1.43")
    assert done.returncode == 0, done.stderr
    assert one.read_text() == "# Settings\nSERVER_VERSION=1.6.1.43\nCOOKIE=a=b; c=d\nSERVER_BUILD=1.6.1.43\nOLD_SERVER_VERSION=1\n"
    assert two.read_text() == "SERVER_BUILD=1.6.1.43\n#SERVER_VERSION=2\nLAST=no newline\nSERVER_VERSION=1.6.1.43\n"
    assert [path.stat().st_mode & 0o777 for path in (one, two)] == [0o640, 0o600]
    assert sorted(path.name for path in one.parent.iterdir() if path.is_file()) == ["config.env"], "nothing of its own is left"


def test_run_twice_it_ends_the_same(clone: Path) -> None:
    one, _ = configs(clone)
    one.write_text("A=1\r\nSERVER_VERSION = 1.6.1.42\r\n")
    set_version(clone, "1.6.1.43")
    first, stamp = one.read_bytes(), one.stat().st_mtime_ns
    assert first == b"A=1\r\nSERVER_VERSION=1.6.1.43\r\nSERVER_BUILD=1.6.1.43\r\n", "line endings stay"
    assert set_version(clone, "1.6.1.43").stdout == f"unchanged: {one}\n"
    assert (one.read_bytes(), one.stat().st_mtime_ns) == (first, stamp)


def test_a_key_that_stands_twice_is_set_twice_and_an_empty_file_gets_both(clone: Path) -> None:
    one, two = configs(clone)
    one.write_text("SERVER_VERSION=1\nSERVER_BUILD=1\nSERVER_VERSION=2\n")
    two.write_text("")
    assert set_version(clone, "1.6.1.43").returncode == 0
    assert one.read_text().count("=1.6.1.43\n") == 3
    assert two.read_text() == "SERVER_VERSION=1.6.1.43\nSERVER_BUILD=1.6.1.43\n"


def test_a_link_stays_a_link(clone: Path, tmp_path: Path) -> None:
    one, _ = configs(clone)
    real = tmp_path / "real.env"
    real.write_text("SERVER_VERSION=1\n")
    one.symlink_to(real)
    assert set_version(clone, "1.6.1.43").returncode == 0
    assert one.is_symlink() and real.read_text() == "SERVER_VERSION=1.6.1.43\nSERVER_BUILD=1.6.1.43\n"


@pytest.mark.parametrize("arguments", [[], [""], ["v1.6.1.43"], ["1.6.1"], ["1.6.1.43; id"], ["1.6.1.043"], ["1.6.1.43\n"]])
def test_anything_but_a_version_changes_nothing(clone: Path, arguments: list[str]) -> None:
    one, _ = configs(clone)
    one.write_text("SERVER_VERSION=1\n")
    done = set_version(clone, *arguments)
    assert done.returncode == 2 and "usage:" in done.stderr
    assert one.read_text() == "SERVER_VERSION=1\n"


def test_it_says_what_is_missing(clone: Path) -> None:
    done = set_version(clone, "1.6.1.43")
    assert done.returncode == 1 and "neither server/config.env nor server/server/config.env" in done.stderr
    (clone / ".git").rmdir()
    done = set_version(clone, "1.6.1.43")
    assert done.returncode == 1 and "not inside a clone" in done.stderr
