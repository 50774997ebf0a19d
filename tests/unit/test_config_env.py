"""`config.env` as text: what counts."""

from __future__ import annotations

import pytest

from nexy_tui.core.config_env import parse

SAMPLE = '# settings\nDB_HOST=localhost\nGEMINI_API_KEY=abc=def==\n\n  DB_PORT = 5432 \nQUOTED="a b"\n'


def test_only_the_first_equals_sign_separates() -> None:
    assert parse(SAMPLE) == {"DB_HOST": "localhost", "GEMINI_API_KEY": "abc=def==", "DB_PORT": "5432", "QUOTED": "a b"}


def test_the_last_of_two_values_counts() -> None:
    assert parse("A=1\nA=2\n") == {"A": "2"}


def test_comments_and_lines_without_a_value_are_not_settings() -> None:
    assert parse("#A=1\nnothing here\n\n") == {}


def test_a_lone_quote_is_part_of_the_value() -> None:
    assert parse("A='\nB='x\"\n") == {"A": "'", "B": "'x\""}


@pytest.mark.parametrize("name", ["1A", "A-B", "A B", "", "export A", "\ufeffA", "Ä"])
def test_names_that_crash_the_server_are_no_settings(name: str) -> None:
    assert parse(f"OK=1\n{name}=2\n") == {"OK": "1"}
