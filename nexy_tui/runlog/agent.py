"""The ssh-agent as a signer (draft-ietf-sshm-ssh-agent): the private key never leaves it."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from nexy_tui.core.problem import Refused
from nexy_tui.runlog import sshwire
from nexy_tui.runlog.sign import signature_holds

_REQUEST_IDENTITIES, _IDENTITIES = 11, 12
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14
_MAX_ANSWER = 1 << 20
_TIMEOUT = 60.0
"""Seconds; an agent may ask its user to confirm (ssh-add -c) or to touch a device."""


@dataclass(frozen=True, slots=True)
class AgentSigner:
    """A signer whose Ed25519 key is in the agent that listens on `path`."""

    path: str
    public: bytes
    source: str = "ssh-agent"

    @property
    def keyid(self) -> str:
        """The key's SSH fingerprint."""
        return sshwire.fingerprint(self.public)

    def sign(self, data: bytes) -> bytes:
        """The signature over `data`, checked. Raises Refused when the agent does not give one."""
        body = bytes([_SIGN_REQUEST]) + sshwire.string(sshwire.public_blob(self.public)) + sshwire.string(data) + bytes(4)
        try:
            reader = _ask(self.path, body, _SIGN_RESPONSE)
            signature = sshwire.signature_from_blob(reader.string())
        except (OSError, sshwire.Malformed) as error:
            raise _refused(str(error)) from None
        if not signature_holds(self.public, data, signature):
            raise _refused("its signature does not fit")
        return signature


def identities(path: str) -> list[bytes]:
    """The Ed25519 public keys in the agent. Raises OSError or Malformed when it cannot be asked."""
    reader = _ask(path, bytes([_REQUEST_IDENTITIES]), _IDENTITIES)
    found = []
    for _ in range(reader.uint32()):
        blob, _comment = reader.string(), reader.string()
        try:
            found.append(sshwire.public_from_blob(blob))
        except sshwire.Malformed:
            continue
    return found


def _ask(path: str, body: bytes, expected: int) -> sshwire.Reader:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(_TIMEOUT)
        link.connect(path)
        link.sendall(sshwire.string(body))
        size = int.from_bytes(_exactly(link, 4), "big")
        if not 0 < size <= _MAX_ANSWER:
            raise sshwire.Malformed(f"an answer of {size} bytes")
        answer = sshwire.Reader(_exactly(link, size))
    if answer.take(1)[0] != expected:
        raise sshwire.Malformed("the agent refused the request")
    return answer


def _exactly(link: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = link.recv(size - len(data))
        if not piece:
            raise sshwire.Malformed("the agent hung up")
        data += piece
    return bytes(data)


def _refused(reason: str) -> Refused:
    return Refused(
        f"The ssh-agent did not sign: {reason}.",
        "Without a signature no record can be written, and without its record no action starts.",
        "See with `ssh-add -l` that the key is loaded, and resume.",
    )
