"""Ctrl-C on a plain terminal: stops what can be stopped, says what cannot, and ends the command where nothing runs."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import cast

import pytest

from nexy_tui.cli.interrupt import interruptible
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


def test_the_first_stops_the_action_and_the_second_ends_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    made = Acting("publish")
    with pytest.raises(KeyboardInterrupt), interruptible(session(made)):
        signal.raise_signal(signal.SIGINT)
        assert (made.cancelled, capsys.readouterr().err) == (1, "Stopping publish. Interrupt once more to end at once.\n")
        made.acting = "deploy"
        signal.raise_signal(signal.SIGINT)
        assert made.cancelled == 2, "another action is asked first too"
        signal.raise_signal(signal.SIGINT)


def test_past_the_point_of_no_return_it_is_said_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    made = Acting("publish", past_return=True)
    with interruptible(session(made)):
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
    assert capsys.readouterr().err == "publish is past the point of no return and goes on to its end.\n" * 3


def test_between_actions_it_ends_the_command_and_afterwards_all_is_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), interruptible(session(Acting(None))):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
