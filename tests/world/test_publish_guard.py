"""The small process that stands by between the two renames: the wizard is killed there, and the download is back all the same."""

from __future__ import annotations

import itertools
from pathlib import Path

import psutil
import pytest
from conftest import seldom
from publishing import Publisher, unseen
from striking import GUARD, Apart, Mark, assert_ended, assert_unbroken, gone, guards, in_place, length, strike, strikes

from nexy_tui.actions.publish import Publish
from nexy_tui.actions.rollback import Recover
from nexy_tui.core.problem import ActionFailed
from nexy_tui.core.target import DMG
from nexy_tui.services import swap_guard
from nexy_tui.services.swap_guard import SwapGuard

FIRST, SECOND = "PATCH2", "PATCH3"
"""The two renames of a swap; the PATCH before them proves that the new asset can be renamed."""


def killed_between_the_renames(work: Publisher) -> tuple[Mark, Apart, list[psutil.Process]]:
    """A publisher killed while its second rename is under way; nothing is in place at that moment, and its guards live."""
    mark, account = Mark.set(work), strikes(work.inside)
    since = length(account)
    with strike(work.inside, SECOND, "hold") as let_go:
        apart = Apart.begin(work)
        assert apart.struck(account, since)
        [guard] = guards(apart.process.pid)
        assert_holds_no_token(work, apart.process.pid)
        assert in_place(work.inside) is None
        left = apart.kill()
        assert [process.pid for process in left] == [guard.pid]
        let_go()
    return mark, apart, left


def assert_holds_no_token(work: Publisher, pid: int) -> None:
    """In no process of the publisher's stands the token on the command line; in the guard's environment neither."""
    token = work.inside.world.secrets.world_token
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        line = process.cmdline()
        assert token not in " ".join(line)
        if GUARD in line:
            assert token not in str(process.environ()) and "GH_TOKEN" not in process.environ()


def test_a_kill_between_the_renames_is_healed_at_once_by_the_guard_alone(work: Publisher) -> None:
    mark, apart, left = killed_between_the_renames(work)
    assert gone(left, within=60), "it has done its one thing and is no more"
    held = in_place(work.inside)
    assert held is not None and held[3] == mark.before[DMG]
    assert work.download()[1] == mark.before[DMG].removeprefix("sha256:")
    assert work.inside.world.secrets.world_token not in apart.said.read_text()
    work.do(Publish())
    assert_ended(work)
    assert_unbroken(mark, missing=2)


RENAMES = tuple(itertools.product((FIRST, SECOND), ("hold-after", "hold-late")))


@pytest.mark.parametrize("renames", [RENAMES[1:2], seldom(RENAMES)], ids=("one", "all"))
def test_a_rename_in_effect_after_the_death_and_the_guard_do_no_harm(work: Publisher, renames: tuple[tuple[str, str], ...]) -> None:
    for number, sort in renames:
        mark, account = Mark.set(work), strikes(work.inside)
        since = length(account)
        with strike(work.inside, number, sort) as let_go:
            apart = Apart.begin(work)
            assert apart.struck(account, since)
            left = apart.kill()
            let_go()
        assert len(left) == 1 and gone(left, within=60)
        held = in_place(work.inside)
        assert held is not None, f"{sort} of {number}"
        work.do(Publish())
        assert_ended(work)
        assert_unbroken(mark)
        work.version = unseen()
        work.lay()
    print(f"killed at {len(renames)} renames that took effect after the death")


@pytest.mark.parametrize("way", ["the next run", seldom("publish --recover"), seldom("Recover")])
def test_with_the_guard_killed_too_the_other_ways_heal(work: Publisher, way: str) -> None:
    mark, account = Mark.set(work), strikes(work.inside)
    since = length(account)
    with strike(work.inside, SECOND, "hold"):
        apart = Apart.begin(work)
        assert apart.struck(account, since)
        killed = guards(apart.process.pid)
        for process in killed:
            process.kill()
        apart.kill()
    assert killed and gone(killed, within=60)
    assert work.download_or_nothing() is None, "nobody is left to heal it"
    if way == "the next run":
        work.do(Publish())
        assert_ended(work)
        assert_unbroken(mark, missing=2)
        return
    if way == "Recover":
        assert work.do(Recover()).changed
    else:
        done = work.inside.run("nexy-tui", "publish", "--recover", "--yes", check=False)
        assert done.returncode == 0 and "nexy-tui verify" in done.stderr, done.stdout + done.stderr
    assert work.download()[1] == mark.before[DMG].removeprefix("sha256:")
    assert not work.do(Recover()).changed
    assert_unbroken(mark, missing=1)
    work.do(Publish())
    assert_ended(work)


def test_no_guard_no_swap(work: Publisher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mark = Mark.set(work)
    program = tmp_path / "python"
    for text, says in (("#!/bin/sh\nexit 1\n", "it ended"), (None, "it could not be started: No such file or directory")):
        program.unlink(missing_ok=True)
        if text is not None:
            program.write_text(text)
            program.chmod(0o700)
        monkeypatch.setattr(swap_guard, "interpreter", lambda _: [str(program)])
        with pytest.raises(ActionFailed) as raised:
            work.do(Publish())
        assert raised.value.what == f"The process that guards the swap is not there: {says}."
        assert raised.value.why.startswith("Nothing was renamed") and raised.value.remedy
        assert work.intents == []
    monkeypatch.undo()
    assert len({state["Update"][DMG][0] for state in mark.states()}) == 1
    work.do(Publish())
    assert_ended(work)
    assert_unbroken(mark, missing=1)


def test_a_guard_leaves_no_process_behind_whatever_becomes_of_the_publish(work: Publisher) -> None:
    work.do(Publish())
    assert guards() == []
    work.version = unseen()
    work.lay()
    work.inside.fault("download-other-bytes", True, "final")
    try:
        with pytest.raises(ActionFailed):
            work.do(Publish())
    finally:
        work.inside.fault("download-other-bytes", False)
    assert gone(guards(), within=60)
    with pytest.raises(KeyError), SwapGuard(work.services.target, work.services.settings.ca, work.services.secrets.github_token(), {}):
        raise KeyError
    assert gone(guards(), within=60)
