"""What a resume goes on from is rebuilt from typed fields alone: no message of a log decides anything."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from engine_kit import PLAN, UNSEEN, Stage, engine
from runlog_kit import create

from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.checklist import CHECKLIST
from nexy_tui.core.event import Exposure
from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import ActionFailed, Problem
from nexy_tui.engine.alone import perform_alone
from nexy_tui.engine.driver import drive
from nexy_tui.engine.mend import FixPrompts, checklist_of, mend
from nexy_tui.fixers import fixer
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.read import read_log, summary
from nexy_tui.runlog.record import Record
from nexy_tui.runlog.state import Errand, Purpose, RunState

PREREQUISITES = ["bump", "commit", "backup", "push"]
MISLEADING = (
    "Exposure opened: clients that follow the live appcast refuse the download until both agree.",
    "Exposure closed after 3.0 s: both agree.",
    "replace the download",
    "fix stale-appcast",
    "",
)


class Left(NamedTuple):
    """A log's records, and what a session that wrote them knew of itself at each."""

    purpose: Purpose
    records: list[Record]
    exposed: list[bool]


def begins(*steps: str, opens: bool = False, closes: bool = False, fails: bool = False) -> Callable[[ActionContext], ActionResult]:
    def run(context: ActionContext) -> ActionResult:
        for step in steps:
            context.intent(step, what="it")
        if opens:
            context.emit(Exposure(0.0, open=True))
        if closes:
            context.emit(Exposure(1.0, open=False))
        if fails:
            raise ActionFailed("It did not work.", "It matters.", "Do it again.")
        return ActionResult("Done.", digests={"Nexy.dmg": "a" * 64}, release_commit="b" * 40, manifest_commit="c" * 40)

    return run


def whole_run(folder: Path, kind: Kind = Kind.FULL) -> Left:
    does = {"publish": begins("replace the download", opens=True), "push": begins("push it"), "backup": begins("back it up")}
    stage = Stage(forced={"inbox.apple": UNSEEN})
    return _left(folder, Purpose(Errand.RELEASE), stage, does, _driven, kind=kind)


def _driven(made: Any) -> None:
    outcome = drive(made.session, confirm=made.stage.confirm, attestations={}, attest_all=True)
    assert outcome.outcome == "verified", outcome
    made.session.seal("complete")


def update_only(folder: Path) -> Left:
    return whole_run(folder, Kind.UPDATE_ONLY)


def rolled_back(folder: Path) -> Left:
    does = {"rollback": begins("put the release before back", opens=True, closes=True)}
    stage = Stage(ran=list(PREREQUISITES))

    def run(made: Any) -> None:
        perform_alone(made.session, ["rollback"], confirm=made.stage.confirm, attestations={})

    return _left(folder, Purpose(Errand.ACTION, ("rollback",)), stage, does, run)


def fixed(folder: Path) -> Left:
    chosen = fixer("stale-appcast")
    assert chosen is not None
    does = {part.action.name: begins(f"mend {part.id}") for part in chosen.parts}

    def run(made: Any) -> None:
        mend(made.session, chosen, FixPrompts(lambda _: None, lambda at, action: True, lambda text: None))

    return _left(folder, Purpose(Errand.FIX, (chosen.name,)), Stage(), does, run, of=checklist_of([chosen]))


def failed_publish(folder: Path) -> Left:
    """The download is replaced, and then nothing goes on: the exposure stays open, and the intent is closed."""
    does = {"publish": begins("replace the download", opens=True, fails=True)}

    def run(made: Any) -> None:
        made.session.looks.at(made.session.checklist.items)
        with pytest.raises(Problem):
            made.session.runner.perform("publish")
        made.session.close()

    return _left(folder, Purpose(Errand.RELEASE), Stage(ran=list(PREREQUISITES)), does, run)


def _left(
    folder: Path,
    purpose: Purpose,
    stage: Stage,
    does: Mapping[str, Callable[[ActionContext], ActionResult]],
    run: Callable[[Any], None],
    *,
    kind: Kind = Kind.FULL,
    of: Any = CHECKLIST,
) -> Left:
    log = create(folder, kind=kind.value, details=purpose.details())
    exposed: list[bool] = [False]
    written = log._write

    def write(draft: Any) -> int:
        place = written(draft)
        exposed.append(made.session.exposure.since is not None)
        return place

    log._write = write  # type: ignore[method-assign]
    made = engine(stage, plan=replace(PLAN, kind=kind), does=dict(does), of=of, log=log)
    run(made)
    return Left(purpose, read_log(log.path), exposed)


