"""The keys at the foot: each is pressed by a click too, on it and on its word; beside them nothing is."""

from __future__ import annotations

from typing import Any

import pytest

from pilot.fakes import FakeBackend
from pilot.hand import play, until
from screens.home import HomeScreen
from screens.widgets.key_bar import KeyBar


@pytest.mark.parametrize(("on", "opens"), [("the key", True), ("the word", True), ("nothing", False)])
def test_a_click_on_a_key_or_its_word_presses_it(on: str, opens: bool) -> None:
    async def script(pilot: Any) -> None:
        bar = pilot.app.screen.query_one(KeyBar)
        key, text = bar.keys[-2], bar.render().plain
        begins = text.index(f" {key.shown} {key.word} ")
        spot = {"the key": begins + 1, "the word": begins + len(f" {key.shown} {key.word}"), "nothing": len(text) + 2}
        await pilot.click(KeyBar, offset=(spot[on], 0))
        if opens:
            await until(pilot, lambda: not isinstance(pilot.app.screen, HomeScreen))
        else:
            await pilot.pause()
            assert isinstance(pilot.app.screen, HomeScreen)

    play(FakeBackend(), script, run=False)
