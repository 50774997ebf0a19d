"""A remedy carried out as the value it is: an action or a fixer by the command line, a command as shown, a sentence by a hand."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import witnesses
from conftest import Inside
from mending import NEW_KEY, inside_of
from remedysites import worded

from nexy_tui.checklist import CHECKLIST, Item
from nexy_tui.core.finding import Finding
from nexy_tui.core.private_files import Private, private
from nexy_tui.core.remedy import Act, Mend, Remedy, Run
from nexy_tui.engine.opening import look_session
from nexy_tui.rehearsal.names import CODE
from nexy_tui.rehearsal.vm.seed import CONFIGS

Hand = Callable[[Inside, str], object]
"""Does what a sentence says; given the sentence, so that what it spells out is typed as it stands."""

NEXT = "1.6.1.43"
"""What stands in a command for X.Y.Z.Build."""

HEADLESS = {"release": ("--headless", "--auto", "--json"), "bump": ("--json",), "runs": ()}
"""What a command needs where nobody is asked; the others take `--yes --json`."""

NO_HAND = re.compile(r"|Apply it|Make one|Drill the newest archive|Read the release's own log|Deploy v\S+, then look again")
"""What stands before a command and asks for nothing beside it."""


def typed(*patterns: str) -> Hand:
    """Commands that stand in the sentence, found by these patterns and run in the checkout in this order, as shown."""

    def hand(inside: Inside, sentence: str) -> None:
        for pattern in patterns:
            found = re.search(pattern, sentence)
            assert found is not None, f"{pattern} is not in: {sentence}"
            if found.group(0).startswith("gh "):
                witnesses.program("gh")
            inside.run("bash", "-c", found.group(0))

    return hand


def by(change: Callable[[Inside], object]) -> Hand:
    """A hand that needs no word of the sentence."""
    return lambda inside, _: change(inside)


@dataclass(frozen=True)
class Undone:
    """The hand that undoes what a test broke: what it takes away again is nothing lost."""

    undo: Callable[[], object]

    def __call__(self, inside: Inside, sentence: str) -> None:
        self.undo()


@dataclass(frozen=True)
class Carried:
    """How the remedy ended, and what was said of it."""

    exit: int
    said: str


def carry_out(inside: Inside, remedy: Remedy, hand: Hand | None) -> Carried:
    """Do what a remedy says. A sentence, or what a remedy asks for first, needs a hand."""
    if isinstance(remedy, str):
        assert hand is not None
        hand(inside, remedy)
        return Carried(0, remedy)
    if isinstance(remedy, (Act, Run)) and not NO_HAND.fullmatch(remedy.first):
        assert hand is not None, f"Nobody has a hand for: {remedy.first}"
        hand(inside, remedy.first)
    if isinstance(remedy, Mend) and hand is not None:
        hand(inside, remedy.first)
    words = shlex.split(remedy.command.replace("X.Y.Z.Build", NEXT))
    secret = {"NEXY_NEW_GEMINI_KEY": NEW_KEY} if remedy == Mend("gemini-key", remedy.first) else {}
    secret |= {"NEXY_NEW_GITHUB_TOKEN": inside.world.secrets.artifacts_token} if isinstance(remedy, Mend) else {}
    done = inside.run("nexy-tui", *words, *HEADLESS.get(words[0], ("--yes", "--json")), check=False, env=secret, timeout=180)
    return Carried(done.returncode, f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-1500:]}")


# --- what must never be lost ---


def kept(inside: Inside) -> dict[str, str]:
    """What no remedy may lose, by digest: settings, backups, keys, and the operator's own files, in the checkout and on the VM."""
    world = inside.world
    found: dict[str, str] = {}
    for root in (world.checkout, world.vm_clone):
        for name in CONFIGS:
            if (root / name).is_file():
                found[f"{root}/{name}"] = _settings(root / name)
    backups = world.checkout_layout.backups
    # An archive that a remedy brings back has other bytes than the damaged one.
    found |= {str(path): "there" for path in backups.rglob("*.tar.gz")} if backups.is_dir() else {}
    found |= {str(path): _digest(path) for path in _own_files(inside) if backups not in path.parents}
    found |= {str(path): _digest(path) for path in world.home.rglob("*") if path.is_file() and private(str(path)) is Private.SECRET}
    return found


def _own_files(inside: Inside) -> list[Path]:
    status = inside.run("git", "status", "--porcelain", "-z", "--untracked-files=all").stdout.split("\0")
    return [path for line in status if line.startswith("?? ") and (path := inside.checkout / line[3:]).is_file()]


def _settings(path: Path) -> str:
    """Names and values, but for those that a deploy and a fixer are to set; a line that became a comment is there."""
    lines = [line.removeprefix("# ") for line in path.read_text().splitlines()]
    lines = [line for line in lines if not line.startswith(("SERVER_VERSION=", "SERVER_BUILD=", "GEMINI_API_KEY="))]
    return "\n".join(lines)


def _digest(path: Path) -> str:
    """The id that git gives these bytes: so it can be asked whether a stash or a commit keeps them."""
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def lost(inside: Inside, before: dict[str, str]) -> list[str]:
    """What is not where it was, as it was, nor in git's keeping (a stash, a commit)."""
    after = kept(inside)
    return [path for path, what in before.items() if after.get(path) != what and not _kept_otherwise(inside, Path(path), what)]


