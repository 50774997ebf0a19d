"""What remedies name exists: actions of the checklist, fixers, and commands that the command line takes."""

from __future__ import annotations

import ast
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import runlog_kit
import test_deploy_judges as deploy
import typer
from engine_kit import Stage, engine
from verdict_rows import IMPOSSIBLE, ROWS

import checks
import nexy_tui
from checks import version
from checks.deploy import DeployFacts
from nexy_tui.checklist import CHECKLIST, Checklist, Item
from nexy_tui.cli import commands
from nexy_tui.cli.ending import problem_of
from nexy_tui.cli.top import app
from nexy_tui.core.finding import Status, failed
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.core.remedy import Act, Mend, Remedy, Run, details, preceded
from nexy_tui.core.version import NAME_VERSION, Version
from nexy_tui.core.vm_facts import SettingsFile
from nexy_tui.engine.document import ending
from nexy_tui.fixers import FIXERS, fixer
from nexy_tui.runlog.read import read_log
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
    named = line.split()[1:2]
    if line.startswith(("release ", "bump ", "deploy ")) and not named[0].startswith("-"):
        Version.parse(named[0].removeprefix("v"))


def exists(remedy: Remedy) -> None:
    """What the tool is to do about it, it can."""
    match remedy:
        case Act(action, command):
            own = CHECKLIST.release_action(action).command
            assert command.startswith(own if own is not None else "release"), remedy
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


_NO_TAG = deploy.deployment(tag_commit=None)
_OF_OLD, _BROKEN = deploy.deployment(manifest_version=deploy.OLD), deploy.deployment(Kind.CODE_ONLY, problem="broken")
_BAD_NAME = deploy.vm(settings=deploy.one_settings(deploy.PATHS[1], SettingsFile(True, bad_names=("line 3: A B",))))
_CRASHED = replace(deploy.vm(service="failed"), journal="ValueError: illegal environment variable name")
_RUN = replace(deploy.plan(), run="0190")
_NAMELESS = replace(deploy.plan(), version=None)
_FULL, _CODE = deploy.plan(), deploy.plan(Kind.CODE_ONLY)
_AGAIN = Act("deploy", f"deploy v{deploy.NEW}")

SEVERAL: list[tuple[str, Any, Plan, Remedy]] = [
    ("deploy.head", DeployFacts(deploy.vm(), _NO_TAG), _FULL, Act("push", f"release {deploy.NEW}")),
    ("deploy.head", DeployFacts(deploy.vm(), _NO_TAG), _RUN, Act("push", "release --resume 0190")),
    ("deploy.head", DeployFacts(deploy.vm(head="b" * 40, tags=()), deploy.deployment()), _FULL, _AGAIN),
    ("deploy.manifests", DeployFacts(deploy.vm(manifests={}), deploy.deployment()), _FULL, _AGAIN),
    ("deploy.manifests", DeployFacts(deploy.vm(), _OF_OLD), _FULL, Act("publish", "publish")),
    ("deploy.manifests", DeployFacts(deploy.vm(), _BROKEN), _CODE, Act("sync-manifests", "sync-manifests")),
    ("deploy.vm", _BAD_NAME, _FULL, Mend("config-env", then="mends it and restarts the server.")),
    ("deploy.config", DeployFacts(_BAD_NAME, deploy.deployment()), _FULL, Mend("config-env", then="mends it and restarts the server.")),
    ("deploy.service", _CRASHED, _FULL, Mend("config-env", "Its journal says why")),
    ("version.number", ROWS["version.number"].bad, _NAMELESS, NAME_VERSION),
    ("version.commit", ROWS["version.commit"].bad, _NAMELESS, NAME_VERSION),
    ("version.tag", ROWS["version.tag"].bad, _NAMELESS, NAME_VERSION),
]
"""What judges name besides what they name in `ROWS`: item, facts, what they are held against, and the remedy."""


