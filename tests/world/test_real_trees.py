"""Trees as the team has them, released to the end: every kind of run, a way back after each that publishes, and the next version."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence

import pytest
from conftest import Inside, MakeWorld, seldom
from driving import release

from nexy_tui.core.layout import LAYOUTS
from nexy_tui.core.target import DMG
from nexy_tui.core.version import Version
from nexy_tui.rehearsal import world as worlds
from nexy_tui.rehearsal.trees import DEFAULT, FEATURES

BACK = "rollback"
STORY = ("full", BACK, "update-only", BACK, "code-only", "full")
"""After each kind that publishes, a rollback; after each rollback, and after a code-only run, the next version."""

EDITIONS = ("health-more-fields", "updates-health-from-manifest", "appcast-from-config")
"""Switches of the world's update server."""

OFFERS_CODE = "appcast-from-config"
"""It offers the new version with the old file after a code-only run, as no kind of run may leave it: clients would install without end."""

ATTESTED: Mapping[str, Sequence[str]] = {
    "newer-rulebook": ("remotes.rulebook",),
    "no-runbooks": ("database.runbooks",),
}
"""What an operator has to answer for, by the switch that calls for it (contracts: decided); nothing else may need it."""

SWITCHES = tuple(f"no-{name}" if name in DEFAULT else name for name in FEATURES)


def play(inside: Inside, story: Sequence[str], attested: Sequence[str] = ()) -> None:
    """Each act by the command line, each ending verified."""
    version = Version.parse(inside.world.next)
    for number, act in enumerate(story):
        if act == BACK:
            ended = inside.run("nexy-tui", "rollback", "--yes", "--json", *_attest(attested), check=False, timeout=180)
        else:
            if number and act != "code-only":
                worlds.build(inside.world, str(version), (DMG,))
            words = ("release", str(version), "--kind", act, "--headless", "--yes", "--json", *_attest(attested))
            ended = inside.run("nexy-tui", *words, check=False, timeout=180)
            version = version.next_build()
        told = f"act {number}, {act}: {ended.stderr[-4000:]}"
        assert (ended.returncode, json.loads(ended.stdout)["outcome"]) == (0, "verified"), told


def _attest(items: Sequence[str]) -> Iterator[str]:
    for item in items:
        yield from ("--attest", f"{item}=Read, and it is covered.")


@pytest.mark.parametrize("layout", [seldom(layout) for layout in LAYOUTS])
def test_every_kind_and_every_way_back_in_each_layout(make_world: MakeWorld, layout: str) -> None:
    play(make_world(layout=layout), STORY)


@pytest.mark.parametrize(("switch", "layout"), [seldom(*case) for case in zip(SWITCHES, itertools.cycle(LAYOUTS))])
def test_every_kind_and_every_way_back_with_each_switch(make_world: MakeWorld, switch: str, layout: str) -> None:
    play(make_world(layout=layout, seed=[switch]), STORY, ATTESTED.get(switch, ()))


@pytest.mark.parametrize(("edition", "layout"), [seldom(*case) for case in zip(EDITIONS, itertools.cycle(LAYOUTS))])
def test_every_kind_and_every_way_back_with_each_update_server(make_world: MakeWorld, edition: str, layout: str) -> None:
    inside = make_world(layout=layout)
    inside.fault(edition)
    play(inside, [act for act in STORY if edition != OFFERS_CODE or act != "code-only"])


@pytest.mark.exhaustive
@pytest.mark.parametrize("ended", [False, True])
def test_an_appcast_that_follows_the_settings_bars_code_only_until_a_full_release(make_world: MakeWorld, ended: bool) -> None:
    inside = make_world()
    inside.fault(OFFERS_CODE)
    version = Version.parse(inside.world.next)
    following = version.next_build()
    full = f"nexy-tui release {following} --kind full"
    refused = release(inside, str(version), "--kind", "code-only")
    live = refused.item("final.live")
    assert (refused.exit, live["status"], full in live["remedy"]) == (1, "failed", True), live
    head = inside.git("rev-parse", "HEAD")
    refused = release(inside, str(following), "--kind", "code-only")
    number = refused.item("version.number")
    assert (refused.exit, number["status"], full in number["remedy"]) == (1, "failed", True), number
    assert inside.git("rev-parse", "HEAD") == head
    if ended:
        worlds.build(inside.world, str(following), (DMG,))
        assert release(inside, str(following), "--kind", "full").exit == 0
