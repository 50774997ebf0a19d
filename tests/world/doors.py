"""A world's front door, served from a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from nexy_tui.rehearsal.net.front_door import FrontDoor


@contextmanager
def standing(front: FrontDoor) -> Iterator[None]:
    """While it takes requests."""
    loop, stopping, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def serve() -> None:
        await front.start()
        ready.set()
        await stopping.wait()
        await front.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(10)
        loop.close()
