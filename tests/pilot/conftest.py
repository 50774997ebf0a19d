"""The wizard's own surroundings for a test: colours on, no theme from outside, one look after another."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_FILTERS", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("nexy_tui.engine.evaluate.ThreadPoolExecutor", lambda max_workers, **rest: ThreadPoolExecutor(1, **rest))
