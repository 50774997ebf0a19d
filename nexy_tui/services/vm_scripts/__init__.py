"""The bash scripts that work on the database on the VM, kept as files so that they can be read, linted and run as what they are."""

from __future__ import annotations

from importlib.resources import files


def load(name: str) -> str:
    """The text of one of the scripts beside this file."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
