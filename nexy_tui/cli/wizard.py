"""Opening the wizard."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import Unusable

if TYPE_CHECKING:
    from nexy_tui.services import Services


def open_wizard(
    services: Services,
    *,
    auto: bool = False,
    resume: Path | None = None,
    version: str | None = None,
    kind: Kind = Kind.FULL,
    with_pkg: bool = False,
) -> int:
    """Run the Textual application to its end; the exit status."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Unusable(
            "The wizard needs a terminal, and there is none.",
            remedy="Run it in a terminal, or without a screen: nexy-tui release VERSION --headless --yes",
        )
    from nexy_tui.app import NexyApp
    from nexy_tui.cli.backend import RealBackend

    app = NexyApp(RealBackend(services), auto=auto)
    result = app.run()
    return int(result or 0)
