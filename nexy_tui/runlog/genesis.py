"""What a run was begun as: read back from its first record when it is resumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from nexy_tui.runlog import sshwire
from nexy_tui.runlog.record import ZERO, Operator, Record, Subject
from nexy_tui.runlog.sign import Signer


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a run is begun with.

    `tool` holds the tool's version and the checklist's digest; `facts` what the run found before it began, such as the version
    served; `details` is what a resume reads besides; `previous_head` the head of the operator's run before.
    """

    version: str
    world: str | None
    operator: Operator
    kind: str
    subjects: Sequence[Subject]
    tool: Mapping[str, object] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, object] = field(default_factory=dict)
    previous_head: str | None = None

    def own(self, signer: Signer) -> dict[str, object]:
        """What the genesis says besides, under its own name."""
        return {
            "tool": dict(self.tool),
            "public_key": sshwire.openssh_public(signer.public),
            "key_source": signer.source,
            "kind": self.kind,
            "version": self.version,
            "previous_head": self.previous_head or ZERO,
            "facts": dict(self.facts),
        }


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
