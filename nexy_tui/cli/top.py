"""The top-level command, on which every other one is mounted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from nexy_tui import __version__
from nexy_tui.cli import common, ending, examples
from nexy_tui.core.problem import Unusable
from nexy_tui.core.shield import raise_shield


class Commands(TyperGroup):
    """The top-level command: nothing leaves it but an exit status, be it bad usage, a problem, an interrupt or a fault of the tool."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, *_: Any, **extra: Any) -> Any:
        """Carry out the arguments and exit. Ends the process by SystemExit alone."""
        extra.pop("standalone_mode", None)
        words = list(sys.argv[1:] if args is None else args)
        ending.end_with(lambda: self._carried_out(words, prog_name or "nexy-tui", extra), words)

    def _carried_out(self, words: list[str], name: str, extra: dict[str, Any]) -> int:
        try:
            with self.make_context(name, words, **extra) as context:
                self.invoke(context)
        except typer.Exit as ended:
            return ended.exit_code
        except typer.Abort:
            raise KeyboardInterrupt from None
        except typer.TyperException as error:
            raise _usage(error) from error
        return 0


def _usage(error: typer.TyperException) -> Unusable:
    """Bad usage, as typer words it, with the help that explains it."""
    context: typer.Context | None = getattr(error, "ctx", None)
    path = "nexy-tui" if context is None else context.command_path
    return Unusable(error.format_message(), remedy=f"See what it takes: {path} --help")


app = typer.Typer(
    name="nexy-tui",
    cls=Commands,
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
        from nexy_tui.cli.wizard import open_home

        raise typer.Exit(open_home())
