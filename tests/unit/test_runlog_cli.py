"""`nexy-tui runs` and `nexy-tui keys`, as somebody at a terminal meets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from runlog_kit import BEGIN, OPERATOR, OTHER, SIGNER, create, opened, sealed
from terminal_kit import Terminal

from nexy_tui.core.problem import Problem
from nexy_tui.runlog import keys
from nexy_tui.runlog.trust import AllowedSigners, new_entry


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(tmp_path, monkeypatch)


def test_verify_exits_with_the_verdict(terminal: Terminal, tmp_path: Path) -> None:
    terminal.trust(SIGNER)
    path = sealed(tmp_path)
    good = terminal.runs("verify", path)
    assert (good.exit_code, good.stdout.split()[0]) == (10, "SEALED")
    assert f"the user's configuration ({terminal.signers})" in good.stdout
    half = opened(tmp_path)
    assert terminal.runs("verify", half).exit_code == 11
    half.write_bytes(half.read_bytes()[:-3])
    assert terminal.runs("verify", half).exit_code == 12
    path.write_bytes(path.read_bytes().replace(b"A", b"B", 1))
    bad = terminal.runs("verify", path, "--json")
    document = json.loads(bad.stdout)
    assert (bad.exit_code, document["state"], document["exit"]) == (1, "INVALID", 1)
    assert document["first_bad"]["line"] == 1


def test_an_explicit_list_of_keys_stands_alone(terminal: Terminal, tmp_path: Path) -> None:
    path = sealed(tmp_path)
    terminal.trust(SIGNER)
    other = tmp_path / "other"
    other.write_text(new_entry(OPERATOR.id, OTHER.public, BEGIN).line())
    refused = terminal.runs("verify", path, "--allowed-signers", other)
    assert refused.exit_code == 1
    assert "untrusted key" in refused.stdout
    terminal.signers.rename(other)
    accepted = terminal.runs("verify", path, "--allowed-signers", other)
    assert accepted.exit_code == 10
    assert f"--allowed-signers {other}" in accepted.stdout


def test_a_key_nobody_listed_is_invalid(terminal: Terminal, tmp_path: Path) -> None:
    answer = terminal.runs("verify", sealed(tmp_path))
    assert answer.exit_code == 1
    assert "trusted by nothing" in answer.stdout


def test_a_run_is_named_by_id_or_its_beginning(terminal: Terminal, tmp_path: Path) -> None:
    terminal.trust(SIGNER)
    path = sealed(tmp_path)
    run = path.name.partition(".")[0]
    assert terminal.runs("verify", run).exit_code == 10
    assert terminal.runs("verify", run[:18]).exit_code == 10
    for wrong in ("01", "../x", "ffffffff"):
        answer = terminal.runs("verify", wrong)
        assert answer.exit_code == 2
        assert "nexy-tui runs list" in answer.stderr


def test_list_shows_the_newest_first(terminal: Terminal, tmp_path: Path) -> None:
    empty = terminal.runs("list")
    assert "no runs" in empty.stdout
    assert json.loads(terminal.runs("list", "--json").stdout)["runs"] == []
    first, second = sealed(tmp_path), opened(tmp_path, world="w1")
    (first.parent / "0.intoto.jsonl").write_text("no log\n")
    text = terminal.runs("list").stdout.splitlines()
    assert [line.split()[2] for line in text] == ["open", "sealed", "unreadable"]
    found = json.loads(terminal.runs("list", "--json").stdout)["runs"]
    assert [run["looks"] for run in found] == ["open", "sealed", "unreadable"]
    assert found[0]["log"] == str(second)
    assert (found[0]["world"], found[1]["world"]) == ("w1", None)
    assert (found[1]["outcome"], found[1]["records"], found[1]["version"], found[1]["kind"]) == ("complete", 6, "1.6.1.43", "full")


def test_show_and_report(terminal: Terminal, tmp_path: Path) -> None:
    terminal.trust(SIGNER)
    log = create(tmp_path)
    log.check("a.b", "failed", "a line\nand \x1b[31mcolour")
    log.close()
    lines = terminal.runs("show", log.path).stdout.splitlines()
    assert len(lines) == 3
    assert "genesis" in lines[0]
    assert "\x1b" not in lines[1]
    shown = json.loads(terminal.runs("show", log.path, "--json").stdout)
    assert [record["predicate"]["seq"] for record in shown["records"]] == [0, 1]
    page = terminal.runs("report", log.path)
    assert page.exit_code == 0
    assert page.stdout.startswith("<!DOCTYPE html>\n") and "\x1b" not in page.stdout and page.stdout.isascii()
    written = terminal.runs("report", log.path, "--out", tmp_path / "page.html")
    assert written.exit_code == 0 and (tmp_path / "page.html").read_text() == page.stdout
    assert terminal.runs("report", log.path, "--out", tmp_path / "nowhere" / "page.html").exit_code == 2
    (tmp_path / "x").write_text("")
    assert terminal.runs("report", tmp_path / "x").exit_code == 1


def test_a_key_is_made_listed_exported_and_replaced(terminal: Terminal) -> None:
    none = terminal.keys("list")
    assert none.exit_code == 2 and "There is no signing key" in none.stdout and "nexy-tui keys create" in none.stdout
    assert terminal.keys("export").exit_code == 2
    made = terminal.keys("create")
    assert made.exit_code == 0, made.stderr
    (entry,) = AllowedSigners.load(terminal.signers).entries
    assert entry.keyid in made.stdout
    assert keys.load_signer(OPERATOR.id, os.environ).keyid == entry.keyid
    assert f"{OPERATOR.id} signs with {entry.keyid} (keyring)" in terminal.keys("list").stdout
    assert terminal.keys("export").stdout == terminal.signers.read_text()
    again = terminal.keys("create")
    assert again.exit_code == 1
    assert "keys rotate" in again.stderr
    unasked = terminal.keys("rotate")
    assert unasked.exit_code == 2
    assert keys.load_signer(OPERATOR.id, os.environ).keyid == entry.keyid
    assert terminal.keys("rotate", "--yes").exit_code == 0
    old, new = AllowedSigners.load(terminal.signers).entries
    assert (old.keyid, old.valid_before) == (entry.keyid, new.valid_after)
    assert keys.load_signer(OPERATOR.id, os.environ).keyid == new.keyid
    assert terminal.keys("export").stdout == terminal.signers.read_text()


def test_rotation_names_the_runs_that_only_the_old_key_can_end(terminal: Terminal, tmp_path: Path) -> None:
    terminal.keys("create")
    path = opened(tmp_path, signer=keys.load_signer(OPERATOR.id, os.environ))
    assert path.name.partition(".")[0] in terminal.keys("rotate").stderr


def test_a_keyring_that_keeps_nothing_is_refused(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    answer = terminal.keys("create")
    assert answer.exit_code == 2
    assert "keys use --file" in answer.stderr
    assert not terminal.signers.exists()


def test_without_any_keyring_it_is_said_what_serves(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    answer = terminal.keys("create")
    assert answer.exit_code == 2
    assert "NEXY_SIGNING_KEY_FILE" in answer.stderr
    with pytest.raises(Problem, match="keys use --file"):
        keys.load_signer(OPERATOR.id, os.environ)


def test_verifying_loads_neither_textual_nor_azure(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    signers = tmp_path / "signers"
    signers.write_text(new_entry(OPERATOR.id, SIGNER.public, BEGIN).line())
    script = f"""
import sys
from typer.testing import CliRunner
from nexy_tui.cli import commands
from nexy_tui.cli.top import app
commands.mount(app)
result = CliRunner().invoke(app, ["runs", "verify", {str(path)!r}, "--allowed-signers", {str(signers)!r}])
heavy = [name for name in ("textual", "azure", "httpx", "git", "psycopg", "keyring", "rich") if name in sys.modules]
print(result.exit_code, heavy)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "10 []\n", done.stderr
