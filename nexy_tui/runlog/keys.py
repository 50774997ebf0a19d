"""The operator's signing key: making it, finding it, and replacing it. One Ed25519 key per operator, in the OS keyring."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nexy_tui.core import bounded
from nexy_tui.core.problem import Refused, Unusable
from nexy_tui.runlog import agent, sshwire, trust
from nexy_tui.runlog.sign import SeedSigner, Signer
from nexy_tui.runlog.trust import AllowedSigners
from nexy_tui.services.plain_file import read_plain

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "nexy-tui"
"""The keyring's service name, shared by everything the tool keeps there."""

KEY_FILE = "NEXY_SIGNING_KEY_FILE"
_SEED_SIZE = 32
_MAX_KEY_FILE = 64 * 1024


class NoKey(Unusable):
    """One place has no usable key; the next place may be asked."""


def account(operator: str) -> str:
    """The keyring's user name for an operator's signing key."""
    return f"signing-key:{operator}"


def load_signer(
    operator: str, environ: Mapping[str, str], *, allowed: AllowedSigners | None = None, backend: KeyringBackend | None = None
) -> Signer:
    """The operator's key, read once: from the keyring, then ssh-agent, then the file NEXY_SIGNING_KEY_FILE names.

    `allowed` says which of an agent's keys is the operator's. Raises Unusable, saying how to make a key, when no place has one.
    """
    missing = []
    places: tuple[Callable[[], Signer], ...] = (
        partial(_from_keyring, operator, backend),
        partial(_from_agent, operator, environ, allowed),
        partial(_from_file, environ),
    )
    for place in places:
        try:
            return place()
        except NoKey as reason:
            missing.append(reason.what)
    raise Unusable(
        f"There is no signing key for the operator {operator}: {'; '.join(missing)}.",
        "Every record of a run is signed before the step it announces begins.",
        f"Make one with `nexy-tui keys create`, load one into ssh-agent, or name an OpenSSH Ed25519 key file of mode 0600 in {KEY_FILE}.",
    )


def create_key(operator: str, signers: Path | None, now: datetime, *, backend: KeyringBackend | None = None) -> SeedSigner:
    """Make the operator's first key in the keyring, and add its line to the allowed_signers file `signers`.

    Raises Refused when there is a key already, or when the keyring does not give back what was stored.
    """
    ring = backend or _ring()
    if _stored(ring, operator) is not None:
        raise Refused(
            f"The operator {operator} has a signing key already.",
            "Records signed by it would lose their key.",
            "Show it with `nexy-tui keys list`; replace it with `nexy-tui keys rotate`.",
        )
    return _install(ring, operator, signers, now, None)


def rotate_key(operator: str, signers: Path | None, now: datetime, *, backend: KeyringBackend | None = None) -> SeedSigner:
    """Replace the operator's key: a line is added to `signers`, and the old key's line ends at the same moment."""
    ring = backend or _ring()
    old = _stored(ring, operator)
    if old is None:
        raise Unusable(
            f"The operator {operator} has no signing key in the keyring to replace.",
            "Rotation ends the old key where the new one begins.",
            "Make the first one with `nexy-tui keys create`.",
        )
    return _install(ring, operator, signers, now, old)


def _install(ring: KeyringBackend, operator: str, signers: Path | None, now: datetime, old: str | None) -> SeedSigner:
    seed = secrets.token_bytes(_SEED_SIZE)
    signer = SeedSigner.from_seed(seed, "keyring")
    entry = trust.new_entry(operator, signer.public, now)
    ended = _decoded(old).keyid if old is not None else None
    text = None
    if signers is not None:
        before = read_plain(signers, trust.MAX_SIZE + 1) if signers.exists() else b""
        AllowedSigners.parse(before, str(signers))
        text = trust.amended(before.decode("utf-8", "replace"), entry, ended)
    _store(ring, operator, base64.b64encode(seed).decode("ascii"))
    try:
        if signers is not None and text is not None:
            _write_whole(signers, text)
    except OSError as error:
        _restore(ring, operator, old)
        raise Refused(
            f"The list of trusted keys {signers} cannot be written: {error.strerror}.",
            "A key that no list names is trusted by nobody; the key was not changed.",
            "Make the folder writable, or name another file in NEXY_ALLOWED_SIGNERS.",
        ) from None
    return signer


def _ring() -> KeyringBackend:
    """The keyring in force. Not a last resort of `keyring`'s own (a plain file, say) that nobody chose: never a silent fall-back."""
    from keyring import core

    try:
        ring = core.get_keyring()
        chosen = core.recommended(ring) or core.load_env() is not None or core.load_config() is not None
    except Exception as error:  # a backend that cannot be loaded raises whatever it likes
        raise _no_keyring(f"the keyring cannot be opened ({type(error).__name__})") from None
    if not chosen:
        raise _no_keyring("this machine offers no keyring that protects what it keeps")
    return ring


