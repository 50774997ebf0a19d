"""Making, listing, replacing and trusting signing keys: whatever writes to the keyring and to the list of trusted keys."""

from __future__ import annotations

import base64
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nexy_tui.config.origins import require_unwritten
from nexy_tui.core.problem import Refused, Unusable
from nexy_tui.core.remedy import Run
from nexy_tui.runlog import keys, trust
from nexy_tui.runlog.sign import SeedSigner
from nexy_tui.runlog.trust import AllowedSigner, AllowedSigners
from nexy_tui.services import ring
from nexy_tui.services.plain_file import read_plain

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend


def create_key(operator: str, signers: Path | None, now: datetime, *, backend: KeyringBackend | None = None) -> SeedSigner:
    """Make the operator's first key in the keyring, and add its line to the allowed_signers file `signers`.

    Raises Refused when there is a key already, or when the keyring does not give back what was stored.
    """
    keyring = backend or keys.open_keyring()
    if keys.kept_seed(keyring, operator) is not None:
        raise Refused(
            f"The operator {operator} has a signing key already.",
            "Records signed by it would lose their key.",
            Run("keys rotate", "Look at it (nexy-tui keys list), or replace it"),
        )
    return _install(keyring, operator, signers, now, None)


def rotate_key(operator: str, signers: Path | None, now: datetime, *, backend: KeyringBackend | None = None) -> SeedSigner:
    """Replace the operator's key in the keyring: a line is added to `signers`, and the old key's line ends at the same moment."""
    keyring = backend or keys.open_keyring()
    old = keys.kept_seed(keyring, operator)
    if old is None:
        raise Unusable(
            f"The operator {operator} has no signing key in the keyring to replace.",
            "Rotation ends the old key where the new one begins.",
            Run("keys create", "Make the first one"),
        )
    return _install(keyring, operator, signers, now, old)


def make_key_file(path: Path) -> None:
    """Make a new OpenSSH Ed25519 key file, its owner's alone (mode 0600). Raises Refused where something is there already."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_private(path)
    except OSError as error:
        raise Refused(
            f"The key file {path} cannot be made: {error.strerror}.", remedy="Name another, or make one: ssh-keygen -t ed25519 -N ''"
        ) from None


def rotate_file(path: Path, operator: str, signers: Path, now: datetime) -> tuple[SeedSigner, Path]:
    """Put a new key in the place of a key file, and end the old one's line; the new key, and where the old one is kept."""
    old = keys.read_key_file(path)
    kept = path.with_name(f"{path.name}.ended-{trust.stamp(now)}")
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write_private(part)
        new = keys.read_key_file(part)
        text = _amended(signers, trust.new_entry(operator, new.public, now), old.keyid)
        os.link(path, kept)
        part.replace(path)
        _write_list(signers, text)
    except OSError as error:
        part.unlink(missing_ok=True)
        if kept.exists():
            kept.replace(path)
        raise _unwritten(signers, error) from None
    return new, kept


def _write_private(path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    made = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(made)


def list_key(operator: str, signers: Path, public: bytes, now: datetime, *, ends: str | None = None) -> bool:
    """Have a key of the operator's own trusted from now on, and the key with the fingerprint `ends` no longer; whether that was new."""
    entry, known = trust.new_entry(operator, public, now), own_list(signers)
    if known.covers(public, operator):
        return False
    if any(one.public == public and one.valid_before is not None for one in known.entries):
        raise Refused(
            f"The key {entry.keyid} of {operator} was ended here.",
            "A key that ended is not begun again: who took it might sign with it.",
            "Make a new one: ssh-keygen -t ed25519",
        )
    try:
        _write_list(signers, _amended(signers, entry, ends))
    except OSError as error:
        raise _unwritten(signers, error) from None
    return True


def forget_key(operator: str, *, backend: KeyringBackend | None = None) -> bool:
    """Take the operator's key out of the keyring; whether there was one. Raises NoKey."""
    try:
        return ring.delete(backend or keys.open_keyring(), keys.account(operator))
    except ring.RingFailed as failure:
        raise keys.locked(failure) from None


def own_list(signers: Path) -> AllowedSigners:
    """The operator's own list of trusted keys; empty where there is none. Raises Unusable."""
    if not signers.exists():
        return AllowedSigners()
    require_unwritten(signers, "list of trusted keys")
    return AllowedSigners.load(signers)


def news(handed: AllowedSigners, known: AllowedSigners) -> list[tuple[AllowedSigner, str]]:
    """What a list that somebody handed over would change in the known one, each with a word for it: `trust` or `end`."""
    found = []
    for entry in handed.entries:
        same = [one for one in known.entries if (one.public, one.principals) == (entry.public, entry.principals)]
        if not same:
            found.append((entry, "trust"))
        elif entry.valid_before is not None and all(one.valid_before is None or one.valid_before > entry.valid_before for one in same):
            found.append((entry, "end"))
    return found


def accept(signers: Path, changes: list[tuple[AllowedSigner, str]]) -> None:
    """Write what `news` found into the operator's own list. Raises Refused where it cannot be written."""
    text = _text(signers)
    for entry, _ in changes:
        text = trust.replaced(text, entry)
    try:
        _write_list(signers, text)
    except OSError as error:
        raise _unwritten(signers, error) from None


def _install(keyring: KeyringBackend, operator: str, signers: Path | None, now: datetime, old: str | None) -> SeedSigner:
    seed = secrets.token_bytes(keys.SEED_SIZE)
    signer = SeedSigner.from_seed(seed, "keyring")
    entry = trust.new_entry(operator, signer.public, now)
    ended = keys.decoded(old).keyid if old is not None else None
    text = _amended(signers, entry, ended) if signers is not None else None
    _store(keyring, operator, base64.b64encode(seed).decode("ascii"))
    try:
        if signers is not None and text is not None:
            _write_list(signers, text)
    except OSError as error:
        _restore(keyring, operator, old)
        raise _unwritten(signers, error) from None
    return signer


def _store(keyring: KeyringBackend, operator: str, seed: str) -> None:
    try:
        ring.write(keyring, keys.account(operator), seed)
    except ring.RingFailed as failure:
        raise keys.NoKey(
            str(failure),
            "The signing key would be lost, or lie about where it is kept.",
            f"{ring.UNLOCK}; without one a key file signs: nexy-tui keys use --file FILE",
        ) from None


def _restore(keyring: KeyringBackend, operator: str, old: str | None) -> None:
    if old is not None:
        _store(keyring, operator, old)
    else:
        ring.delete(keyring, keys.account(operator))


def _text(signers: Path) -> str:
    before = read_plain(signers, trust.MAX_SIZE + 1) if signers.exists() else b""
    AllowedSigners.parse(before, str(signers))
    return before.decode("utf-8", "replace")


def _amended(signers: Path, entry: AllowedSigner, ended: str | None) -> str:
    return trust.amended(_text(signers), entry, ended)


def _write_list(path: Path, text: str) -> None:
    path = path.resolve()  # What a link leads to is written: the link is the operator's.
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.chmod(0o644)
    part.replace(path)


def _unwritten(path: Path | None, error: OSError) -> Refused:
    return Refused(
        f"The list of trusted keys {path} cannot be written: {error.strerror}.",
        "A key that no list names is trusted by nobody; the key was not changed.",
        "Make the folder writable, or name another file in NEXY_ALLOWED_SIGNERS.",
    )
