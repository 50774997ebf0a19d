"""The operator's signing key, found: one Ed25519 key per operator, in the OS keyring, in ssh-agent, or in a file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nexy_tui.config import expanded
from nexy_tui.core.problem import Refused, Unusable
from nexy_tui.core.remedy import Remedy, Run
from nexy_tui.runlog import agent, sshwire
from nexy_tui.runlog.sign import SeedSigner, Signer
from nexy_tui.runlog.trust import AllowedSigners
from nexy_tui.services import ring

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

KEY_FILE = "NEXY_SIGNING_KEY_FILE"
SEED_SIZE = 32
_MAX_KEY_FILE = 64 * 1024


class NoKey(Unusable):
    """One place has no usable key; the next place may be asked. `remedy`: what would make this place serve."""


class Locked(NoKey):
    """The keyring is there, and could not be looked into."""


class NoSigner(Unusable):
    """No place has a key. `locked`: the keyring could not be looked into, so a key may be there."""

    def __init__(self, what: str, why: str, remedy: Remedy, *, locked: bool) -> None:
        super().__init__(what, why, remedy)
        self.locked = locked


def account(operator: str) -> str:
    """The keyring's user name for an operator's signing key."""
    return f"signing-key:{operator}"


def load_signer(
    operator: str,
    environ: Mapping[str, str],
    *,
    key_file: Path | None = None,
    allowed: AllowedSigners | None = None,
    backend: KeyringBackend | None = None,
) -> Signer:
    """The operator's key, read once: from the keyring, then ssh-agent, then the file (`key_file`, else NEXY_SIGNING_KEY_FILE).

    `allowed` says which of an agent's keys is the operator's. Raises Unusable, saying what to do, when no place has one.
    """
    missing, named = [], key_file
    places: tuple[Callable[[], Signer], ...] = (
        partial(_from_keyring, operator, backend),
        partial(_from_agent, operator, environ, allowed),
        partial(_from_file, environ, named),
    )
    for place in places:
        try:
            return place()
        except NoKey as reason:
            missing.append(reason)
    first = missing[0].remedy or "Make one: nexy-tui keys create"
    raise NoSigner(
        f"There is no signing key for the operator {operator}: {'; '.join(reason.what for reason in missing)}.",
        "Every record of a run is signed before the step it announces begins.",
        f"{first}. Or load one into ssh-agent (nexy-tui keys use --agent), or name an OpenSSH Ed25519 key file of mode 0600 "
        f"(nexy-tui keys use --file FILE, or {KEY_FILE}).",
        locked=isinstance(missing[0], Locked),
    )


def kept_seed(keyring: KeyringBackend, operator: str) -> str | None:
    """What the keyring holds as the operator's key, or None. Raises NoKey where that cannot be seen."""
    try:
        return ring.read(keyring, account(operator))
    except ring.RingFailed as failure:
        raise locked(failure) from None


def open_keyring() -> KeyringBackend:
    """The keyring in force. Raises NoKey, saying why there is none."""
    try:
        return ring.open_ring()
    except ring.NoRing as reason:
        raise NoKey(
            str(reason),
            "The signing key would be lost, or lie about where it is kept.",
            "Without a keyring a key file signs: ssh-keygen -t ed25519 -N '' -f ~/.ssh/nexy-release, then nexy-tui keys use --file "
            f"~/.ssh/nexy-release (or set {KEY_FILE})",
        ) from None
    except ring.RingFailed as failure:
        raise locked(failure) from None


def locked(failure: ring.RingFailed) -> Locked:
    """A keyring that is there and does not serve now: the key may well be in it, so no new one is advised."""
    return Locked(str(failure), "Your key may be in it: no new one is needed.", f"{failure.cure}, and run this again")


def decoded(seed: str) -> SeedSigner:
    """The keyring's key. Raises Refused where something else stands under its name."""
    try:
        raw = sshwire.unbase64(seed.strip())
    except sshwire.Malformed:
        raw = b""
    if len(raw) != SEED_SIZE:
        raise Refused(
            "The keyring's signing key is not the base64 of 32 bytes.",
            "Something else stored a value under this name.",
            Run("keys create", "Take it away (nexy-tui secrets delete signing-key), then make one"),
        )
    return SeedSigner.from_seed(raw, "keyring")


def _from_keyring(operator: str, backend: KeyringBackend | None) -> Signer:
    seed = kept_seed(backend or open_keyring(), operator)
    if seed is None:
        raise NoKey("the keyring has none")
    return decoded(seed)


