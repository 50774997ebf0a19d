"""Each screen with hostile text in all that reaches it from outside: shown, never obeyed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from nexy_tui.checklist import CHECKLIST
from nexy_tui.core.finding import Evidence
from nexy_tui.core.matrix import ROWS
from nexy_tui.core.problem import Unusable
from nexy_tui.engine.places import Location
from nexy_tui.runlog.verify import State
from pilot.fakes import FakeBackend
from pilot.hand import flowing, play, press, settle, shown, told
from pilot.test_outside_text import EVIL, HARMLESS, harmless

NAMED = Path("/home/olga/\x1b]52;c;aGk=\x07[/b]\u202e\x9b2J\udc9b/run.intoto.jsonl")


def test_every_screen_that_needs_no_run() -> None:
    """Home, start with a changed target, places, fixers, a judged log; and whatever is copied."""
    backend: Any = FakeBackend(operator=EVIL, changes=(EVIL,))
    backend.surroundings = lambda: ((EVIL, EVIL), ("CA", EVIL))
    backend.places = lambda: [Location(EVIL, EVIL, EVIL, 1.0, EVIL, EVIL)]
    backend.verify = lambda path: (State.INVALID, (EVIL, EVIL))
    hostile = [replace(fixer, title=EVIL, symptom=EVIL) for fixer in backend.fixers()]
    backend.fixers = lambda: hostile

    def clean_here(app: Any) -> None:
        assert HARMLESS in flowing(app)
        harmless(app)

    async def script(pilot: Any) -> None:
        await settle(pilot)
        clean_here(pilot.app)
        await press(pilot, "s")
        clean_here(pilot.app)
        await press(pilot, "escape")
        for keys in (("w", "down", "c"), ("f", "down"), ("l", "v")):
            await press(pilot, *keys)
            clean_here(pilot.app)
            await press(pilot, "escape")
        pilot.app.copy_to_clipboard(f"a {EVIL} \udc9b\nb")
        assert pilot.app.clipboard.startswith("a [/b]") and pilot.app.clipboard.endswith("\nb")
        assert not [char for char in pilot.app.clipboard if char != "\n" and not char.isprintable()]

    play(backend, script, run=False)


def test_a_problem_in_a_dialog() -> None:
    async def script(pilot: Any) -> None:
        assert flowing(pilot.app).count(HARMLESS) >= 3
        harmless(pilot.app)

    play(FakeBackend(refuses=Unusable(EVIL, EVIL, EVIL)), script)


def test_the_gate_and_its_matrix() -> None:
    backend = FakeBackend(at="gate")
    backend.play.fails("gate.live", EVIL, EVIL, *(Evidence(row, f"{EVIL} (failed)", EVIL, EVIL) for row in ROWS))

    async def script(pilot: Any) -> None:
        harmless(pilot.app)
        await press(pilot, "m")
        assert HARMLESS in flowing(pilot.app)
        harmless(pilot.app)

    play(backend, script, size=(160, 50))


def test_the_final_verification() -> None:
    backend = FakeBackend()
    for item in CHECKLIST.phase("final").items:
        backend.play.fails(item.id, EVIL, EVIL, Evidence(EVIL, EVIL, EVIL, EVIL))

    async def script(pilot: Any) -> None:
        await press(pilot, "v", "r")
        assert HARMLESS in shown(pilot.app)
        harmless(pilot.app)

    play(backend, script, run=False)


def test_the_end_with_a_path_and_commands() -> None:
    backend = FakeBackend()
    backend.log.path = NAMED
    backend.verify_commands = lambda log: (EVIL, f"x {log}")  # type: ignore[method-assign]

    async def script(pilot: Any) -> None:
        await press(pilot, "q", "x", "c", "s")
        assert "/home/olga/" in shown(pilot.app) and HARMLESS in flowing(pilot.app)
        harmless(pilot.app)

    play(backend, script)


def test_runbooks_that_are_no_files_of_the_checkout(tmp_path: Path) -> None:
    backend = FakeBackend(at="database", root=tmp_path / "checkout")
    docs = backend.root / "server" / "Docs"
    docs.mkdir(parents=True)
    os.mkfifo(docs / "DB_BACKUP_AND_RESTORE_RUNBOOK.md")
    (tmp_path / "secret").write_text("nobody's business")
    (docs / "DATABASE_SETUP_GUIDE.md").symlink_to(tmp_path / "secret")

    async def script(pilot: Any) -> None:
        for key, why in (("1", "plain file"), ("2", "symbolic link")):
            await press(pilot, "m", key)
            assert "cannot be read" in told(pilot.app) and why in told(pilot.app)
            assert "business" not in shown(pilot.app)

    play(backend, script)
