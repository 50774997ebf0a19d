"""What the screens of these tests and of the pictures show is the checklist that is released by, and no other."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from conftest import some

from nexy_tui.checklist import CHECKLIST
from nexy_tui.fixers import TROUBLES
from pilot.fakes import FakeBackend
from pilot.hand import flowing, play, press, until


def tells(pilot: Any, *words: str) -> bool:
    """Whether all of it is on the screen."""
    return all(one in flowing(pilot.app) for one in words)


@pytest.mark.parametrize("name", some([phase.id for phase in CHECKLIST.phases], ("remotes", "publish", "final")))
def test_a_phase_shows_the_real_items_with_why_and_the_real_actions(name: str) -> None:
    phase = CHECKLIST.phase(name)

    async def script(pilot: Any) -> None:
        text = flowing(pilot.app)
        for words in (phase.title, phase.intro, *(CHECKLIST.release_action(name).label for name in CHECKLIST.main_actions(phase))):
            assert words in text
        for item in phase.items:
            await until(pilot, partial(tells, pilot, f"{item.id} · rulebook {item.section}", item.why))
            await press(pilot, "down")
        assert f"all {len(phase.items)} done" in text

    play(FakeBackend(at=phase.id), script, size=(240, 60))


def test_the_fixers_menu_shows_the_real_troubles() -> None:
    async def script(pilot: Any) -> None:
        await press(pilot, "f")
        for trouble in TROUBLES:
            assert trouble.title in flowing(pilot.app) and trouble.symptom in flowing(pilot.app)
            await press(pilot, "down")

    play(FakeBackend(), script, run=False, size=(240, 60))


def test_nothing_is_made_up_but_what_looks_see_and_what_actions_do() -> None:
    made, names = FakeBackend().play.checklist(), ("name", "title", "writes_outside")
    for item, real in zip(made.items, CHECKLIST.items, strict=True):
        assert item == replace(real, check=replace(real.check, look=item.check.look, judge=item.check.judge))
    for one, true in zip(made.release_actions, CHECKLIST.release_actions, strict=True):
        assert replace(one, action=true.action) == true
        assert [getattr(one.action, name, None) for name in names] == [getattr(true.action, name, None) for name in names]
    assert [replace(phase, items=()) for phase in made.phases] == [replace(phase, items=()) for phase in CHECKLIST.phases]
