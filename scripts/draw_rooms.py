"""Draw the rooms of docs/architecture.md from the code's own imports: `python scripts/draw_rooms.py [--check]`.

An arrow is an import between two rooms; one that a longer way implies is left out, so that the drawing can be read.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
PACKAGES = ("nexy_tui", "screens", "checks")
_DRAWING = re.compile(r"(?<=<!-- rooms: made by scripts/draw_rooms.py -->\n).*?(?=<!-- /rooms -->)", re.DOTALL)


def main() -> int:
    """Write the drawing into the page, or with --check say whether it is the code's."""
    page = PAGE.read_text("utf-8")
    fresh = _DRAWING.sub(lambda _: drawing(), page)
    if "--check" in sys.argv[1:]:
        return 0 if fresh == page else 1
    PAGE.write_text(fresh, "utf-8")
    return 0


def drawing() -> str:
    """The rooms and their imports as a Mermaid graph."""
    arrows = sorted(reduced(imports()))
    return "\n".join(["```mermaid", "graph TD", *(f"    {one} --> {other}" for one, other in arrows), "```", ""])


def imports() -> set[tuple[str, str]]:
    """Pairs of rooms of which the first imports the second."""
    sys.path.insert(0, str(ROOT))
    graph = grimp.build_graph(*PACKAGES, include_external_packages=False)
    pairs = {(room(one), room(other)) for one in graph.modules for other in graph.find_modules_directly_imported_by(one)}
    return {(one, other) for one, other in pairs if one and other and one != other}


def room(module: str) -> str:
    """The room a module stands in; empty for the package's own entry."""
    package, _, rest = module.partition(".")
    return rest.partition(".")[0].removeprefix("__main__") if package == "nexy_tui" else package


def reduced(arrows: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The arrows that no longer way implies."""
    return {(one, other) for one, other in arrows if not _reaches(one, other, arrows - {(one, other)}, set())}


def _reaches(one: str, other: str, arrows: set[tuple[str, str]], seen: set[str]) -> bool:
    seen.add(one)
    onward = {to for start, to in arrows if start == one} - seen
    return other in onward or any(_reaches(to, other, arrows, seen) for to in onward)


if __name__ == "__main__":
    sys.exit(main())
