"""Signing statements with Ed25519, and checking a signed line against the keys that are trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from nexy_tui.core.problem import Refused
from nexy_tui.runlog import canonical, dsse, sshwire
from nexy_tui.runlog.trust import NAMESPACE, AllowedSigners

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Signer(Protocol):
    """Something that signs with one Ed25519 key."""

    @property
    def keyid(self) -> str:
        """The key's SSH fingerprint, `SHA256:…`."""
        ...

    @property
    def public(self) -> bytes:
        """The public key's 32 bytes."""
        ...

    @property
    def source(self) -> str:
        """Where the private key is: keyring, ssh-agent or file. Stands in the log's genesis."""
        ...

    def sign(self, data: bytes) -> bytes:
        """The 64 bytes of the signature over `data`."""
        ...


@dataclass(frozen=True, slots=True)
class SeedSigner:
    """A signer that holds its private key in memory."""

    public: bytes
    source: str
    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def from_seed(cls, seed: bytes, source: str) -> SeedSigner:
        """The signer of a 32-byte seed (RFC 8032 section 5.1.5)."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls.from_private(Ed25519PrivateKey.from_private_bytes(seed), source)

    @classmethod
    def from_private(cls, private: Ed25519PrivateKey, source: str) -> SeedSigner:
        """The signer of a private key that was read elsewhere."""
        return cls(private.public_key().public_bytes_raw(), source, private)

    @property
    def keyid(self) -> str:
        """The key's SSH fingerprint."""
        return sshwire.fingerprint(self.public)

    def sign(self, data: bytes) -> bytes:
        """The signature over `data`."""
        return self._private.sign(data)


def signature_holds(public: bytes, data: bytes, signature: bytes) -> bool:
    """Whether `signature` over `data` was made with the private half of `public`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def sign_statement(statement: Mapping[str, object], signer: Signer) -> bytes:
    """An in-toto statement as one signed DSSE line, without the newline. Raises NotCanonical for floats and the like."""
    payload = canonical.encode(statement)
    return dsse.Envelope(payload, signer.keyid, signer.sign(dsse.pae(payload))).line()


def verify_line(line: bytes, allowed: AllowedSigners, *, at: datetime | None = None) -> dict[str, object]:
    """The statement in a signed line, if a trusted key signed it; the key must be valid `at` that time when one is given.

    Raises Refused with the reason otherwise. A key that is only named or embedded in the line is not trusted.
    """
    try:
        envelope = dsse.parse(line)
        entry = allowed.entry(envelope.keyid, namespace=NAMESPACE, at=at)
        if not signature_holds(entry.public, dsse.pae(envelope.payload), envelope.signature):
            raise Refused(
                f"The signature by {envelope.keyid} does not fit the record.",
                "The record was changed after it was signed, or another key signed it.",
                "Do not rely on it; make the record anew.",
            )
        return canonical.decode_object(envelope.payload)
    except (dsse.BadEnvelope, canonical.NotCanonical) as error:
        raise Refused(
            f"The signed record cannot be read: {error}.", "Only the exact form the tool writes is trusted.", "Make the record anew."
        ) from None
