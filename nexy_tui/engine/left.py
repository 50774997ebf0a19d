"""The run that was left: a way out takes kind, version and the release before from its log, never from a guess (contracts: the way out
is never shut).

Without such a log on this machine the code repository tells the kind (`before.kind_of_release`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nexy_tui.checklist import CHECKLIST
from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import Problem
from nexy_tui.core.version import Version
from nexy_tui.engine.before import Before, version_or_none
from nexy_tui.runlog.genesis import Genesis
from nexy_tui.runlog.read import RunSummary, list_runs, list_runs_of, read_log
from nexy_tui.runlog.state import Errand, RunState
from nexy_tui.runlog.verify import State, verify_file
from nexy_tui.services import Services

NO_APPCAST = "HTTP 500"
"""What genesis says of the appcast where the server could make none."""

_RELEASING = frozenset(CHECKLIST.points_of_no_return)
"""Actions whose runs know as much of their release as a release's own run."""


@dataclass(frozen=True, slots=True)
class Left:
    """What the log of a release says of it. `begun` are the actions that came to their first irreversible step.

    Of one that is `complete` what was there before it is the past: the world as it is counts.
    """

    run: str
    version: Version
    kind: Kind
    with_pkg: bool
    before: Before
    begun: frozenset[str]
    complete: bool


def left_run(services: Services, version: Version | None = None) -> Left | None:
    """The newest run of a version on this machine that wrote outside, a whole release before an action standing alone.

    Where no version is named: the newest release of all that wrote outside, if it was left open. None where there is none, or none
    that is signed as it should be.
    """
    state_dir = services.settings.state_dir
    if version is None:
        newest = next(((run, left) for run, left in _told(services, list_runs(state_dir)) if _is_release(run)), None)
        return newest[1] if newest is not None and newest[0].looks in ("open", "torn") else None
    runs = sorted(list_runs_of(state_dir, str(version)), key=lambda run: (_is_release(run), run.run), reverse=True)
    return next((left for _, left in _told(services, runs)), None)


def before_of(genesis: Genesis) -> Before:
    """The world before a run, as its genesis has it."""
    facts = genesis.facts
    return Before(
        version_or_none(facts.get("served_before")),
        version_or_none(facts.get("published_before")),
        facts.get("base_commit") or None,
        facts.get("appcast_before") == NO_APPCAST,
    )


def _is_release(run: RunSummary) -> bool:
    return run.purpose is not None and run.purpose.errand is Errand.RELEASE


def _told(services: Services, runs: list[RunSummary]) -> Iterator[tuple[RunSummary, Left]]:
    """Each run that wrote outside, with what it was."""
    for run in runs:
        purpose = run.purpose
        if run.world != services.target.world or purpose is None or purpose.errand is Errand.FIX:
            continue
        if not _is_release(run) and not set(purpose.names) <= _RELEASING:
            continue
        try:
            state = RunState.of(read_log(run.path))
            if not state.begun or verify_file(run.path, services.settings).state is State.INVALID:
                continue
        except Problem:
            continue
        genesis = state.genesis
        version = version_or_none(genesis.version)
        if version is not None:
            with_pkg = genesis.facts.get("with_pkg") == "yes"
            complete = run.outcome == "complete"
            yield run, Left(run.run, version, Kind(genesis.kind), with_pkg, before_of(genesis), state.begun, complete)
