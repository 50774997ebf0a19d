"""Every command in README and docs: it is one of this tool's, and in a world it does what a reader of the page would have it do."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest
from command_tree import COMMANDS
from conftest import Inside

from nexy_tui.cli.examples import EXAMPLES

ROOT = Path(__file__).parents[2]
PAGES = (
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name != "commands.md"),
    ROOT / "CONTRIBUTING.md",
)
CODE = re.compile(
    r"^```sh\n(?P<block>.*?)^```|^ {4}(?P<indented>nexy-tui .*)$|`(?P<inline>[^`\n]*nexy-tui [^`\n]*)`", re.MULTILINE | re.DOTALL
)
CALL = re.compile(r"(?:^|[\s\"(;])nexy-tui(?P<words>(?: +(?!nexy-tui\b)[^\s|;>)`\"&#]+)*)")
PLACEHOLDER = re.compile(r"^(\[.*\]|…|\.\.\.|SHA256:…|COMMAND)$")

ACTING = (
    "",
    "setup",
    "release",
    "rehearse",
    "world",
    "publish",
    "rollback",
    "deploy",
    "bump",
    "sync-manifests",
    "save-drift",
    "db backup",
    "db drill",
    "db harden",
    "scaffold",
    "fix",
    "runs close",
    "runs report",
    "runs show",
    "runs verify",
    "keys",
    "secrets",
    "verify",
)
"""What acts, or needs something of its own, is run by tests/world/test_documented_story.py; everything else here."""


def documented() -> dict[str, Path]:
    """Every call of this tool that a page shows, with a page that shows it."""
    found: dict[str, Path] = {}
    examples = "\n".join(f"    {line}" for lines in EXAMPLES.values() for line in lines)
    for page, text in ((ROOT / "docs" / "commands.md", examples), *((page, page.read_text("utf-8")) for page in PAGES)):
        for code in CODE.finditer(text):
            for call in CALL.finditer(code["block"] or code["indented"] or code["inline"]):
                words = [word for word in call["words"].split() if not PLACEHOLDER.match(word)]
                found.setdefault(" ".join(words), page)
    return found


DOCUMENTED = documented()


def named(line: str) -> str:
    """The command's own words."""
    command, words = COMMANDS, []
    for word in shlex.split(line):
        inner = getattr(command, "commands", {}).get(word)
        if inner is None:
            break
        command = inner
        words.append(word)
    return " ".join(words)


def acts(name: str) -> bool:
    """Whether it is run in the story, or is a group of commands that is only mentioned."""
    return name in {"config", "db", "runs", "keys", "secrets", "world"} or any(
        name == other or (other and name.startswith(f"{other} ")) for other in ACTING
    )


def test_every_documented_command_is_one_with_options_of_its_own() -> None:
    assert len(DOCUMENTED) > 60
    for line, page in DOCUMENTED.items():
        words = shlex.split(line)
        name = named(line)
        command = COMMANDS
        for word in name.split():
            command = command.commands[word]
        first = next((word for word in words[len(name.split()) :] if not word.startswith("-")), "")
        assert not (hasattr(command, "commands") and first and name), f"{page.name}: nexy-tui {line}"
        known = {option for parameter in command.params for option in parameter.opts} | {"--checkout", "--world", "-h", "--help"}
        known |= {option for parameter in COMMANDS.params for option in parameter.opts}
        strange = [word for word in words if word.startswith("-") and word.partition("=")[0] not in known]
        assert not strange, f"{page.name}: nexy-tui {line}"


def test_every_line_that_acts_is_typed_in_the_story() -> None:
    story = ast.parse((Path(__file__).parent / "test_documented_story.py").read_text("utf-8"))
    typed = {node.value for node in ast.walk(story) if isinstance(node, ast.Constant)}
    acting = {line for line in DOCUMENTED if acts(named(line))}
    elsewhere = {"setup": "by keys, in test_setup"}
    assert acting - typed == {"keys trust", "-h", *elsewhere}, "the first is named in a sentence without what it wants"


@pytest.mark.parametrize("line", sorted(line for line in DOCUMENTED if not acts(named(line))))
def test_a_documented_command_does_what_it_says(module_world: Inside, line: str) -> None:
    done = module_world.run("nexy-tui", *shlex.split(line), check=False)
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, f"{done.stdout}\n{done.stderr}"
    assert done.stdout