def _stored(ring: KeyringBackend, operator: str) -> str | None:
    try:
        return bounded.within(bounded.KEYRING, lambda: ring.get_password(SERVICE, account(operator)))
    except TimeoutError:
        raise _no_keyring(f"the keyring gave no answer in {bounded.KEYRING:.0f} s") from None
    except Exception as error:  # backends raise KeyringError, RuntimeError, and their D-Bus library's own
        raise _no_keyring(f"the keyring cannot be read ({type(error).__name__})") from None


def _store(ring: KeyringBackend, operator: str, seed: str) -> None:
    try:
        ring.set_password(SERVICE, account(operator), seed)
        back = ring.get_password(SERVICE, account(operator))
    except Exception as error:
        raise _no_keyring(f"the keyring cannot be written ({type(error).__name__})") from None
    if back != seed:
        raise _no_keyring(f"the keyring {type(ring).__module__} took the key and did not give it back")


def _restore(ring: KeyringBackend, operator: str, old: str | None) -> None:
    if old is not None:
        _store(ring, operator, old)
    else:
        ring.delete_password(SERVICE, account(operator))


def _no_keyring(reason: str) -> NoKey:
    return NoKey(
        reason,
        "The signing key would be lost, or lie about where it is kept.",
        f"Use a working keyring (on Linux a Secret Service; PYTHON_KEYRING_BACKEND names another), load an Ed25519 key into ssh-agent, "
        f"or name an OpenSSH key file of mode 0600 in {KEY_FILE}.",
    )


def _from_keyring(operator: str, backend: KeyringBackend | None) -> Signer:
    seed = _stored(backend or _ring(), operator)
    if seed is None:
        raise NoKey("the keyring has none")
    return _decoded(seed)


def _decoded(seed: str) -> SeedSigner:
    try:
        raw = sshwire.unbase64(seed.strip())
    except sshwire.Malformed:
        raw = b""
    if len(raw) != _SEED_SIZE:
        raise Refused(
            "The keyring's signing key is not the base64 of 32 bytes.",
            "Something else stored a value under this name.",
            f"Remove the entry of service {SERVICE} whose user begins with signing-key: and run `nexy-tui keys create`.",
        )
    return SeedSigner.from_seed(raw, "keyring")


def _from_agent(operator: str, environ: Mapping[str, str], allowed: AllowedSigners | None) -> Signer:
    path = environ.get("SSH_AUTH_SOCK")
    if not path:
        raise NoKey("no ssh-agent runs (SSH_AUTH_SOCK is not set)")
    try:
        found = agent.identities(path)
    except (OSError, sshwire.Malformed):
        raise NoKey("the ssh-agent does not answer") from None
    mine = [public for public in found if allowed is not None and allowed.covers(public, operator)]
    if mine:
        return agent.AgentSigner(path, mine[0])
    if len(found) == 1 and (allowed is None or not allowed.entries):
        return agent.AgentSigner(path, found[0])
    if not found:
        raise NoKey("the ssh-agent has no Ed25519 key")
    raise NoKey(f"of the {len(found)} Ed25519 keys in the ssh-agent none is listed for this operator")


def _from_file(environ: Mapping[str, str]) -> Signer:
    name = environ.get(KEY_FILE)
    if not name:
        raise NoKey(f"{KEY_FILE} is not set")
    try:
        with Path(name).open("rb") as stream:
            status = os.fstat(stream.fileno())
            data = stream.read(_MAX_KEY_FILE)
    except OSError as error:
        raise Refused(
            f"The key file {name} cannot be read: {error.strerror}.", "It was named as the signing key.", f"Correct {KEY_FILE} or unset it."
        ) from None
    if status.st_mode & 0o077 or status.st_uid != os.geteuid():
        raise Refused(
            f"The key file {name} is not private to you (mode {status.st_mode & 0o777:04o}).",
            "Whoever can read it can sign in your name.",
            f"Run `chmod 600 {name}`; if others could read it, make a new key.",
        )
    return _parsed_file(name, data)


def _parsed_file(name: str, data: bytes) -> Signer:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    try:
        private = load_ssh_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise Refused(
            f"The key file {name} is not an OpenSSH Ed25519 key without a passphrase.",
            "A run signs without asking; a key with a passphrase belongs into ssh-agent.",
            "Load it with `ssh-add`, or make one with `ssh-keygen -t ed25519 -N ''`.",
        )
    return SeedSigner.from_private(private, "file")


def _write_whole(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
