"""`?` explains what is shown: the selected item in a sentence, every term that stands on the screen, the keys."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from conftest import some
from snapshots.states import STATES
from textual.content import Content
from textual.widgets import Static

from nexy_tui.checklist import CHECKLIST
from nexy_tui.glossary import GLOSSARY
from pilot.fakes import FakeBackend
from pilot.hand import flowing, lines, on, play, press, until
from screens.dialogs.dialog import Dialog
from screens.dialogs.viewer import Viewer

ORDINARY = ("home", "failed", "confirm", "gate_failed", "end")


def standing(text: str) -> set[str]:
    """The terms that stand in a text, found without the glossary's own finder: whole, in a row, in any letter case."""
    flat = " ".join(text.split())
    names = {term.name: (term.name, *term.aliases) for term in GLOSSARY}
    return {
        term
        for term, spelt in names.items()
        if any(re.search(rf"(?<![\w-]){re.escape(name)}s?(?![\w-])", flat, 0 if name == "HEAD" else re.I) for name in spelt)
    }


def explained(app: Any) -> str:
    """Everything that the help says, beyond what fits the window."""
    said = []
    for part in app.screen.query(Static):
        shown = part.content
        cells = [str(cell) for column in shown.columns for cell in column.cells] if hasattr(shown, "columns") else [str(shown)]
        said += cells
    return " ".join(said)


@pytest.mark.parametrize("name", some(STATES, ORDINARY))
def test_every_term_on_a_screen_is_explained_from_it(name: str) -> None:
    state = STATES[name]
    app: Any = state.app()

    async def whole() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await state.reach(pilot)
            if on(app, Viewer):
                return
            await pilot.pause(0.3)
            await until(pilot, lambda: "".join(lines(app)).strip())
            seen = "\n".join(lines(app))
            wanted = standing(seen)
            await pilot.press("f1")
            await pilot.pause()
            assert on(app, Viewer)
            missing = [term.name for term in GLOSSARY if term.name in wanted and term.meaning not in explained(app)]
            assert wanted and not missing, (missing, seen)
            app.backend.release()
            app.backend.play.gate.set()

    asyncio.run(whole())


def test_it_tells_why_the_selected_item_matters_and_its_section() -> None:
    item = CHECKLIST.item("remotes.push")

    async def script(pilot: Any) -> None:
        await press(pilot, "down", "question_mark")
        assert item.title in flowing(pilot.app) and item.why in flowing(pilot.app) and f"rulebook {item.section}" in flowing(pilot.app)
        await press(pilot, "question_mark", "escape")
        assert not on(pilot.app, Viewer)

    play(FakeBackend(), script)


def test_a_dialog_has_help_too() -> None:
    async def script(pilot: Any) -> None:
        await press(pilot, "q")
        assert on(pilot.app, Dialog)
        await press(pilot, "question_mark")
        assert on(pilot.app, Viewer) and "Words on this screen" in flowing(pilot.app)
        await press(pilot, "escape")
        assert on(pilot.app, Dialog)

    play(FakeBackend(), script)


@pytest.mark.parametrize("item", CHECKLIST.items, ids=lambda item: item.id)
def test_each_item_says_in_a_sentence_why_it_matters(item: Any) -> None:
    assert 8 <= len(item.why) <= 160 and item.why.endswith(".") and item.why[0].isupper()
    assert Content(item.why)
