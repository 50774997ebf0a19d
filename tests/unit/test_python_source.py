"""Source from outside, read by several threads at once."""

from __future__ import annotations

import gc
import threading
import time

from nexy_tui.core import python_source


def test_threads_that_read_source_at_once_do_not_break_each_other() -> None:
    source = (("x = " + "(" * 60 + "1" + ")" * 60 + "\n") * 3).encode()
    broke: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(8):
                python_source.parse(source)
        except SystemError as error:
            broke.append(error)

    def give_way(*_: object) -> None:
        time.sleep(0)

    before = gc.get_threshold()
    gc.callbacks.append(give_way)
    gc.set_threshold(50, 5, 5)
    try:
        threads = [threading.Thread(target=read) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(give_way)
    assert broke == []
