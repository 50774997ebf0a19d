"""How things stand here, from the logs alone: the run that is open, its phase, and the last release that was verified."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from runlog_kit import BEGIN, OPERATOR, SIGNER, StepClock, create

from nexy_tui.engine.standing import clock_time, standing, where
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.read import read_log
from nexy_tui.runlog.state import Errand, Purpose
from nexy_tui.runlog.trust import new_entry


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What standing reads: the state directory, the trusted keys, the world and the clock."""
    signers = tmp_path / "allowed_signers"
    signers.write_text(new_entry(OPERATOR.id, SIGNER.public, BEGIN).line() + "\n")
    settings = SimpleNamespace(state_dir=tmp_path, operator=OPERATOR.id, allowed_signers=signers)
    return SimpleNamespace(settings=settings, target=SimpleNamespace(world=None), clock=StepClock())


def run(folder: Path, purpose: Purpose, *, end: str = "", **changes: Any) -> RunLog:
    log = create(folder, StepClock(), details=purpose.details(), **changes)
    log.check("remotes.code", "passed", "It is.")
    log.check("publish.asset", "failed", "It is not.")
    log.check("publish.bytes", "failed", "It is not.")
    if end:
        log.seal(end)
    log.close()
    return log


RELEASE, ROLLBACK = Purpose(Errand.RELEASE), Purpose(Errand.ACTION, ("rollback",))


def test_nothing_was_done_here(services: Any) -> None:
    assert standing(services).left_open is None and not standing(services).released


def test_the_open_run_is_named_with_its_phase(services: Any, tmp_path: Path) -> None:
    log = run(tmp_path, RELEASE)
    found = standing(services)
    assert found.left_open is not None and found.left_open.path == log.path
    assert found.at == f"at Publish since {clock_time(BEGIN, BEGIN)}"
    phase, since = where(read_log(log.path))
    assert phase == "Publish" and since == read_log(log.path)[2].moment


@pytest.mark.parametrize("purpose", [Purpose(Errand.CHECK), Purpose(Errand.ACTION, ("publish",))])
def test_what_is_not_gone_on_with_is_not_offered(services: Any, tmp_path: Path, purpose: Purpose) -> None:
    run(tmp_path, purpose)
    assert standing(services).left_open is None


@pytest.mark.parametrize("changes", [{"world": "w1"}, {"operator": replace(OPERATOR, id="eve")}])
def test_a_run_of_others_is_not_offered(services: Any, tmp_path: Path, changes: dict[str, Any]) -> None:
    run(tmp_path, RELEASE, **changes)
    assert standing(services).left_open is None


def test_the_release_that_was_verified_is_told_until_it_is_rolled_back(services: Any, tmp_path: Path) -> None:
    log = run(tmp_path, RELEASE, end="complete")
    assert standing(services).released == f"1.6.1.43 is released and verified, today {clock_time(BEGIN, BEGIN)}"
    run(tmp_path, Purpose(Errand.CHECK), end="complete")
    run(tmp_path, Purpose(Errand.FIX, ("inbox",)), end="complete")
    assert standing(services).released.startswith("1.6.1.43")
    run(tmp_path, ROLLBACK, end="complete")
    assert not standing(services).released
    assert log.path.exists()


def test_a_release_whose_log_does_not_verify_is_not_told(services: Any, tmp_path: Path) -> None:
    log = run(tmp_path, RELEASE, end="complete")
    log.path.write_bytes(log.path.read_bytes().replace(b"A", b"B", 1))
    assert not standing(services).released


def test_a_time_of_another_day_has_its_day() -> None:
    moment = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
    assert clock_time(moment, moment) == f"{moment.astimezone():%H:%M}"
    assert clock_time(moment, datetime(2026, 5, 3, 12, 0, tzinfo=UTC)) == f"{moment.astimezone():%d %b %H:%M}"
