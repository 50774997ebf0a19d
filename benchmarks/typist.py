"""The measured wizard of ui.py: it runs in its terminal while a thread presses arrow keys; what each took to its paint goes to a file.

python benchmarks/typist.py idle|publish FILE
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from textual.events import Key
from textual.widgets import OptionList

from nexy_tui.app import NexyApp
from nexy_tui.cli.backend import RealBackend
from nexy_tui.cli.common import start_directory
from nexy_tui.config import load_settings
from nexy_tui.services import Services
from screens.phase import PhaseScreen

EVERY, KEYS, PATIENCE = 0.05, 200, 5.0
"""Seconds between two keys; how many are pressed at idle; and the longest a key is waited for, in seconds."""


class Typist(NexyApp):
    """The wizard, with a hand on its arrows. A key counts from its arrival in the application's queue to the paint that shows it."""

    def __init__(self, *, during: str) -> None:
        super().__init__(RealBackend(Services(load_settings(), start_directory())), auto=bool(during))
        self.taken: list[float] = []
        self._during, self._pressed, self._stood = during, 0.0, 0

    def on_mount(self) -> None:
        """Open what is measured, and begin to type. Textual calls the wizard's own handler too."""
        self._loop_here = asyncio.get_running_loop()
        if not self._during:
            from screens.begin import open_look

            open_look(self.context)
        threading.Thread(target=self._type, daemon=True).start()

    def _display(self, screen: Any, renderable: Any) -> None:
        super()._display(screen, renderable)
        listing = self.focused
        if self._pressed and isinstance(listing, OptionList) and listing.highlighted != self._stood:
            self.taken.append(time.perf_counter() - self._pressed)
            self._pressed = 0.0

    @property
    def _counts(self) -> bool:
        """Whether what is to be measured is under way, on a screen that a key can be seen on."""
        if not isinstance(self.screen, PhaseScreen) or not isinstance(self.focused, OptionList):
            return False
        return self.context.action == self._during if self._during else self.context.jobs.idle

    def _type(self) -> None:
        while self._during or len(self.taken) < KEYS:
            time.sleep(EVERY)
            if self._pressed and time.perf_counter() - self._pressed > PATIENCE:
                self.taken.append(PATIENCE)
                self._pressed = 0.0
            if not self._pressed and self._counts:
                self._loop_here.call_soon_threadsafe(self._press)
        self._loop_here.call_soon_threadsafe(self.exit)

    def _press(self) -> None:
        listing = self.focused
        if isinstance(listing, OptionList):
            self._stood, self._pressed = listing.highlighted or 0, time.perf_counter()
            self.post_message(Key("up" if self._stood else "down", None))


def main() -> None:
    """Run to the end; the seconds of every key into the file."""
    mode, file = sys.argv[1:]
    app = Typist(during="publish" if mode == "publish" else "")
    app.run()
    Path(file).write_text(json.dumps(app.taken), encoding="utf-8")


if __name__ == "__main__":
    main()
