"""The reference of ui.py: a Textual application with as many widgets as the wizard's first screen, and nothing behind them.

python benchmarks/bare.py WIDGETS
"""

from __future__ import annotations

import sys

from textual.app import App, ComposeResult
from textual.widgets import Footer, OptionList, Static

MARK = "Where to look"
"""What stands on the screen once it is drawn."""


class Bare(App[None]):
    """A menu, a footer, and lines of text."""

    BINDINGS = [("q", "quit", "Quit"), ("question_mark", "help", "Help"), ("enter", "open", "Open")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        """Footer and menu count for what they are made of."""
        for number in range(max(0, int(sys.argv[1]) - 6)):
            yield Static(f"line {number}")
        yield OptionList("Start", "Resume", "Rehearse", "Final verification", "Rollback", "Fixers", MARK, "Runs")
        yield Footer()


if __name__ == "__main__":
    Bare().run()
