"""Reading a log's lines as one chain: what each line is, and every way in which it is not what must stand there."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nexy_tui.core.problem import Refused
from nexy_tui.runlog import canonical, dsse, sshwire
from nexy_tui.runlog.record import OUTCOMES, ZERO, BadRecord, Record, parse
from nexy_tui.runlog.sign import signature_holds

KeyFor = Callable[[str, str, datetime], bytes]
"""The trusted public key for (keyid, operator, time). Raises Refused when there is none."""

BREAKS = ("seq", "prev", "run")

REFUSED = "refused"
"""The status of a result that says an action was not begun: it tells nothing of an earlier intent."""


@dataclass(frozen=True, slots=True)
class ChainDefect:
    """What is wrong with a line (counted from 1), and of which sort it is."""

    line: int
    sort: str
    reason: str


@dataclass(frozen=True, slots=True)
class Chain:
    """A log read from its first byte to its last."""

    records: tuple[Record, ...]
    lines: int
    head: str
    torn: bytes
    faults: tuple[ChainDefect, ...]
    backwards: tuple[int, ...]

    @property
    def seal(self) -> Record | None:
        """The sealing record, wherever it stands."""
        return next((record for record in self.records if record.kind == "seal"), None)

    @property
    def dangling(self) -> tuple[Record, ...]:
        """Intents without a later result of the same action: their outcome is unknown."""
        return dangling(self.records)


def dangling(records: Sequence[Record]) -> tuple[Record, ...]:
    """Intents without a later result of the same action (a refusal to begin it again is none)."""
    closed = {record.action: place for place, record in enumerate(records) if record.kind == "result" and record.status != REFUSED}
    return tuple(record for place, record in enumerate(records) if record.kind == "intent" and place > closed.get(record.action, -1))


def status_counts(records: Sequence[Record]) -> dict[str, int]:
    """How many records have each status, as the seal states it."""
    return dict(sorted(Counter(record.status for record in records if record.status is not None).items()))


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """A file's whole lines, without their newlines, and what follows the last newline."""
    *lines, torn = data.split(b"\n")
    return lines, torn


def read_line(line: bytes) -> tuple[Record, dsse.Envelope]:
    """One line, its signature not yet looked at. Raises BadEnvelope, NotCanonical or BadRecord."""
    envelope = dsse.parse(line)
    document = canonical.read_object(envelope.payload)
    return parse(document, envelope.keyid, hashlib.sha256(line).hexdigest()), envelope


def inspect(data: bytes, key_for: KeyFor) -> Chain:
    """Judge every line by itself and by the one before it. Nothing is repaired, and reading goes on after a fault."""
    lines, torn = split(data)
    walk = _Walk(key_for)
    for number, line in enumerate(lines, 1):
        walk.take(number, line)
    if not lines and not torn:
        walk.fault(1, "genesis", "the file is empty")
    return Chain(tuple(walk.records), len(lines), walk.head, torn, tuple(walk.faults), tuple(walk.backwards))


@dataclass
class _Walk:
    key_for: KeyFor
    records: list[Record] = field(default_factory=list)
    faults: list[ChainDefect] = field(default_factory=list)
    backwards: list[int] = field(default_factory=list)
    head: str = ZERO
    expected_seq: int = 0
    sealed: bool = False

    def fault(self, line: int, sort: str, reason: str) -> None:
        self.faults.append(ChainDefect(line, sort, reason))

    def take(self, number: int, line: bytes) -> None:
        if self.sealed:
            self.fault(number, "after-seal", "it stands after the seal")
        try:
            record, envelope = read_line(line)
        except (dsse.BadEnvelope, canonical.NotCanonical, BadRecord) as error:
            self.fault(number, "form", str(error))
            self.head = hashlib.sha256(line).hexdigest()
            self.expected_seq += 1
            return
        self._judge_signature(number, record, envelope)
        self._judge_order(number, record)
        self._judge_sameness(number, record)
        self._judge_details(number, record)
        self._look_at_time(number, record)
        self.records.append(record)
        self.head = record.digest
        self.expected_seq = record.seq + 1
        self.sealed = self.sealed or record.kind == "seal"

    def _judge_signature(self, number: int, record: Record, envelope: dsse.Envelope) -> None:
        try:
            public = self.key_for(record.keyid, record.operator.id, record.moment)
        except Refused as refusal:
            self.fault(number, "key", refusal.what)
            return
        if not signature_holds(public, dsse.pae(envelope.payload), envelope.signature):
            self.fault(number, "signature", "the signature does not fit: it was changed after signing, or signed by another key")

    def _judge_order(self, number: int, record: Record) -> None:
        if (record.kind == "genesis") != (number == 1):
            self.fault(number, "genesis", "the first record is not the genesis" if number == 1 else "a second genesis")
        if record.seq != self.expected_seq:
            self.fault(number, "seq", f"seq is {record.seq} where {self.expected_seq} must stand")
        if record.prev != self.head:
            self.fault(number, "prev", "prev is not the digest of the line before: a line was changed, removed, added or moved")

    def _judge_sameness(self, number: int, record: Record) -> None:
        if not self.records:
            return
        first = self.records[0]
        if record.run != first.run:
            self.fault(number, "run", f"it belongs to the run {record.run}")
        for name in ("world", "operator", "keyid"):
            if getattr(record, name) != getattr(first, name):
                self.fault(number, name, f"its {name} is not the genesis's")

    def _judge_details(self, number: int, record: Record) -> None:
        if record.kind == "genesis":
            reason = _genesis_fault(record)
        elif record.kind == "seal":
            reason = _seal_fault(record, number, self.records)
        else:
            return
        if reason is not None:
            self.fault(number, record.kind, reason)

    def _look_at_time(self, number: int, record: Record) -> None:
        if not self.records:
            return
        before = self.records[-1]
        if record.time < before.time or (record.kind != "resume" and record.mono_us < before.mono_us):
            self.backwards.append(number)


def _genesis_fault(record: Record) -> str | None:
    key = record.details.get("public_key")
    try:
        kind, _, blob = str(key).partition(" ")
        named = sshwire.fingerprint(sshwire.public_from_blob(sshwire.unbase64(blob)))
    except sshwire.Malformed:
        return "its public key cannot be read"
    if kind != sshwire.KEY_TYPE.decode() or named != record.keyid:
        return "its public key is not the one that signed it"
    return None


def _seal_fault(record: Record, number: int, before: Sequence[Record]) -> str | None:
    details: dict[str, Any] = dict(record.details)
    if not {"outcome", "records", "counts"} <= set(details) or details["outcome"] not in OUTCOMES:
        return "its fields are not outcome, records and counts"
    if details["records"] != number:
        return f"it counts {details['records']} records where there are {number}"
    if details["counts"] != status_counts(before):
        return "its counts by status are not those of the records"
    return None
