"""`nexy-tui keys`: the operator's signing key, and whose keys are trusted."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexy_tui.cli import common

if TYPE_CHECKING:
    from nexy_tui.config import Settings
    from nexy_tui.runlog.sign import Signer
    from nexy_tui.runlog.trust import AllowedSigner, AllowedSigners

app = typer.Typer()

Yes = Annotated[bool, typer.Option("--yes", help="Answer the confirmation.")]
KeyFile = Annotated[Path | None, typer.Option("--file", metavar="FILE", help="An OpenSSH Ed25519 key file of mode 0600.")]
Agent = Annotated[bool, typer.Option("--agent", help="A key that is loaded in ssh-agent.")]
Fingerprint = Annotated[str, typer.Option("--key", metavar="SHA256:…", help="Which of the agent's keys (ssh-add -l shows them).")]


@app.command()
def create() -> None:
    """Make the operator's Ed25519 key in the keyring, and list it as trusted from now on."""
    from nexy_tui.runlog import keymaking

    settings = _own_settings()
    signer = keymaking.create_key(settings.operator, settings.allowed_signers, datetime.now(UTC))
    common.show(f"Key {signer.keyid} of {settings.operator} is in the keyring and listed in {settings.allowed_signers}.")
    _say_export()


@app.command()
def use(file: KeyFile = None, agent: Agent = False, key: Fingerprint = "") -> None:
    """Sign with a key file, or with a key in ssh-agent, and list it as trusted from now on: where there is no keyring.

    Without --file or --agent: list the key that signs already.
    """
    from nexy_tui.core.problem import Refused
    from nexy_tui.runlog import keymaking, keys

    settings = _own_settings()
    named = file is not None or agent or bool(key)
    public = (_named(file, agent, key) if named else _signer(settings, keymaking.own_list(settings.allowed_signers))).public
    path = remembered(settings, file) if file is not None else settings.key_file
    new = keymaking.list_key(settings.operator, settings.allowed_signers, public, datetime.now(UTC))
    signer = keys.load_signer(settings.operator, os.environ, key_file=path, allowed=keymaking.own_list(settings.allowed_signers))
    if signer.public != public:
        raise Refused(
            f"{settings.operator} still signs with {signer.keyid} ({signer.source}), which comes before it.",
            "The keyring's key signs first, then one in ssh-agent, then a key file.",
            "Replace that key by this one: nexy-tui keys rotate " + ("--agent" if file is None else f"--file {file}"),
        )
    listed = "is listed" if new else "was listed already"
    common.show(f"{settings.operator} signs with {signer.keyid} ({signer.source}); it {listed} in {settings.allowed_signers}.")
    _say_export()


@app.command("list")
def list_keys() -> None:
    """List the keys that are trusted here, and which one signs. Exit 1 where that one is not listed, 2 where there is none."""
    from nexy_tui.config.operator import require_operator
    from nexy_tui.config.origins import LOGIN
    from nexy_tui.core.problem import Problem
    from nexy_tui.runlog import keymaking

    settings = _settings()
    signers = keymaking.own_list(settings.allowed_signers)
    status = 1
    try:
        if settings.origins["operator.id"] != LOGIN:
            require_operator(settings)
        signer = _signer(settings, signers)
        common.show(f"{settings.operator} signs with {signer.keyid} ({signer.source})")
        if signers.covers(signer.public, settings.operator):
            status = 0
        else:
            common.show("No list here names that key, so nobody believes its logs. If it is yours, list it: nexy-tui keys use")
    except Problem as problem:
        common.show(f"{problem.what} {problem.remedy}")
        status = problem.exit_code
    common.show(f"Trusted by {settings.allowed_signers}:" if signers.entries else f"{settings.allowed_signers} lists no key.")
    for entry in signers.entries:
        common.show(f"  {_line(entry)}")
    raise typer.Exit(status)


