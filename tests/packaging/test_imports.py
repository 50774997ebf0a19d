"""Who loads what, asked of fresh processes: the rooms hold at run time too."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def loaded(code: str) -> set[str]:
    """Top-level and dotted names of every module in a fresh process after running `code`."""
    script = f"import sys\nbefore = set(sys.modules)\n{code}\nimport json\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=120, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def modules_of(*packages: str) -> list[str]:
    found = []
    for package in packages:
        folder = ROOT / package.replace(".", "/")
        found.append(package)
        found += [module.name for module in pkgutil.walk_packages([str(folder)], prefix=f"{package}.")]
    return found


def imports(names: list[str]) -> str:
    return "import importlib\n" + "\n".join(f"importlib.import_module({name!r})" for name in names)


def test_nothing_below_the_screens_loads_textual() -> None:
    rooms = [f"nexy_tui.{room}" for room in ("core", "services", "runlog", "actions", "fixers", "engine", "rehearsal")]
    names = [*modules_of(*rooms, "checks"), "nexy_tui.release", "nexy_tui.config", "nexy_tui.checklist", "nexy_tui.plain"]
    names = [name for name in names if not name.endswith("__main__")]
    assert not {name for name in loaded(imports(names)) if name.split(".")[0] == "textual"}


@pytest.mark.parametrize("room", ["release", "core"])
def test_release_and_core_load_the_standard_library_only(room: str) -> None:
    names = modules_of("nexy_tui.core") if room == "core" else ["nexy_tui.release"]
    strangers = {name.split(".")[0] for name in loaded(imports(names))} - set(sys.stdlib_module_names) - {"nexy_tui"}
    assert not strangers
    ours = {name for name in loaded(imports(names)) if name.startswith("nexy_tui.")}
    assert all(name == "nexy_tui.release" or name.startswith("nexy_tui.core") for name in ours)


def test_version_and_run_verification_load_neither_textual_nor_azure() -> None:
    for argv in (["--version"], ["runs", "verify", "/nowhere/at.all"], ["check", "--list"], ["--help"]):
        code = f"import sys\nsys.argv = ['nexy-tui', *{argv!r}]\nfrom nexy_tui.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass"
        heavy = {name.split(".")[0] for name in loaded(code)} & {"textual", "azure", "msal"}
        assert not heavy, f"{argv} loads {heavy}"
