"""The wheel holds the three packages with their data, and nothing else; installed, it answers."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return next(out.glob("*.whl"))


def test_it_holds_the_three_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"nexy_tui", "screens", "checks"}
    tracked = subprocess.run(["git", "ls-files", "nexy_tui", "screens", "checks"], cwd=ROOT, capture_output=True, text=True, check=True)
    missing = {name for name in tracked.stdout.split() if (ROOT / name).exists()} - set(names)
    assert not missing
    assert any(name.startswith("screens/") and name.endswith(".tcss") for name in names)
    assert not [name for name in names if name.endswith((".dmg", ".pkg", ".intoto.jsonl"))]


def test_installed_alone_it_answers(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    # The dependencies come from here; the packages must come from the wheel.
    code = f"import sys; sys.path.insert(0, {str(site)!r}); import nexy_tui, screens, checks; print(nexy_tui.__file__, screens.__file__, checks.__file__)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True, timeout=60).stdout
    assert shown.count(str(site)) == 3
    code = f"import sys; sys.path.insert(0, {str(site)!r}); sys.argv=['nexy-tui','--version']; from nexy_tui.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False, timeout=60)
    assert done.stdout.startswith("nexy-tui ")
