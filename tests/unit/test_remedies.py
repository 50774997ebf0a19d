"""What remedies name exists: actions of the checklist, fixers, and commands that the command line takes."""

from __future__ import annotations

import ast
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from verdict_rows import IMPOSSIBLE, ROWS

import checks
from checks import version
from nexy_tui import fixers
from nexy_tui.checklist import CHECKLIST, Item
from nexy_tui.cli import app, commands
from nexy_tui.cli.ending import problem_of
from nexy_tui.core.finding import Status, failed
from nexy_tui.core.problem import Refused
from nexy_tui.core.remedy import Act, Mend, Remedy, Run, details, preceded
from nexy_tui.engine.document import ending
from nexy_tui.fixers import FIXERS, fixer
from screens.remedy import todo

commands.mount(app)
COMMANDS: Any = typer.main.get_command(app)
USAGE_ERROR = typer.BadParameter.__mro__[1]
"""Of the click that typer carries."""

FAILING = [item for item in CHECKLIST.items if item.id not in IMPOSSIBLE]


def parses(line: str) -> None:
    """The command line takes it, down to the last argument. Raises its usage error."""
    command, context, words = COMMANDS, None, shlex.split(line)
    while hasattr(command, "commands"):
        context = typer.Context(command, parent=context)
        _, command, words = command.resolve_command(context, words)
    command.make_context(command.name, words, parent=context)


def exists(remedy: Remedy) -> None:
    """What the tool is to do about it, it can."""
    match remedy:
        case Act(action, command):
            own = CHECKLIST.release_action(action).command
            assert command.startswith(own if own is not None else "release "), remedy
            parses(command)
        case Mend(name):
            assert fixer(name) is not None, remedy
            parses(remedy.command)
        case Run(command):
            parses(command)
        case str():
            assert "nexy-tui fix" not in remedy and "on this screen" not in remedy, remedy


@pytest.mark.parametrize("item", FAILING, ids=lambda item: item.id)
def test_what_a_failing_judge_names_exists(item: Item) -> None:
    row = ROWS[item.id]
    exists(item.check.judge(row.bad, row.plan).remedy)


def _named() -> list[tuple[str, str, str]]:
    """Every action, fixer and command that a judge names word for word: file and line, class, name."""
    rooms = [Path(checks.__file__).parent, Path(fixers.__file__).parent]
    files = sorted(path for room in rooms for path in room.glob("*.py"))
    calls = [(path, node) for path in files for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return [
        (f"{path.name}:{node.lineno}", node.func.id, node.args[0].value)
        for path, node in calls
        if isinstance(node.func, ast.Name) and node.func.id in ("Act", "Mend", "Run") and node.args
        if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    ]


def test_no_name_in_a_judges_text_is_misspelt() -> None:
    named = _named()
    assert {kind for _, kind, _ in named} == {"Act", "Mend", "Run"}
    for where, kind, name in named:
        if kind == "Run":
            parses(name)
        else:
            assert name in CHECKLIST.actions if kind == "Act" else fixer(name) is not None, (where, name)


@pytest.mark.parametrize(
    "remedy", [Act("comit", "release"), Act("bump", "bmp 1.6.1.43"), Mend("gemini"), Run("rns list"), Run("runs list --al")]
)
def test_a_misspelt_remedy_is_found(remedy: Remedy) -> None:
    with pytest.raises((AssertionError, KeyError, USAGE_ERROR)):
        exists(remedy)


def test_a_step_without_a_command_is_reached_by_the_open_run() -> None:
    row = ROWS["version.commit"]
    inside = replace(row.plan, run="0190", standalone=False)
    alone = replace(inside, run=None)
    assert version.going_on(inside) == "release --resume 0190"
    assert version.going_on(alone) == f"release {alone.version}"


def test_each_face_words_it_for_itself() -> None:
    item = CHECKLIST.item("version.commit")
    remedy = Act("commit", "release --resume 0190", "Look at the files, then")
    title = CHECKLIST.actions["commit"].title
    assert str(remedy) == "Look at the files, then: nexy-tui release --resume 0190"
    assert todo(remedy, item, CHECKLIST, str) == f"Look at the files, then: {title}"
    assert todo(Act("publish", "publish"), item, CHECKLIST, str).endswith("(nexy-tui publish)")
    assert todo(Mend("inbox"), item, CHECKLIST, lambda name: f"4.1 {name}") == "the fixer 4.1 inbox"
    assert todo("Wait.", item, CHECKLIST, str) == "Wait."


def test_a_problem_keeps_the_value_and_tells_it_in_words() -> None:
    problem = Refused("It is gone.", "Clients get nothing.", Act("publish", "publish --recover", "At once"))
    assert problem.remedy == Act("publish", "publish --recover", "At once")
    assert str(problem) == "It is gone. Clients get nothing. At once: nexy-tui publish --recover"
    assert ending(1, problem)["problem"]["remedy"] == "At once: nexy-tui publish --recover"
    title = CHECKLIST.actions["publish"].title
    assert todo(problem.remedy, None, CHECKLIST, str) == f"At once: {title} (nexy-tui publish --recover)"


def test_what_ends_a_command_keeps_the_value_without_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GH_TOKEN", "ghp_" + "s3cret" * 6)
    told = problem_of(Refused("No.", "", Mend("inbox", f"Not with {'ghp_' + 's3cret' * 6}, then")))
    assert isinstance(told.remedy, Mend) and "s3cret" not in str(told) and told.remedy.first.endswith(", then")


@pytest.mark.parametrize("remedy", ["Wait.", Mend("inbox"), Mend("inbox", "Wait, then"), Run("rns")])
def test_a_sentence_before_a_remedy(remedy: Remedy) -> None:
    assert str(preceded("Look.", remedy)) == f"Look. {remedy}"


def test_the_log_keeps_the_words_and_the_value() -> None:
    assert details(Mend("inbox")) == {"words": "nexy-tui fix inbox", "fixer": "inbox"}
    assert details(Act("backup", "db backup")) == {"words": "nexy-tui db backup", "action": "backup", "command": "db backup"}
    assert details("Wait.") == {"words": "Wait."} and not details("")


def test_a_text_is_a_remedy_by_hand_and_none_is_refused() -> None:
    assert failed("It is not there.", "Lay it there.").remedy == "Lay it there."
    assert failed("It is not there.", Mend("inbox")).status is Status.FAILED
    with pytest.raises(ValueError, match="no remedy"):
        failed("It is not there.", " ")


def test_every_fixer_can_be_named() -> None:
    for one in FIXERS:
        exists(Mend(one.name))
