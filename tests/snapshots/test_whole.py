"""At 80×24, and wider, nothing is cut and no word is broken, in any state; and every key at the foot does something there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import seldom, some
from pilot.hand import lines, settle
from test_words import strings
from textual.pilot import Pilot
from textual.widgets import OptionList, RichLog, Static

from nexy_tui.glossary import GLOSSARY
from screens.widgets.key_bar import KeyBar
from snapshots.states import STATES, State

ROOT = Path(__file__).parents[2]
ORDINARY = ("failed", "refused", "confirm_typed", "publish_exposed", "deploy_running", "gate_failed", "final")
"""One of each kind of screen."""

_ALPHA = re.compile(r"[^\W\d_]+")


@cache
def told() -> tuple[str, ...]:
    """Every string of the tool's own."""
    paths = [path for package in ("nexy_tui", "screens", "checks") for path in (ROOT / package).rglob("*.py")]
    return tuple([text for path in paths for _, text in strings(path.read_text("utf-8"))] + [term.meaning for term in GLOSSARY])


@cache
def vocabulary() -> frozenset[str]:
    """Every word that stands in one."""
    return frozenset(word.lower() for text in told() for word in _ALPHA.findall(text))


def cut(row: str) -> bool:
    """Whether something was cut in a row: an ellipsis that nobody wrote, as the symptom of a fixer is written."""
    return any(not any(found in text for text in told()) for found in re.findall(r"\S{0,6} ?…", row))


def texts(app: Any) -> Iterator[list[str]]:
    """The text of each widget in front that shows some, row by row, as far as it is in sight."""
    rows = lines(app)
    for widget in app.screen.query("*"):
        if not isinstance(widget, Static | OptionList | RichLog) or not widget.display or not widget.is_on_screen:
            continue
        region = app.screen.find_widget(widget).visible_region
        if region.area:
            yield [row[region.x : region.right] for row in rows[region.y : region.bottom]]


def broken(block: list[str]) -> list[str]:
    """Words that end one row and go on in the next. What is longer than a row, as a path, may be."""
    width = max(map(len, block), default=0)
    found = []
    for row, following in pairwise(block):
        last, first = row.rstrip().rpartition(" ")[2], following.strip().partition(" ")[0]
        full = len(row.rstrip()) >= width - 1 and last.isalpha() and first.isalpha()
        if full and not {last.lower(), first.lower()} <= vocabulary():
            found.append(last + first)
    return found


def run(state: State, look: Any, size: tuple[int, int] = (80, 24)) -> None:
    app = state.app()
    backend: Any = app.backend

    async def whole() -> None:
        async with app.run_test(size=size, notifications=True) as pilot:
            await state.reach(pilot)
            try:
                await look(pilot)
            finally:
                backend.release()
                backend.play.gate.set()

    asyncio.run(whole())


@pytest.mark.parametrize("size", [(80, 24), seldom((120, 40), id="wide")], ids=str)
@pytest.mark.parametrize("name", some(STATES, ORDINARY))
def test_nothing_is_cut_and_no_word_is_broken(name: str, size: tuple[int, int]) -> None:
    async def look(pilot: Pilot[Any]) -> None:
        blocks = list(texts(pilot.app))
        assert not (rows := [row for block in blocks for row in block if cut(row)]), "\n".join(rows)
        assert not [word for block in blocks for word in broken(block)]

    run(STATES[name], look, size)


@pytest.mark.parametrize("name", some(STATES, ("failed",)))
def test_every_key_at_the_foot_does_something(name: str) -> None:
    keys: list[str] = []

    async def read(pilot: Pilot[Any]) -> None:
        app: Any = pilot.app
        keys.extend(key.key for bar in app.screen.query(KeyBar) if bar.visible for key in bar.keys)

    run(STATES[name], read)
    for key in keys:

        async def press(pilot: Pilot[Any], key: str = key) -> None:
            app: Any = pilot.app
            before = (app.screen, lines(app), len(app._notifications), app.clipboard, len(app.backend.log.records))
            await pilot.press(key)
            if app.backend.play.gate.is_set() and app.context.acting is None:
                await settle(pilot)
            await pilot.pause(0.1)
            after = (app.screen, lines(app), len(app._notifications), app.clipboard, len(app.backend.log.records))
            assert after != before or app._exit, f"{key} does nothing"

        run(STATES[name], press)
