"""Two runs at once in one clone: one writes, the other is told who, and takes none of its files for a stranger's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checks.working_tree import TreeFacts, judge_tree
from nexy_tui.core.finding import Status
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.core.target import Target
from nexy_tui.core.version import Version
from nexy_tui.services.clone_lock import NAME, writer_in, writing_in

HOLD = """
import sys, pathlib
from nexy_tui.services.clone_lock import writing_in
with writing_in(pathlib.Path(sys.argv[1]), "bump in run 0190 of olga"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process writes in the clone meanwhile."""
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], env=environ, stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdout is not None and child.stdout.readline() == "held\n"
        yield child
        child.kill()


def test_who_comes_second_is_refused_by_name_until_the_first_has_ended_or_was_killed(tmp_path: Path) -> None:
    assert writer_in(tmp_path) == "" and not list(tmp_path.iterdir()), "a look leaves nothing"
    with another(tmp_path) as child:
        who = f"bump in run 0190 of olga (process {child.pid})"
        assert writer_in(tmp_path) == who
        with pytest.raises(Refused) as refused, writing_in(tmp_path, "me"):
            pytest.fail("two write")
        assert refused.value.what == f"{who} is writing in this clone." and refused.value.exit_code == 1
    assert writer_in(tmp_path) == ""
    with writing_in(tmp_path, "me"):
        assert (tmp_path / NAME).is_file()


def test_within_itself_a_process_is_nobody_elses_writer(tmp_path: Path) -> None:
    with writing_in(tmp_path, "release"), writing_in(tmp_path, "a fixer inside it"):
        assert writer_in(tmp_path) == ""


def test_a_lock_file_that_says_nothing_or_cannot_be_made_stops_nobody_for_good(tmp_path: Path) -> None:
    with writing_in(tmp_path / "gone", "me"):
        assert writer_in(tmp_path / "gone") == ""
    (tmp_path / NAME).write_text("{")
    with another(tmp_path):
        (tmp_path / NAME).write_text("{")
        assert writer_in(tmp_path) == "Another nexy-tui"


@pytest.mark.parametrize(("writer", "said"), [("bump in run 0190 of olga (process 7)", "7) is writing"), ("", "changes of its own")])
def test_the_winners_temporary_file_is_no_change_of_the_losers(writer: str, said: str) -> None:
    facts = TreeFacts((("??", ".VERSION.7.tmp"),), frozenset(), "release_inbox/", writer=writer)
    verdict = judge_tree(facts, Plan(Target(), Version.parse("1.6.1.43"), Kind.FULL, datetime(2026, 2, 14, tzinfo=UTC)))
    assert verdict.status is Status.FAILED and said in verdict.summary
    assert str(verdict.remedy).startswith("Wait until it has ended") is bool(writer)
