"""`runs close`: a run that was left open ends sealed as aborted, or says why it does not and what then."""

from __future__ import annotations

import fcntl
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from runlog_kit import OPERATOR, OTHER, SIGNER, StepClock, create, fill, opened, sealed, trusting
from terminal_kit import Terminal

from nexy_tui.core.kind import Kind
from nexy_tui.core.version import Version
from nexy_tui.engine import close, released
from nexy_tui.engine.context import Keys
from nexy_tui.engine.released import AlreadyReleased, require_unreleased
from nexy_tui.runlog.read import read_log, summary
from nexy_tui.runlog.record import Operator
from nexy_tui.runlog.seal import signature_path
from nexy_tui.runlog.state import Checkpoint, Errand, Purpose
from nexy_tui.runlog.trust import AllowedSigners
from nexy_tui.runlog.verify import State, verify
from nexy_tui.services import Services


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal outside any checkout, with ada's key, and nothing of the outside in reach."""
    made = Terminal(tmp_path, monkeypatch)
    made.trust(SIGNER, OTHER)
    monkeypatch.setattr(close, "keys_of", lambda _: Keys(lambda: SIGNER, AllowedSigners))
    return made


def closes(terminal: Terminal, *words: object, exit_code: int = 0) -> dict[str, Any]:
    done = terminal.runs("close", *words, "--json")
    assert done.exit_code == exit_code, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["exit"] == exit_code
    return document


def test_an_open_run_is_sealed_as_aborted_by_the_beginning_of_its_id(terminal: Terminal, tmp_path: Path) -> None:
    log = opened(tmp_path)
    run = summary(log).run
    document = closes(terminal, run[:18])
    assert (document["run"], document["outcome"], document["already"], document["problem"]) == (run, "aborted", False, None)
    assert any("release lock" in left for left in document["left"]) and any("does not keep this log" in left for left in document["left"])
    assert verify(log, trusting()).state is State.SEALED and summary(log).outcome == "aborted"


def test_one_that_is_sealed_stays_byte_for_byte_and_that_is_no_failure(terminal: Terminal, tmp_path: Path) -> None:
    log = sealed(tmp_path)
    before = log.read_bytes()
    document = closes(terminal, log)
    assert (document["outcome"], document["already"], log.read_bytes()) == ("complete", True, before)
    signature_path(log).unlink()
    assert closes(terminal, log)["already"] and verify(log, trusting()).state is State.SEALED
    assert "is sealed already (complete" in terminal.runs("close", log).stdout


def test_a_torn_line_is_put_aside_and_an_action_cut_off_is_named(terminal: Terminal, tmp_path: Path) -> None:
    log = create(tmp_path)
    log.intent("push")
    log.close()
    with log.path.open("ab") as stream:
        stream.write(b'{"torn')
    document = closes(terminal, log.path)
    assert document["unknown"] == ["push"] and log.path.with_name(log.path.name + ".torn").read_bytes() == b'{"torn'
    assert verify(log.path, trusting()).state is State.SEALED


def test_a_log_without_one_whole_record_has_nothing_to_seal(terminal: Terminal, tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.write_bytes(b'{"half')
    document = closes(terminal, log, exit_code=1)
    assert "no whole record" in document["problem"]["what"] and document["problem"]["remedy"] == f"Remove it: rm {log}"


def test_one_that_another_process_writes_is_left_to_it(terminal: Terminal, tmp_path: Path) -> None:
    log = opened(tmp_path)
    before = log.read_bytes()
    with log.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        document = closes(terminal, log, exit_code=1)
    assert "Another process is writing" in document["problem"]["what"] and "close that one first" in document["problem"]["remedy"]
    assert log.read_bytes() == before
    closes(terminal, log)


@pytest.mark.parametrize("operator", [OPERATOR, Operator("ben@example.com", "laptop")])
def test_one_of_another_key_is_refused_naming_whose_it_is(terminal: Terminal, tmp_path: Path, operator: Operator) -> None:
    log = opened(tmp_path, signer=OTHER, operator=operator)
    before = log.read_bytes()
    problem = closes(terminal, log, exit_code=1)["problem"]
    assert f"{operator.id} on {operator.host}" in problem["what"] and OTHER.keyid in problem["what"]
    assert f"nexy-tui runs close {summary(log).run}" in problem["remedy"] and log.read_bytes() == before


def test_a_run_of_anothers_name_is_not_ended_with_the_same_key(terminal: Terminal, tmp_path: Path) -> None:
    log = opened(tmp_path, operator=Operator("ben@example.com", "laptop"))
    before = log.read_bytes()
    problem = closes(terminal, log, exit_code=1)["problem"]
    assert "begun by ben@example.com on laptop" in problem["what"] and "environment NEXY_OPERATOR" in problem["what"]
    assert "Leave it to ben@example.com" in problem["remedy"] and log.read_bytes() == before


def test_a_variable_alone_makes_nobody_the_configured_operator(terminal: Terminal, tmp_path: Path) -> None:
    log = opened(tmp_path, facts={"operator_source": "configuration"})
    before = log.read_bytes()
    problem = closes(terminal, log, exit_code=2)["problem"]
    assert "nothing but NEXY_OPERATOR says" in problem["what"] and log.read_bytes() == before
    line = re.search(r'id = ".*?"', problem["remedy"])
    assert line is not None
    config = tmp_path / "config/nexy-tui/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f"[operator]\n{line[0]}\n")
    assert str(config) in problem["remedy"] and closes(terminal, log)["outcome"] == "aborted"


def test_in_whose_name_a_run_is_ended_is_said(terminal: Terminal, tmp_path: Path) -> None:
    done = terminal.runs("close", opened(tmp_path))
    assert done.exit_code == 0 and f"operator: {OPERATOR.id} (from environment NEXY_OPERATOR)" in done.stderr


def test_one_of_a_rehearsal_is_not_closed_from_production(terminal: Terminal, tmp_path: Path) -> None:
    log = opened(tmp_path, world="abcdef")
    assert "rehearsal world abcdef" in closes(terminal, log, exit_code=2)["problem"]["what"]
    assert summary(log).looks == "open"


def test_a_log_that_was_changed_is_not_sealed_over(terminal: Terminal, tmp_path: Path) -> None:
    log = opened(tmp_path)
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([lines[0], *lines[2:]]))
    assert "runs verify" in closes(terminal, log, exit_code=1)["problem"]["remedy"]
    assert summary(log).looks == "open"


