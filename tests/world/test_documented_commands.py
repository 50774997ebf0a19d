"""Every command in README and docs: it is one of this tool's, and in a world it does what a reader of the page would have it do."""

from __future__ import annotations

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

ELSEWHERE = {
    "": "tests/world/test_wizard_in_a_terminal.py",
    "setup": "tests/world/test_setup.py",
    "release": "tests/world/test_kinds.py, tests/world/test_set_up_page.py",
    "rehearse": "tests/world/test_world_life.py",
    "world": "tests/world/test_world_frame.py",
    "publish": "tests/world/test_publish_command.py",
    "rollback": "tests/world/test_publish_rollback.py",
    "deploy": "tests/world/test_deploy.py",
    "bump": "tests/world/test_side_doors.py",
    "sync-manifests": "tests/world/test_sync_manifests.py",
    "save-drift": "tests/world/test_ready.py",
    "db backup": "tests/world/test_set_up_page.py",
    "db drill": "tests/world/test_set_up_page.py",
    "db harden": "tests/world/test_database_hardening.py",
    "scaffold": "tests/world/test_scaffold.py",
    "fix": "tests/world/test_fixers.py",
    "runs close": "tests/unit/test_close.py",
    "runs report": "tests/unit/test_report.py",
    "runs show": "tests/unit/test_runlog_cli.py",
    "runs verify": "tests/world/test_set_up_page.py",
    "keys": "tests/unit/test_keys_and_secrets.py, tests/world/test_set_up_page.py",
    "secrets": "tests/unit/test_keys_and_secrets.py",
    "verify": "tests/world/test_set_up_page.py",
}
"""What acts, or needs something of its own, with where it is run; everything else is run here."""


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


def elsewhere(name: str) -> bool:
    """Whether it is run in another test, or is a group of commands that is only mentioned."""
    return name in {"config", "db", "runs", "keys", "secrets", "world"} or any(
        name == other or (other and name.startswith(f"{other} ")) for other in ELSEWHERE
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


def test_what_is_run_elsewhere_is_run_there() -> None:
    assert [path for where in ELSEWHERE.values() for path in where.split(", ") if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize("line", sorted(line for line in DOCUMENTED if not elsewhere(named(line))))
def test_a_documented_command_does_what_it_says(module_world: Inside, line: str) -> None:
    done = module_world.run("nexy-tui", *shlex.split(line), check=False)
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, f"{done.stdout}\n{done.stderr}"
    assert done.stdout
