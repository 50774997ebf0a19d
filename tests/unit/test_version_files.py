"""Version files are edited in place: comments, layout and everything else survive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexy_tui.core.version import Version
from nexy_tui.services.version_files import env_text, python_text, version_text, yaml_text

NEW = Version.parse("1.6.1.43")
YAML = """# server settings
server:
  host: "0.0.0.0"      # all interfaces
  version: "1.6.1.42"  # set by update_version.py
  build: '1.6.1.42'
update:
    enabled: yes
    default_version: 1.6.1.42
    default_build:   "1.6.1.42"
    # notes stay
    channel: stable
"""


def test_yaml_keeps_everything_but_the_four_values() -> None:
    assert yaml_text(YAML, NEW) == YAML.replace("default_version: 1.6.1.42", 'default_version: "1.6.1.42"').replace("1.6.1.42", "1.6.1.43")


def test_yaml_that_says_so_already_is_unchanged() -> None:
    once = yaml_text(YAML, NEW)
    assert yaml_text(once, NEW) == once


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("server: {version: 1, build: 2}\n", "update.default_version is missing"),
        ("update:\n  default_version: [1\n", "not valid YAML"),
        ("just text\n", "is missing"),
        (YAML.replace("build: '1.6.1.42'", "build: |\n    1.6.1.42"), "server.build"),
    ],
)
def test_yaml_that_cannot_be_set_says_why(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        yaml_text(text, NEW)


PYTHON = '''
"""Ünicode before, so that byte and character columns differ."""
import os
HOST = "127.0.0.1"
SERVER_VERSION = os.getenv("SERVER_VERSION", "1.6.1.42")  # default
class UpdateConfig:
    default_version: str = "1.6.1.42"
    default_build = '1.6.1.42'
def latest(server_version="1.6.1.42", address="10.0.0.1"):
    return {"server_build": "1.6.1.42", "peer": "1.6.1.42"}
x = dict(ü="é", latest_version="1.6.1.42")
'''


def test_python_defaults_are_replaced_and_addresses_are_not() -> None:
    out = python_text(PYTHON, NEW)
    assert out.count("1.6.1.43") == 6
    assert '"peer": "1.6.1.42"' in out
    assert "127.0.0.1" in out and "10.0.0.1" in out
    assert out.replace("1.6.1.43", "1.6.1.42") == PYTHON
    assert python_text(out, NEW) == out


def test_python_that_does_not_parse_is_refused() -> None:
    with pytest.raises(ValueError, match="not valid Python"):
        python_text("def broken(:\n", NEW)


def test_env_example_lines_are_set_where_they_are() -> None:
    text = "# example\r\nSERVER_VERSION=1.6.1.42\r\nOTHER=SERVER_BUILD=1\nSERVER_BUILD=\n#SERVER_VERSION=1\n"
    assert env_text(text, NEW) == "# example\r\nSERVER_VERSION=1.6.1.43\r\nOTHER=SERVER_BUILD=1\nSERVER_BUILD=1.6.1.43\n#SERVER_VERSION=1\n"


@given(st.text(max_size=200))
def test_any_text_is_taken_or_refused_in_words(text: str) -> None:
    assert version_text(text, NEW) == "1.6.1.43\n"
    env_text(text, NEW)
    for rewrite in (yaml_text, python_text):
        try:
            rewrite(text, NEW)
        except ValueError as error:
            assert str(error)
