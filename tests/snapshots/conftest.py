"""Pictures that are the same every time: one look after another, no blinking cursor, nothing from outside."""

from __future__ import annotations

import pytest
from pilot.conftest import quiet

__all__ = ["quiet"]


@pytest.fixture(autouse=True)
def still(quiet: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textual.widgets._input.Input._toggle_cursor", lambda _: None)