@pytest.mark.parametrize(("item", "facts", "plan", "remedy"), SEVERAL, ids=[f"{row[0]}-{number}" for number, row in enumerate(SEVERAL)])
def test_a_judge_names_what_mends_this_very_fault(item: str, facts: Any, plan: Plan, remedy: Remedy) -> None:
    verdict = CHECKLIST.item(item).check.judge(facts, plan)
    assert (verdict.status, verdict.remedy) == (Status.FAILED, remedy)
    exists(verdict.remedy)


@pytest.mark.parametrize("change", [row[0] for row in deploy.WRONG], ids=[row[2] for row in deploy.WRONG])
def test_whatever_is_wrong_on_the_vm_what_mends_it_exists(change: dict[str, Any]) -> None:
    for verdict in deploy.all_verdicts(deploy.vm(**change)).values():
        exists(verdict.remedy)


def _named() -> list[tuple[str, str, str]]:
    """Every action, fixer and command that the tool names word for word: file and line, class, name."""
    rooms = [Path(checks.__file__).parent, Path(nexy_tui.__file__).parent]
    files = sorted(path for room in rooms for path in room.rglob("*.py"))
    calls = [(path, node) for path in files for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return [
        (f"{path.name}:{node.lineno}", node.func.id, node.args[0].value)
        for path, node in calls
        if isinstance(node.func, ast.Name) and node.func.id in ("Act", "Mend", "Run") and node.args
        if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    ]


def test_no_name_in_a_remedy_is_misspelt() -> None:
    named = _named()
    assert {kind for _, kind, _ in named} == {"Act", "Mend", "Run"}
    for where, kind, name in named:
        if kind == "Run":
            parses(name)
        else:
            assert name in CHECKLIST.actions if kind == "Act" else fixer(name) is not None, (where, name)


@pytest.mark.parametrize(
    "remedy",
    [
        *(Act("comit", "release"), Act("bump", "bmp 1.6.1.43"), Mend("gemini"), Run("rns list"), Run("runs list --al")),
        *(Run("release X.Y.Z.Build"), Act("deploy", "deploy vX.Y.Z.Build"), Act("bump", "bump None")),
    ],
)
def test_a_misspelt_remedy_is_found(remedy: Remedy) -> None:
    with pytest.raises((AssertionError, KeyError, ValueError, USAGE_ERROR)):
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
    assert todo(Mend("inbox"), item, CHECKLIST, lambda name: f"4.1 {name}") == "The fixer 4.1 inbox"
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


@pytest.mark.parametrize("remedy", [Act("commit", "release --resume 0190"), Mend("inbox", "Wait, then"), Run("runs list"), "Wait."])
def test_a_program_follows_the_remedy_of_a_written_log(remedy: Remedy, tmp_path: Path) -> None:
    def named(item: Item) -> Item:
        return replace(item, check=replace(item.check, judge=lambda *_: failed("It is not there.", remedy)))

    log = runlog_kit.create(tmp_path)
    checklist = Stage().checklist()
    phases = tuple(replace(phase, items=tuple(map(named, phase.items))) for phase in checklist.phases)
    made = engine(checklist=Checklist(phases, checklist.release_actions), log=log)
    made.session.looks.at(made.session.checklist.items[:1])
    log.close()
    found = [record.details["remedy"] for record in read_log(log.path) if record.kind == "check"]
    assert found == [details(remedy)] and found[0]["words"] == str(remedy)


def test_a_text_is_a_remedy_by_hand_and_none_is_refused() -> None:
    assert failed("It is not there.", "Lay it there.").remedy == "Lay it there."
    assert failed("It is not there.", Mend("inbox")).status is Status.FAILED
    with pytest.raises(ValueError, match="no remedy"):
        failed("It is not there.", " ")


def test_every_fixer_can_be_named() -> None:
    for one in FIXERS:
        exists(Mend(one.name))
