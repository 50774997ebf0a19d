"""A newcomer's hand: it presses what the screen emphasises, types what the screen says is to be typed, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.widgets import Button, Input

from pilot.fakes import FakeBackend
from pilot.hand import paste, press, shown, until
from screens.dialogs.dialog import Dialog
from screens.end import EndScreen
from screens.phase import PhaseScreen

ACTIONS = ("bump", "commit", "backup", "push", "publish", "deploy")
"""The main path's."""

MOST = 60
"""Steps after which a walk goes round in circles."""


def ready(**options: Any) -> FakeBackend:
    """A release with everything still to do, and every action doing it."""
    backend = FakeBackend(**options)
    backend.play.awaits(*ACTIONS)
    for action in (*ACTIONS, "drill", "harden", "sync-manifests"):
        backend.play.does(action)
    return backend


def emphasised(app: Any) -> list[str]:
    """What is emphasised now: the next step's button, or a dialog's recommended one; each by its words."""
    if isinstance(app.screen, Dialog):
        buttons = app.screen.query("#choices Button").results(Button)
        recommended = [button for button in buttons if button.has_class("-go")]
        alone = [button for button in buttons if button.has_focus]
        return [str(button.label).strip() for button in recommended or alone]
    return [str(button.label).strip() for button in app.screen.query("#next").results(Button) if button.display]


async def walk(pilot: Any, meanwhile: Callable[[str], object] = lambda _: None) -> list[str]:
    """Press Enter until the release is sealed; `meanwhile` hears each emphasised choice before it is taken. All of them, in order."""
    app: Any = pilot.app
    taken: list[str] = []
    for _ in range(MOST):
        await until(pilot, lambda: isinstance(app.screen, EndScreen) or emphasised(app))
        if isinstance(app.screen, EndScreen):
            return taken
        choices = emphasised(app)
        assert len(choices) == 1, f"{choices} are emphasised:\n{shown(app)}"
        if not taken or isinstance(app.screen, PhaseScreen | Dialog):
            taken.append(choices[0])
        meanwhile(choices[0])
        fields = list(app.screen.query("#typed").results(Input)) if isinstance(app.screen, Dialog) else []
        if fields:
            await paste(pilot, app.screen._question.typed)
        await press(pilot, "enter")
    raise AssertionError(f"it goes round in circles: {taken[-8:]}\n{shown(app)}")
