"""Every size, keyboard and mouse, with colour and without; and what the palette knows."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import screens
from nexy_tui.core.finding import Status
from pilot.fakes import FakeBackend
from pilot.hand import lines, on, paste, play, press, settle, shown, until
from screens.dialogs.confirm import ConfirmDialog
from screens.phase import PhaseScreen


def busy() -> FakeBackend:
    backend = FakeBackend(at="database")
    backend.play.awaits("backup")
    backend.play.unseen("database.drill", "The record could not be read.", "Run one.")
    return backend


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40), (200, 60), (64, 20)])
def test_what_matters_is_in_sight(size: tuple[int, int]) -> None:
    async def script(pilot: Any) -> None:
        rows = lines(pilot.app)
        assert "REHEARSAL 7f3a2c" in rows[0] and "1.6.1.43" in rows[0]
        text = "\n".join(rows)
        for part in ("○ to do", "? unknown", "✓ done", "A backup of this run is made", "Back up", "Check again"):
            assert part in text
        assert "⏎ Check again" in rows[-2] and "Log" in rows[-1]

    backend = busy()
    backend.play.holds("database.drill")
    backend.play.unseen("database.hardening", "The catalog could not be read.")
    play(backend, script, size=size)


def test_production_is_named_on_every_screen() -> None:
    async def script(pilot: Any) -> None:
        app = pilot.app
        for keys in (["s"], ["escape", "u"], ["escape", "f"], ["escape", "l"], ["escape", "v"]):
            await press(pilot, *keys)
            assert "PRODUCTION" in lines(app)[0]

    play(FakeBackend(world=None), script, size=(80, 24), run=False)


def test_a_resize_keeps_item_and_log() -> None:
    async def script(pilot: Any) -> None:
        app = pilot.app
        await press(pilot, "down")
        for size in ((120, 40), (80, 24), (150, 50)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            assert app.screen.selected.id == "database.drill"
            assert "could not be read" in shown(app) and "A restore drill is recent" in shown(app)
            assert app.screen.query_one("#rail").display == (size[0] >= 100)

    play(busy(), script, size=(80, 24))


def test_the_selected_item_stands_open_below_the_list_and_is_marked_by_a_character() -> None:
    async def script(pilot: Any) -> None:
        text = shown(pilot.app)
        assert "▸ ○ to do        A backup of this run is made" in text and "It is the way back" in text and "A restore drill" in text
        await press(pilot, "down")
        assert "▸ ? unknown      A restore drill is recent" in shown(pilot.app) and "The record could not be read." in shown(pilot.app)

    play(busy(), script, size=(80, 24))


def test_the_mouse_does_it_too() -> None:
    backend = busy()

    async def script(pilot: Any) -> None:
        app = pilot.app
        await pilot.click("#next")
        await settle(pilot)
        assert on(app, ConfirmDialog)
        await press(pilot, "escape")
        await pilot.click("#items", offset=(20, 6))
        await settle(pilot)
        assert app.screen.selected.id == "database.drill" and on(app, PhaseScreen)
        await pilot.click("#action-backup")
        await settle(pilot)
        assert on(app, ConfirmDialog)
        await pilot.click("#choice-no")
        await settle(pilot)
        await pilot.click("#rail", offset=(6, 1))
        await settle(pilot)
        assert app.screen.phase.id == "remotes"

    play(backend, script, size=(120, 40))


def test_a_phase_that_is_not_open_yet_cannot_be_chosen() -> None:
    backend = busy()

    async def script(pilot: Any) -> None:
        await pilot.click("#rail", offset=(6, 7))
        await settle(pilot)
        assert pilot.app.screen.phase.id == "database"

    play(backend, script, size=(120, 40))
    assert backend.phase == "database"


def test_without_colour_nothing_is_coloured_and_everything_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def script(pilot: Any) -> None:
        app = pilot.app
        coloured, marked = [], []
        await press(pilot, "tab")
        for strip in app.screen._compositor.render_strips():
            for segment in strip.apply_filter(app._filters[-1], app.screen.background_colors[1]):
                style = segment.style
                if style is None:
                    continue
                coloured += [color for color in (style.color, style.bgcolor) if color is not None and not color.is_default]
                if style.reverse or style.underline:
                    marked.append(segment.text)
        assert coloured == []
        text = " ".join(marked)
        assert "REHEARSAL" in text and "Back up the database" in text
        assert "? unknown" in shown(app) and "▸Data" in shown(app)

    play(busy(), script, size=(80, 24))


def test_the_palette_knows_the_state() -> None:
    backend = busy()

    async def script(pilot: Any) -> None:
        known = {name: about for name, about, _ in pilot.app.screen.commands()}
        assert known["Next"] == "Not yet: A backup of this run is made"
        assert known["Back up the database"] == "Shows what it will do, then asks" and "Run a restore drill" not in known
        assert "Back to Version" in known and "Back to Inbox" not in known and "Keys" in known
        await press(pilot, "ctrl+p")
        await paste(pilot, "back up the data")
        await pilot.pause(0.3)
        await press(pilot, "enter")
        assert on(pilot.app, ConfirmDialog)

    play(backend, script)


@pytest.mark.parametrize("key", ["question_mark", "colon"])
def test_help_and_palette_need_no_key_that_a_terminal_swallows(key: str) -> None:
    async def script(pilot: Any) -> None:
        before = pilot.app.screen
        await press(pilot, key)
        assert pilot.app.screen is not before

    play(FakeBackend(), script)


def test_the_gates_matrix_marks_each_cell() -> None:
    from nexy_tui.core.finding import Evidence

    backend = FakeBackend(at="gate")
    cells = (Evidence("release URL size", "12 (failed)", "release URL"), Evidence("appcast size", "15 (failed)", "appcast"))
    backend.play.fails("gate.asset", "The release URL gives 12 bytes.", "Publish again.", *cells)

    async def script(pilot: Any) -> None:
        await press(pilot, "m")
        text = shown(pilot.app)
        assert "✗ wrong" in text and "release URL · size: 12" in text
        assert "✗ wrong        appcast · size: 15" in text
        await pilot.press("end")
        await until(pilot, lambda: "✓ done         /health · version: 1.6.1.42" in shown(pilot.app))

    play(backend, script, size=(80, 24))
    assert backend.status("gate.asset") is Status.FAILED


def test_screens_reach_no_further_down_than_the_engine() -> None:
    allowed = ("engine", "checklist", "release", "core", "fixers", "runlog", "glossary")
    for path in Path(screens.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("nexy_tui", "checks")):
                parts = (node.module or "").split(".")
                assert parts[0] == "nexy_tui" and parts[1] in allowed, f"{path.name} imports {node.module}"


def test_only_the_runs_context_writes_its_fields() -> None:
    for path in Path(screens.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                assert not ast.unparse(node.value).endswith("context"), f"{path.name}:{node.lineno} writes the context's {node.attr}"


@pytest.mark.parametrize("size", [(80, 24), (64, 20)])
def test_a_long_list_of_deeds_scrolls_and_the_field_stays_in_sight(size: tuple[int, int]) -> None:
    backend = FakeBackend(at="publish")
    backend.play.awaits("push")
    backend.play.actions["push"].lines = tuple(f"deed number {number}" for number in range(40))

    async def script(pilot: Any) -> None:
        app = pilot.app
        await press(pilot, "a", "d")
        text = shown(app)
        for part in ("deed number 0", "more lines ↓", "type  rehearsal 1.6.1.43", "Push", "Leave it"):
            assert part in text
        assert "deed number 39" not in text
        await press(pilot, *["pagedown"] * 8)
        text = shown(app)
        assert "deed number 39" in text and "more lines" not in text and "type  rehearsal 1.6.1.43" in text
        await paste(pilot, "rehearsal 1.6.1.43")
        assert "The same. Enter goes on." in shown(app)

    play(backend, script, size=size)


def test_long_paths_take_no_room_from_the_start_screens_buttons() -> None:
    backend = FakeBackend(root=Path("/home/olga", *["a-folder-with-a-long-name"] * 8))

    async def script(pilot: Any) -> None:
        await press(pilot, "s", "ctrl+n")
        assert pilot.app.screen.session is not None, "it began"
        await press(pilot, "q", "x", "h", "s")
        pilot.app.screen.query_one("#version").value = "1.6"
        await press(pilot, "ctrl+n")
        text = shown(pilot.app)
        assert "Begin the run" in text and "Back" in text and "✗" in text, "and what is wrong is in sight"

    play(backend, script, size=(80, 24), run=False)


def test_the_cursor_is_led_to_the_item_in_the_way_until_the_operator_moves_it() -> None:
    backend = busy()

    async def script(pilot: Any) -> None:
        screen = pilot.app.screen
        assert screen.selected.id == "database.backup"
        backend.play.holds("database.backup")
        await press(pilot, "r")
        assert screen.selected.id == "database.drill"
        await press(pilot, "up", "up")
        backend.play.fails("database.runbooks", "Gone.", "Restore it.")
        await press(pilot, "r")
        assert screen.selected.id == "database.hardening"

    play(backend, script)
