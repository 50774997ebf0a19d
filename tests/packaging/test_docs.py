"""The pages for those who carry on say what is true of the code."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from command_tree import ARGUMENTS, EVERY

from nexy_tui.checklist import CHECKLIST
from nexy_tui.cli.examples import EXAMPLES
from nexy_tui.config.file import ConfigFile
from nexy_tui.config.keys import KEYS
from nexy_tui.config.variables import VARIABLES

EVERY_NAME = [" ".join(word for word in line.split() if word not in ARGUMENTS.values()) for line in EVERY]

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")))


def test_the_drawing_of_the_rooms_is_the_codes() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "draw_rooms.py", "--check"], timeout=120, check=False)
    assert done.returncode == 0, "docs/architecture.md is stale: make drawing"


def test_the_pages_that_are_made_from_the_code_are_fresh() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "make_reference.py", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_variable_that_the_code_reads_is_on_the_page() -> None:
    """Read from the environment by name; what the tool gives its own scripts is listed apart, by the page's own script."""
    reads = re.compile(r"""(?:environ(?:\.get)?[(\[]|take\(|in (?:os\.)?environ\b.{0,2})["'](NEXY_[A-Z_]+)["']|["'](NEXY_[A-Z_]+)["'] in""")
    known = {one.name for one in VARIABLES}
    apart = ("rehearsal", "on_vm", "database")
    for path in (ROOT / "nexy_tui").rglob("*.py"):
        if not set(apart) & set(path.relative_to(ROOT).parts):
            found = {name for pair in reads.findall(path.read_text("utf-8")) for name in pair if name}
            assert found <= known, path
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert [name for name in known if f"`{name}`" not in page] == []
    keys = {f"{prefix}{item.name}" for prefix, item in walked(ConfigFile, "")} - {"target.world"}
    assert keys == {key.name for key in KEYS} and [key for key in keys if f"`{key}`" not in page] == []


def walked(shape: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Every value of the configuration file's tables, with the table it stands in."""
    for item in fields(shape):
        if is_dataclass(item.default_factory):
            yield from walked(item.default_factory, f"{prefix}{item.name}.")
        else:
            yield prefix, item


def test_every_command_has_an_example_that_is_one() -> None:
    assert set(EXAMPLES) - {""} >= set(EVERY_NAME)
    for name, lines in EXAMPLES.items():
        for line in lines:
            assert "nexy-tui" in line and f"nexy-tui {name}".strip() in line, line


def test_the_man_page_has_every_command() -> None:
    page = (ROOT / "docs" / "nexy-tui.1").read_text("utf-8").replace("\\-", "-")
    assert [name for name in EVERY_NAME if f".B nexy-tui {name}" not in page] == []


def test_every_room_stands_in_the_architecture() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    inside = [path for path in (ROOT / "nexy_tui").iterdir() if path.suffix == ".py" or any(path.glob("*.py"))]
    rooms = {path.stem for path in inside if not path.stem.startswith("__")} | {"screens", "checks"}
    assert [room for room in sorted(rooms) if f"`{room}`" not in page] == []


def test_every_make_target_a_page_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:`|^    )make ([a-z]+)", (ROOT / page).read_text("utf-8"), re.MULTILINE))
        assert named <= targets, page


def test_every_path_a_page_names_is_there() -> None:
    form = re.compile(r"`((?:nexy_tui|checks|screens|tests|docs|scripts|benchmarks)/[A-Za-z0-9_/.]+)`")
    made_up = {"checks/machine.py", "nexy_tui/actions/NAME.py", "nexy_tui/fixers/NAME.py"}
    for page in PAGES:
        named = set(form.findall((ROOT / page).read_text("utf-8"))) - made_up
        assert [path for path in sorted(named) if not (ROOT / path).exists()] == [], page


def test_the_pictures_are_of_the_running_application() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "export_picture.py", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_phase_has_what_it_is_for_what_you_see_and_press_and_its_picture() -> None:
    page = (ROOT / "docs" / "operator.md").read_text("utf-8")
    sections = re.split(r"^## \d\. ", page.partition("## The end")[0], flags=re.MULTILINE)[1:]
    assert len(sections) == len(CHECKLIST.phases)
    for phase, text in zip(CHECKLIST.phases, sections, strict=True):
        title, purpose, rest = text.split("\n\n", 2)
        parts = re.findall(r"^(?:\*\*(What .*?)\.\*\*|!\[.*\]\((.*)\)|<!-- items of (\w+) -->)", rest, re.MULTILINE)
        assert ["".join(part) for part in parts] == [
            "What you see",
            f"pictures/{phase.id}.svg",
            "What you press",
            "What can go wrong",
            phase.id,
        ]
        assert purpose.endswith(".") and title, phase.id


def test_the_readme_has_you_install_and_set_up_before_you_release() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert headings[:3] == ["Install", "Set up", "Release"]


def test_no_program_is_advised_that_an_isolated_install_does_not_bring() -> None:
    """`keyring`, as pip would lay it beside: pipx and uv lay this tool's own program alone into the path."""
    advised = re.compile(r"\bkeyring (set|get|del|--[a-z])")
    files = [*(ROOT / "nexy_tui").rglob("*.py"), *(ROOT / "checks").rglob("*.py"), *(ROOT / "screens").rglob("*.py")]
    assert [path for path in (*files, *(ROOT / page for page in PAGES)) if advised.search(path.read_text("utf-8"))] == []


def test_every_link_of_a_page_leads_somewhere() -> None:
    for page in PAGES:
        text = (ROOT / page).read_text("utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            assert target.startswith("https://") or (ROOT / page).parent.joinpath(target).exists(), f"{page}: {target}"
