"""Version files are read by value and edited in place: comments, layout, style and everything else survive."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.working_tree import judge_files
from nexy_tui.core.finding import Status
from nexy_tui.core.kind import Kind
from nexy_tui.core.layout import Layout
from nexy_tui.core.plan import Plan
from nexy_tui.core.remedy import Act
from nexy_tui.core.target import Target
from nexy_tui.core.version import Version
from nexy_tui.services.version_fields import Reader, env_fields, python_fields, rewritten, version_fields, yaml_fields
from nexy_tui.services.version_files import look, rewritings

NEW = Version.parse("1.6.1.43")
PLAN = Plan(target=Target(), kind=Kind.FULL, now=datetime(2026, 2, 14, tzinfo=UTC), version=NEW)


def _rewriter(read: Reader) -> Callable[[str, Version], str]:
    return lambda text, version: rewritten(text, read, version)


version_text, yaml_text, python_text, env_text = map(_rewriter, (version_fields, yaml_fields, python_fields, env_fields))

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
    assert yaml_text(YAML, NEW) == YAML.replace("1.6.1.42", "1.6.1.43")


def test_yaml_that_says_so_already_is_unchanged() -> None:
    once = yaml_text(YAML, NEW)
    assert yaml_text(once, NEW) == once


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("server: {version: 1, build: 2}\n", "update.default_version is missing"),
        (YAML.replace("build: '1.6.1.42'", "build: &b '1.6.1.42'"), "server.build is shared"),
        (YAML.replace("default_build:   ", "default_build: *b #").replace("build: '", "build: &b '"), "shared with others"),
        (YAML.replace("server:", "server: &s"), "shared with others"),
        (YAML.replace("  host:", "  build: 1.6.1.42\n  host:"), "server.build stands in it twice"),
        (YAML + "server: {}\n", "stands in it twice .server."),
        (YAML.replace("  host:", "\thost:"), "not valid YAML .found character '.t' that cannot start any token, line 3"),
        (YAML.replace("version: 1.6.1.42", "version: !!str 1.6.1.42"), "not a plain value on one line"),
        (YAML.replace('"1.6.1.42"  #', '"1.6.\n    1.42"  #'), "not a plain value on one line"),
        ("update:\n  default_version: [1\n", "not valid YAML"),
        ("just text\n", "is missing"),
        (YAML.replace("build: '1.6.1.42'", "build: |\n    1.6.1.42"), "server.build"),
    ],
)
def test_yaml_that_cannot_be_set_says_why(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        yaml_text(text, NEW)


PLAIN = """\
update:
  default_version: 1.6.1.36  # the client's
  default_build: 1.6.1.36    # the same
server:
  version: 1.6.1.36  # ours
  build: 1.6.1.36
"""


def team_script(text: str, version: str) -> str:
    """As the team's own: it finds keys whose value is nothing but digits and dots."""
    for key in ("default_version", "default_build", "version", "build"):
        text, found = re.subn(rf"(?m)^(\s+{key}: )[\d.]+", rf"\g<1>{version}", text)
        assert found == 1, key
    return text


@pytest.mark.parametrize("text", [PLAIN, PLAIN.replace("\n", "\r\n"), "\ufeff" + PLAIN])
def test_a_script_that_finds_digits_only_still_works_after_our_bump(text: str) -> None:
    bumped = yaml_text(text, NEW)
    assert bumped == text.replace("1.6.1.36", "1.6.1.43")
    assert team_script(bumped, "1.6.1.44") == text.replace("1.6.1.36", "1.6.1.44")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  build: 1.6\n", "  build: 1.6.1.43\n"),
        ("  build: 1.10  # a number\n", "  build: 1.6.1.43  # a number\n"),
        ("  build: 1_6\n", "  build: 1.6.1.43\n"),
        ("  build:  # none yet\n", "  build: 1.6.1.43  # none yet\n"),
        ("  build: ~\n", "  build: 1.6.1.43\n"),
        ("  build: '1.6#1'   #x\n", "  build: '1.6.1.43'   #x\n"),
        ('  build: "1.6.1.\\x342"\n', '  build: "1.6.1.43"\n'),
        ('  build: "1.6.1.4\\x33"\n', '  build: "1.6.1.4\\x33"\n'),
    ],
)
def test_a_yaml_value_keeps_its_style_and_is_judged_by_what_it_parses_to(before: str, after: str) -> None:
    assert yaml_text(PLAIN.replace("  build: 1.6.1.36\n", before), NEW) == PLAIN.replace("  build: 1.6.1.36\n", after).replace(
        "1.6.1.36", "1.6.1.43"
    )


def test_flow_mappings_are_set_where_they_stand() -> None:
    text = "{server: {version: 1.6.1.36, build: '1.6.1.36'}, update: {default_version: , default_build: 1}}\n"
    wanted = "{server: {version: 1.6.1.43, build: '1.6.1.43'}, update: {default_version: 1.6.1.43 , default_build: 1.6.1.43}}\n"
    assert yaml_text(text, NEW) == wanted


