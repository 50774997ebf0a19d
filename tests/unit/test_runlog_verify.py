"""The verdict: every tampering that the format promises to catch, and everything the verdict must say."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from runlog_kit import BEGIN, OPERATOR, OTHER, SIGNER, StepClock, create, fill, opened, payload, resigned, sealed, trusting

from nexy_tui.core.problem import Unusable
from nexy_tui.runlog import canonical, dsse, show, sshsig
from nexy_tui.runlog.anchors import Anchor
from nexy_tui.runlog.record import Operator
from nexy_tui.runlog.trust import NAMESPACE, AllowedSigners, TrustSource, new_entry, trust_rules
from nexy_tui.runlog.verify import State, previous_release_signers, verify

Lines = list[bytes]
Change = Callable[[Lines], None]


def _edit(line: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The line with its payload changed and the old signature kept."""
    document = payload(line)
    change(document)
    raw = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return line.replace(json.loads(line)["payload"].encode(), base64.b64encode(raw))


def edited(lines: Lines) -> None:
    lines[1] = _edit(lines[1], lambda document: document["predicate"].update(status="failed"))


def swapped(lines: Lines) -> None:
    lines[1], lines[2] = lines[2], lines[1]


def removed(lines: Lines) -> None:
    del lines[2]


def repeated(lines: Lines) -> None:
    lines.insert(2, lines[1])


def beheaded(lines: Lines) -> None:
    del lines[0]


def cut(lines: Lines) -> None:
    del lines[-1]


def cut_two(lines: Lines) -> None:
    del lines[-2:]


def duplicate_key(lines: Lines) -> None:
    lines[1] = lines[1].replace(b'{"payload"', b'{"payloadType":"application/vnd.in-toto+json","payload"', 1)


def duplicate_key_inside(lines: Lines) -> None:
    raw = base64.b64decode(json.loads(lines[1])["payload"]).replace(b'"status":"passed"', b'"status":"passed","status":"passed"')
    lines[1] = dsse.Envelope(raw, SIGNER.keyid, SIGNER.sign(dsse.pae(raw))).line()


def white_space(lines: Lines) -> None:
    lines[1] = lines[1].replace(b",", b", ", 1)


def white_space_at_the_end(lines: Lines) -> None:
    lines[-1] += b" "


def field_added(lines: Lines) -> None:
    lines[1] = lines[1][:-1] + b',"note":1}'


def field_added_inside(lines: Lines) -> None:
    lines[1] = resigned(lines[1], lambda document: document["predicate"].update(note=1))


def keyid_changed(lines: Lines) -> None:
    lines[1] = lines[1].replace(SIGNER.keyid.encode(), OTHER.keyid.encode())


def keyid_removed(lines: Lines) -> None:
    lines[1] = lines[1].replace(b'"keyid":"' + SIGNER.keyid.encode() + b'",', b"")


def second_signature(lines: Lines) -> None:
    envelope = json.loads(lines[1])
    envelope["signatures"] *= 2
    lines[1] = json.dumps(envelope, separators=(",", ":")).encode()


def blank_line(lines: Lines) -> None:
    lines.insert(2, b"")


def unknown_line(lines: Lines) -> None:
    lines.insert(2, b'{"hello":"world"}')


def unknown_kind(lines: Lines) -> None:
    lines[1] = resigned(lines[1], lambda document: document["predicate"].update(kind="rumour"))


def carriage_returns(lines: Lines) -> None:
    lines[:] = [line + b"\r" for line in lines]


def after_the_seal(lines: Lines) -> None:
    lines.append(resigned(lines[1], lambda document: None))


def torn_after_the_seal(lines: Lines) -> None:
    lines.append(b'{"payload"')


def url_safe_base64(lines: Lines) -> None:
    envelope = json.loads(lines[1])
    envelope["signatures"][0]["sig"] = base64.urlsafe_b64encode(base64.b64decode(envelope["signatures"][0]["sig"])).decode().rstrip("=")
    lines[1] = json.dumps(envelope, separators=(",", ":")).encode()


def signature_of_another_line(lines: Lines) -> None:
    first, second = json.loads(lines[1]), json.loads(lines[2])
    first["signatures"] = second["signatures"]
    lines[1] = json.dumps(first, separators=(",", ":")).encode()


def reordered_fields(lines: Lines) -> None:
    envelope = json.loads(lines[1])
    lines[1] = json.dumps(dict(reversed(envelope.items())), separators=(",", ":")).encode()


