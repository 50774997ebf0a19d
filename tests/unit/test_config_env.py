"""`config.env` as text: what counts, what breaks the server, and that a change leaves the rest as it was."""

from __future__ import annotations

import pytest

from nexy_tui.core.config_env import BadName, parse, set_value

SAMPLE = "# settings\nDB_HOST=localhost\nGEMINI_API_KEY=abc=def==\n\n  DB_PORT = 5432 \nQUOTED=\"a b\"\n"


def test_only_the_first_equals_sign_separates() -> None:
    assert parse(SAMPLE).values == {"DB_HOST": "localhost", "GEMINI_API_KEY": "abc=def==", "DB_PORT": "5432", "QUOTED": "a b"}


def test_the_last_of_two_values_counts() -> None:
    assert parse("A=1\nA=2\n").values == {"A": "2"}


def test_comments_and_lines_without_a_value_are_not_settings() -> None:
    assert parse("#A=1\nnothing here\n\n").values == {}


def test_a_lone_quote_is_part_of_the_value() -> None:
    assert parse("A='\nB='x\"\n").values == {"A": "'", "B": "'x\""}


@pytest.mark.parametrize("name", ["1A", "A-B", "A B", "", "export A", "\ufeffA", "Ä"])
def test_names_that_crash_the_server_are_reported_with_their_line(name: str) -> None:
    found = parse(f"OK=1\n{name}=2\n")
    assert found.bad == (BadName(2, name),)
    assert found.values == {"OK": "1"}


def test_setting_replaces_the_value_and_nothing_else() -> None:
    assert set_value(SAMPLE, "DB_HOST", "10.0.0.4") == SAMPLE.replace("localhost", "10.0.0.4")


def test_setting_a_name_that_stands_twice_changes_both() -> None:
    assert parse(set_value("A=1\nB=x\nA=2\n", "A", "3")).values["A"] == "3"
    assert set_value("A=1\nB=x\nA=2\n", "A", "3") == "A=3\nB=x\nA=3\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "A=1\n"),
        ("B=2", "B=2\nA=1\n"),
        ("B=2\n", "B=2\nA=1\n"),
        ("B=2\r\n", "B=2\r\nA=1\r\n"),
        ("#A=0\n", "#A=0\nA=1\n"),
        ("AA=0\n", "AA=0\nA=1\n"),
        ("B=\u2028x\x0by\n", "B=\u2028x\x0by\nA=1\n"),
    ],
)
def test_a_missing_name_is_added_at_the_end(before: str, after: str) -> None:
    assert set_value(before, "A", "1") == after


def test_line_endings_survive() -> None:
    assert set_value("A=1\r\nB=2\r\n", "A", "9") == "A=9\r\nB=2\r\n"


def test_setting_twice_is_setting_once() -> None:
    once = set_value(SAMPLE, "SERVER_VERSION", "1.6.1.43")
    assert set_value(once, "SERVER_VERSION", "1.6.1.43") == once


@pytest.mark.parametrize(("name", "value"), [("A-B", "1"), ("", "1"), ("A", "1\nB=2"), ("A", "1\r"), ("A", "\0")])
def test_what_would_break_the_file_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"name|single line"):
        set_value("", name, value)
