"""The command line: a promise to keep, since checks outside this project call it. Heavy imports wait until a command needs them."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from nexy_tui import __version__
from nexy_tui.cli import common, completion, ending, examples, streams
from nexy_tui.cli.interrupt import heeding, interrupt
from nexy_tui.core.given import withhold
from nexy_tui.core.shield import raise_shield

app = typer.Typer(
    name="nexy-tui",
    cls=ending.Commands,
    help="Release Nexy step by step: every item verified from outside, nothing skipped, a signed log at the end. "
    "Without a command: the wizard.",
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog=f"{examples.epilog('')}\n\n{examples.COMMON}",
)


def _version(wanted: bool) -> None:
    if wanted:
        common.show(f"nexy-tui {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def top(
    context: typer.Context,
    checkout: Annotated[Path | None, typer.Option(help="The checkout of the code repository (default: here, searched upward).")] = None,
    world: Annotated[Path | None, typer.Option(help="Act inside this rehearsal world.")] = None,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")] = False,
) -> None:
    """Open the wizard when no command is named."""
    common.current.checkout = checkout
    if checkout is not None:
        raise_shield(checkout)
    if world is not None:
        common.enter_world(world)
    if context.invoked_subcommand is None:
        from nexy_tui.cli.wizard import open_wizard

        raise typer.Exit(open_wizard(common.make_services()))


OBJECTS = 50_000
"""So many new objects between two garbage collections: at Python's 700 a sixth of the wizard's time went into looking for garbage."""


def _complete() -> None:
    from nexy_tui.cli import commands

    commands.mount(app)
    completion.answer(app)


def main() -> None:
    """The console script. Ends the process with one of the documented exit statuses, never with a traceback."""
    raise_shield()
    if completion.VARIABLE in os.environ:
        _complete()
    withhold()
    gc.set_threshold(OBJECTS, 20, 20)
    streams.hold()
    try:
        with heeding(interrupt, signal.SIGTERM, signal.SIGHUP):
            if sys.argv[1:]:  # The wizard alone needs no command.
                from nexy_tui.cli import commands

                commands.mount(app)
            app(args=common.hoist(sys.argv[1:]), prog_name="nexy-tui")
    except KeyboardInterrupt:  # Before or after a command's own time.
        sys.exit(130)
