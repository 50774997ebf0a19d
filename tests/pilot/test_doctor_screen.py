"""Home says how many lines are not ready; the screen behind it names each with its next step."""

from __future__ import annotations

from typing import Any

from textual.widgets import OptionList

from nexy_tui.engine.doctor import LINES
from pilot.fakes import FakeBackend
from pilot.hand import flowing, on, play, press
from screens.doctor import DoctorScreen
from screens.home import HomeScreen


def test_home_counts_what_is_not_ready_and_leads_there() -> None:
    async def script(pilot: Any) -> None:
        app = pilot.app
        await press(pilot)
        assert "1 of 14 not ready" in flowing(app)
        await press(pilot, "d")
        assert on(app, DoctorScreen)
        listing = app.screen.query_one("#list", OptionList)
        assert listing.option_count == len(LINES) and listing.highlighted == [line.id for line in LINES].index("sparkle")
        text = flowing(app)
        assert "13 of 14 ready" in text and "nexy-tui secrets set sparkle-private-key" in text
        await press(pilot, "y")
        assert app.clipboard == "nexy-tui secrets set sparkle-private-key"
        await press(pilot, "escape")
        assert on(app, HomeScreen)

    play(FakeBackend(), script, run=False)