TAMPERINGS: list[tuple[Change, int, str]] = [
    (edited, 2, "signature"),
    (swapped, 2, "seq"),
    (removed, 3, "seq"),
    (repeated, 3, "seq"),
    (beheaded, 1, "genesis"),
    (cut, 6, "cut"),
    (cut_two, 5, "cut"),
    (duplicate_key, 2, "form"),
    (duplicate_key_inside, 2, "form"),
    (white_space, 2, "form"),
    (white_space_at_the_end, 6, "form"),
    (field_added, 2, "form"),
    (field_added_inside, 2, "form"),
    (keyid_changed, 2, "key"),
    (keyid_removed, 2, "form"),
    (second_signature, 2, "form"),
    (blank_line, 3, "form"),
    (unknown_line, 3, "form"),
    (unknown_kind, 2, "form"),
    (carriage_returns, 1, "form"),
    (after_the_seal, 7, "after-seal"),
    (torn_after_the_seal, 7, "after-seal"),
    (url_safe_base64, 2, "form"),
    (signature_of_another_line, 2, "signature"),
    (reordered_fields, 2, "form"),
]


@pytest.mark.parametrize(("tamper", "line", "sort"), TAMPERINGS, ids=lambda value: getattr(value, "__name__", None))
@pytest.mark.parametrize("signed", [True, False], ids=["with-sig", "without-sig"])
def test_tampering_is_caught_at_its_line(tmp_path: Path, tamper: Change, line: int, sort: str, signed: bool) -> None:
    path = sealed(tmp_path)
    signature = path.with_name(path.name + ".sig")
    if not signed:
        signature.unlink()
    lines = path.read_bytes().split(b"\n")[:-1]
    tamper(lines)
    path.write_bytes(b"\n".join(lines) + (b"" if tamper is torn_after_the_seal else b"\n"))
    verdict = verify(path, trusting())
    if not signed and tamper in (cut, cut_two):
        assert verdict.state is State.OPEN
        assert any("cut off the end" in left for left in verdict.not_checked)
        return
    assert verdict.state is State.INVALID
    assert verdict.state.exit_code == 1
    assert (verdict.faults[0].line, verdict.faults[0].sort) == (line, sort)


def test_a_line_of_another_run_is_caught(tmp_path: Path) -> None:
    one, other = sealed(tmp_path), sealed(tmp_path)
    lines, spliced = one.read_bytes().split(b"\n"), other.read_bytes().split(b"\n")
    lines[1] = spliced[1]
    one.write_bytes(b"\n".join(lines))
    verdict = verify(one, trusting())
    assert verdict.state is State.INVALID
    assert {fault.sort for fault in verdict.breaks if fault.line == 2} >= {"run", "prev"}


def test_a_whole_tail_of_another_run_is_caught(tmp_path: Path) -> None:
    one, other = sealed(tmp_path), sealed(tmp_path)
    first, second = one.read_bytes().split(b"\n"), other.read_bytes().split(b"\n")
    one.write_bytes(b"\n".join(first[:3] + second[3:]))
    one.with_name(one.name + ".sig").write_bytes(sshsig.make(one.read_bytes(), NAMESPACE, SIGNER))
    verdict = verify(one, trusting())
    assert verdict.state is State.INVALID
    assert verdict.breaks[0].line == 4


@pytest.mark.parametrize(
    ("at", "change", "sort"),
    [
        (5, lambda seal: seal["seal"].update(records=5), "seal"),
        (5, lambda seal: seal["seal"].update(counts={"passed": 9}), "seal"),
        (5, lambda seal: seal["seal"].update(outcome="splendid"), "seal"),
        (5, lambda seal: seal.update(seq=7), "seq"),
        (0, lambda genesis: genesis["genesis"].update(public_key="ssh-ed25519 AAAA"), "genesis"),
        (1, lambda record: record.update(world="w9"), "world"),
        (1, lambda record: record.update(operator={"id": "ada@example.com", "host": "elsewhere"}), "operator"),
        (1, lambda record: record.update(time="2026-05-01 12:00:00Z"), "form"),
        (1, lambda record: record.update(seq=-1), "form"),
        (1, lambda record: record.update(exit=True), "form"),
        (1, lambda record: record.update(run="x"), "form"),
        (1, lambda record: record.update(argv="git"), "form"),
    ],
)
def test_even_the_keys_holder_must_keep_the_format(tmp_path: Path, at: int, change: Callable[[dict[str, Any]], None], sort: str) -> None:
    path = sealed(tmp_path)
    lines = path.read_bytes().split(b"\n")
    lines[at] = resigned(lines[at], lambda document: change(document["predicate"]))
    path.write_bytes(b"\n".join(lines))
    path.with_name(path.name + ".sig").write_bytes(sshsig.make(path.read_bytes(), NAMESPACE, SIGNER))
    verdict = verify(path, trusting())
    assert verdict.state is State.INVALID
    assert sort in {fault.sort for fault in verdict.faults}


