"""What comes from outside is shown, never obeyed: no markup, no escape sequences, no control characters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nexy_tui.core.event import OutputLine, Progress, Waiting
from nexy_tui.core.finding import Evidence
from nexy_tui.core.problem import ActionFailed
from pilot.fakes import FakeBackend
from pilot.hand import flowing, play, press, shown, told, until
from pilot.scripted import emitting
from screens.text import amount, clean, one_line, span

EVIL = "[/b][red]x[/] \x1b[31mred\x1b]0;title\x07\x1b]52;c;aGk=\x07 \x9b2Jclear\x07 \x1bP1$r\x1b\\ \u202eback [link=http://evil]l[/link]"
HARMLESS = "[/b][red]x[/] red"


def harmless(app: Any) -> None:
    strips = app.screen._compositor.render_strips()
    text = "\n".join(segment.text for strip in strips for segment in strip)
    assert not [char for char in text if char != "\n" and not char.isprintable()]


@pytest.mark.parametrize(
    "given,seen",
    [
        ("plain [/b] text", "plain [/b] text"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x9b31mb\x1bcc", "abc"),
        ("tab\there", "tab here"),
        ("a\x00b\x07c\x7fd\x85e", "abcde"),
        ("50%\r100%", "50%\n100%"),
        ("safe\u202eevil", "safeevil"),
        ("unfinished \x1b]0;title", "unfinished "),
        ("lone \x1b", "lone "),
    ],
)
def test_clean(given: str, seen: str) -> None:
    assert clean(given) == seen


def test_one_line_is_one_line_of_a_bounded_length() -> None:
    assert one_line("a\n  b\t c") == "a b c"
    assert one_line("x" * 500, 10) == "x" * 9 + "…"


def test_figures() -> None:
    assert [span(value) for value in (0, 7.9, 754, 3723, -4)] == ["0:00", "0:07", "12:34", "1:02:03", "0:00"]
    assert [amount(value, "B") for value in (0, 999, 1500, 315718837, 1.9e9)] == ["0 B", "999 B", "1.5 kB", "315.7 MB", "1.9 GB"]
    assert amount(12, "rows") == "12 rows"


def test_a_finding_with_its_evidence() -> None:
    backend = FakeBackend()
    backend.play.fails("remotes.code", EVIL, EVIL, Evidence(EVIL, EVIL, EVIL, EVIL))

    async def script(pilot: Any) -> None:
        assert shown(pilot.app).count(HARMLESS) >= 3
        harmless(pilot.app)
        await press(pilot, "n")
        assert shown(pilot.app).count(HARMLESS) >= 2
        harmless(pilot.app)
        await press(pilot, "s", "y")
        assert "\x1b" not in pilot.app.clipboard and HARMLESS in pilot.app.clipboard

    play(backend, script)


def test_an_action_with_its_lines_progress_and_failure() -> None:
    backend = FakeBackend(at="database")
    backend.play.fails("database.backup")
    action = backend.play.actions["backup"]
    action.lines = (EVIL,)
    events = (OutputLine(EVIL, EVIL), Progress(EVIL, EVIL, 1, 2), Waiting(EVIL, 5))
    action.effect = emitting(*events, problem=ActionFailed(EVIL, EVIL, EVIL))

    async def script(pilot: Any) -> None:
        await press(pilot, "a", "d")
        assert HARMLESS in shown(pilot.app)
        harmless(pilot.app)
        await press(pilot, "y")
        assert flowing(pilot.app).count(HARMLESS) >= 3
        harmless(pilot.app)
        await press(pilot, "escape", "l")
        assert HARMLESS in shown(pilot.app)
        harmless(pilot.app)

    play(backend, script)


def test_runs_records_and_verdicts() -> None:
    backend = FakeBackend()
    runs = [type(run)(EVIL, EVIL, run.path, EVIL, EVIL, EVIL, EVIL, EVIL) for run in backend.runs()]
    backend.runs = lambda: runs  # type: ignore[method-assign]
    backend.records = lambda path: [EVIL]  # type: ignore[method-assign]

    async def script(pilot: Any) -> None:
        await press(pilot, "l")
        assert HARMLESS in shown(pilot.app)
        harmless(pilot.app)
        await press(pilot, "s")
        assert HARMLESS in shown(pilot.app)
        harmless(pilot.app)

    play(backend, script, run=False)


def test_a_runbook_and_its_path(tmp_path: Any) -> None:
    backend = FakeBackend(at="database", root=tmp_path)
    folder = tmp_path / "server" / "Docs"
    folder.mkdir(parents=True)
    (folder / "DB_BACKUP_AND_RESTORE_RUNBOOK.md").write_text(f"# Backup\n{EVIL}\n")

    async def script(pilot: Any) -> None:
        await press(pilot, "m", "1")
        assert HARMLESS in shown(pilot.app) and "# Backup" in shown(pilot.app)
        harmless(pilot.app)
        await press(pilot, "escape", "m", "2")
        assert "cannot be read: No such file or directory" in told(pilot.app)

    play(backend, script)


def test_a_remark_is_not_read_as_markup() -> None:
    async def script(pilot: Any) -> None:
        await press(pilot, "m", "1")
        await until(pilot, lambda: "/odd [/b]" in flowing(pilot.app))

    play(FakeBackend(at="database", root=Path("/odd [/b] folder")), script, toasts=True)