def _kept_otherwise(inside: Inside, path: Path, digest: str) -> bool:
    known = path.is_file() and _digest(path) == digest  # an own file that git tracks by now
    return known or inside.run("git", "cat-file", "-e", digest, check=False).returncode == 0


# --- the walk ---


@dataclass
class Count:
    """What walking came to."""

    remedies: int = 0
    accepted: int = 0
    mended: int = 0
    moved_on: int = 0
    circles: int = 0


def found(inside: Inside, items: Sequence[Item], *, released: bool) -> list[Finding]:
    """Those of the items that do not hold, in the checklist's order."""
    with inside_of(inside) as services:
        session = look_session(services(), CHECKLIST, released=released)
        return [finding for finding in session.looks.at(items) if not finding.status.satisfied]


def cause(finding: Finding) -> tuple[str, str]:
    """An item and why it does not hold; figures that change from look to look are left out."""
    return finding.item, re.sub(r"\b[0-9a-f]{7,64}\b|\d+ (s|bytes|minutes?)\b", "…", finding.summary)


MOST_STEPS = 10

Walked = set[tuple[str, str]]
"""Items with the remedies that were carried out for them, in the words they are compared by."""


def lead_on(look: Callable[[], list[Finding]], carry: Callable[[Finding], Carried], count: Count) -> list[tuple[Finding, list[Finding]]]:
    """Follow what the first failing item names until all of the items hold; each step with all that was wrong before it.

    Each remedy is accepted: what it starts does its work, though a whole release may stop at a later item. Afterwards the item holds
    or names another cause; and no cause comes back, of this item or another, that a remedy was followed for: that is a circle.
    """
    trail: dict[tuple[str, str], str] = {}
    steps: list[tuple[Finding, list[Finding]]] = []
    wrong = look()
    while wrong:
        assert len(steps) < MOST_STEPS, f"no end after {MOST_STEPS} remedies: {trail}"
        first = wrong[0]
        steps.append((first, wrong))
        trail[cause(first)] = str(first.remedy)
        count.remedies += 1
        carried = carry(first)
        wrong = look()
        after = [one for one in wrong if one.item == first.item]
        assert carried.exit == 0 or not after, ("refused", first.item, first.summary, carried.said)
        count.accepted += 1
        again = [(*cause(one), trail[cause(one)], str(one.remedy)) for one in wrong if cause(one) in trail]
        count.circles += len(again)
        assert not again, f"a circle; item, cause, the remedy that was followed, and the one that is offered now: {again}; {carried.said}"
        count.mended += not after
        count.moved_on += bool(after)
    return steps


def walk(
    inside: Inside,
    items: Sequence[Item],
    hands: Mapping[str, Hand | None],
    count: Count,
    *,
    released: bool = False,
    fixers: Mapping[str, str],
) -> tuple[set[str], Walked]:
    """From a broken world to one where all of the items hold: which did not, and what was carried out. Nothing is lost on the way.

    `fixers` are taken first, each in place of its item's remedy.
    """
    instead = dict(fixers)

    def look() -> list[Finding]:
        wrong = found(inside, items, released=released)
        first = [replace(one, remedy=Mend(instead.pop(one.item))) for one in wrong if one.item in instead]
        return [*first, *(one for one in wrong if one.item not in {mended.item for mended in first})]

    steps = lead_on(look, lambda finding: step(inside, finding, _hand_for(finding.remedy, hands)), count)
    same = {
        (one.item, worded(one.remedy)) for first, wrong in steps for one in wrong if one is first or _same(one.remedy, first.remedy, hands)
    }
    return {one.item for one in steps[0][1]} if steps else set(), same


def _same(one: Remedy, other: Remedy, hands: Mapping[str, Hand | None]) -> bool:
    """Whether what is done for the one is what the other names."""
    match one, other:
        case Act(first), Act(second):
            return first == second
        case Mend(first), Mend(second):
            return first == second
        case str(), str():
            return _hand_for(one, hands) is _hand_for(other, hands) is not None
    return one == other


def _hand_for(remedy: Remedy, hands: Mapping[str, Hand | None]) -> Hand | None:
    return next((hand for pattern, hand in hands.items() if re.search(pattern, str(remedy))), None)


def step(inside: Inside, finding: Finding, hand: Hand | None) -> Carried:
    """Carry out one finding's remedy: with it nothing is lost."""
    assert hand is not None or not isinstance(finding.remedy, str), ("nobody has a hand", finding.item, finding.summary, finding.remedy)
    before = kept(inside)
    carried = carry_out(inside, finding.remedy, hand)
    assert carried.exit in (0, 1, 3), (finding.item, finding.summary, carried.said)
    missing = [] if isinstance(hand, Undone) else lost(inside, before)
    assert not missing, (finding.item, str(finding.remedy), missing)
    return carried


def push_all(inside: Inside) -> None:
    """Commit what is changed in known files and push it, as “Commit and push that.” says."""
    inside.commit("As it was advised")
    inside.git("push", "-q", f"https://github.com/{CODE}.git", "HEAD:main")
