"""The live log of what is running."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import RichLog

from screens.view import LogLine, RunView

_TONES = {"plain": "", "quiet": "dim", "good": "green", "bad": "bold red", "wait": "yellow"}


class RunLogPane(RichLog):
    """Appends what is new in the view; follows the end unless it was scrolled away from it."""

    def __init__(self) -> None:
        super().__init__(id="log", max_lines=2000, wrap=True, markup=False, highlight=False, auto_scroll=True)
        self._written = 0
        self.border_title = "Log"

    def show(self, view: RunView, running: str | None) -> None:
        """Write the lines that came since the last time."""
        new = view.written - self._written
        if new > 0:
            lines = list(view.lines)[-min(new, len(view.lines)) :]
            following = self.is_vertical_scroll_end
            for line in lines:
                self.write(_rendered(line), scroll_end=following)
            self._written = view.written
        self.border_title = Text(f"Log · {running}") if running else "Log"


def _rendered(line: LogLine) -> Text:
    tone = _TONES[line.tone]
    sign = {"bad": "✗ ", "good": "✓ ", "wait": "… "}.get(line.tone, "")
    return Text.assemble((f"{line.time} ", "dim"), (f"{line.source} ", "bold dim"), (f"{sign}{line.text}", tone))
