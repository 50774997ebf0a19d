"""Each class of a release's requests, refused from the start of a run to its stop: none of them is met after the swap."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from conftest import MakeWorld, seldom
from driving import outside
from test_faults import BEFORE_THE_COMMIT, BEFORE_THE_SWAP, PUSHED, Course, Stop

from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.net.strikes import REFUSED

API, WEB, UPLOADS = r"api\.github\.com", r"github\.com", r"uploads\.github\.com"
ARM, LOGIN, SERVER = r"management\.azure\.com", r"login\.microsoftonline\.com", r"nexy-server\.\S+?"
CODE, ARTIFACTS = "Seregawpn/Nexy_server", "Seregawpn/Nexy_production"


@dataclass(frozen=True)
class Refused:
    """Requests of this pattern are refused; the run stops in this phase, what is outside changed by no more than `done`."""

    name: str
    pattern: str
    phase: str
    items: tuple[str, ...]
    done: frozenset[str] = frozenset()


CLASSES = (
    Refused("releases", rf"GET {API}/repos/{ARTIFACTS}/releases/tags/", "remotes", ("remotes.artifacts",)),
    Refused("repository", rf"GET {API}/repos/{CODE}$", "remotes", ("remotes.tokens",)),
    Refused("fetch", rf"GET {WEB}/{CODE}(\.git)?/info/refs\?service=git-upload-pack", "remotes", ("remotes.push", "remotes.lock")),
    Refused("push, asked", rf"GET {WEB}/{CODE}(\.git)?/info/refs\?service=git-receive-pack", "remotes", ("remotes.push",)),
    Refused("branch rules", rf"GET {API}/repos/{CODE}/rules/branches/", "ready", ("ready.rules",)),
    Refused("token", rf"POST {LOGIN}/", "ready", ("ready.azure",)),
    Refused("machine", rf"GET {ARM}/subscriptions/\S+/virtualMachines/\w+\?", "ready", ("ready.azure",)),
    Refused("run-command", rf"POST {ARM}/\S+/runCommand", "ready", ("ready.vm",)),
    Refused("its outcome", rf"GET {ARM}/\S+/operations/", "ready", ("ready.vm",)),
    Refused("health", rf"GET {SERVER}/health", "ready", ("ready.server",)),
    Refused("appcast", rf"GET {SERVER}/updates/appcast", "ready", ("ready.server",)),
    Refused("push", rf"POST {WEB}/{CODE}(\.git)?/git-receive-pack", "database", ("database.backup",)),
    Refused("upload", rf"POST {UPLOADS}/", "publish", ("publish.asset",), PUSHED),
    Refused("download", rf"GET {WEB}/{ARTIFACTS}/releases/download/", "publish", ("publish.asset",), PUSHED),
    Refused("rename", rf"PATCH {API}/repos/{ARTIFACTS}/releases/assets/", "publish", ("publish.asset",), PUSHED),
)
ORDINARY = {"rename"}


@pytest.fixture(scope="module")
def course(make_module_world: MakeWorld) -> Iterator[Course]:
    made = Course(make_module_world)
    try:
        yield made
    finally:
        made.drop()


@pytest.mark.parametrize("case", [case if case.name in ORDINARY else seldom(case) for case in CLASSES], ids=lambda case: case.name)
def test_a_refused_class_of_requests_stops_before_the_swap(course: Course, case: Refused) -> None:
    stop = Stop("refused", case.phase, case.items[0], "", "", done=case.done)
    inside, go = course.meet(stop)
    faults = Faults(inside.world.faults)
    before = outside(inside)
    faults.switch(REFUSED, True, case.pattern)
    try:
        run = go({})
    finally:
        faults.switch(REFUSED, False)
    after = outside(inside)
    course.stopped(run, stop)
    assert run.exit in (1, 3) and run.document["stopped_by"] in case.items, run.said
    assert re.search(rf"Stopped \(\w+\) in phase {case.phase}\.", run.said), run.said
    assert case.phase in BEFORE_THE_COMMIT + BEFORE_THE_SWAP
    assert after.changed(before) <= case.done and "download" not in after.changed(before)
