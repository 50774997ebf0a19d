"""Make the documents' pictures from the running application: `python scripts/export_picture.py [--check]`.

The application is drawn by the tests of its screens, on the real checklist with findings that are the tests' invention, and what they
drew is compared with the application whenever they run. The documents show those drawings, without fonts from elsewhere. `--check`
writes nothing, and exits 1 where a picture is stale.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DRAWN = ROOT / "tests" / "snapshots" / "__snapshots__" / "test_screens"

PICTURES = {
    "wizard.svg": "publish_running-120x40",
    "pictures/home.svg": "home-80x24",
    "pictures/doctor.svg": "doctor-80x24",
    "pictures/refused.svg": "refused-80x24",
    "pictures/confirm.svg": "confirm_typed-80x24",
    "pictures/remotes.svg": "passed-80x24",
    "pictures/ready.svg": "ready-80x24",
    "pictures/version.svg": "version-80x24",
    "pictures/database.svg": "database-80x24",
    "pictures/inbox.svg": "attest-80x24",
    "pictures/publish.svg": "publish_exposed-80x24",
    "pictures/gate.svg": "gate_matrix-120x40",
    "pictures/deploy.svg": "deploy_running-80x24",
    "pictures/final.svg": "final-80x24",
    "pictures/end.svg": "end-80x24",
}
"""Each picture with the state of a screen and the terminal's size that it shows."""


def main() -> None:
    """Write the pictures, or compare them."""
    stale = []
    for name, shown in PICTURES.items():
        target, drawn = ROOT / "docs" / name, plain((DRAWN / f"test_screen[{shown}].svg").read_text("utf-8"))
        if "--check" in sys.argv[1:]:
            stale += [name] if not target.exists() or target.read_text("utf-8") != drawn else []
            continue
        target.parent.mkdir(exist_ok=True)
        target.write_text(drawn, "utf-8")
        print(target)
    if stale:
        sys.exit(f"stale: {', '.join(stale)}; make them anew: make snapshots")


def plain(svg: str) -> str:
    """Without fonts from elsewhere and without the random ids: the picture loads nothing and differs only when the screen does."""
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("font-family: Fira Code, monospace", "font-family: 'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace")
    return re.sub(r"terminal-\d+-", "terminal-", svg)


if __name__ == "__main__":
    main()
