"""Processes a crashed world has left behind: whatever of its own still runs after both its guardian and its supervisor were killed."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil

_GRACE = 3.0


def end(directory: Path) -> None:
    """End every process that runs with the world's directory, or a folder in it, as HOME: only the world's own do.

    A terminal inside the world keeps its user's HOME, so nobody's shell or editor is touched.
    """
    mine = [process for process in psutil.process_iter() if _belongs(process, str(directory))]
    for process in mine:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(mine, timeout=_GRACE)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=_GRACE)


def _belongs(process: psutil.Process, directory: str) -> bool:
    try:
        home = process.environ().get("HOME", "")
    except (psutil.Error, OSError):
        return False
    return home == directory or home.startswith(directory + "/")
