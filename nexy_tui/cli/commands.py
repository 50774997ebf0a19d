"""Mounts every command on the top level."""

from __future__ import annotations

import typer

from nexy_tui.cli import (
    act,
    completion,
    database,
    doctor,
    examples,
    fix,
    gate,
    keys,
    look,
    rehearse,
    release,
    runs,
    scaffold,
    secrets,
    settings,
    setup,
    where,
    world,
)


def mount(app: typer.Typer) -> None:
    """Add all commands and groups."""
    for module in (release, rehearse, look, gate, act, fix, scaffold, where, completion, doctor, setup):
        module.register(app)
    app.add_typer(world.app, name="world", help="The rehearsal world by itself.")
    app.add_typer(database.app, name="db", help="Backup, restore drill and hardening of the database.")
    app.add_typer(runs.app, name="runs", help="The signed run logs.")
    app.add_typer(keys.app, name="keys", help="The operator's signing key, and whose keys are trusted.")
    app.add_typer(secrets.app, name="secrets", help="Tokens and keys kept in the keyring; never shown.")
    app.add_typer(settings.app, name="config", help="Target and settings in force.")
    examples.attach(app)
