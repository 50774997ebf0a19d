"""A world that does not exist yet."""

from __future__ import annotations

import base64
import secrets
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nexy_tui.rehearsal.names import Azure, World, WorldSecrets, checked_directory
from nexy_tui.rehearsal.net import ports


def invent(directory: Path, layout: str, artifact_size: int, seed: tuple[str, ...] = ()) -> World:
    """Fresh id, ports, tokens and keys for a world in `directory`; nothing is written."""
    made = WorldSecrets.make()
    public = Ed25519PrivateKey.from_private_bytes(base64.b64decode(made.sparkle_seed)).public_key()
    return World(
        dir=checked_directory(directory),
        id=secrets.token_hex(4),
        layout=layout,
        artifact_size=artifact_size,
        ports=ports.allocate({}),
        secrets=made,
        azure=Azure(tenant=str(uuid.uuid4()), client=str(uuid.uuid4()), subscription=str(uuid.uuid4())),
        seed=seed,
        sparkle_public_key=base64.b64encode(public.public_bytes_raw()).decode(),
    )
