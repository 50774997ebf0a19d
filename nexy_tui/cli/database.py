"""`db backup|drill|harden|status`: the database durability gate by itself (rulebook section 3, Phase 1.1)."""

from __future__ import annotations

from typing import Annotated

import typer

from nexy_tui.cli import common
from nexy_tui.cli.act import Json, TakeOver, Yes, run_alone

app = typer.Typer()


@app.command()
def backup(yes: Yes = False, take_over: TakeOver = False, json: Json = False) -> None:
    """Make a backup and verify it."""
    run_alone(["backup"], yes=yes, as_json=json, take_over=take_over)


@app.command()
def drill(yes: Yes = False, take_over: TakeOver = False, json: Json = False) -> None:
    """Restore the newest backup into a database of its own, check it, drop it, and sign a record."""
    run_alone(["drill"], yes=yes, as_json=json, take_over=take_over)


@app.command()
def harden(yes: Yes = False, take_over: TakeOver = False, json: Json = False) -> None:
    """Take from the app user what it must not have, and refuse hard deletes."""
    run_alone(["harden"], yes=yes, as_json=json, take_over=take_over)


@app.command()
def status(json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False) -> None:
    """Every database item, read-only."""
    from nexy_tui.cli.look import look_at

    raise typer.Exit(look_at(common.the_checklist().phase("database").items, json))
