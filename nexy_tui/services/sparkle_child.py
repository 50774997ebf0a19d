"""The child process that signs or verifies a file: it alone maps the file, so the parent's memory stays flat.

Reads one JSON object from stdin (path, and a private seed or a signature with a public key), writes one to stdout. The
key never stands in argv or the environment. Run by `shield.program`: it imports nothing of ours.
"""

from __future__ import annotations

import base64
import hashlib
import json
import mmap
import sys
from pathlib import Path


def main() -> None:
    """One request from stdin, one answer to stdout."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    asked = json.loads(sys.stdin.buffer.read(16384))
    with (
        Path(asked["path"]).open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as content,
    ):
        answer: dict[str, object] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        if "seed" in asked:
            key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(asked["seed"]))
            signature = key.sign(content)
            public = key.public_key()
        else:
            signature = base64.b64decode(asked["signature"])
            public = Ed25519PublicKey.from_public_bytes(base64.b64decode(asked["public_key"]))
        try:
            public.verify(signature, content)
            answer["valid"] = True
        except InvalidSignature:
            answer["valid"] = False
        answer["signature"] = base64.b64encode(signature).decode()
        answer["public_key"] = base64.b64encode(public.public_bytes_raw()).decode()
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
