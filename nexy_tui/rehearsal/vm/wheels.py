"""Tiny real wheels for the VM's pip: built from nothing, byte for byte the same every time (the wheel format, PEP 427)."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)\s*==\s*(?P<version>[A-Za-z0-9.]+)")
_EPOCH = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Wheel:
    """A distribution with one package that knows its own version, and nothing else."""

    name: str
    version: str

    @property
    def module(self) -> str:
        """The package's import name, which is also the distribution's name in file names."""
        return re.sub(r"[-_.]+", "_", self.name).lower()

    @property
    def filename(self) -> str:
        """The wheel's file name."""
        return f"{self.module}-{self.version}-py3-none-any.whl"

    def files(self) -> dict[str, bytes]:
        """Every file of the wheel by its path, RECORD last."""
        info = f"{self.module}-{self.version}.dist-info"
        content = {
            f"{self.module}/__init__.py": f'"""{self.name}, as much of it as a rehearsal needs."""\n\n__version__ = "{self.version}"\n',
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\nSummary: Part of a rehearsal world\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: nexy-tui\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        encoded = {path: text.encode() for path, text in content.items()}
        rows = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in encoded.items()]
        encoded[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
        return encoded

    def build(self) -> bytes:
        """The wheel file."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, data in self.files().items():
                entry = zipfile.ZipInfo(path, _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, data)
        return buffer.getvalue()


WHEELS = (Wheel("nexy-wire", "1.0"), Wheel("nexy-wire", "1.1"), Wheel("nexy-voice", "2.0"))
"""What the world's index offers: the release before needs nexy-wire 1.0, the next one 1.1."""


def pinned(requirements: str) -> list[Wheel]:
    """The pinned lines (`name==version`) of a requirements file."""
    matches = (_REQUIREMENT.match(line.strip()) for line in requirements.splitlines())
    return [Wheel(match["name"], match["version"]) for match in matches if match is not None]


def install(wheels: Iterable[Wheel], site_packages: Path) -> None:
    """Lay wheels into a site-packages folder as an installer would: pip lists, upgrades and removes them."""
    for wheel in wheels:
        for path, data in wheel.files().items():
            target = site_packages / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
