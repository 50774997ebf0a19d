"""The pages for those who carry on say what is true of the code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")))


def test_the_drawing_of_the_rooms_is_the_codes() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "draw_rooms.py", "--check"], timeout=120, check=False)
    assert done.returncode == 0, "docs/architecture.md is stale: make drawing"


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
