"""Bytes that no compression shrinks, made as they are read: artifacts of gigabytes need no source file and no memory."""

from __future__ import annotations

import hashlib
import io

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

CHUNK = 1 << 20
_ZEROS = bytes(CHUNK)
_BLOCK = 16  # AES


class Filler(io.RawIOBase):
    """A readable, seekable stream of `length` bytes decided by `seed` alone: the AES-CTR key stream of its hash."""

    def __init__(self, seed: str, length: int) -> None:
        super().__init__()
        self.length = length
        self._key = hashlib.sha256(seed.encode()).digest()
        self._position = 0
        self._stream = self._stream_from(0)

    def _stream_from(self, position: int) -> CipherContext:
        block, within = divmod(position, _BLOCK)
        stream = Cipher(algorithms.AES(self._key), modes.CTR(block.to_bytes(_BLOCK, "big"))).encryptor()
        stream.update(_ZEROS[:within])
        return stream

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position; the stream is computed from there, nothing before it is."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.length}[whence]
        if start + offset != self._position:
            self._position = start + offset
            self._stream = self._stream_from(self._position)
        return self._position

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, or all that is left where there is less."""
        left = max(0, self.length - self._position)
        count = min(left if size < 0 else size, left)
        data = b"".join(self._stream.update(_ZEROS[: min(CHUNK, count - done)]) for done in range(0, count, CHUNK))
        self._position += count
        return data
