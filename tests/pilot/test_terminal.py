"""In a real terminal: the application leaves it as it found it, whatever ends it."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from nexy_tui import app as application
from nexy_tui.engine.runner import Turn

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
sys.path[:0] = [{root!r}, {tests!r}, {tests!r}]
from pilot.fakes import FakeBackend
from nexy_tui.app import NexyApp
backend = FakeBackend()
{before}
ending = NexyApp(backend).run()
print("ENDED", ending.exit_code if ending else None, flush=True)
"""
ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


class Terminal:
    """A program on a pseudo-terminal of its own."""

    def __init__(self, before: str = "") -> None:
        self.master, slave = pty.openpty()
        program = PROGRAM.format(root=str(ROOT), tests=str(ROOT / "tests"), before=before)
        environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
        self.child = subprocess.Popen(
            [sys.executable, "-c", program], stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True
        )
        os.close(slave)
        self.seen = b""

    def read_until(self, *wanted: bytes, limit: float = 60.0) -> None:
        end = time.monotonic() + limit
        while not all(part in self.seen for part in wanted):
            assert time.monotonic() < end, f"{wanted} did not come: {self.seen[-400:]!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.master, 65536)
                except OSError:
                    break
        assert all(part in self.seen for part in wanted), self.seen[-400:]

    def close(self) -> None:
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        os.close(self.master)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_alternate_screen(number: signal.Signals) -> None:
    terminal = Terminal()
    try:
        terminal.read_until(ENTER, b"Final verification")
        os.kill(terminal.child.pid, number)
        terminal.read_until(LEAVE, f"ENDED {128 + number}".encode())
        assert terminal.child.wait(timeout=20) == 0
    finally:
        terminal.close()


HANGS = """
import os, subprocess, threading
from nexy_tui.core.surroundings import Needs, surroundings
from nexy_tui.services import processes
def hang():
    child = processes.start(["sleep", "600"], env=surroundings(Needs.GIT, os.environ))
    os.write(1, b"CHILD %d " % child.pid)
    threading.Event().wait()
backend.standing = hang
"""


def test_a_look_that_hangs_keeps_no_closed_terminals_process() -> None:
    terminal = Terminal(HANGS)
    try:
        terminal.read_until(ENTER, b"CHILD ", b"Final verification")
        asked = int(terminal.seen.partition(b"CHILD ")[2].split()[0])
        os.kill(terminal.child.pid, signal.SIGHUP)
        assert terminal.child.wait(timeout=60) == 128 + signal.SIGHUP
        with pytest.raises(ProcessLookupError):
            os.kill(asked, 0)
    finally:
        terminal.close()


def test_the_end_of_a_closed_terminal_waits_for_an_action_however_late_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    session: Any = SimpleNamespace(turn=Turn())
    rests, ended = iter((True, True, False)), list[tuple[int, str | None]]()
    acting = ExitStack()

    def rest(_: float) -> None:
        """It begins in the first grace and is over in the third."""
        acting.close()
        if next(rests):
            acting.enter_context(session.turn.taken_by("publish"))

    def end(code: int) -> NoReturn:
        ended.append((code, session.turn.acting))
        raise SystemExit

    monkeypatch.setattr(time, "sleep", rest)
    monkeypatch.setattr(os, "_exit", end)
    with pytest.raises(SystemExit):
        application._end_at_last(129, session)
    assert ended == [(129, "Leaving")] and next(rests, None) is None


def test_keys_work_and_quitting_leaves_the_alternate_screen() -> None:
    terminal = Terminal()
    try:
        terminal.read_until(ENTER, b"Final verification")
        os.write(terminal.master, b"f")
        terminal.read_until(b"Inbox not found")
        os.write(terminal.master, b"q")
        terminal.read_until(LEAVE, b"ENDED 0")
        assert terminal.child.wait(timeout=20) == 0
    finally:
        terminal.close()


def test_a_terminal_that_goes_away_without_a_signal_ends_it() -> None:
    terminal = Terminal()
    try:
        terminal.read_until(ENTER, b"Final verification")
        os.close(terminal.master)
        assert terminal.child.wait(timeout=20) is not None
    finally:
        terminal.master = os.open(os.devnull, os.O_RDONLY)
        terminal.close()
