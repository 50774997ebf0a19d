"""The live log of what is running."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.events import Resize
from textual.widgets import RichLog

from screens.view import LogLine, RunView

_REWRAPPED = 300
_SIGNS = {"bad": "✗ ", "unseen": "? ", "good": "✓ ", "wait": "~ "}


class RunLogPane(RichLog):
    """Appends what is new in the view; follows the end unless it was scrolled away from it."""

    def __init__(self) -> None:
        super().__init__(id="log", max_lines=2000, min_width=20, wrap=True, markup=False, highlight=False, auto_scroll=True)
        self._written, self._width = 0, 0
        self._view: RunView | None = None
        self._under_way: str | None = None
        self.border_title = "Log"

    def show(self, view: RunView, running: str | None) -> None:
        """Write the lines that came since the last time."""
        new = view.written - self._written
        if new > 0:
            self._append(list(view.lines)[-min(new, len(view.lines)) :])
            self._written = view.written
        if running != self._under_way:
            self.border_title = Text(f"Log · {running}") if running else "Log"
        self._view, self._under_way = view, running

    def on_resize(self, event: Resize) -> None:
        """Wrap the last lines anew for the new width."""
        if self._view is not None and event.size.width != self._width:
            self.clear()
            self._append(list(self._view.lines)[-_REWRAPPED:])
        self._width = event.size.width

    def _append(self, lines: Sequence[LogLine]) -> None:
        following = self.is_vertical_scroll_end
        for line in lines:
            self.write(self._rendered(line), scroll_end=following)

    def _rendered(self, line: LogLine) -> Text:
        colours = self.app.theme_variables
        muted = colours["muted"]
        tones = {"good": "success", "bad": "error", "unseen": "warning", "wait": "warning", "quiet": "muted"}
        tone = colours[tones[line.tone]] if line.tone in tones else ""
        sign = _SIGNS.get(line.tone, "  ")
        text = Text.assemble((f"{line.time} ", colours["faint"]), (sign, tone), (f"{line.source}  ", muted), (line.text, tone))
        text.overflow = "fold"
        return text
