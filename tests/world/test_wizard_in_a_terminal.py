"""The wizard in a terminal of 80×24: a whole release by keys alone, from home to the sealed log, and back; and played by itself."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from conftest import Inside, MakeWorld, some
from driving import NEXY, SEALED, assert_released, outside, release, verified_as
from tmux import Terminal, terminal

from nexy_tui.checklist import CHECKLIST

NEXT = "1.6.1.43"
TITLES = [phase.title for phase in CHECKLIST.phases]
DONE = "You are finished."
TO_TYPE = re.compile(r"To go on, type  (.+?)\s*[│┃]")
PHASE = re.compile(r"phase (\d) of 9")
TROUBLES = {
    "": (),
    "wrong-code-remote": ("Fix it: 4.5 Manifest pushed to the wrong code repository",),
    "drill-old": ("Run a restore drill",),
}
"""A fault of the world, and the step that the screen must lead to."""


def logs_of(inside: Inside) -> list[Path]:
    return sorted((inside.world.state / "runs").glob("*/*.intoto.jsonl"))


def log_of(inside: Inside) -> Path:
    (log,) = logs_of(inside)
    return log


def command(*words: str) -> str:
    """The command, its exit status on the screen, and the terminal left open to be read."""
    return f"{shlex.join([NEXY, *words])}; echo ENDED $?; exec cat"


def walk(hand: Terminal) -> tuple[list[str], list[str]]:
    """Press Enter, and type what is to be typed, until the log is sealed; the phases as they opened, and the steps taken."""
    opened: list[str] = []
    steps: list[str] = []
    answered = ""
    while DONE not in (screen := hand.rest(answered)):
        answered = screen
        if (found := PHASE.search(screen)) and TITLES[int(found[1]) - 1] not in opened:
            opened.append(TITLES[int(found[1]) - 1])
        if typed := TO_TYPE.search(screen):
            hand.write(typed[1])
            hand.until("the text", lambda now: "✓ The same" in now)
        elif "◌" in screen.splitlines()[-2]:
            continue
        elif step := re.search(r"⏎ (.+)", screen.splitlines()[-2]):
            steps.append(step[1].strip())
        hand.type("Enter")
    return opened, steps


def rolled_back(hand: Terminal, inside: Inside) -> None:
    """From the home screen: see what stands where, put the release before back by typing, and see it there."""
    hand.type("b")
    hand.until("what stands where", lambda now: f"now     {NEXT}" in now and "before  1.6.1.42" in now)
    hand.type("b")
    hand.until("the question", lambda now: "To go on, type" in now)
    hand.write(f"rehearsal {NEXT}")
    hand.until("the text", lambda now: "✓ The same" in now)
    hand.type("Enter")
    hand.until("the end of it", lambda now: "done and verified" in now)
    hand.type("Escape")
    hand.until("what stands where now", lambda now: "now     1.6.1.42" in now and "offers 1.6.1.42" in now)
    hand.type("Escape")
    hand.until("home again", lambda now: "Start a release" in now)


@pytest.mark.parametrize("trouble", some(TROUBLES, ("wrong-code-remote",)))
def test_a_release_by_enter_alone_whatever_the_trouble(make_world: MakeWorld, trouble: str) -> None:
    inside = make_world()
    before = outside(inside)
    if trouble:
        inside.fault(trouble)
    with terminal(command(), inside.checkout, inside.environ) as hand:
        home = hand.until("the home screen", lambda now: "Start a release" in now and "Quit" in now)
        assert f"REHEARSAL {inside.world.id}" in home
        hand.type("s")
        hand.until("the start screen", lambda now: "Begin the run" in now and f"proposed {NEXT}" in now)
        hand.type("C-n")
        opened, steps = walk(hand)
        assert opened == TITLES and set(TROUBLES[trouble]) <= set(steps), steps
        end = hand.screen()
        log = log_of(inside)
        assert f"REHEARSAL {inside.world.id}" in end and NEXT in end
        assert verified_as(inside, log) == SEALED
        released = assert_released(inside, NEXT)
        hand.type("h")
        hand.until("home again", lambda now: "Start a release" in now)
        hand.type("q")
        hand.until("the end", lambda now: "ENDED 0" in now)
    assert released.download != before.download


@pytest.mark.exhaustive
def test_the_release_before_is_put_back_by_keys(make_world: MakeWorld) -> None:
    inside = make_world()
    before = outside(inside)
    assert release(inside, NEXT).exit == 0
    with terminal(command(), inside.checkout, inside.environ) as hand:
        hand.until("the home screen", lambda now: "Start a release" in now)
        rolled_back(hand, inside)
        hand.type("q")
        hand.until("the end", lambda now: "ENDED 0" in now)
    now = outside(inside)
    assert now.download == before.download
    assert now.lock is None and {verified_as(inside, each) for each in logs_of(inside)} == {SEALED}


@pytest.mark.exhaustive
def test_played_by_itself_in_sight(make_world: MakeWorld) -> None:
    inside = make_world()
    shown: list[str] = []

    def look(screen: str) -> bool:
        if (found := PHASE.search(screen)) and (title := TITLES[int(found[1]) - 1]) not in shown:
            shown.append(title)
        return DONE in screen

    with terminal(command("release", "--auto"), inside.checkout, inside.environ) as hand:
        hand.until("the end screen", look)
        hand.until("the end", lambda now: "ENDED 0" in now)
    assert len(shown) >= len(TITLES) - 2 and shown == [title for title in TITLES if title in shown], "every phase, in its order"
    assert verified_as(inside, log_of(inside)) == SEALED
    assert_released(inside, NEXT)
