"""Properties over all records and all single changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runlog_kit import create, sealed, trusting

from nexy_tui.runlog.read import read_log
from nexy_tui.runlog.record import Draft, Subject
from nexy_tui.runlog.verify import State, verify

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).filter(
    lambda text: not any(mark in text for mark in ("://", "_", "eyJ", "AIza"))
)
words = st.from_regex(r"[a-z][a-z0-9._-]{0,20}", fullmatch=True)
scalars = texts | st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1)
evidence = st.lists(st.dictionaries(words, scalars | st.lists(scalars, max_size=3), max_size=4), max_size=3)
drafts = st.builds(
    Draft,
    kind=st.sampled_from(["check", "attestation", "intent", "result", "progress-checkpoint"]),
    item=st.none() | words,
    status=st.none() | words,
    action=words,
    exit=st.none() | st.integers(-255, 255),
    duration_ms=st.none() | st.integers(0, 2**53 - 1),
    evidence=evidence,
    message=texts,
    subjects=st.lists(
        st.builds(Subject.artifact, words, st.from_regex(r"[0-9a-f]{64}", fullmatch=True)), max_size=2, unique_by=lambda s: s.name
    ),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(drafts, max_size=4))
def test_any_record_round_trips(tmp_path_factory: pytest.TempPathFactory, written: list[Draft]) -> None:
    log = create(tmp_path_factory.mktemp("log"))
    for draft in written:
        log._write(draft)
    log.seal("complete")
    log.close()
    assert verify(log.path, trusting()).state is State.SEALED
    for draft, record in zip(written, read_log(log.path)[1:-1], strict=True):
        for name in ("kind", "item", "status", "action", "exit", "duration_ms", "message"):
            assert getattr(record, name) == getattr(draft, name)
        assert list(record.evidence) == [dict(cast("Mapping[str, object]", one)) for one in draft.evidence]
        assert list(record.subject[1:]) == list(draft.subjects)
        assert record.redacted == ()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = sealed(tmp_path_factory.mktemp("flips"))
    assert verify(path, trusting()).state is State.SEALED
    return path


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_not_sealed(whole: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    raw = bytearray(whole.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    copy = tmp_path_factory.getbasetemp() / f"flipped-{whole.parent.parent.parent.name}.jsonl"
    copy.write_bytes(raw)
    signature = whole.with_name(whole.name + ".sig").read_bytes()
    for signed in (True, False):
        beside = copy.with_name(copy.name + ".sig")
        beside.write_bytes(signature) if signed else beside.unlink()
        assert verify(copy, trusting()).state not in (State.SEALED, State.ANCHORED, State.OPEN)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_removed_or_added_bytes_are_not_sealed(whole: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    raw = whole.read_bytes()
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 40)))
    added = data.draw(st.binary(max_size=5) | st.sampled_from([b"\n", b"\r\n", b" "]))
    changed = raw[:start] + added + raw[end:]
    if changed == raw:
        return
    copy = tmp_path_factory.getbasetemp() / f"cut-{whole.parent.parent.parent.name}.jsonl"
    copy.write_bytes(changed)
    copy.with_name(copy.name + ".sig").write_bytes(whole.with_name(whole.name + ".sig").read_bytes())
    assert verify(copy, trusting()).state is State.INVALID
