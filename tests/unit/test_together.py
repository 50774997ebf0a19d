from __future__ import annotations

import _thread
import gc
import signal
import threading
import time

import pytest

from nexy_tui.actions.together import Stop, together
from nexy_tui.core.problem import Cancelled, Refused


def test_jobs_run_at_the_same_time_and_give_their_results_by_name() -> None:
    both = threading.Barrier(2, timeout=5)
    assert together({"a": lambda _: both.wait() >= 0, "b": lambda _: both.wait() >= 0}, lambda: False) == {"a": True, "b": True}


def test_the_first_failure_stops_the_others_and_is_the_one_told() -> None:
    def waits(stop: Stop) -> None:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            if stop():
                raise Cancelled("Stopped.")
            time.sleep(0.005)

    def fails(_: Stop) -> None:
        raise Refused("No.")

    with pytest.raises(Refused, match="No"):
        together({"a": waits, "b": fails}, lambda: False)


def test_a_cancel_reaches_every_job() -> None:
    def job(stop: Stop) -> None:
        if stop():
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        together({"a": job, "b": job}, lambda: True)


def test_an_interrupt_while_waiting_stops_every_job() -> None:
    stopped = threading.Event()

    def job(stop: Stop) -> None:
        _thread.interrupt_main()
        for _ in range(1000):
            if stop():
                stopped.set()
                raise Cancelled("Stopped.")
            time.sleep(0.005)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # A shell's background job ignores it.
    gc.disable()  # An interrupt that comes within a collection's callback is reported there, and raised nowhere.
    try:
        with pytest.raises(KeyboardInterrupt):
            together({"a": job}, lambda: False)
    finally:
        gc.enable()
        signal.signal(signal.SIGINT, before)
    assert stopped.wait(10)
