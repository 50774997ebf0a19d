"""The wheel holds the three packages with their data, and nothing else; installed, it answers."""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("nexy_tui", "screens", "checks")


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel installed alone; its dependencies come from this interpreter."""
    folder = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(folder), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    return folder


def source_files() -> set[str]:
    """Every file of the packages that belongs to the project: all but what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name for name in listed.stdout.split() if (ROOT / name).exists()}


def test_it_holds_the_three_packages_with_their_data_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in names} == set(PACKAGES)
    assert names == source_files()
    assert {Path(name).suffix for name in names} <= {".py", ".tcss", ".sh", ".in"}
    assert {"screens/nexy.tcss", "nexy_tui/services/vm_scripts/database.sh", "nexy_tui/services/on_vm/deploy.py"} <= names


def test_it_says_what_it_is_and_needs(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    [info] = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
    meta = email.message_from_bytes(archive.read(f"{info}/METADATA"))
    version = re.search(r'__version__ = "(.+)"', (ROOT / "nexy_tui/__init__.py").read_text())
    assert version is not None
    assert (meta["Name"], meta["Version"], meta["Requires-Python"]) == ("nexy-tui", version.group(1), ">=3.11")
    assert meta["License-Expression"] == "MIT" and f"{info}/licenses/LICENSE" in archive.namelist()
    assert archive.read(f"{info}/entry_points.txt").decode().split() == ["[console_scripts]", "nexy-tui", "=", "nexy_tui.cli:main"]
    needed = {_normal(line) for line in meta.get_all("Requires-Dist", []) if "extra ==" not in line}
    pinned = {_normal(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    assert needed and needed - pinned == set(), "every dependency is pinned in the constraints file"


def _normal(requirement: str) -> str:
    """The distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement)[0]).lower()


def run(site: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The interpreter with the installed packages in front, in an empty folder."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(site)}
    return subprocess.run([sys.executable, *words], env=environ, capture_output=True, text=True, cwd=home, check=False, timeout=60)


def test_installed_alone_it_answers(site: Path, tmp_path: Path) -> None:
    shown = run(
        site, tmp_path, "-c", "import nexy_tui, screens, checks; print(nexy_tui.__file__, screens.__file__, checks.__file__)"
    ).stdout
    assert shown.count(str(site)) == 3
    assert run(site, tmp_path, "-m", "nexy_tui", "--version").stdout.startswith("nexy-tui ")
    listed = run(site, tmp_path, "-m", "nexy_tui", "check", "--list")
    assert (listed.returncode, listed.stderr) == (0, "") and "remotes.code" in listed.stdout


def test_installed_alone_it_finds_its_data(site: Path, tmp_path: Path) -> None:
    code = """
from pathlib import Path
from nexy_tui.app import NexyApp
from nexy_tui.services import vm_scripts
from nexy_tui.services.vm_program import JOBS, compose
assert all(compose(job, {}, "") for job in JOBS)
assert Path(NexyApp.CSS_PATH).read_text()
for path in Path(vm_scripts.__file__).parent.glob("*.sh"):
    assert vm_scripts.load(path.name).startswith("#"), path
    print(path.name)
"""
    done = run(site, tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    assert {"database.sh", "database_survey.sh"} <= set(done.stdout.split())


def test_installed_alone_it_brings_a_world_up_and_down(site: Path, tmp_path: Path) -> None:
    place = tmp_path / "world"
    try:
        up = run(site, tmp_path, "-m", "nexy_tui", "world", "up", str(place), "--artifact-size", "1MB", "--owner", str(os.getpid()))
        assert up.returncode == 0, up.stderr
        assert (place / "checkout/VERSION").read_text() == "1.6.1.42\n"
    finally:
        down = run(site, tmp_path, "-m", "nexy_tui", "world", "down", str(place))
    assert down.returncode == 0, down.stderr
