"""A run that was cut off is told from one that lives, and from one that never was here."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any, cast

import pytest

from nexy_tui.core.clock import SystemClock
from nexy_tui.core.problem import Refused
from nexy_tui.runlog.logfile import was_cut_off
from nexy_tui.services.git import Git
from nexy_tui.services.git.objects import GitObject
from nexy_tui.services.lock import REF, ReleaseLock

RUN = "3f7f14a5-cdc9-431b-9bde-3ba3fde901aa"


def log(state: Path) -> Path:
    path = state / "runs" / "1.6.1.43" / f"{RUN}.intoto.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_log_that_nobody_holds_is_of_a_run_that_was_cut_off(tmp_path: Path) -> None:
    assert not was_cut_off(tmp_path, RUN), "it never ran here"
    path = log(tmp_path)
    with path.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not was_cut_off(tmp_path, RUN), "it lives"
    assert was_cut_off(tmp_path, RUN)


@pytest.mark.parametrize("run", ["", "*", "../1.6.1.43/x", f"{RUN[:-1]}?", RUN.upper() + "/"])
def test_what_is_no_runs_id_is_looked_for_nowhere(tmp_path: Path, run: str) -> None:
    log(tmp_path)
    assert not was_cut_off(tmp_path, run)


class Remote:
    """A code repository whose lock names this holder."""

    def __init__(self, operator: str, host: str) -> None:
        self.body = f'{{"expires": "2999-01-01T00:00:00Z", "host": "{host}", "operator": "{operator}", "run": "{RUN}"}}'
        self.pushed: list[str] = []

    def remote_refs(self, *_: str) -> dict[str, str]:
        return {REF: "c" * 40}

    def lookup(self, oid: str, _: int) -> GitObject:
        return GitObject(oid, "commit", 200, f"tree {'e' * 40}\n\nRelease lock\n\n{self.body}".encode())

    def write(self, *_: str) -> str:
        return "d" * 40

    def push(self, refspecs: list[str], *, leases: list[str], aside: bool) -> None:
        self.pushed += leases


@pytest.mark.parametrize(
    ("operator", "host", "cut_off", "free"),
    [
        ("olga", "desk", True, True),
        ("olga", "desk", False, False),
        ("olga", "laptop", True, False),
        ("ada", "desk", True, False),
    ],
)
def test_only_what_this_operator_left_on_this_machine_is_taken_up(operator: str, host: str, cut_off: bool, free: bool) -> None:
    remote = Remote(operator, host)
    git = cast(Git, cast(Any, remote))
    lock = ReleaseLock(git, SystemClock(), operator="olga", host="desk", run="mine", cut_off=lambda run: cut_off and run == RUN)
    if free:
        lock.acquire()
        assert remote.pushed == [f"{REF}:{'c' * 40}"], "only from what was seen there"
    else:
        with pytest.raises(Refused, match=f"held by {operator} on {host}"):
            lock.acquire()
        assert remote.pushed == []
        lock.acquire(take_over=True)
        assert lock.held
