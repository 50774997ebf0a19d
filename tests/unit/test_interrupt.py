"""Ctrl-C, SIGTERM and SIGHUP: stop what can be stopped, say what cannot be, and end the command where nothing runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from nexy_tui.cli.interrupt import SIGNALS, interruptible
from nexy_tui.engine.session import Session


class Acting:
    """The turn of a session in which this action runs."""

    def __init__(self, acting: str | None, *, past_return: bool = False) -> None:
        self.acting, self.past_return, self.cancelled = acting, past_return, 0

    def cancel(self) -> bool:
        self.cancelled += not self.past_return
        return not self.past_return


def session(turn: Acting) -> Session:
    return cast(Session, SimpleNamespace(turn=turn))


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """As on a terminal: what a shell starts in the background is told to ignore SIGINT."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, was in before.items():
        signal.signal(number, was)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_stops_the_action_and_the_second_ends_the_command(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    made = Acting("publish")
    with pytest.raises(KeyboardInterrupt), interruptible(session(made)):
        signal.raise_signal(number)
        assert (made.cancelled, capsys.readouterr().err) == (1, "Stopping publish. Interrupt once more to end at once.\n")
        made.acting = "deploy"
        signal.raise_signal(number)
        assert made.cancelled == 2, "another action is asked first too"
        signal.raise_signal(number)


def test_past_the_point_of_no_return_it_is_said_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    made = Acting("publish", past_return=True)
    with interruptible(session(made)):
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
    assert capsys.readouterr().err == "publish is past the point of no return and goes on to its end.\n" * 3


@pytest.mark.parametrize("number", SIGNALS)
def test_between_actions_it_ends_the_command_and_afterwards_all_is_as_before(number: int) -> None:
    before = [signal.getsignal(one) for one in SIGNALS]
    with pytest.raises(KeyboardInterrupt), interruptible(session(Acting(None))):
        signal.raise_signal(number)
    assert [signal.getsignal(one) for one in SIGNALS] == before


def test_what_is_to_be_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible(session(Acting(None))):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


ASKED = """
import signal, sys
from nexy_tui.cli import common, main
common.make_services = lambda: signal.raise_signal({number})
sys.argv = ["nexy-tui", "where", "--json"]
main()
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_a_command_that_is_told_to_end_says_so_in_one_document(number: int, tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", ASKED.format(number=int(number))], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    said = json.loads(done.stdout)
    assert (done.returncode, said["exit"], said["outcome"]) == (130, 130, "refused"), done.stderr
    assert "Interrupted" in said["problem"]["what"] and "Traceback" not in done.stderr
