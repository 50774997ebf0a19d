"""Child processes: what they say and how they end, and that nothing of them is left."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from nexy_tui.core.event import Event, Ran
from nexy_tui.core.problem import ActionFailed, Cancelled, CouldNotLook
from nexy_tui.core.surroundings import Needs, surroundings
from nexy_tui.services import processes

PATIENCE = 20.0
ENV = surroundings(Needs.PLAIN, os.environ)


def test_a_child_is_heard_to_its_end() -> None:
    heard: list[Event] = []
    argv = ("sh", "-c", "cat; echo said; echo wrong >&2; exit 3")
    done = processes.run(argv, env=ENV, input=b"in\n", check=False, emit=heard.append)
    assert (done.exit, done.stdout, done.stderr, done.tail) == (3, "in\nsaid\n", "wrong\n", "wrong")
    [ran] = heard
    assert isinstance(ran, Ran) and (ran.argv, ran.exit) == (argv, 3) and ran.duration_ms >= 0
    with pytest.raises(ActionFailed, match="ended with status 3"):
        processes.run(["sh", "-c", "exit 3"], env=ENV)


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(CouldNotLook, match="no-such-program could not be started"):
        processes.run(["no-such-program"], env=ENV)


@pytest.mark.parametrize("closing", ["", "exec >&- 2>&-; "])
def test_one_that_does_not_end_is_ended_with_its_children(tmp_path: Path, closing: str) -> None:
    """Also one that has closed its outputs, by which its end is otherwise seen."""
    script = f"{closing}sleep 300 & echo $! > {tmp_path}/pid; sleep 300"
    begun = time.monotonic()
    with pytest.raises(CouldNotLook, match="gave no answer in 1 s"):
        processes.run(["sh", "-c", script], env=ENV, timeout=1.0)
    assert time.monotonic() - begun < PATIENCE
    gone(int((tmp_path / "pid").read_text()))


def test_a_grandchild_that_keeps_the_outputs_does_not_keep_us(tmp_path: Path) -> None:
    begun = time.monotonic()
    done = processes.run(["sh", "-c", f"sleep 300 & echo $! > {tmp_path}/pid; echo done"], env=ENV, timeout=200)
    assert done.stdout == "done\n" and time.monotonic() - begun < PATIENCE
    gone(int((tmp_path / "pid").read_text()))


def test_a_cancel_ends_it() -> None:
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        processes.run([sys.executable, "-c", "import time; time.sleep(300)"], env=ENV, cancelled=lambda: time.monotonic() - begun > 0.2)
    assert time.monotonic() - begun < PATIENCE


def gone(pid: int) -> None:
    """A process that was killed may take a moment to be reaped by whoever inherited it."""
    status = Path(f"/proc/{pid}/stat")
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} is still there")
