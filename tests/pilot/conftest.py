"""The wizard's own surroundings for a test: colours on, no theme from outside, one look after another."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from rich.console import RenderableType
from textual._compositor import Compositor
from textual._context import visible_screen_stack

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


drawn_whole = Compositor.render_update


def drawn_when_asked(
    self: Compositor, full: bool = False, screen_stack: list[Any] | None = None, simplify: bool = False
) -> RenderableType | None:
    """No terminal is there to be drawn on after every change: a test has the screen drawn when it looks."""
    if full:
        return drawn_whole(self, full, screen_stack, simplify)
    visible_screen_stack.set(screen_stack or [])
    self._dirty_regions.clear()
    return None


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_FILTERS", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("nexy_tui.engine.evaluate.ThreadPoolExecutor", lambda max_workers, **rest: ThreadPoolExecutor(1, **rest))


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Compositor, "render_update", drawn_when_asked)
