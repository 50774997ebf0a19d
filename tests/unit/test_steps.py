"""Steps done by the team's own scripts: the setting, what of their output is shown, and the rows counted in their dump."""

from __future__ import annotations

import io
from dataclasses import fields

import pytest

from nexy_tui.actions.scripted import SCRIPTS, Scripted
from nexy_tui.checklist import CHECKLIST
from nexy_tui.config import parse_config
from nexy_tui.core.problem import Unusable
from nexy_tui.core.secret import Secret
from nexy_tui.core.steps import Steps
from nexy_tui.services.checkout_script import shown
from nexy_tui.services.database.adopt import count_copied
from nexy_tui.services.team_scripts import MARK, NAMES, text


def test_every_step_is_builtin_unless_it_is_said_otherwise() -> None:
    assert parse_config("", "c").steps == Steps()
    assert not any(Steps().by_script(item.name) for item in fields(Steps))
    steps = parse_config('[steps]\npublish = "script"\nsync_manifests = "script"\n', "c").steps
    assert [item.name for item in fields(Steps) if steps.by_script(item.name)] == ["publish", "sync_manifests"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('bump = "auto"', "steps.bump = 'auto'"),
        ('drill = "script"', "steps.drill = 'script'"),
        ('gate = "script"', "unknown key 'steps.gate'"),
        ("deploy = true", "does not fit"),
    ],
)
def test_anything_else_is_refused(line: str, said: str) -> None:
    with pytest.raises(Unusable, match=said) as caught:
        parse_config(f"[steps]\n{line}\n", "c")
    assert caught.value.exit_code == 2
    if "drill" in line:
        assert "leaves no record" in caught.value.why


def test_every_key_but_the_drills_has_its_script_and_its_action() -> None:
    assert {script.key for script in SCRIPTS.values()} == {item.name for item in fields(Steps)} - {"drill"}
    assert {script.name for script in SCRIPTS.values()} < set(NAMES)
    for name, script in SCRIPTS.items():
        action = CHECKLIST.actions[name]
        assert isinstance(action, Scripted) and action.script is script
    assert not isinstance(CHECKLIST.actions["drill"], Scripted)


def test_every_thin_script_of_a_step_carries_the_mark() -> None:
    from nexy_tui.core.target import Target

    for script in SCRIPTS.values():
        assert MARK.encode() in text(script.name, Target())


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("plain", ["plain"]),
        ("\x1b[31mred\x1b[0m", ["red"]),
        ("\x1b]0;a title\x07after\x1b]8;;http://x\x1b\\link", ["afterlink"]),
        ("10 %\r20 %\r100 %\r\n", ["100 %", ""]),
        ("a\x00b\x9bc\u202ed", ["a\\x00b\\x9bc\\u202ed"]),
        ("the password is hunter22!", ["the password is [redacted]!"]),
        ("\x1b[1mhun\x1b[0mter22", ["[redacted]"]),
        ("push https://me:pw@github.com/x.git", ["push https://[redacted]@github.com/x.git"]),
    ],
)
def test_output_is_shown_without_what_a_terminal_would_obey_and_without_secrets(said: str, lines: list[str]) -> None:
    assert shown(said, [Secret("environment DB_PASSWORD", "hunter22"), Secret("environment X_TOKEN", "a")]) == lines


def test_rows_are_counted_table_by_table_however_long_they_are() -> None:
    long = b"x" * 200_000
    script = b"".join(
        (
            b"SET x;\nCOPY public.users (id, name) FROM stdin;\n1\ta\n2\tCOPY public.fake (id)\n3\t" + long + b"\n\\.\n",
            b"COPY other.users (id) FROM stdin;\n1\n\\.\n",
            b'COPY public."sessions" (id) FROM stdin;\n\\.\n',
            b"SELECT pg_catalog.setval('public.users_id_seq', 3, true);\n",
        )
    )
    assert count_copied(io.BytesIO(script)) == {"users": 3, "sessions": 0}
