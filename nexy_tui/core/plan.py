"""What one run means to do, as a value: everything a judge may compare the facts with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nexy_tui.core.kind import Kind
from nexy_tui.core.target import Target
from nexy_tui.core.version import Version


@dataclass(frozen=True, slots=True)
class Plan:
    """One release (or one look without a run).

    `started` is the genesis time of the run, None for a standalone look. `served_before` is the version the live server
    showed at genesis; `published_before` the version in the release branch's manifest then; `base_commit` the release
    branch's commit then; `appcast_missing` that the live appcast was HTTP 500 then. `standalone` marks an action or a look
    outside a release run: records then count by age.
    `begun` names the actions of this run that came to their irreversible step, whatever became of it; `tried` those that ended,
    done or failed, and not because the operator stopped them. `dry` is a release that is only tried, without a run. `out` says
    that this run has published, and not taken it back.
    """

    target: Target
    version: Version | None
    kind: Kind
    now: datetime
    with_pkg: bool = False
    run: str | None = None
    started: datetime | None = None
    served_before: Version | None = None
    published_before: Version | None = None
    base_commit: str | None = None
    appcast_missing: bool = False
    standalone: bool = False
    begun: frozenset[str] = frozenset()
    tried: frozenset[str] = frozenset()
    dry: bool = False
    out: bool = False

    def awaits(self, action: str) -> bool:
        """Whether a release run is open, or tried, whose action is still to run: what it makes is then not missing, but to do."""
        return (self.run is not None or self.dry) and not self.standalone and action not in self.begun | self.tried

    @property
    def published(self) -> Version | None:
        """The version the manifests must carry when this run is done (contracts: kinds of run)."""
        return self.version if self.kind.publishes else self.published_before
