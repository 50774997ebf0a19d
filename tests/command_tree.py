"""Every command of the command line, walked from the command tree itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from nexy_tui.cli import commands
from nexy_tui.cli.top import app

commands.mount(app)

COMMANDS: Any = typer.main.get_command(app)
"""The command line, built once: building it takes a sixteenth of a second."""

ARGUMENTS = {
    "version": "1.6.1.43",
    "tag": "v1.6.1.43",
    "named": "0190",
    "log": "0190",
    "run": "0190",
    "directory": "no-world",
    "shell": "bash",
    "name": "github-token",
    "file": "no-file",
}
"""What stands for each argument that a command requires."""


def _plain(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every command of the command line, with an argument where one is required."""
    if hasattr(command, "commands"):
        for name in sorted(command.commands):
            yield from _plain(command.commands[name], (*path, name))
        return
    required = [parameter.name or "" for parameter in command.params if parameter.param_type_name == "argument" and parameter.required]
    yield " ".join([*path, *(ARGUMENTS[name] for name in required)])


EVERY = tuple(_plain(COMMANDS))
