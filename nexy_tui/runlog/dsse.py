"""DSSE envelopes (github.com/secure-systems-lab/dsse, protocol v1.0), one to a line, with exactly one signature."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from nexy_tui.runlog import canonical, sshwire

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class BadEnvelope(ValueError):
    """The line is not an envelope of the form the log writes; the message says how."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One signed payload and the name of the key that signed it."""

    payload: bytes
    keyid: str
    signature: bytes

    def line(self) -> bytes:
        """The envelope as one line of JSON, without the newline."""
        return canonical.encode(
            {
                "payload": base64.b64encode(self.payload).decode("ascii"),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"keyid": self.keyid, "sig": base64.b64encode(self.signature).decode("ascii")}],
            }
        )


def pae(payload: bytes) -> bytes:
    """The pre-authentication encoding: what the signature is made over."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode("ascii"), len(payload), payload)


def parse(line: bytes) -> Envelope:
    """Read one line, strictly: no other key, no white space, one signature, base64 that re-encodes to itself."""
    try:
        value = canonical.decode_object(line)
        return _envelope(value)
    except (canonical.NotCanonical, sshwire.Malformed) as error:
        raise BadEnvelope(str(error)) from None


def _envelope(value: dict[str, object]) -> Envelope:
    if set(value) != {"payload", "payloadType", "signatures"}:
        raise BadEnvelope("the envelope's fields are not payload, payloadType and signatures")
    if value["payloadType"] != PAYLOAD_TYPE:
        raise BadEnvelope(f"the payload type is not {PAYLOAD_TYPE}")
    match value["signatures"]:
        case [{"keyid": str(keyid), "sig": str(sig), **rest}] if not rest:
            pass
        case list(several) if len(several) != 1:
            raise BadEnvelope(f"there are {len(several)} signatures where there must be one")
        case _:
            raise BadEnvelope("the signature's fields are not keyid and sig")
    payload = value["payload"]
    if not isinstance(payload, str):
        raise BadEnvelope("the payload is not a text")
    return Envelope(sshwire.unbase64(payload), keyid, sshwire.unbase64(sig))
