"""Killed at any byte: the log is torn, never wrong, and the run goes on."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import some
from runlog_kit import OTHER, SIGNER, StepClock, create, opened, sealed, trusting

from nexy_tui.core.problem import Refused
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.read import read_log, summary
from nexy_tui.runlog.verify import State, verify


def resume(path: Path) -> RunLog:
    return RunLog.resume(path, SIGNER, StepClock(jump=timedelta(hours=1)))


@pytest.mark.parametrize("part", some(range(4), [0]))
def test_cut_at_every_byte_of_the_last_line_it_is_torn_and_resumes(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # durability has its own tests; here are a thousand resumes
    begun = create(tmp_path)
    begun.intent("publish")
    begun.result("publish", "done", message="Uploaded Nexy.dmg.")
    begun.close()
    whole = begun.path.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    folder = tmp_path / "cut"
    folder.mkdir()
    for end in range(start + 1 + part, len(whole), 4):
        path = folder / f"{end}.intoto.jsonl"
        path.write_bytes(whole[:end])
        verdict = verify(path, trusting())
        assert verdict.state is State.TORN, end
        assert len(verdict.chain.torn) == end - start
        assert path.read_bytes() == whole[:end]
        log = resume(path)
        log.close()
        assert log.dangling == ("publish",)
        torn = path.with_name(path.name + ".torn")
        assert torn.read_bytes() == whole[start:end]
        record = read_log(path)[-1]
        assert record.kind == "resume"
        digest = hashlib.sha256(whole[start:end]).hexdigest()
        assert record.details == {"torn": {"file": torn.name, "size": end - start, "sha256": digest}, "dangling": ["publish"]}
        assert verify(path, trusting()).state is State.OPEN
        assert path.read_bytes().startswith(whole[:start])
    assert verify(path, trusting()).state is State.OPEN


def test_cut_between_lines_it_is_open_and_nothing_is_torn(tmp_path: Path) -> None:
    path = opened(tmp_path)
    resume(path).close()
    assert read_log(path)[-1].details == {"torn": None, "dangling": []}
    assert list(path.parent.glob("*.torn*")) == []


def test_a_torn_genesis_is_torn_and_cannot_be_gone_on_with(tmp_path: Path) -> None:
    log = create(tmp_path)
    log.close()
    whole = log.path.read_bytes()
    for end in (1, len(whole) // 2, len(whole) - 1):
        log.path.write_bytes(whole[:end])
        assert verify(log.path, trusting()).state is State.TORN
        assert summary(log.path).looks == "torn"
        with pytest.raises(Refused, match="no whole record"):
            resume(log.path)
        assert log.path.read_bytes() == whole[:end]


def test_a_resumed_run_is_sealed_as_one_log(tmp_path: Path) -> None:
    path = opened(tmp_path)
    log = resume(path)
    assert (log.genesis.version, log.genesis.kind, log.genesis.world) == ("1.6.1.43", "full", None)
    assert log.genesis.facts == {"served_before": "1.6.1.42"}
    assert log.attestations == (("inbox.signature", "I looked at the notarization by hand."),)
    log.check("gate", "passed", "")
    log.seal("complete")
    log.close()
    verdict = verify(path, trusting())
    assert (verdict.state, verdict.chain.backwards) == (State.SEALED, ())
    assert read_log(path)[-1].details["counts"] == {"attested": 1, "done": 1, "passed": 2}


def test_an_intent_without_a_result_is_told_until_there_is_one(tmp_path: Path) -> None:
    log = create(tmp_path)
    log.intent("publish")
    log.close()
    assert [intent.action for intent in verify(log.path, trusting()).chain.dangling] == ["publish"]
    again = resume(log.path)
    assert again.dangling == ("publish",)
    assert "outcome unknown: publish" in read_log(log.path)[-1].message
    again.result("publish", "refused", message="the gate does not hold")
    assert again.dangling == ("publish",)
    again.result("deploy", "done")
    assert again.dangling == ("publish",)
    again.result("publish", "done")
    assert not again.dangling
    again.close()
    assert verify(log.path, trusting()).chain.dangling == ()


def test_a_second_tear_does_not_overwrite_the_first(tmp_path: Path) -> None:
    path = opened(tmp_path)
    for piece in (b'{"payload":"x', b'{"payload":"y', b'{"payload":"y'):
        with path.open("ab") as stream:
            stream.write(piece)
        resume(path).close()
    assert path.with_name(path.name + ".torn").read_bytes() == b'{"payload":"x'
    assert path.with_name(path.name + ".torn.2").read_bytes() == b'{"payload":"y'
    assert not path.with_name(path.name + ".torn.3").exists()
    assert verify(path, trusting()).state is State.OPEN


def test_a_sealed_run_is_not_resumed(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    data = path.read_bytes()
    with pytest.raises(Refused, match="is sealed"):
        resume(path)
    assert path.read_bytes() == data


def test_a_run_killed_between_seal_and_signature_is_given_its_signature(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    signature = path.with_name(path.name + ".sig")
    signature.unlink()
    verdict = verify(path, trusting())
    assert verdict.state is State.OPEN
    assert "is missing" in verdict.notes[0]
    assert summary(path).looks == "open"
    with pytest.raises(Refused, match="is sealed"):
        resume(path)
    assert verify(path, trusting()).state is State.SEALED


def test_another_key_cannot_go_on(tmp_path: Path) -> None:
    path = opened(tmp_path)
    data = path.read_bytes()
    with pytest.raises(Refused, match="with another key than the one in use now"):
        RunLog.resume(path, OTHER, StepClock())
    assert path.read_bytes() == data


def test_a_log_that_does_not_hold_is_not_gone_on_with(tmp_path: Path) -> None:
    path = opened(tmp_path)
    lines = path.read_bytes().split(b"\n")
    del lines[2]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(Refused, match="line 3"):
        resume(path)
    resume(opened(tmp_path / "other")).close()


def test_a_missing_log_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="cannot be written"):
        resume(tmp_path / "none.intoto.jsonl")
