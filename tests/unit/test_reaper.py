"""Files of the release host's are freed off the event loop, and by a finalizer amid anything."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import thread as pools
from pathlib import Path

from nexy_tui.rehearsal.release_host import reaper


def test_a_finalizer_closes_while_its_thread_holds_a_pools_lock(tmp_path: Path) -> None:
    """As where the garbage collector runs within a pool's submit."""
    (tmp_path / "asset").write_bytes(b"x")
    descriptor = os.open(tmp_path / "asset", os.O_RDONLY)
    reaper.start()

    def amid() -> None:
        with pools._global_shutdown_lock:
            reaper.close(descriptor)

    collecting = threading.Thread(target=amid, daemon=True)
    collecting.start()
    collecting.join(10)
    assert not collecting.is_alive(), "it waits for itself"


def test_what_is_removed_is_gone_soon(tmp_path: Path) -> None:
    path = tmp_path / "asset"
    path.write_bytes(b"x")
    reaper.remove(path)
    reaper.remove(tmp_path / "none")
    for _ in range(1000):
        if not path.exists():
            break
        time.sleep(0.01)
    assert not path.exists()