@pytest.mark.parametrize("subject", [[], [{"name": "x"}], [{"name": "x", "digest": {}}], [{"name": "x", "digest": {"sha256": "1"}}] * 2])
def test_the_subject_must_be_whole(tmp_path: Path, subject: list[Any]) -> None:
    path = opened(tmp_path)
    lines = path.read_bytes().split(b"\n")
    lines[4] = resigned(lines[4], lambda document: document.update(subject=subject))
    path.write_bytes(b"\n".join(lines))
    assert verify(path, trusting()).faults[0].sort == "form"


def test_a_sealed_log_is_sealed_and_the_verdict_says_why(tmp_path: Path) -> None:
    path = sealed(tmp_path, world="w1")
    verdict = verify(path, trusting())
    assert (verdict.state, verdict.state.exit_code, verdict.faults) == (State.SEALED, 10, ())
    text = "\n".join(show.verdict_lines(verdict))
    for part in (
        "SEALED",
        OPERATOR.id,
        SIGNER.keyid,
        "the test's own list",
        "records    6",
        verdict.chain.head,
        "anchors: not asked",
        "w1",
    ):
        assert part in text
    document = show.verdict_document(verdict)
    assert document["state"] == "SEALED"
    assert document["anchors"] == "not asked"
    assert (document["records"], document["head"], document["outcome"]) == (6, verdict.chain.head, "complete")


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param([], id="no list"),
        pytest.param(trusting(OTHER), id="another key"),
        pytest.param(trusting(principal="bob"), id="another operator"),
        pytest.param(trusting(since=BEGIN + timedelta(days=1)), id="not yet valid"),
    ],
)
def test_a_key_that_is_only_in_the_log_is_not_trusted(tmp_path: Path, rules: list[TrustSource]) -> None:
    verdict = verify(sealed(tmp_path), rules)
    assert verdict.state is State.INVALID
    assert verdict.faults[0].sort == "key"


def test_a_rotated_keys_old_logs_stay_valid_and_new_ones_do_not(tmp_path: Path) -> None:
    ended = new_entry(OPERATOR.id, SIGNER.public, BEGIN - timedelta(days=9)).line().replace(" ssh-", ',valid-before="20260502Z" ssh-')
    rules = [TrustSource("list", AllowedSigners.parse(ended.encode()))]
    assert verify(sealed(tmp_path), rules).state is State.SEALED
    late = sealed(tmp_path / "late", clock=StepClock(jump=timedelta(days=2)))
    verdict = verify(late, rules)
    assert verdict.state is State.INVALID
    assert "no longer valid" in verdict.faults[0].reason


