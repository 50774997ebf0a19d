"""The command line: a promise to keep, since checks outside this project call it. Heavy imports wait until a command needs them."""

from __future__ import annotations

import gc
import os
import signal
import sys

from nexy_tui.cli import common, ending, streams
from nexy_tui.cli.interrupt import heeding, interrupt
from nexy_tui.cli.wizard import open_home
from nexy_tui.core.given import withhold
from nexy_tui.core.shield import raise_shield

COMPLETION = "_NEXY_TUI_COMPLETE"
"""Set by the script that `nexy-tui completion` prints, for the call that answers it."""

OBJECTS = 50_000
"""So many new objects between two garbage collections: at Python's 700 a sixth of the wizard's time went into looking for garbage."""


def main() -> None:
    """The console script. Ends the process with one of the documented exit statuses, never with a traceback."""
    raise_shield()
    if COMPLETION in os.environ:
        _complete()
    withhold()
    gc.set_threshold(OBJECTS, 20, 20)
    streams.hold()
    words = sys.argv[1:]
    try:
        with heeding(interrupt, signal.SIGTERM, signal.SIGHUP):
            if words:
                _command(words)
            ending.end_with(open_home, words)  # The wizard alone needs no command, nor what reads the line.
    except KeyboardInterrupt:  # Before or after a command's own time.
        sys.exit(130)


def _command(words: list[str]) -> None:
    from nexy_tui.cli import commands
    from nexy_tui.cli.top import app

    commands.mount(app)
    app(args=common.hoist(words), prog_name="nexy-tui")


def _complete() -> None:
    from nexy_tui.cli import commands, completion
    from nexy_tui.cli.top import app

    commands.mount(app)
    completion.answer(app)
