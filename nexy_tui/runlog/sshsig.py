"""Detached SSH signatures, as `ssh-keygen -Y sign` makes and `ssh-keygen -Y verify` reads them (OpenSSH, PROTOCOL.sshsig)."""

from __future__ import annotations

import base64
import hashlib

from nexy_tui.runlog import sshwire
from nexy_tui.runlog.sign import Signer, signature_holds

_MAGIC = b"SSHSIG"
_VERSION = 1
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_WIDTH = 70
_HASHES = {b"sha512": hashlib.sha512, b"sha256": hashlib.sha256}


class BadSignature(ValueError):
    """The signature does not verify; the message says why."""


def make(message: bytes, namespace: str, signer: Signer) -> bytes:
    """The armoured signature over `message`."""
    signature = signer.sign(_signed(message, namespace.encode(), b"sha512"))
    blob = b"".join(
        (
            _MAGIC,
            _VERSION.to_bytes(4, "big"),
            sshwire.string(sshwire.public_blob(signer.public)),
            sshwire.string(namespace.encode()),
            sshwire.string(b""),
            sshwire.string(b"sha512"),
            sshwire.string(sshwire.signature_blob(signature)),
        )
    )
    return _armour(blob)


def verify(armoured: bytes, message: bytes, namespace: str) -> bytes:
    """The public key (32 bytes) that signed `message`. Raises BadSignature. Whether the key is trusted is the caller's question."""
    try:
        public, found, algorithm, signature = _parse(_unarmour(armoured))
    except (sshwire.Malformed, UnicodeDecodeError) as error:
        raise BadSignature(f"it is not an SSH signature ({error})") from None
    if found != namespace.encode():
        raise BadSignature(f"it is for the namespace {found.decode('utf-8', 'replace')[:60]!r}, not {namespace}")
    if algorithm not in _HASHES:
        raise BadSignature("its hash is neither sha512 nor sha256")
    if not signature_holds(public, _signed(message, found, algorithm), signature):
        raise BadSignature("it does not fit the file")
    return public


def _signed(message: bytes, namespace: bytes, algorithm: bytes) -> bytes:
    digest = _HASHES[algorithm](message).digest()
    return _MAGIC + b"".join(sshwire.string(part) for part in (namespace, b"", algorithm, digest))


def _parse(blob: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    reader = sshwire.Reader(blob)
    if reader.take(len(_MAGIC)) != _MAGIC or reader.uint32() != _VERSION:
        raise sshwire.Malformed("another format or version")
    public = sshwire.public_from_blob(reader.string())
    namespace, reserved, algorithm = reader.string(), reader.string(), reader.string()
    signature = sshwire.signature_from_blob(reader.string())
    reader.finish()
    if reserved:
        raise sshwire.Malformed("the reserved field is in use")
    return public, namespace, algorithm, signature


def _armour(blob: bytes) -> bytes:
    text = base64.b64encode(blob).decode("ascii")
    rows = [text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)]
    return "\n".join([_BEGIN, *rows, _END, ""]).encode("ascii")


def _unarmour(armoured: bytes) -> bytes:
    rows = armoured.decode("ascii").split("\n")
    blob = sshwire.unbase64("".join(rows[1:-2]))
    if _armour(blob) != armoured:
        raise sshwire.Malformed("its armour is not as ssh-keygen writes it")
    return blob