def _from_agent(operator: str, environ: Mapping[str, str], allowed: AllowedSigners | None) -> Signer:
    path, found = _in_agent(environ)
    mine = [public for public in found if allowed is not None and allowed.covers(public, operator)]
    if mine:
        return agent.AgentSigner(path, mine[0])
    if len(found) == 1 and (allowed is None or not allowed.entries):
        return agent.AgentSigner(path, found[0])
    if not found:
        raise NoKey("the ssh-agent has no Ed25519 key")
    raise NoKey(f"of the {len(found)} Ed25519 keys in the ssh-agent none is listed for this operator")


def _in_agent(environ: Mapping[str, str]) -> tuple[str, list[bytes]]:
    path = environ.get("SSH_AUTH_SOCK")
    if not path:
        raise NoKey("no ssh-agent runs (SSH_AUTH_SOCK is not set)")
    try:
        return path, agent.identities(path)
    except (OSError, sshwire.Malformed):
        raise NoKey("the ssh-agent does not answer") from None


def agent_key(environ: Mapping[str, str], fingerprint: str) -> Signer:
    """The agent's Ed25519 key with this fingerprint; without one, the only one it holds. Raises Unusable."""
    add = "See which there are: ssh-add -l. Load one: ssh-add FILE"
    try:
        path, found = _in_agent(environ)
    except NoKey as reason:
        raise Unusable(f"{reason.what[0].upper()}{reason.what[1:]}.", remedy=f'Start one: eval "$(ssh-agent)". {add}') from None
    if not found:
        raise Unusable(
            "The ssh-agent has no Ed25519 key.",
            "Run logs are signed with Ed25519; a key of another kind does not serve.",
            "Make one if there is none (ssh-keygen -t ed25519), load it (ssh-add FILE), then: nexy-tui keys use --agent",
        )
    held = {sshwire.fingerprint(public): public for public in found}
    if fingerprint and fingerprint not in held:
        raise Unusable(f"The ssh-agent has no Ed25519 key {fingerprint[:80]}.", remedy=add)
    if not fingerprint and len(held) != 1:
        known = ", ".join(sorted(held)) or "none"
        raise Unusable(f"Which of the ssh-agent's {len(held)} Ed25519 keys ({known}) is meant?", remedy=f"Name it: --key SHA256:… {add}")
    return agent.AgentSigner(path, held[fingerprint] if fingerprint else found[0])


def key_file(environ: Mapping[str, str], named: Path | None) -> Path:
    """The key file that signs: the one `named`, else the environment's. Raises NoKey."""
    variable = environ.get(KEY_FILE)
    if named is None and not variable:
        raise NoKey(f"no key file is named ({KEY_FILE} is not set)")
    return named or expanded(str(variable))


def _from_file(environ: Mapping[str, str], named: Path | None) -> Signer:
    return read_key_file(key_file(environ, named))


def read_key_file(path: Path) -> SeedSigner:
    """The key in an OpenSSH key file that is its owner's alone. Raises Refused."""
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            data = stream.read(_MAX_KEY_FILE)
    except OSError as error:
        raise Refused(
            f"The key file {path} cannot be read: {error.strerror}.",
            "It was named as the signing key.",
            Run("keys use --file FILE", "Name the one that is there", f"(or correct {KEY_FILE}, or unset it)."),
        ) from None
    if data.lstrip().startswith((b"ssh-", b"ecdsa-", b"sk-")):
        private = f"Name that: nexy-tui keys use --file {shlex.quote(str(path.with_suffix('')))}"
        raise _no_key(path, "is a public key", "Only its private half signs.", private)
    if status.st_mode & 0o077 or status.st_uid != os.geteuid():
        raise Refused(
            f"The key file {path} is not private to you (mode {status.st_mode & 0o777:04o}).",
            "Whoever can read it can sign in your name.",
            f"Run `chmod 600 {shlex.quote(str(path))}`; if others could read it, make a new key.",
        )
    return _parsed_file(path, data)


def _parsed_file(path: Path, data: bytes) -> SeedSigner:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    other = "Make one: ssh-keygen -t ed25519 -N '' -f FILE, then nexy-tui keys use --file FILE"
    try:
        private = load_ssh_private_key(data, None)
    except TypeError:  # What it says of a key that wants a passphrase.
        why = "A run signs without asking; a key with a passphrase belongs into ssh-agent."
        load = f"Load it: ssh-add {shlex.quote(str(path))}, then nexy-tui keys use --agent"
        raise _no_key(path, "has a passphrase", why, load) from None
    except (ValueError, UnsupportedAlgorithm):
        raise _no_key(path, "is not an OpenSSH key file", "Run logs are signed with an OpenSSH Ed25519 key.", other) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise _no_key(path, "is not an Ed25519 key", "Run logs are signed with an OpenSSH Ed25519 key.", other)
    return SeedSigner.from_private(private, "file")


def _no_key(path: Path, what: str, why: str, remedy: str) -> Refused:
    return Refused(f"The key file {path} {what}.", why, remedy)
