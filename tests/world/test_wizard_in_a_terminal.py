"""The wizard in a terminal of 80×24: a whole release by keys alone, from home to the sealed log, and back; and played by itself."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from conftest import Inside, MakeWorld
from driving import NEXY, SEALED, assert_released, outside, verified_as
from tmux import Terminal, terminal

from nexy_tui.checklist import CHECKLIST
from nexy_tui.runlog.read import read_log

NEXT = "1.6.1.43"
TITLES = [phase.title for phase in CHECKLIST.phases]
DONE = "Released and sealed"
TO_TYPE = re.compile(r"To go on, type  (.+?)\s*│")
PHASE = re.compile(r"phase (\d) of 8")


def logs_of(inside: Inside) -> list[Path]:
    return sorted((inside.world.state / "runs").glob("*/*.intoto.jsonl"))


def log_of(inside: Inside) -> Path:
    (log,) = logs_of(inside)
    return log


def command(*words: str) -> str:
    """The command, its exit status on the screen, and the terminal left open to be read."""
    return f"{shlex.join([NEXY, *words])}; echo ENDED $?; exec cat"


def answer(screen: str) -> tuple[str | None, list[str]]:
    """What a person does at this screen: a text to type, and keys. Nothing while something is at work."""
    if typed := TO_TYPE.search(screen):
        return typed[1], ["Enter"]
    if "This is exactly what will be done:" in screen:
        return None, ["y"]
    if "◌" in screen.splitlines()[-2]:
        return None, []
    if "not yet" in screen:
        return None, ["Escape"]
    if "✓ verified" in screen:
        return None, ["n"]
    return None, ["a"] if "in the way:" in screen else []


def walk(hand: Terminal) -> list[str]:
    """Answer every screen until the log is sealed; the phases in the order in which they opened."""
    opened: list[str] = []
    answered = ""
    while DONE not in (screen := hand.rest(answered)):
        answered = screen
        if (found := PHASE.search(screen)) and TITLES[int(found[1]) - 1] not in opened:
            opened.append(TITLES[int(found[1]) - 1])
        typed, keys = answer(screen)
        if typed is not None:
            hand.write(typed)
            hand.until("the text", lambda now: "✓ The same" in now)
        hand.type(*keys)
    return opened


def rolled_back(hand: Terminal, inside: Inside) -> None:
    """From the home screen: see what stands where, put the release before back by typing, and see it there."""
    hand.type("b")
    hand.until("what stands where", lambda now: f"now     {NEXT}" in now and "before  1.6.1.42" in now)
    hand.type("b")
    hand.until("the question", lambda now: "To go on, type" in now)
    hand.write(f"rehearsal {NEXT}")
    hand.until("the text", lambda now: "✓ The same" in now)
    hand.type("Enter")
    hand.until("the end of it", lambda now: "done, and seen" in now)
    hand.type("Escape")
    hand.until("what stands where now", lambda now: "now     1.6.1.42" in now and "offers 1.6.1.42" in now)
    hand.type("Escape")
    hand.until("home again", lambda now: "Start a release" in now)


def test_a_release_by_keys_alone_and_back(make_world: MakeWorld) -> None:
    inside = make_world()
    before = outside(inside)
    with terminal(command(), inside.checkout, inside.environ) as hand:
        home = hand.until("the home screen", lambda now: "Start a release" in now and "Quit" in now)
        assert f"REHEARSAL {inside.world.id}" in home
        hand.type("s")
        hand.until("the start screen", lambda now: "Begin the run" in now and f"proposed {NEXT}" in now)
        hand.type("C-n")
        hand.until("the first phase", lambda now: "✓ verified" in now)
        hand.type("n")
        hand.until("the second phase", lambda now: "in the way:" in now and "phase 2 of 8" in now and "◌" not in now)
        hand.type("n")
        refused = hand.until("the refusal", lambda now: "not yet" in now)
        assert "version.files" in refused and "What to do" in refused
        hand.type("Escape")
        hand.until("the second phase again", lambda now: "not yet" not in now)
        assert walk(hand) == TITLES[1:]
        end = hand.screen()
        log = log_of(inside)
        assert f"REHEARSAL {inside.world.id}" in end and NEXT in end and "Verify it" in end
        assert log.stem.partition(".")[0][:18] in "".join(end.split())
        assert verified_as(inside, log) == SEALED
        refusals = [record.message for record in read_log(log) if (record.kind, record.status) == ("result", "refused")]
        assert len(refusals) == 1 and "version.files" in refusals[0]
        released = assert_released(inside, NEXT)
        hand.type("h")
        hand.until("home again", lambda now: "Start a release" in now)
        rolled_back(hand, inside)
        hand.type("q")
        hand.until("the end", lambda now: "ENDED 0" in now)
    now = outside(inside)
    assert (now.download, now.manifests) == (before.download, before.manifests) != (released.download, released.manifests)
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
