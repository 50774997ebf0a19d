"""A call into somebody else's code that may never come back, waited for so long and no longer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

KEYRING = 60.0
"""Seconds in which a keyring must answer: time for a person to unlock it."""


def within(seconds: float, call: Callable[[], T]) -> T:
    """What `call` returns or raises. Raises TimeoutError when it does not end in time; its thread is then left to itself."""
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer in {seconds:.0f} s")
    return results[0]
