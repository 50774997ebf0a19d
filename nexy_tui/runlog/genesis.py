"""What a run was begun as: read back from its first record when it is resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from nexy_tui.runlog.record import Operator, Record


@dataclass(frozen=True, slots=True)
class Identity:
    """What stays the same in every record of a run."""

    run: str
    world: str | None
    operator: Operator


@dataclass(frozen=True, slots=True)
class Genesis:
    """A run's beginning: who and where, which version, which kind of release, when, and what was found before."""

    identity: Identity
    version: str
    kind: str
    time: datetime
    facts: Mapping[str, str]

    @classmethod
    def of(cls, record: Record) -> Genesis:
        """The beginning that a genesis record describes."""
        details = record.details
        facts = {str(name): str(value) for name, value in dict(details.get("facts", {})).items()}
        identity = Identity(record.run, record.world, record.operator)
        return cls(identity, str(details.get("version", "")), str(details.get("kind", "")), record.moment, facts)

    @property
    def world(self) -> str | None:
        """The rehearsal world's id, or None for production."""
        return self.identity.world
