"""Sparkle's Ed25519 signature over an artifact: made from the key in the keyring, or taken from the inbox; always verified.

Forms (Sparkle's `sign_update` and `generate_keys -x`): keys and signatures in base64; the private key is the 32-byte
seed; a signature alone, or `sparkle:edSignature="…" length="…"`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.core.manifest import is_signature
from nexy_tui.core.problem import CouldNotLook, Refused
from nexy_tui.core.secret import Secret
from nexy_tui.core.shield import program
from nexy_tui.core.surroundings import Needs, surroundings
from nexy_tui.core.target import DMG
from nexy_tui.core.text import printable
from nexy_tui.services import processes
from nexy_tui.services.plain_file import read_plain
from nexy_tui.services.secrets import SPARKLE_KEY

INBOX_FILE = f"{DMG}.ed25519"
"""A signature laid beside the image by whoever holds the key."""

_OUTPUT = re.compile(r'sparkle:edSignature="(?P<signature>[^"]{1,200})"(\s+length="(?P<length>\d{1,19})")?')
_INBOX_LIMIT = 4096
_TIMEOUT = 600.0
_CHILD = Path(__file__).with_name("sparkle_child.py")


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that was verified over exactly the file with this size and digest. `source` says where it came from."""

    value: str
    sha256: str
    size: int
    source: str


@dataclass(frozen=True, slots=True)
class Examined:
    """What the child process saw: the file's figures and whether the signature is valid over them."""

    signature: str
    sha256: str
    size: int
    valid: bool


class Sparkle:
    """Signs and verifies artifacts for one target. `private` gives the keyring's key or None, asked only when needed.

    Signing and verifying a large file cost as much as publishing it, so what was made or seen here is kept for the next who
    asks about the same bytes, by their digest.
    """

    def __init__(self, public_key: str, private: Callable[[], Secret | None], environ: Mapping[str, str]) -> None:
        self._public = public_key.strip()
        self._private = private
        self._environ = environ
        self._kept: dict[tuple[str, bytes | None, str], Signature] = {}
        self._seen: dict[tuple[str, bytes | None, str], Examined] = {}

    def at_hand(self, inbox: Path) -> str:
        """Where a signature will come from, seen before there is a file to sign; empty where no key is configured.

        Raises Refused where none can be had: a public key without its other half, and no signature laid in the inbox.
        """
        private = self._private()
        if not self._public and private is None:
            return ""
        self._require_public_form()
        if private is None:
            without = f"there is no {SPARKLE_KEY} here"
        else:
            public = _public_of(self._seed(private))
            if not self._public or public == _decoded(self._public):
                return f"the key from {private.source}{' fits the public key' if self._public else ''}"
            without = f"the key from {private.source} is not the private half of the configured public key"
        laid = inbox / INBOX_FILE
        if laid.exists() or laid.is_symlink():
            read_signature(laid)
            return f"{INBOX_FILE} lies in the inbox; whether it fits is seen with the image"
        raise Refused(
            f"There is nothing to sign with for Sparkle: {without}; {INBOX_FILE} is not in the inbox.",
            "Clients hold the public key and reject an update whose signature does not match.",
            f"Keep the key here: `nexy-tui secrets set {SPARKLE_KEY}`; or sign the image where the key is "
            f"(Sparkle's `sign_update {DMG}`), its output saved as {laid}.",
        )

    def signature_for(self, path: Path, inbox: Path, *, sha256: str = "", cancelled: Callable[[], bool] | None = None) -> Signature | None:
        """A verified signature over `path`; None where neither a public nor a private key is configured.

        `sha256` is what the caller saw the file to be, where it has looked: a kept signature over those bytes will do.
        Raises Refused when a public key is configured and there is no signature that it verifies.
        """
        private = self._private()
        if not self._public and private is None:
            return None
        self._require_public_form()
        if private is None:
            without_key = f"there is no {SPARKLE_KEY} here"
        elif (made := self._made(path, private, sha256, cancelled)) is not None:
            return made
        else:
            without_key = f"the key from {private.source} is not the private half of the configured public key"
        laid = inbox / INBOX_FILE
        if not self._public or not (laid.exists() or laid.is_symlink()):
            without_file = f"{INBOX_FILE} is not in the inbox"
        elif (taken := self._taken(path, laid, sha256, cancelled)) is not None:
            return taken
        else:
            without_file = f"{INBOX_FILE} does not verify over this file with the configured public key"
        raise Refused(
            f"There is no valid Sparkle signature for {path.name}: {without_key}; {without_file}.",
            "Clients hold the public key and reject an update whose signature does not match.",
            f"Sign this file: Sparkle's `sign_update {path.name}`, its output saved as {inbox / INBOX_FILE}; "
            f"or keep the key here: `nexy-tui secrets set {SPARKLE_KEY}`.",
        )

    @property
    def verifies(self) -> bool:
        """Whether there is a public key to verify with: the configured one, or the private key's other half."""
        return bool(self._public) or self._private() is not None

    def verify(self, path: Path, signature: str, *, sha256: str = "", cancelled: Callable[[], bool] | None = None) -> Examined:
        """Whether `signature` is valid over the file. Raises Refused without a key, CouldNotLook when it cannot be seen.

        `sha256` is what the caller saw the file to be, where it has looked: what was seen over those bytes before is so still.
        """
        self._require_public_form()
        private = None if self._public else self._private()
        if not self._public and private is None:
            raise Refused("There is no Sparkle key to verify with.", remedy="Set target.sparkle_public_key in the configuration.")
        public = self._public if private is None else base64.b64encode(_public_of(self._seed(private))).decode()
        if not is_signature(signature):
            raise Refused("The signature is not the base64 of 64 bytes.", "It cannot be an Ed25519 signature.", "Sign the file anew.")
        known = self._seen.get((sha256, _decoded(public), signature))
        return known or self._keep(public, self._ask({"path": str(path), "signature": signature, "public_key": public}, cancelled))

    def _keep(self, public: str, seen: Examined) -> Examined:
        self._seen[seen.sha256, _decoded(public), seen.signature] = seen
        return seen

    def _made(self, path: Path, private: Secret, sha256: str, cancelled: Callable[[], bool] | None) -> Signature | None:
        """A signature with the private key; None where that is not the configured public key's other half."""
        seed = self._seed(private)
        public = _public_of(seed)
        if self._public and public != _decoded(self._public):
            return None
        kept = self._kept.get((sha256, public, ""))
        if kept is None:
            made = self._keep(base64.b64encode(public).decode(), self._signed(path, seed, cancelled))
            kept = Signature(made.signature, made.sha256, made.size, f"signed with the key from {private.source}")
            self._kept[made.sha256, public, ""] = kept
        return kept

    def _taken(self, path: Path, laid: Path, sha256: str, cancelled: Callable[[], bool] | None) -> Signature | None:
        """The signature laid in the inbox; None where it does not verify."""
        text, length = read_signature(laid)
        public = _decoded(self._public)
        kept = self._kept.get((sha256, public, text))
        if kept is None:
            seen = self.verify(path, text, sha256=sha256, cancelled=cancelled)
            if not seen.valid:
                return None
            kept = Signature(seen.signature, seen.sha256, seen.size, f"taken from {INBOX_FILE}")
            self._kept[seen.sha256, public, text] = kept
        return kept if length in (None, kept.size) else None

    def _seed(self, private: Secret) -> bytes:
        raw = _decoded(private.reveal())
        if raw is None or len(raw) != 32:
            older = " It looks like Sparkle's older 96-byte form." if raw is not None and len(raw) == 96 else ""
            raise Refused(
                f"The Sparkle key from {private.source} is not the base64 of a 32-byte seed.{older}",
                "Nothing can be signed with it here.",
                f"Export it with Sparkle's `generate_keys -x FILE` and keep that text: `nexy-tui secrets set {SPARKLE_KEY}`; "
                f"or sign with `sign_update` and save its output as {INBOX_FILE} in the inbox.",
            )
        return raw

    def _signed(self, path: Path, seed: bytes, cancelled: Callable[[], bool] | None) -> Examined:
        made = self._ask({"path": str(path), "seed": base64.b64encode(seed).decode()}, cancelled)
        if not made.valid:
            raise CouldNotLook("A fresh Sparkle signature did not verify: the file changed while it was signed.", remedy="Run it again.")
        return made

    def _ask(self, request: Mapping[str, str], cancelled: Callable[[], bool] | None) -> Examined:
        done = processes.run(
            program(str(_CHILD)),
            env=surroundings(Needs.PYTHON, self._environ),
            input=json.dumps(request).encode(),
            timeout=_TIMEOUT,
            cancelled=cancelled,
            check=False,
        )
        try:
            answer = json.loads(done.stdout)
            return Examined(answer["signature"], answer["sha256"], answer["size"], answer["valid"])
        except (ValueError, KeyError, TypeError):
            raise CouldNotLook(
                f"The process that signs and verifies ended with status {done.exit}: {done.tail}",
                "Whether the signature fits could not be seen.",
                "See that the file can be read and is not being changed, then run it again.",
            ) from None

    def _require_public_form(self) -> None:
        raw = _decoded(self._public) if self._public else bytes(32)
        if raw is None or len(raw) != 32:
            raise Refused(
                "The configured Sparkle public key is not the base64 of 32 bytes.",
                "No signature can be verified with it.",
                "Set target.sparkle_public_key to the SUPublicEDKey of the application's Info.plist.",
            )


