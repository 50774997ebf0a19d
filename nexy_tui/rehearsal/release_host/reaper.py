"""Freeing large files off the event loop: giving back some hundred megabytes takes a tenth of a second, in which nobody is answered."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reaper")


def remove(path: Path) -> None:
    """Delete a file soon; none there is as good."""
    try:
        _pool.submit(path.unlink, missing_ok=True)
    except RuntimeError:  # The interpreter is ending: nobody waits any more.
        path.unlink(missing_ok=True)


def close(descriptor: int) -> None:
    """Close a file soon. It may be the last that holds a deleted one."""
    try:
        _pool.submit(os.close, descriptor)
    except RuntimeError:
        os.close(descriptor)
