"""`nexy-tui keys`: the operator's signing key."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from nexy_tui.cli import common

if TYPE_CHECKING:
    from nexy_tui.config import Settings
    from nexy_tui.runlog.trust import AllowedSigners

app = typer.Typer(help="The operator's signing key: create, list, export, rotate.")

Yes = Annotated[bool, typer.Option("--yes", help="Answer the confirmation.")]


@app.command()
def create() -> None:
    """Make the operator's Ed25519 key in the keyring, and list it as trusted from now on."""
    from nexy_tui.runlog import keys

    settings = _settings()
    signer = keys.create_key(settings.operator, settings.allowed_signers, datetime.now(UTC))
    common.show(f"Key {signer.keyid} of {settings.operator} is in the keyring and listed in {settings.allowed_signers}.")
    common.show("Let others trust it: give them the line that `nexy-tui keys export` prints, by a way they trust.")


@app.command("list")
def list_keys() -> None:
    """List the keys that are trusted here, and which one signs."""
    from nexy_tui.core.problem import Problem
    from nexy_tui.runlog import keys

    settings = _settings()
    signers = _signers(settings)
    try:
        signer = keys.load_signer(settings.operator, os.environ, allowed=signers)
        common.show(f"{settings.operator} signs with {signer.keyid} ({signer.source})")
    except Problem as problem:
        common.show(f"{problem.what} {problem.remedy}")
    common.show(f"Trusted by {settings.allowed_signers}:" if signers.entries else f"{settings.allowed_signers} lists no key.")
    for entry in signers.entries:
        since = f"since {entry.valid_after:%Y-%m-%d %H:%M:%S} UTC" if entry.valid_after else "always"
        until = f", ended {entry.valid_before:%Y-%m-%d %H:%M:%S} UTC" if entry.valid_before else ""
        common.show(f"  {entry.keyid}  {entry.principals}  {since}{until}  for {entry.namespaces or 'every namespace'}")


@app.command()
def export() -> None:
    """Print the operator's lines for an allowed_signers file: public keys only, ended ones included."""
    from nexy_tui.runlog import keys, trust

    settings = _settings()
    signers = _signers(settings)
    signer = keys.load_signer(settings.operator, os.environ, allowed=signers)
    mine = [entry for entry in signers.entries if entry.principals == settings.operator]
    if not any(entry.keyid == signer.keyid for entry in mine):
        mine.append(trust.new_entry(settings.operator, signer.public, datetime.now(UTC)))
    for entry in mine:
        common.show(entry.line())


@app.command()
def rotate(yes: Yes = False) -> None:
    """Replace the operator's key: the new one is listed, the old one ends at the same moment. Old logs stay verifiable."""
    from nexy_tui.core.problem import Cancelled
    from nexy_tui.runlog import keys, read

    settings = _settings()
    left = [run.run for run in read.list_runs(settings.state_dir) if run.operator == settings.operator and run.looks in ("open", "torn")]
    if left:
        common.say(f"Not yet ended, and to be gone on with only by the old key: {', '.join(left)}.")
    if not yes and not common.typed(settings.operator, common.ask_terminal):
        raise Cancelled("Nothing was changed.", "The rotation was not confirmed.", "Run it again when the runs are ended.")
    signer = keys.rotate_key(settings.operator, settings.allowed_signers, datetime.now(UTC))
    common.show(f"Key {signer.keyid} of {settings.operator} signs from now on; the old one is ended in {settings.allowed_signers}.")
    common.show("Give others the lines that `nexy-tui keys export` prints: they end the old key for them too.")


def _signers(settings: Settings) -> AllowedSigners:
    from nexy_tui.runlog.trust import AllowedSigners

    path = settings.allowed_signers
    return AllowedSigners.load(path) if path.exists() else AllowedSigners()


def _settings() -> Settings:
    from nexy_tui.config import load_settings

    return load_settings()
