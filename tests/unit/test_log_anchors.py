"""What the code repository keeps of a log against the log itself: a match, another log's, none, and a tag by another key."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from runlog_kit import OTHER, SIGNER, StepClock, create, fill, opened, sealed, trusting

from nexy_tui.core.problem import ActionFailed
from nexy_tui.engine import anchoring
from nexy_tui.runlog import sshsig
from nexy_tui.runlog.anchors import anchors_of
from nexy_tui.runlog.chain import read_line
from nexy_tui.runlog.read import read_log
from nexy_tui.runlog.verify import LogVerdict, State, verify
from nexy_tui.services.git.anchors import SIGNED_AS, Head, Kept

_TAG = b"object 0\ntype blob\n\nThe sealed log of a run.\n"


def _kept(data: bytes, **changes: Any) -> Kept:
    """All that a whole release leaves outside: two heads, the log under its tag, the release tag made after the second record."""
    lines = data.splitlines()
    heads = tuple(Head(seq, hashlib.sha256(lines[seq]).hexdigest()) for seq in (3, 1))
    run, begun = read_line(lines[0])[0].run, b"".join(line + b"\n" for line in lines[:2])
    says = f"Release v1.6.1.43\n\nNexy-Run: {run}\nNexy-Log-Records: 2\nNexy-Log-SHA256: {hashlib.sha256(begun).hexdigest()}\n"
    return replace(Kept(heads, data, _TAG, sshsig.make(_TAG, SIGNED_AS, SIGNER), says), **changes)


def _verdict(path: Path, kept: Kept) -> LogVerdict:
    lines = path.read_bytes().splitlines()
    return verify(path, trusting(), anchors_of(lines, read_line(lines[0])[0], kept))


def test_a_log_kept_outside_as_it_is_is_anchored_by_each_place(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    verdict = _verdict(path, _kept(path.read_bytes()))
    run = read_log(path)[0].run
    names = (f"refs/nexy/runs/{run}", f"release-log/1.6.1.43/{run}", "v1.6.1.43")
    assert (verdict.state, verdict.anchors) == (State.ANCHORED, tuple((name, "match") for name in names))


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"heads": (Head(3, "0" * 64),)}, "refs/nexy/runs"),
        ({"heads": (Head(-1, ""),)}, "refs/nexy/runs"),
        ({"signature": sshsig.make(_TAG, SIGNED_AS, OTHER)}, "release-log"),
        ({"signature": b""}, "release-log"),
        ({"signed": b"another tag\n"}, "release-log"),
        ({"log": b""}, "release-log"),
    ],
    ids=["another-head", "no-head", "another-key", "unsigned", "another-text", "no-log"],
)
def test_a_log_that_is_kept_otherwise_is_invalid(changes: dict[str, Any], wrong: str, tmp_path: Path) -> None:
    path = sealed(tmp_path)
    verdict = _verdict(path, _kept(path.read_bytes(), **changes))
    assert verdict.state is State.INVALID and [name.startswith(wrong) for name, said in verdict.anchors or () if said != "match"] == [True]


def test_a_log_whose_end_and_seal_were_cut_off_does_not_pass_for_open(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(b"".join(line + b"\n" for line in whole.splitlines()[:4]))
    path.with_name(f"{path.name}.sig").unlink()
    assert verify(path, trusting()).state is State.OPEN
    assert _verdict(path, _kept(whole)).state is State.INVALID


def test_a_release_tag_that_says_another_log_is_a_mismatch_and_another_runs_tag_is_none(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    data = path.read_bytes()
    says = str(_kept(data).release_tag)
    assert _verdict(path, _kept(data, release_tag=says.replace("Records: 2", "Records: 3"))).state is State.INVALID
    other = _verdict(path, _kept(data, release_tag=says.replace("Nexy-Run: ", "Nexy-Run: 0")))
    assert other.state is State.ANCHORED and len(other.anchors or ()) == 2


def test_a_log_of_which_nothing_is_kept_outside_is_sealed_or_open(tmp_path: Path) -> None:
    path, half = sealed(tmp_path), opened(tmp_path)
    verdict = _verdict(path, Kept())
    assert verdict.state is State.SEALED and [said for _, said in verdict.anchors or ()] == ["absent"]
    left = _verdict(half, Kept())
    assert (left.state, left.anchors) == (State.OPEN, ()), "none is wanted of it yet"


def test_a_head_that_cannot_be_pushed_stands_in_the_log_and_holds_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> str:
        raise ActionFailed("The host takes no push.")

    monkeypatch.setattr(anchoring, "push_head", refuses)
    monkeypatch.setattr(anchoring, "push_log", refuses)
    log = create(tmp_path)
    services = SimpleNamespace(git=None, clock=StepClock(), settings=SimpleNamespace(operator="ada@example.com"))
    context: Any = SimpleNamespace(services=services, journal=log, keys=SimpleNamespace(signer=lambda: SIGNER))
    anchors = anchoring.Anchoring()
    anchors.head(context, "deploy", lambda _: None)
    fill(log)
    log.seal("complete")
    assert anchors.whole(context) == "The host takes no push."
    log.close()
    assert read_log(log.path)[1].message == "The log's head was not anchored: The host takes no push."