@app.command()
def export() -> None:
    """Print the operator's lines for an allowed_signers file: public keys only, ended ones included."""
    from nexy_tui.runlog import keymaking, trust

    settings = _own_settings()
    signers = keymaking.own_list(settings.allowed_signers)
    signer = _signer(settings, signers)
    mine = [entry for entry in signers.entries if entry.principals == settings.operator]
    if not any(entry.keyid == signer.keyid for entry in mine):
        mine.append(trust.new_entry(settings.operator, signer.public, datetime.now(UTC)))
    for entry in mine:
        common.show(entry.line())


@app.command()
def trust(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What a colleague's `nexy-tui keys export` printed.", show_default=False)],
    yes: Yes = False,
) -> None:
    """Trust a colleague's keys: shows whose they are with their fingerprints, and asks."""
    from nexy_tui.core.problem import Cancelled
    from nexy_tui.runlog import keymaking

    settings = _settings()
    changes = keymaking.news(_handed(file), keymaking.own_list(settings.allowed_signers))
    if not changes:
        common.show(f"{settings.allowed_signers} says all of that already. Nothing was changed.")
        return
    for entry, what in changes:
        common.show(f"  {what:<6} {_line(entry)}")
    common.say(
        "Compare each fingerprint with what its owner reads to you, by a way you trust: who made this file could have put in his own."
    )
    if not yes and not common.typed("trust", common.ask_terminal):
        raise Cancelled("Nothing was changed.", "The keys were not confirmed.", "Run it again when the fingerprints are compared.")
    keymaking.accept(settings.allowed_signers, changes)
    common.show(f"Written to {settings.allowed_signers}. Their logs: nexy-tui runs verify FILE")


@app.command()
def rotate(file: KeyFile = None, agent: Agent = False, key: Fingerprint = "", yes: Yes = False) -> None:
    """Replace the operator's key: the new one is listed, the old one ends at the same moment. Old logs stay verifiable.

    Without --file or --agent the new key is made where the old one is: in the keyring, or in its file (the old one is kept beside it).
    """
    from nexy_tui.core.problem import Cancelled, Unusable
    from nexy_tui.runlog import keymaking, keys, read

    settings = _own_settings()
    now, signers = datetime.now(UTC), settings.allowed_signers
    old = _signer(settings, keymaking.own_list(signers))
    new = _named(file, agent, key) if file is not None or agent or key else None
    if new is None and old.source == "ssh-agent":
        raise Unusable(
            "The key that signs is in ssh-agent, which makes no keys.",
            remedy="Make one (ssh-keygen -t ed25519), load it (ssh-add), then: nexy-tui keys rotate --agent --key SHA256:…",
        )
    left = [run.run for run in read.list_runs(settings.state_dir) if run.operator == settings.operator and run.looks in ("open", "torn")]
    if left:
        common.say(f"Not yet ended, and to be gone on with only by the old key: {', '.join(left)}.")
    if not yes and not common.typed(settings.operator, common.ask_terminal):
        raise Cancelled("Nothing was changed.", "The rotation was not confirmed.", "Run it again when the runs are ended.")
    if new is not None:
        if file is not None:
            remembered(settings, file)
        keymaking.list_key(settings.operator, signers, new.public, now, ends=old.keyid)
        if old.source == "keyring":
            keymaking.forget_key(settings.operator)
            common.show("The old key was taken out of the keyring.")
    elif old.source == "keyring":
        new = keymaking.rotate_key(settings.operator, signers, now)
    else:
        new, kept = keymaking.rotate_file(keys.key_file(os.environ, settings.key_file), settings.operator, signers, now)
        common.show(f"The old key file is kept as {kept}.")
    common.show(f"Key {new.keyid} of {settings.operator} signs from now on; the old one is ended in {signers}.")
    common.show("Give others what `nexy-tui keys export` prints (they: nexy-tui keys trust FILE): it ends the old key for them too.")


