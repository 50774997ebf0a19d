"""A hand on the wizard's keys, and an eye on its screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from textual.events import Paste
from textual.pilot import Pilot
from textual.screen import Screen

from nexy_tui.app import NexyApp
from nexy_tui.core.kind import Kind
from pilot.fakes import VERSION, FakeBackend
from screens.backend import NewRun
from screens.widgets.key_bar import KeyBar

Script = Callable[[Pilot[Any]], Awaitable[None]]


def play(
    backend: FakeBackend, script: Script, *, size: tuple[int, int] = (130, 48), run: bool = True, toasts: bool = False, **options: Any
) -> NexyApp:
    """Run the wizard under `script`, in a run already where `run` says so; the application as it ended."""
    if run:
        options["opening"] = NewRun(VERSION, Kind.FULL, backend.with_pkg)
    app = NexyApp(backend, **options)

    async def whole() -> None:
        async with app.run_test(size=size, notifications=toasts) as pilot:
            await settle(pilot)
            if run:
                await press(pilot, "ctrl+n")
            await script(pilot)

    asyncio.run(whole())
    return app


async def settle(pilot: Pilot[Any], limit: float = 10.0) -> None:
    """Wait until no job is at work and everything said is drawn."""
    app: Any = pilot.app
    for _ in range(int(limit / 0.01)):
        await pilot.pause(0)
        if app._exit:  # What is at work is not waited for then.
            return
        asked = getattr(app.screen, "_asked", True)  # Home begins its looks once it is drawn.
        if asked and app.context.jobs.idle and not app.context.feed.waiting:
            break
        await asyncio.sleep(0.01)
    else:
        raise AssertionError(f"still at work:\n{shown(app)}")
    await until(pilot, lambda: all(bar.keys for bar in app.screen.query(KeyBar)))
    for _ in range(25):
        await pilot.pause(0.002)
        screen: Any = app.screen
        if not (screen._layout_required or screen._dirty_widgets or screen._callbacks):
            break  # What is laid out and drawn after a refresh may have asked for another.


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, each after the last one's work is done."""
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def paste(pilot: Pilot[Any], text: str) -> None:
    """Put a text into the field that has the focus, as a terminal pastes it."""
    field = pilot.app.focused
    assert field is not None
    field.post_message(Paste(text))
    await pilot.pause()


async def until(pilot: Pilot[Any], holds: Callable[[], object], limit: float = 5.0) -> None:
    """Wait until something holds."""
    for _ in range(int(limit / 0.01)):
        await pilot.pause(0)
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to hold")


def lines(app: Any) -> list[str]:
    """What stands on the screen, row by row."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    return [strip.text.ljust(width)[:width] for strip in strips[:height]]


def in_front(app: Any) -> list[str]:
    """The same, without what a dialog stands before."""
    if not app.screen.is_modal or not (boxes := app.screen.query("#box")):
        return lines(app)
    box = boxes.first().region
    return [line[box.x : box.right] for line in lines(app)[box.y : box.bottom]]


def shown(app: Any) -> str:
    """What stands on the screen."""
    return "\n".join(lines(app))


def flowing(app: Any) -> str:
    """What stands on the screen as running text, for sentences that were wrapped; frames left out."""
    return " ".join("".join(char if char not in "│┃─━╭╮╰╯┏┓┗┛" else " " for char in "\n".join(in_front(app))).split())


def on(app: Any, screen: type[Screen[Any]]) -> bool:
    """Whether a screen of this kind is shown."""
    return isinstance(app.screen, screen)


def told(app: Any) -> str:
    """The remarks that were made and go away by themselves."""
    return " ".join(notification.message for notification in app._notifications)
