"""A terminal of 80×24 that people use, with nobody at it: tmux types the keys and reads the screen."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PATIENCE = 60.0
STILL = 3
"""So many looks in a row show the same when a screen has come to rest."""


@dataclass(frozen=True)
class Terminal:
    """One window of a tmux server of its own."""

    socket: Path

    def type(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        if keys:
            self._tmux("send-keys", *keys)

    def write(self, text: str) -> None:
        """Type a text, letter by letter as it stands."""
        self._tmux("send-keys", "-l", text)

    def screen(self) -> str:
        """What stands on the screen now."""
        return self._tmux("capture-pane", "-p")

    def until(self, what: str, seen: Callable[[str], object]) -> str:
        """Wait until the screen shows something; that screen."""
        end = time.monotonic() + PATIENCE
        while not seen(screen := self.screen()):
            assert time.monotonic() < end, f"{what} did not come:\n{screen}"
            time.sleep(0.06)
        return screen

    def rest(self, other_than: str) -> str:
        """Wait for a screen that is another one and has come to rest, as a person would; that screen."""
        same, last = 0, ""

        def rested(screen: str) -> bool:
            nonlocal same, last
            same, last = (same + 1 if screen == last else 0), screen
            return same >= STILL and screen != other_than

        return self.until("another screen", rested)

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(["tmux", "-S", str(self.socket), *arguments], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def terminal(command: str, folder: Path, environ: Mapping[str, str], size: tuple[int, int] = (80, 24)) -> Iterator[Terminal]:
    """A shell command in a terminal, ended with all that it started; skipped, and said, where there is no tmux."""
    if shutil.which("tmux") is None:
        pytest.skip("the witness tmux is absent: the wizard is not driven in a terminal")
    socket = Path("/tmp" if os.access("/tmp", os.W_OK) else folder) / f"nexy-tmux-{uuid.uuid4().hex[:12]}"
    columns, rows = (str(number) for number in size)
    clean = {**environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    begin = ["tmux", "-f", os.devnull, "-S", str(socket), "new-session", "-d", "-x", columns, "-y", rows, "-c", str(folder), command]
    subprocess.run(begin, env=clean, check=True, timeout=30)
    try:
        yield Terminal(socket)
    finally:
        subprocess.run(["tmux", "-S", str(socket), "kill-server"], capture_output=True, check=False, timeout=30)
        socket.unlink(missing_ok=True)