def _named(file: Path | None, agent: bool, key: str) -> Signer:
    """The key that --file or --agent names; --key is one of the agent's. Raises Unusable, Refused."""
    from nexy_tui.config import expanded
    from nexy_tui.core.problem import Unusable
    from nexy_tui.runlog import keys

    if (file is None) == (not agent and not key):
        raise Unusable("Name one place of the key.", remedy="nexy-tui keys use --file FILE, or nexy-tui keys use --agent")
    return keys.read_key_file(expanded(file, "--file")) if file is not None else keys.agent_key(os.environ, key)


def remembered(settings: Settings, file: Path) -> Path:
    """Have the configuration name the key file, unless the environment does; the path as it will be found."""
    from nexy_tui.config import expanded
    from nexy_tui.config.edit import with_values, write_config
    from nexy_tui.core.problem import Unusable
    from nexy_tui.runlog.keys import KEY_FILE

    path = expanded(file, "--file")
    if os.environ.get(KEY_FILE) and settings.key_file is not None:
        if settings.key_file.absolute() != path:
            raise Unusable(f"{KEY_FILE} names another key file, {settings.key_file}.", remedy=f"Unset it, or set it to {path}.")
        return path
    text = settings.config_path.read_text("utf-8-sig") if settings.config_found else ""
    changed = with_values(text, {"operator.signing_key_file": str(path)}, str(settings.config_path))
    if changed != text:
        write_config(settings.config_path, changed)
    return path


def _handed(file: Path) -> AllowedSigners:
    """The keys in a file that somebody handed over. Raises Unusable where it is not what `keys export` prints."""
    from nexy_tui.config.keys import OPERATOR
    from nexy_tui.core.problem import Unusable
    from nexy_tui.runlog.trust import NAMESPACE, AllowedSigners
    from nexy_tui.services.plain_file import read_plain

    ask = "Ask its owner for what `nexy-tui keys export` prints."
    begins = read_plain(file, 4096).lstrip() if file.is_file() else b""
    if begins.startswith(b"-----BEGIN"):
        raise Unusable(
            f"{file} is a key itself, not the lines that name one.",
            "A private key is its owner's alone: whoever has it signs in his name.",
            f"Give it to nobody, and take away this copy if it is not yours. {ask}",
        )
    if begins.startswith((b"ssh-", b"ecdsa-", b"sk-")):
        raise Unusable(f"{file} has a public key without its operator.", "A key alone does not say whom to trust.", ask)
    handed = AllowedSigners.load(file)
    if not handed.entries:
        raise Unusable(f"{file} names no Ed25519 key with its operator.", "A key alone does not say whom to trust.", ask)
    for entry in handed.entries:
        if OPERATOR.fullmatch(entry.principals) is None:
            raise Unusable(
                f"{file} lists a key for {entry.principals[:60]!r}, which is no operator's id.", "It would speak for others.", ask
            )
        if entry.namespaces is None or NAMESPACE not in entry.namespaces.split(","):
            raise Unusable(f"{file} lists the key {entry.keyid} not for run logs ({NAMESPACE}).", remedy=ask)
    return handed


def _line(entry: AllowedSigner) -> str:
    since = f"since {entry.valid_after:%Y-%m-%d %H:%M:%S} UTC" if entry.valid_after else "always"
    until = f", ended {entry.valid_before:%Y-%m-%d %H:%M:%S} UTC" if entry.valid_before else ""
    return f"{entry.keyid}  {entry.principals}  {since}{until}  for {entry.namespaces or 'every namespace'}"


def _say_export() -> None:
    common.show(
        "Let others trust it: give them what `nexy-tui keys export` prints, by a way they trust; they run `nexy-tui keys trust FILE`."
    )


def _signer(settings: Settings, signers: AllowedSigners) -> Signer:
    from nexy_tui.runlog import keys

    return keys.load_signer(settings.operator, os.environ, key_file=settings.key_file, allowed=signers)


def _settings() -> Settings:
    from nexy_tui.config import load_settings

    return load_settings()


def _own_settings() -> Settings:
    """The settings of somebody who has said who he is. Raises Unusable."""
    from nexy_tui.config.operator import require_operator

    settings = _settings()
    require_operator(settings)
    return settings
