"""Completion of commands and options in bash, zsh and fish: the script, and the answers it asks for."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from nexy_tui.cli import COMPLETION, streams


class Shell(StrEnum):
    """The shells there is a script for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command()(completion)


def completion(shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish.", show_default=False)]) -> None:
    """Print the script that completes nexy-tui in a shell."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # It is not re-exported, and documented nowhere else.

    streams.put(get_completion_script(prog_name="nexy-tui", complete_var=COMPLETION, shell=shell.value))


def answer(app: typer.Typer) -> None:
    """Answer a shell that completes, and leave; return where none asks."""
    instruction = os.environ.get(COMPLETION)
    if not instruction:
        return
    from typer.completion import completion_init, shell_complete  # type: ignore[attr-defined]  # As above.

    completion_init()
    sys.exit(shell_complete(typer.main.get_command(app), {}, "nexy-tui", COMPLETION, instruction))
