"""OpenSSH's wire form of Ed25519 keys (RFC 4251 section 5, RFC 8709) and the fingerprint that names a key."""

from __future__ import annotations

import base64
import hashlib
import struct

KEY_TYPE = b"ssh-ed25519"
PUBLIC_SIZE = 32
SIGNATURE_SIZE = 64


class Malformed(ValueError):
    """The bytes are not what the wire format allows."""


def string(data: bytes) -> bytes:
    """A length-prefixed string."""
    return struct.pack(">I", len(data)) + data


class Reader:
    """Reads length-prefixed strings off a block of bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes. Raises Malformed when there are fewer."""
        if size > len(self._data) - self._at:
            raise Malformed("the data ends early")
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece

    def uint32(self) -> int:
        """The next four bytes as a number."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """The next length-prefixed string."""
        return self.take(self.uint32())

    def finish(self) -> None:
        """Raises Malformed when anything is left."""
        if self._at != len(self._data):
            raise Malformed("there is data after the end")


def public_blob(public: bytes) -> bytes:
    """An Ed25519 public key (32 bytes) in wire form."""
    return string(KEY_TYPE) + string(public)


def public_from_blob(blob: bytes) -> bytes:
    """The 32 bytes of an Ed25519 public key in wire form. Raises Malformed for any other key."""
    return _typed(blob, PUBLIC_SIZE)


def signature_blob(signature: bytes) -> bytes:
    """An Ed25519 signature (64 bytes) in wire form."""
    return string(KEY_TYPE) + string(signature)


def signature_from_blob(blob: bytes) -> bytes:
    """The 64 bytes of an Ed25519 signature in wire form. Raises Malformed for any other."""
    return _typed(blob, SIGNATURE_SIZE)


def fingerprint(public: bytes) -> str:
    """`SHA256:` and the unpadded base64 digest of the key, as `ssh-keygen -l` prints it."""
    digest = hashlib.sha256(public_blob(public)).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def openssh_public(public: bytes) -> str:
    """The key as it stands in OpenSSH's files: `ssh-ed25519 AAAA…`."""
    return f"{KEY_TYPE.decode()} {base64.b64encode(public_blob(public)).decode('ascii')}"


def unbase64(text: bytes | str) -> bytes:
    """Standard base64 that re-encodes to itself. Raises Malformed for any other spelling."""
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    try:
        data = base64.b64decode(raw, validate=True)
    except ValueError:
        raise Malformed("not base64") from None
    if base64.b64encode(data) != raw:
        raise Malformed("base64 that does not re-encode to itself")
    return data


def _typed(blob: bytes, size: int) -> bytes:
    reader = Reader(blob)
    if reader.string() != KEY_TYPE:
        raise Malformed("not Ed25519")
    value = reader.string()
    reader.finish()
    if len(value) != size:
        raise Malformed(f"{len(value)} bytes where Ed25519 has {size}")
    return value