def exposed(folder: Path, *, cut_off: bool) -> Path:
    """A run that came to the swap: killed in it, or with the exposure open on record."""
    log = create(folder)
    log.intent("publish")
    log.progress_checkpoint("publish", "replace the download", mark=Checkpoint.BEGUN)
    if not cut_off:
        log.progress_checkpoint("publish", "", mark=Checkpoint.EXPOSED)
        log.result("publish", "failed")
    log.close()
    return log.path


@pytest.mark.parametrize("cut_off", [True, False])
def test_one_that_replaced_the_download_is_closed_only_when_customers_can_update(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_off: bool
) -> None:
    log = exposed(tmp_path, cut_off=cut_off)
    run, before = summary(log).run, log.read_bytes()
    unseen = closes(terminal, log, exit_code=3)["problem"]
    assert "could not be seen" in unseen["what"] and f"nexy-tui runs close {run}" in unseen["remedy"]
    monkeypatch.setattr(close, "_unserved", lambda _: "the live appcast offers other bytes")
    refused = closes(terminal, log, exit_code=1)["problem"]
    assert "Customers cannot update" in refused["why"]
    assert f"nexy-tui release --resume {run}" in refused["remedy"] and "nexy-tui rollback" in refused["remedy"]
    assert log.read_bytes() == before
    monkeypatch.setattr(close, "_unserved", lambda _: "")
    assert closes(terminal, log)["outcome"] == "aborted"


# --- a version that is released is not released again ---


def asks(folder: Path, kind: Kind, run: str | None = None) -> None:
    settings = SimpleNamespace(state_dir=folder, allowed_signers=folder / "signers")
    services: Any = SimpleNamespace(settings=settings, target=SimpleNamespace(world=None))
    require_unreleased(cast(Services, services), Version.parse("1.6.1.43"), kind, run, begun={"push"})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    Terminal(tmp_path, monkeypatch).trust(SIGNER)
    (tmp_path / "allowed_signers").rename(tmp_path / "signers")
    return tmp_path


@pytest.mark.parametrize(
    ("released_as", "wanted", "barred"),
    [
        ("full", Kind.FULL, True),
        ("full", Kind.UPDATE_ONLY, True),
        ("full", Kind.CODE_ONLY, True),
        ("code-only", Kind.CODE_ONLY, True),
        ("code-only", Kind.UPDATE_ONLY, False),
        ("update-only", Kind.CODE_ONLY, False),
        ("update-only", Kind.FULL, False),
    ],
)
def test_a_complete_releases_log_bars_what_it_did(folder: Path, released_as: str, wanted: Kind, barred: bool) -> None:
    log = sealed(folder, kind=released_as)
    if not barred:
        asks(folder, wanted, "mine")
        return
    with pytest.raises(AlreadyReleased) as refused:
        asks(folder, wanted, "mine")
    said = refused.value
    assert "ada@example.com on workbench, 2026-05-01T12:00" in said.what and str(log) in str(said.remedy)
    assert "nexy-tui runs close mine" in str(said.remedy) and "nexy-tui release 1.6.1.44" in str(said.remedy)
    with pytest.raises(AlreadyReleased) as at_the_start:
        asks(folder, wanted)
    assert "runs close" not in str(at_the_start.value.remedy), "there is nothing to close yet"
    asks(folder, wanted, summary(log).run)


@pytest.mark.parametrize("what", ["open", "aborted", "failed", "another world's", "an unknown key's", "an action's", "a fix's", "changed"])
def test_whatever_is_no_complete_release_that_verifies_bars_nobody(folder: Path, what: str) -> None:
    purposes = {"an action's": Purpose(Errand.ACTION, ("publish",)), "a fix's": Purpose(Errand.FIX, ("stale-appcast",))}
    changes: dict[str, dict[str, Any]] = {
        "another world's": {"world": "abcdef"},
        "an unknown key's": {"signer": OTHER},
        **{name: {"details": purpose.details()} for name, purpose in purposes.items()},
    }
    log = create(folder, StepClock(), **changes.get(what, {}))
    fill(log)
    if what != "open":
        log.seal(what if what in ("aborted", "failed") else "complete")
    log.close()
    if what == "changed":
        lines = log.path.read_bytes().splitlines(keepends=True)
        log.path.write_bytes(b"".join([lines[0], *lines[2:]]))
    assert len(read_log(log.path)) > 1
    asks(folder, Kind.FULL)


def test_a_run_that_had_a_part_in_what_is_out_is_not_barred_by_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(released, "_by_what_is_out", lambda *_: released.ReleasedBy("somebody", "somewhere"))
    asks(folder, Kind.FULL)
