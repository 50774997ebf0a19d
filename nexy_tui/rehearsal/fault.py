"""Faults: what is broken in a world now. One small file, read by every server at the moment it decides.

`faults.json` maps a fault's name to its parameter (text) or null; a name that is not there is switched off.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.rehearsal.names import World

Hook = Callable[[World, str | None], None]
"""Run by whoever switches a fault, with the world and the fault's parameter, when the fault is a state rather than a decision."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can go wrong: the phase it concerns, what it does, and what switching it needs beside the file."""

    name: str
    phase: str
    description: str
    on: Hook | None = None
    off: Hook | None = None
    parameter: str = ""


class Faults:
    """The switched-on faults of a world, read anew whenever the file has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._known: dict[str, str | None] = {}

    def active(self, name: str) -> bool:
        """Whether this fault is on."""
        return name in self.all()

    def param(self, name: str, default: str = "") -> str:
        """The fault's parameter, or `default` where it is off or has none."""
        value = self.all().get(name)
        return default if value is None else value

    def all(self) -> dict[str, str | None]:
        """Every fault that is on, with its parameter."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return {}
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp != self._stamp:
            self._known = self._read()
            self._stamp = stamp
        return self._known

    def switch(self, name: str, on: bool, param: str | None = None) -> None:
        """Write a fault into the file, or out of it. Its hook is the caller's business."""
        with self._changed() as faults:
            if on:
                faults[name] = param
            else:
                faults.pop(name, None)

    def spend(self, name: str) -> bool:
        """Whether the fault strikes this once. A number as parameter is how often it still does: counted down here, then it is off."""
        if not self.active(name):
            return False
        with self._changed() as faults:
            if name not in faults:
                return False
            left = faults[name]
            if left is not None and left.isdigit():
                if int(left) > 1:
                    faults[name] = str(int(left) - 1)
                else:
                    del faults[name]
            return True

    def _read(self) -> dict[str, str | None]:
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return {str(name): None if param is None else str(param) for name, param in document.items()}

    @contextmanager
    def _changed(self) -> Iterator[dict[str, str | None]]:
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            faults = self._read()
            yield faults
            temporary = self.path.with_suffix(".tmp")
            temporary.write_text(json.dumps(faults, indent=2), encoding="utf-8")
            temporary.replace(self.path)
