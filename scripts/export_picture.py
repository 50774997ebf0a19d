"""Draw docs/wizard.svg, the README's picture, from the running application: `python scripts/export_picture.py [FILE]`.

The checklist is the real one; what is found is the tests' invention, so that the picture is the same wherever it is made.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SIZE = (126, 36)


def main() -> None:
    """Write the picture."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    for name in ("NO_COLOR", "TEXTUAL_THEME"):
        os.environ.pop(name, None)
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "wizard.svg"
    target.write_text(plain(asyncio.run(draw())), "utf-8")
    print(target)


async def draw() -> str:
    """Publishing half-way, as SVG."""
    from snapshots.states import STATES

    state = STATES["publish_running"]
    app: Any = state.app()
    async with app.run_test(size=SIZE) as pilot:
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
