"""An empty word on the line, as a shell variable that is not set leaves it, is bad usage: nothing is guessed in its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from terminal_kit import Terminal


@pytest.fixture(name="terminal")
def _terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("line", "after"),
    [
        (["release", "--resume", "", "--headless", "--yes"], "--resume"),
        (["release", "--resume=", "--headless", "--yes"], "--resume"),
        (["release", "", "--dry-run"], "release"),
        (["--checkout", "", "check", "--all"], "--checkout"),
        (["db", "drill", "--adopt", "", "--yes"], "--adopt"),
        (["fix", ""], "fix"),
        (["runs", "verify", "x", "--allowed-signers", ""], "--allowed-signers"),
        ([""], "nexy-tui"),
    ],
    ids=" ".join,
)
def test_an_empty_value_is_bad_usage_and_says_after_which_word_it_stands(line: list[str], after: str, terminal: Terminal) -> None:
    refused = terminal.call(*line, "--json")
    problem = json.loads(refused.stdout)["problem"]
    assert refused.exit_code == 2 and problem["what"].endswith(f"after {after}.") and "not be set" in problem["why"]


def test_a_reason_that_is_empty_is_the_attestations_own_matter(terminal: Terminal) -> None:
    refused = terminal.call("release", "--attest", "inbox.dmg=", "--headless", "--json")
    assert refused.exit_code == 2 and "An empty value" not in json.loads(refused.stdout)["problem"]["what"]
