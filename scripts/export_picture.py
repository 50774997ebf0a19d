"""Draw the documents' pictures from the running application: `python scripts/export_picture.py [--check]`.

The checklist is the real one; what is found is the tests' invention, so that a picture is the same wherever it is made. `--check`
writes nothing, and exits 1 where a picture is stale.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

PICTURES = {
    "wizard.svg": ("publish_running", (126, 36)),
    "pictures/home.svg": ("home", (100, 30)),
    "pictures/refused.svg": ("refused", (100, 30)),
    "pictures/confirm.svg": ("confirm", (100, 30)),
    "pictures/gate.svg": ("gate_matrix", (110, 34)),
    "pictures/end.svg": ("end", (100, 30)),
}
"""Each picture with the state it shows and the terminal's size."""


def main() -> None:
    """Write the pictures, or compare them."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    for name in ("NO_COLOR", "TEXTUAL_THEME"):
        os.environ.pop(name, None)
    stale = []
    for name, (state, size) in PICTURES.items():
        target, drawn = ROOT / "docs" / name, plain(asyncio.run(draw(state, size)))
        if "--check" in sys.argv[1:]:
            stale += [name] if not target.exists() or target.read_text("utf-8") != drawn else []
            continue
        target.parent.mkdir(exist_ok=True)
        target.write_text(drawn, "utf-8")
        print(target)
    if stale:
        sys.exit(f"stale: {', '.join(stale)}; draw them anew: make snapshots")


async def draw(name: str, size: tuple[int, int]) -> str:
    """One state of the wizard, as SVG."""
    from snapshots.states import STATES

    state = STATES[name]
    app: Any = state.app()
    async with app.run_test(size=size) as pilot:
        await state.reach(pilot)
        svg = app.export_screenshot(title="nexy-tui")
        app.backend.release()
    return str(svg)


def plain(svg: str) -> str:
    """Without fonts from elsewhere and without the random ids: the picture loads nothing and differs only when the screen does."""
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("font-family: Fira Code, monospace", "font-family: 'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace")
    return re.sub(r"terminal-\d+-", "terminal-", svg)


if __name__ == "__main__":
    main()
