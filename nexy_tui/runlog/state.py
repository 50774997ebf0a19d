"""What a run was and how far it came, rebuilt from its records' typed fields alone: what a resume goes on from.

No message is read to decide anything: messages are for people. Records of the format that had no `details` yet are told
apart by what else is typed in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from nexy_tui.runlog.chain import dangling
from nexy_tui.runlog.genesis import Genesis
from nexy_tui.runlog.record import Draft, Record


class Errand(StrEnum):
    """What a run was begun for: a release, named actions standing alone, a fixer, or the record of a final verification."""

    RELEASE = "release"
    ACTION = "action"
    FIX = "fix"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Purpose:
    """A run's errand, and the names of its actions or of its fixer."""

    errand: Errand
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, genesis: Record) -> Purpose:
        """The purpose that a genesis record names; what names none is a release."""
        match genesis.details.get("purpose"):
            case {"errand": str(errand), "names": list(names)} if errand in _ERRANDS:
                return cls(Errand(errand), tuple(str(name) for name in names))
        words = str(_mapping(genesis.details.get("facts")).get("purpose", "")).split()
        match words:
            case [] | [Errand.RELEASE]:
                return cls(Errand.RELEASE)
            case [Errand.CHECK]:
                return cls(Errand.CHECK)
            case [Errand.FIX, *names]:
                return cls(Errand.FIX, tuple(names))
            case _:
                return cls(Errand.ACTION, tuple(words))

    def details(self) -> dict[str, object]:
        """The purpose as genesis carries it."""
        return {"purpose": {"errand": self.errand.value, "names": list(self.names)}}

    def __str__(self) -> str:
        """In words for people and programs: `release`, `check`, the actions' names, or `fix` and the fixer's."""
        match self.errand:
            case Errand.RELEASE | Errand.CHECK:
                return self.errand.value
            case Errand.FIX:
                return " ".join([Errand.FIX.value, *self.names])
            case Errand.ACTION:
                return " ".join(self.names)


class Checkpoint(StrEnum):
    """What a progress checkpoint marks."""

    BEGUN = "begun"
    """The action comes to its first irreversible step."""
    EXPOSED = "exposure-opened"
    AGREED = "exposure-closed"
    TAKEN_OVER = "lock-taken-over"

    def details(self) -> dict[str, object]:
        """The mark as a checkpoint carries it."""
        return {"mark": self.value}


_ERRANDS = frozenset(errand.value for errand in Errand)
_MARKS = {mark.value: mark for mark in Checkpoint}


@dataclass(frozen=True, slots=True)
class RunState:
    """A run as its records leave it.

    `begun` are the actions that came to their first irreversible step, `dangling` those begun whose end is not on record;
    `exposed_since` is when the exposure began that is still open.
    """

    genesis: Genesis
    purpose: Purpose
    begun: frozenset[str] = frozenset()
    exposed_since: datetime | None = None
    attestations: tuple[tuple[str, str], ...] = ()
    dangling: tuple[str, ...] = ()

    @classmethod
    def of(cls, records: Sequence[Record]) -> RunState:
        """Rebuild it from a log's records, the genesis first."""
        found = marks(records)
        return cls(
            Genesis.of(records[0]),
            Purpose.of(records[0]),
            frozenset(str(record.action) for record, mark in found if mark is Checkpoint.BEGUN),
            _exposed_since(found),
            tuple((str(record.item), reason_of(record)) for record in records if record.kind == "attestation"),
            tuple(dict.fromkeys(str(intent.action) for intent in dangling(records))),
        )


def reason_of(attestation: Draft | Record) -> str:
    """The operator's reason: what the item was attested with, in his own words."""
    return str(attestation.details.get("reason", attestation.message))


def marks(records: Sequence[Record]) -> list[tuple[Record, Checkpoint]]:
    """The checkpoints with what they mark, in order."""
    found: list[tuple[Record, Checkpoint]] = []
    exposed = False
    for record in records:
        if record.kind != "progress-checkpoint":
            continue
        mark = _mark(record) if record.typed else _untyped(record, exposed)
        if mark is not None:
            exposed = mark is Checkpoint.EXPOSED if mark in (Checkpoint.EXPOSED, Checkpoint.AGREED) else exposed
            found.append((record, mark))
    return found


def _mark(record: Record) -> Checkpoint | None:
    return _MARKS.get(str(record.details.get("mark")))


def _untyped(record: Record, exposed: bool) -> Checkpoint | None:
    """Before checkpoints were marked: what began carries its facts as evidence; the exposure's notes carry none, and alternate."""
    if record.evidence:
        return Checkpoint.BEGUN
    if record.action == "take-over":
        return Checkpoint.TAKEN_OVER
    return Checkpoint.AGREED if exposed else Checkpoint.EXPOSED


def _exposed_since(marks: Sequence[tuple[Record, Checkpoint]]) -> datetime | None:
    since = None
    for record, mark in marks:
        if mark is Checkpoint.EXPOSED:
            since = record.moment
        elif mark is Checkpoint.AGREED:
            since = None
    return since


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
