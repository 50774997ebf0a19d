"""Writing: what a record holds, that it is on disk, and that a full disk stops before an action starts."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from runlog_kit import HEAD, OPERATOR, SIGNER, StepClock, create, fill, opened, payload, sealed, trusting

from nexy_tui.core.problem import Problem, Refused, Unusable
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.read import read_log
from nexy_tui.runlog.record import Subject
from nexy_tui.runlog.verify import State, verify

PREDICATE = {
    *("run", "world", "seq", "prev", "kind", "time", "mono_us", "boot", "operator", "item", "status", "action", "argv"),
    *("exit", "duration_ms", "details", "evidence", "message", "redacted"),
}


def test_the_genesis_says_what_the_run_is(tmp_path: Path) -> None:
    log = create(tmp_path, world="w1", previous_head="d" * 64)
    log.close()
    assert log.path.parent == tmp_path / "runs" / "1.6.1.43"
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.intoto\.jsonl", log.path.name)
    document = payload(log.path.read_bytes())
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["predicateType"] == "https://github.com/Seregawpn/Nexy_server/attestations/release-run-record/v1"
    assert document["subject"] == [{"name": HEAD.name, "digest": {"gitCommit": "a" * 40}}]
    predicate = document["predicate"]
    assert set(predicate) == {*PREDICATE, "genesis"}
    assert (predicate["seq"], predicate["prev"], predicate["kind"], predicate["world"]) == (0, "0" * 64, "genesis", "w1")
    assert predicate["operator"] == {"id": OPERATOR.id, "host": OPERATOR.host}
    assert predicate["time"].startswith("2026-05-01T12:00:00.0")
    genesis = predicate["genesis"]
    assert genesis["tool"] == {"version": "0.1.0", "checklist": "c" * 64}
    assert genesis["public_key"].startswith("ssh-ed25519 ")
    assert (genesis["key_source"], genesis["kind"], genesis["version"]) == ("keyring", "full", "1.6.1.43")
    assert genesis["previous_head"] == "d" * 64
    assert genesis["facts"] == {"served_before": "1.6.1.42"}


def test_each_record_chains_to_the_exact_bytes_before(tmp_path: Path) -> None:
    lines = sealed(tmp_path).read_bytes().split(b"\n")
    assert lines.pop() == b""
    for seq, (before, line) in enumerate(zip([None, *lines], lines, strict=False)):
        predicate = payload(line)["predicate"]
        assert predicate["seq"] == seq
        assert predicate["prev"] == ("0" * 64 if before is None else hashlib.sha256(before).hexdigest())
        assert set(predicate) - {predicate["kind"]} == PREDICATE


def test_every_kind_of_record_is_read_back(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    genesis, check, attestation, intent, result, seal = read_log(path)
    assert [r.kind for r in (genesis, check, attestation, intent, result, seal)] == [
        *("genesis", "check", "attestation", "intent", "result", "seal")
    ]
    assert (check.item, check.status, check.evidence[0]["value"]) == ("remotes.code", "passed", "origin")
    assert (attestation.item, attestation.status, attestation.message) == (
        "inbox.signature",
        "attested",
        "I looked at the notarization by hand.",
    )
    assert (intent.action, intent.item, intent.argv) == ("publish", "publish.dmg", None)
    assert (result.status, result.exit, result.duration_ms) == ("done", 0, 1200)
    assert result.subject == (HEAD, Subject.artifact("Nexy.dmg", "b" * 64))
    assert seal.details == {"outcome": "complete", "records": 6, "counts": {"attested": 1, "done": 1, "passed": 1}}


def test_the_release_commit_becomes_the_subject(tmp_path: Path) -> None:
    log = create(tmp_path)
    log.set_subject("b" * 40)
    log.check("version.tag", "passed", "")
    log.close()
    assert [r.subject[0].digest["gitCommit"][0] for r in read_log(log.path)] == ["a", "b"]


def test_count_head_and_digest_are_those_of_the_file(tmp_path: Path) -> None:
    log = create(tmp_path)
    fill(log)
    log.close()
    data = log.path.read_bytes()
    assert log.count == 5
    assert log.head == hashlib.sha256(data.split(b"\n")[-2]).hexdigest()
    assert log.digest() == hashlib.sha256(data).hexdigest()
    again = RunLog.resume(log.path, SIGNER, StepClock())
    again.close()
    assert again.digest() == hashlib.sha256(log.path.read_bytes()).hexdigest()


def test_the_file_is_private_and_locked_for_the_whole_run(tmp_path: Path) -> None:
    log = create(tmp_path)
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    with pytest.raises(Refused, match="Another process"):
        RunLog.resume(log.path, SIGNER, StepClock())
    log.close()
    RunLog.resume(log.path, SIGNER, StepClock()).close()


def test_it_is_on_disk_before_the_call_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    real_write, real_sync, real_open = os.write, os.fsync, os.open

    def write(descriptor: int, data: bytes) -> int:
        events.append("write")
        return real_write(descriptor, data)

    def sync(descriptor: int) -> None:
        events.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync")
        real_sync(descriptor)

    def opener(path: str, flags: int, mode: int = 0o777) -> int:
        if str(path).endswith(".jsonl"):
            events.append("append" if flags & os.O_APPEND and flags & os.O_CREAT else "open")
        return real_open(path, flags, mode)

    (tmp_path / "runs" / "1.6.1.43").mkdir(parents=True)
    for name, fake in (("write", write), ("fsync", sync), ("open", opener)):
        monkeypatch.setattr(os, name, fake)
    log = create(tmp_path)
    assert events == ["append", "sync folder", "write", "sync"]
    log.intent("publish")
    assert events[4:] == ["write", "sync"]
    log.close()


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:100]))
    path = sealed(tmp_path)
    monkeypatch.undo()
    assert verify(path, trusting()).state is State.SEALED


def _failing_after(count: int, code: int) -> Any:
    real, left = os.write, [count]

    def write(descriptor: int, data: bytes) -> int:
        if left[0] <= 0:
            raise OSError(code, os.strerror(code))
        size = real(descriptor, bytes(data)[: left[0]])
        left[0] -= size
        return size

    return write


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("room", [0, 1, 300])
def test_a_full_disk_refuses_the_intent_and_leaves_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, room: int
) -> None:
    log = create(tmp_path)
    before = log.path.read_bytes()
    monkeypatch.setattr(os, "write", _failing_after(room, code))
    with pytest.raises(Problem, match="cannot be written") as caught:
        log.intent("publish")
    assert "not started" in caught.value.why
    assert caught.value.remedy
    assert log.path.read_bytes() == before
    assert log.dangling == ()
    monkeypatch.undo()
    log.intent("publish")
    log.result("publish", "done")
    log.seal("complete")
    log.close()
    assert verify(log.path, trusting()).state is State.SEALED


def test_after_a_failed_fsync_nothing_more_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = create(tmp_path)

    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(Problem, match="cannot be written"):
        log.intent("publish")
    monkeypatch.undo()
    with pytest.raises(Refused, match="takes no more records"):
        log.intent("publish")
    log.close()
    RunLog.resume(log.path, SIGNER, StepClock()).close()
    assert [r.kind for r in read_log(log.path)] == ["genesis", "resume"]


def test_a_file_size_limit_is_a_problem_not_a_signal(tmp_path: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
from runlog_kit import create
from nexy_tui.core.problem import Problem
log = create(Path(sys.argv[1]))
size = log.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 200, size + 200))
try:
    log.intent("publish")
except Problem as problem:
    print(log.path.stat().st_size == size, problem.what)
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("True The run log")
    assert "too large" in done.stdout


def test_a_genesis_that_cannot_be_written_leaves_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", _failing_after(10, errno.ENOSPC))
    with pytest.raises(Problem, match="cannot be written"):
        create(tmp_path)
    assert list((tmp_path / "runs").rglob("*.jsonl")) == []


def test_a_folder_that_cannot_be_made_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(Problem, match="cannot be written"):
        create(tmp_path)


def test_records_from_many_threads_make_one_chain(tmp_path: Path) -> None:
    log = create(tmp_path)
    threads = [threading.Thread(target=lambda n=n: [log.check(f"item.{n}", "passed", "") for _ in range(10)]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.seal("complete")
    log.close()
    verdict = verify(log.path, trusting())
    assert (verdict.state, len(verdict.chain.records)) == (State.SEALED, 82)


def test_nothing_stands_after_the_seal(tmp_path: Path) -> None:
    log = create(tmp_path)
    log.seal("aborted")
    data = log.path.read_bytes()
    for write in (lambda: log.intent("publish"), lambda: log.seal("complete")):
        with pytest.raises(Refused, match="sealed"):
            write()
    assert log.path.read_bytes() == data
    log.close()


def test_an_unknown_outcome_is_no_seal(tmp_path: Path) -> None:
    log = create(tmp_path)
    with pytest.raises(Refused, match="outcome"):
        log.seal("splendid")
    assert not log.sealed
    log.close()


def test_a_seal_whose_signature_found_no_room_is_finished_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = create(tmp_path)

    def full(path: Path, data: bytes, signer: object) -> Path:
        raise Problem("full", "", "")

    monkeypatch.setattr("nexy_tui.runlog.seal.sign_file", full)
    with pytest.raises(Problem, match="full"):
        log.seal("complete")
    monkeypatch.undo()
    assert verify(log.path, trusting()).state is State.OPEN
    log.seal("complete")
    log.close()
    assert verify(log.path, trusting()).state is State.SEALED


def test_floats_and_strange_names_have_no_place(tmp_path: Path) -> None:
    log = create(tmp_path)
    data = log.path.read_bytes()
    with pytest.raises(Problem, match="float"):
        log.check("a.b", "passed", "", [{"name": "seconds", "value": 1.5}])
    with pytest.raises(Problem, match="cannot name"):
        log.intent("publish\nforged")
    assert log.path.read_bytes() == data
    log.close()


def test_a_version_cannot_leave_the_folder(tmp_path: Path) -> None:
    with pytest.raises(Unusable):
        create(tmp_path, version="../elsewhere")
    with pytest.raises(Unusable, match="subject"):
        create(tmp_path, subjects=[])


def test_half_a_surrogate_from_a_file_name_does_not_stop_the_run(tmp_path: Path) -> None:
    log = create(tmp_path)
    log.check("inbox.files", "failed", "a file called \udcff lies there")
    log.close()
    assert verify(log.path, trusting()).state is State.OPEN
    assert read_log(log.path)[-1].redacted == ("/predicate/message",)


def test_opened_logs_are_open(tmp_path: Path) -> None:
    assert verify(opened(tmp_path), trusting()).state is State.OPEN