LOGS: dict[str, Callable[[Path], Left]] = {
    "whole run": whole_run,
    "update-only": update_only,
    "rollback": rolled_back,
    "fix": fixed,
    "failed publish": failed_publish,
}


def scrambled(records: Sequence[Record], seed: int) -> list[Record]:
    """The records with every message another's, or one made to mislead; what is typed stays."""
    chance = random.Random(seed)
    texts = [*(record.message for record in records), *MISLEADING]
    return [replace(record, message=chance.choice(texts)) for record in records]


def untyped(records: Sequence[Record]) -> list[Record]:
    """The same records as they were written before there were typed details."""
    return [record if record.kind in ("genesis", "resume", "seal") else replace(record, details={}, typed=False) for record in records]


@pytest.mark.parametrize("name", LOGS)
def test_scrambled_messages_rebuild_the_same_state_at_every_cut(name: str, tmp_path: Path) -> None:
    left = LOGS[name](tmp_path)
    others = [scrambled(left.records, seed) for seed in range(5)]
    for end in range(1, len(left.records) + 1):
        state = RunState.of(left.records[:end])
        assert state.purpose == left.purpose
        assert (state.exposed_since is not None) == left.exposed[end - 1], f"record {end - 1} of {name}"
        for other in others:
            assert RunState.of(other[:end]) == state, f"cut after record {end - 1}"


@pytest.mark.parametrize("name", LOGS)
def test_logs_without_typed_details_rebuild_the_same_state(name: str, tmp_path: Path) -> None:
    left = LOGS[name](tmp_path)
    older = untyped(left.records)
    for end in range(1, len(older) + 1):
        assert RunState.of(older[:end]) == RunState.of(left.records[:end]), f"cut after record {end - 1}"


def test_a_whole_run_opens_and_closes_its_exposure_once(tmp_path: Path) -> None:
    left = whole_run(tmp_path)
    turns = [now for before, now in zip(left.exposed, left.exposed[1:], strict=False) if before != now]
    assert turns == [True, False]
    state = RunState.of(left.records)
    assert state.begun == {"publish", "push", "backup"}
    assert [item for item, _ in state.attestations] == ["inbox.apple"] and state.dangling == ()


def test_an_exposure_note_is_not_an_action_begun(tmp_path: Path) -> None:
    """A deploy that found all in place ends the exposure; had it counted as begun, a failed live gate would not apply after a resume."""
    log = create(tmp_path)
    does = {"publish": begins(opens=True), "deploy": begins(closes=True)}
    made = engine(Stage(ran=[*PREREQUISITES], forced={"final.live": UNSEEN}), does=does, log=log)
    for action in ("publish", "deploy"):
        made.session.looks.at(made.session.checklist.items)
        made.session.runner.perform(action)
    made.session.close()
    for records in (read_log(log.path), untyped(read_log(log.path))):
        marks = [record.action for record in records if record.kind == "progress-checkpoint"]
        assert marks == ["publish", "deploy"]
        rebuilt = RunState.of(records)
        assert rebuilt.begun == frozenset() and rebuilt.exposed_since is None


@pytest.mark.parametrize(
    ("facts", "purpose"),
    [
        ({}, Purpose(Errand.RELEASE)),
        ({"purpose": "release"}, Purpose(Errand.RELEASE)),
        ({"purpose": "publish"}, Purpose(Errand.ACTION, ("publish",))),
        ({"purpose": "fix gemini-key"}, Purpose(Errand.FIX, ("gemini-key",))),
    ],
)
def test_an_older_genesis_names_its_purpose_among_its_facts(facts: dict[str, str], purpose: Purpose) -> None:
    genesis: Any = SimpleNamespace(details={"facts": facts})
    assert Purpose.of(genesis) == purpose


def test_runs_are_listed_with_what_they_were_for(tmp_path: Path) -> None:
    log: RunLog = create(tmp_path, details=Purpose(Errand.FIX, ("inbox",)).details())
    log.close()
    assert summary(log.path).document()["purpose"] == "fix inbox"