def test_a_seal_signed_by_another_trusted_key_is_not_the_runs(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    path.with_name(path.name + ".sig").write_bytes(sshsig.make(path.read_bytes(), NAMESPACE, OTHER))
    both = TrustSource("list", AllowedSigners((*trusting()[0].signers.entries, *trusting(OTHER)[0].signers.entries)))
    verdict = verify(path, [both])
    assert verdict.state is State.INVALID
    assert "another key" in verdict.faults[0].reason


def test_a_run_signed_by_two_keys_is_not_one_run(tmp_path: Path) -> None:
    path = opened(tmp_path)
    lines = path.read_bytes().split(b"\n")
    lines[4] = resigned(lines[4], lambda document: None, OTHER)
    path.write_bytes(b"\n".join(lines))
    both = TrustSource("list", AllowedSigners((*trusting()[0].signers.entries, *trusting(OTHER)[0].signers.entries)))
    assert [fault.sort for fault in verify(path, [both]).faults] == ["keyid"]


def test_time_going_backwards_is_told(tmp_path: Path) -> None:
    clock = StepClock()
    log = create(tmp_path, clock)
    clock.jump = timedelta(hours=-1)
    log.check("a.b", "passed", "")
    log.seal("failed")
    log.close()
    verdict = verify(log.path, trusting(since=BEGIN - timedelta(days=1)))
    assert (verdict.state, verdict.chain.backwards) == (State.SEALED, (2,))
    assert "time       goes backwards at line 2" in show.verdict_lines(verdict)


def test_an_empty_file_is_no_log(tmp_path: Path) -> None:
    path = tmp_path / "x.intoto.jsonl"
    path.write_bytes(b"")
    assert verify(path, trusting()).state is State.INVALID
    with pytest.raises(Unusable, match="cannot be read"):
        verify(tmp_path / "none", trusting())


def test_anchors_are_matched_and_a_mismatch_is_invalid(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    records = verify(path, trusting()).chain.records
    good, gone = Anchor("refs/nexy/runs", 3, records[2].digest), Anchor("the tag")
    bad = Anchor("the tag", 3, records[3].digest)
    beyond = Anchor("the tag", 9, records[3].digest)
    verdict = verify(path, trusting(), [good])
    assert (verdict.state, verdict.state.exit_code, verdict.anchors) == (State.ANCHORED, 0, (("refs/nexy/runs", "match"),))
    assert verify(path, trusting(), []).state is State.SEALED
    half = verify(path, trusting(), [good, gone])
    assert (half.state, half.anchors) == (State.SEALED, (("refs/nexy/runs", "match"), ("the tag", "absent")))
    for anchor in (bad, beyond):
        wrong = verify(path, trusting(), [good, anchor])
        assert (wrong.state, wrong.faults[0].sort) == (State.INVALID, "anchor")


def test_verify_repairs_nothing(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    path.write_bytes(path.read_bytes()[:-5])
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    assert verify(path, trusting()).state is State.INVALID
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before


def test_the_repositorys_list_is_taken_from_the_release_before(tmp_path: Path) -> None:
    def run(commit: str, signer: Any, operator: str, day: int) -> Path:
        clock = StepClock(jump=timedelta(days=day))
        log = create(tmp_path, clock, signer=signer, operator=Operator(operator, "host"))
        log.set_subject(commit)
        fill(log)
        log.seal("complete")
        log.close()
        return log.path

    run("1" * 40, SIGNER, OPERATOR.id, 0)
    last = run("2" * 40, SIGNER, OPERATOR.id, 1)
    judged = run("3" * 40, OTHER, "bob@example.com", 2)
    asked: list[tuple[str, str]] = []
    listed = new_entry("bob@example.com", OTHER.public, BEGIN).line().encode()

    def read(commit: str, name: str) -> bytes:
        asked.append((commit, name))
        return listed

    rules = trusting()
    assert verify(judged, rules).state is State.INVALID
    signers = previous_release_signers(tmp_path, judged, lambda path: verify(path, rules).state is State.SEALED, read)
    assert asked == [("2" * 40, ".nexy/allowed_signers")]
    verdict = verify(judged, [*rules, *trust_rules(None, None, signers)])
    assert verdict.state is State.SEALED
    assert "previous verified release" in str(verdict.rule)
    last.write_bytes(last.read_bytes().replace(b"A", b"B", 1))
    previous_release_signers(tmp_path, judged, lambda path: verify(path, rules).state is State.SEALED, read)
    assert asked[1:] == [("1" * 40, ".nexy/allowed_signers")]


def test_a_log_by_another_programs_writer_is_verified_whatever_the_form_of_what_it_signs(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    lines, head = [], "0" * 64
    for line in path.read_bytes().splitlines():
        document = payload(line)
        said = {name: value for name, value in reversed(document["predicate"].items()) if name == "world" or value not in (None, [], "")}
        said |= {"prev": head, "message": "подписано"}
        raw = json.dumps({**document, "predicate": said}, ensure_ascii=False, indent=1).encode()
        lines.append(dsse.Envelope(raw, SIGNER.keyid, SIGNER.sign(dsse.pae(raw))).line())
        head = hashlib.sha256(lines[-1]).hexdigest()
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    path.with_name(f"{path.name}.sig").write_bytes(sshsig.make(path.read_bytes(), NAMESPACE, SIGNER))
    assert verify(path, trusting()).state is State.SEALED


@pytest.mark.parametrize("raw", [b'{"a":1,"a":1}', b'{"a":1.0}', b'{"a":9007199254740992}', '{"ы":1}'.encode(), b'"a"', b"\xff"])
def test_what_is_signed_is_held_to_the_formats_values(raw: bytes) -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.read_object(raw)
