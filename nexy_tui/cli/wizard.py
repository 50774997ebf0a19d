"""Opening the wizard."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nexy_tui.cli import common
from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import Unusable
from nexy_tui.core.remedy import Run
from nexy_tui.core.shield import interpreter
from nexy_tui.core.surroundings import Needs, surroundings
from nexy_tui.core.version import Version

if TYPE_CHECKING:
    from nexy_tui.services import Services

AUTO_PACE = 0.6
"""Seconds `--auto` rests between steps, so that a person can follow."""


def open_home() -> int:
    """The wizard at its first screen, to its end; the exit status."""
    return open_wizard(common.make_services())


def open_wizard(
    services: Services,
    *,
    auto: bool = False,
    new: bool = False,
    resume: Path | None = None,
    version: str | None = None,
    kind: Kind = Kind.FULL,
    with_pkg: bool = False,
) -> int:
    """Run the Textual application to its end; the exit status. `new`: at the form of a new run, filled in with the rest."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Unusable(
            "The wizard needs a terminal, and there is none.",
            remedy=Run("release --headless --yes", "Run it in a terminal, or without a screen"),
        )
    from nexy_tui.app import NexyApp
    from nexy_tui.cli.backend import RealBackend
    from screens.backend import REHEARSE, NewRun, Opening, ResumeRun

    opening: Opening | None = ResumeRun(resume) if resume is not None else None
    if opening is None and (auto or new):
        opening = NewRun(_parsed(version), kind, with_pkg)
    ending = NexyApp(RealBackend(services, pace=AUTO_PACE if auto else 0.0), auto=auto, opening=opening).run()
    if ending is None:
        return 130
    if ending.request == REHEARSE:
        command = interpreter("nexy_tui", "rehearse")
        os.execve(command[0], command, dict(surroundings(Needs.REHEARSAL, os.environ).variables))
    if ending.message:
        common.say(ending.message)
    if ending.log is not None:
        state = f"sealed ({ending.sealed})" if ending.sealed else f"open; go on with: nexy-tui release --resume {ending.run}"
        common.show(f"Run log, {state}: {ending.log}")
    return ending.exit_code


def _parsed(version: str | None) -> Version | None:
    if version is None:
        return None
    try:
        return Version.parse(version.removeprefix("v"))
    except ValueError as error:
        raise Unusable(f"{error}.", remedy="Name it like 1.6.1.43.") from None