def read_signature(path: Path) -> tuple[str, int | None]:
    """The signature of a file laid in the inbox, and the length it names. Raises Refused when it is neither form."""
    try:
        text = read_plain(path, _INBOX_LIMIT + 1, within=path.parent).decode("ascii", "replace").strip()
    except OSError as error:
        raise CouldNotLook(f"{path} cannot be read: {error.strerror}.", remedy="Mend its permissions, or remove it.") from None
    match = _OUTPUT.search(text)
    signature = match["signature"] if match else text
    if len(text) > _INBOX_LIMIT or not is_signature(signature):
        raise Refused(
            f"{path.name} has no Sparkle signature: it begins {printable(text, 40)!r}.",
            "Expected is the base64 of 64 bytes, or what `sign_update` prints.",
            f"Sign the image again and save the output as {path}.",
        )
    return signature, int(match["length"]) if match and match["length"] else None


def judge_private_key(text: str, public_key: str) -> None:
    """Pass for a private key that signs for the configured public key, where one is. Raises Refused; the message does not show the key."""
    raw = _decoded(text)
    if raw is None or len(raw) != 32:
        older = " It looks like Sparkle's older 96-byte form." if raw is not None and len(raw) == 96 else ""
        raise Refused(
            f"That is not a Sparkle private key: it is not the base64 of a 32-byte seed.{older}",
            "Nothing could be signed with it.",
            "Export it with Sparkle's `generate_keys -x FILE`, and give that file's text.",
        )
    if public_key and _public_of(raw) != _decoded(public_key):
        raise Refused(
            "That private key is not the other half of target.sparkle_public_key.",
            "Every client would reject what it signs.",
            "Export the key that the application is built for (`generate_keys -x FILE`), or correct target.sparkle_public_key.",
        )


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _public_of(seed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