TREE = {
    "VERSION": "1.6.1.43",
    "server/config/unified_config.yaml": PLAIN.replace("1.6.1.36", "1.6.1.43"),
    "server/config/unified_config.py": "latest_version = '1.6.1.43'\n",
    "server/config.env.example": 'SERVER_VERSION="1.6.1.43"  # now\n',
}


@pytest.fixture(params=["flat", "nested"])
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> Layout:
    found = Layout(request.param, tmp_path)
    for name, text in TREE.items():
        found.path(name).parent.mkdir(parents=True, exist_ok=True)
        found.path(name).write_bytes(text.encode())
    return found


def test_a_tree_written_by_another_program_says_the_version(layout: Layout) -> None:
    verdict = judge_files(look(layout, NEW), PLAN)
    assert verdict.status is Status.PASSED and not any(change.differs for change in rewritings(layout, NEW))


def test_each_field_that_says_otherwise_is_named_with_its_value(layout: Layout) -> None:
    path = layout.path("server/config/unified_config.yaml")
    path.write_text(PLAIN.replace("build: 1.6.1.36\n", "build: 1.6\n"))
    verdict = judge_files(look(layout, NEW), PLAN)
    said = {seen.name: seen.value for seen in verdict.evidence}
    assert (verdict.status, verdict.remedy) == (Status.FAILED, Act("bump", "bump 1.6.1.43"))
    assert said["server/config/unified_config.yaml server.build"] == "1.6 (no text)"
    assert said["server/config/unified_config.yaml update.default_version"] == "1.6.1.36"


def test_a_field_that_cannot_be_set_fails_with_its_name(layout: Layout) -> None:
    layout.path("server/config/unified_config.yaml").write_text(PLAIN.replace("version: 1.6.1.36  # ours", "version: &v 1.6.1.36"))
    verdict = judge_files(look(layout, NEW), PLAN)
    assert verdict.status is Status.FAILED and "server.version is shared" in verdict.summary
    assert "unified_config.yaml by hand" in str(verdict.remedy)


def test_a_tree_without_version_gets_one_at_the_layouts_place(layout: Layout) -> None:
    for name in TREE:
        layout.path(name).unlink()
    first, *others = rewritings(layout, NEW)
    assert (first.file.path, first.before, first.after) == ("VERSION", None, "1.6.1.43\n")
    assert all(change.before is change.after is None for change in others)


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


@pytest.mark.parametrize(
    "line",
    [
        "server_version = server_build = '1.6.1.{}'\r\n",
        'server_version = r"1.6.1.{}"  # raw\n',
        'server_version = """1.6.1.{}"""\n',
        "def f(server_version='1.6.1.{}', /, *, server_build=u'1.6.1.{}'): ...\n",
        "\ufeffé = 1; latest_build = '1.6.1.{}'\n",
    ],
)
def test_a_python_literal_keeps_its_own_style(line: str) -> None:
    assert python_text(line.replace("{}", "9"), NEW) == line.replace("{}", "43")


@pytest.mark.parametrize("value", [r"'1.6.1.\x39'", "('1.6.' '1.9')", "'1.6.1\\\n.9'"])
def test_a_python_literal_in_another_form_is_named(value: str) -> None:
    with pytest.raises(ValueError, match="server_build is not a plain literal on one line"):
        python_text(f"\nserver_build = {value}\n", NEW)


def test_python_that_does_not_parse_is_refused() -> None:
    with pytest.raises(ValueError, match="not valid Python"):
        python_text("def broken(:\n", NEW)


def test_env_example_lines_are_set_where_they_are() -> None:
    text = "# example\r\nSERVER_VERSION=1.6.1.42\r\nOTHER=SERVER_BUILD=1\nSERVER_BUILD=\n#SERVER_VERSION=1\n"
    assert env_text(text, NEW) == "# example\r\nSERVER_VERSION=1.6.1.43\r\nOTHER=SERVER_BUILD=1\nSERVER_BUILD=1.6.1.43\n#SERVER_VERSION=1\n"


def test_env_example_lines_keep_quotes_spaces_and_comments() -> None:
    text = "SERVER_VERSION = '1.6.1.42'  # a\r\n SERVER_BUILD=\"1\" \nSERVER_BUILD=1.6.1.42 # b"
    assert env_text(text, NEW) == "SERVER_VERSION = '1.6.1.43'  # a\r\n SERVER_BUILD=\"1.6.1.43\" \nSERVER_BUILD=1.6.1.43 # b"


@pytest.mark.parametrize("before", ["\ufeff", "export ", "  export\t"])
def test_env_example_lines_are_found_behind_a_mark_or_export(before: str) -> None:
    assert env_text(f"{before}SERVER_VERSION=1.6.1.42\r\nA=1", NEW) == f"{before}SERVER_VERSION=1.6.1.43\r\nA=1"


@given(st.text(max_size=200))
def test_any_text_is_taken_or_refused_in_words(text: str) -> None:
    assert version_text(text, NEW).strip() == "1.6.1.43"
    env_text(text, NEW)
    for rewrite in (yaml_text, python_text):
        try:
            rewrite(text, NEW)
        except ValueError as error:
            assert str(error)
