"""Several artifacts at the same time: the first failure stops the others, and is the one that is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from nexy_tui.core.problem import Cancelled

T = TypeVar("T")

Stop = Callable[[], bool]


def together(jobs: Mapping[str, Callable[[Stop], T]], cancelled: Stop) -> dict[str, T]:
    """The result of every job by name.

    Each is given a `stop` that turns true when the run is cancelled, another job failed, or the waiting itself was interrupted.
    """
    broken = threading.Event()

    def run(job: Callable[[Stop], T]) -> T:
        try:
            return job(lambda: broken.is_set() or cancelled())
        except BaseException:
            broken.set()
            raise

    with ThreadPoolExecutor(max_workers=max(1, len(jobs)), thread_name_prefix="artifact") as pool:
        try:
            futures = {name: pool.submit(run, job) for name, job in jobs.items()}
            wait(futures.values())
        except BaseException:
            broken.set()
            raise
    errors = [error for future in futures.values() if (error := future.exception()) is not None]
    own = [error for error in errors if not isinstance(error, Cancelled)]
    if errors:
        raise (own or errors)[0]
    return {name: future.result() for name, future in futures.items()}
