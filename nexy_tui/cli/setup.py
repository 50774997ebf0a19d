"""`setup`: asks for what is missing, writes it down, makes or lists the key, keeps the secrets, and ends in what `doctor` says."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nexy_tui.cli import common

if TYPE_CHECKING:
    from nexy_tui.config import Settings
    from nexy_tui.runlog.sign import SeedSigner
    from nexy_tui.services.secrets import Secrets

_QUESTIONS = {
    "operator.id": "Who releases? Your address, as it will stand in the log",
    "target.sparkle_public_key": "The application's SUPublicEDKey (base64; Enter: none, updates are then not signed)",
    "target.vm.subscription": "The VM's Azure subscription, as `az account show --query id` prints it (Enter: later)",
}
_KEY_FILE = "~/.ssh/nexy-release"


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command()(setup)


def setup() -> None:
    """From nothing to ready: asks for what is missing, writes the configuration, makes or lists your key, keeps your secrets hidden."""
    from nexy_tui.cli.doctor import doctor
    from nexy_tui.config import config_path, load_settings
    from nexy_tui.config.operator import require_operator
    from nexy_tui.core.problem import Unusable

    if not sys.stdin.isatty():
        raise Unusable(
            "Setting up asks questions, and there is no terminal to answer on.",
            remedy="Without one: write the configuration (nexy-tui config template shows every key), then nexy-tui keys use --file FILE, "
            "nexy-tui secrets set NAME, nexy-tui doctor",
        )
    path = config_path(os.environ)
    _write(path, _answers(_known(path)))
    settings = load_settings()
    require_operator(settings)
    _key(settings)
    _secrets(settings)
    common.say("")
    doctor()


def _known(path: Path) -> Mapping[str, str]:
    """Where each key's value comes from now; without a configuration, by the environment alone. Raises Unusable."""
    from nexy_tui.config import load_settings
    from nexy_tui.config.origins import origins

    return load_settings().origins if path.exists() else origins("", os.environ)


def _answers(known: Mapping[str, str]) -> dict[str, str]:
    """What the operator says to each question whose key nobody has set."""
    from nexy_tui.config.keys import KEYS
    from nexy_tui.config.origins import LOGIN

    keys = {key.name: key for key in KEYS}
    given = {}
    for name, question in _QUESTIONS.items():
        if known[name] not in ("default", LOGIN):
            continue
        while True:
            answer = common.ask_terminal(f"{question}: ").strip()
            if keys[name].fits(answer) and (answer or name != "operator.id"):
                break
            common.say(f"   It must be {keys[name].wanted}.")
        if answer:
            given[name] = answer
    return given


def _write(path: Path, values: Mapping[str, str]) -> None:
    from nexy_tui.config.edit import with_values, write_config
    from nexy_tui.config.template import template

    if path.exists():
        before = path.read_text("utf-8-sig")
        text = with_values(before, values, str(path))
    else:
        before, text = "", template(values)
    if text != before:
        write_config(path, text)
        common.say(f"   {path} is written (mode 0600).")


def _key(settings: Settings) -> None:
    """See that there is a key and that it is listed; make one in the keyring, else in a file."""
    from nexy_tui.runlog import keymaking, keys

    now, signers = datetime.now(UTC), settings.allowed_signers
    try:
        signer = keys.load_signer(settings.operator, os.environ, key_file=settings.key_file, allowed=keymaking.own_list(signers))
    except keys.NoSigner as none:
        common.say(f"   {none.what}")
        if none.locked:
            raise
        signer = _made(settings, now)
    if keymaking.list_key(settings.operator, signers, signer.public, now):
        common.say(f"   {signer.keyid} ({signer.source}) is listed in {signers}.")


def _made(settings: Settings, now: datetime) -> SeedSigner:
    from nexy_tui.cli.keys import remembered
    from nexy_tui.config import expanded
    from nexy_tui.runlog import keymaking, keys

    try:
        return keymaking.create_key(settings.operator, settings.allowed_signers, now)
    except keys.NoKey:
        named = common.ask_terminal(f"There is no keyring here, so a key file signs. Which (Enter: {_KEY_FILE}, made if it is not there)? ")
    path = expanded(named.strip() or _KEY_FILE, "the key file")
    if not path.exists():
        keymaking.make_key_file(path)
        common.say(f"   {path} is made (mode 0600). Whoever has it signs in your name.")
    signer = keys.read_key_file(path)
    remembered(settings, path)
    return signer


def _secrets(settings: Settings) -> None:
    """Ask for the secrets that are nowhere, hidden; what is skipped is said by the doctor."""
    from nexy_tui.core.given import given
    from nexy_tui.core.problem import Problem
    from nexy_tui.services.secrets import GITHUB_TOKEN, SPARKLE_KEY, Secrets

    secrets = Secrets(given(), settings.target)
    wanted = [GITHUB_TOKEN, *([SPARKLE_KEY] if settings.target.sparkle_public_key else [])]
    for name in wanted:
        try:
            if secrets.find(name) is None:
                _ask_for(name, settings, secrets)
        except Problem as problem:
            common.tell(problem)


def _ask_for(name: str, settings: Settings, secrets: Secrets) -> None:
    from nexy_tui.cli.secrets import judged

    value = common.ask_hidden(f"{name} (it is not shown; Enter: later): ")
    if value:
        secrets.store(name, judged(name, value, settings.target.sparkle_public_key))
        common.say(f"   {name} is kept in the keyring.")
