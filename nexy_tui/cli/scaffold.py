"""`scaffold`: the rulebook's scripts for a checkout that lacks them."""

from __future__ import annotations

from typing import Annotated

import typer

from nexy_tui.cli import common

WORDS = {
    "laid": "laid",
    "missing": "would lay",
    "ours": "there",
    "theirs": "left",
}
NOTES = {
    "ours": "this program's, unchanged",
    "theirs": "there already, not this program's: never overwritten",
}


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command()(scaffold)


def scaffold(dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be laid.")] = False) -> None:
    """Lay thin scripts at the rulebook's paths, each calling nexy-tui; what is there is never overwritten."""
    from nexy_tui.actions.scaffold import lay, look, next_steps

    services = common.make_services()
    services.require_checkout()
    scripts = look(services) if dry_run else lay(services)
    for script in scripts:
        notes = [NOTES[script.state]] if script.state in NOTES else []
        if script.state != "missing" and not script.executable:
            notes.append(f"not executable: chmod +x {script.path}")
        told = "; ".join(notes)
        common.show(f"{WORDS[script.state]:<10} {script.path}" + (f"  ({told})" if told else ""))
    if dry_run:
        common.show("Nothing was written.")
        return
    steps = next_steps(services, scripts)
    if steps:
        common.show(
            "They run as they lie here, and do not stand in a release's way. For colleagues and the VM, bring them to the repository:"
        )
    for step in steps:
        common.show(f"  {step}")
