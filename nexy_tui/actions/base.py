"""What an action is: it looks whether its effect is there, announces its intent, acts, and leaves the verdict to the checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from nexy_tui.core.event import Emit
from nexy_tui.core.finding import Evidence
from nexy_tui.core.plan import Plan

if TYPE_CHECKING:
    from nexy_tui.runlog.sign import Signer
    from nexy_tui.runlog.trust import AllowedSigners
    from nexy_tui.services import Services


class Intent(Protocol):
    """Puts an intent record on disk before an irreversible step. Raises Problem when it cannot: then do not start."""

    def __call__(self, step: str, /, **facts: str) -> None:
        """`step` in a few words; `facts` are names and values (digests, names, refs), never secrets."""
        ...


@dataclass(frozen=True, slots=True)
class LogHead:
    """The run log as it stands: run id, number of records, SHA-256 (hex) of the file's bytes."""

    run: str
    records: int
    sha256: str


@dataclass(frozen=True)
class ActionContext:
    """Everything an action may use. `signer` signs records left beside archives; `trusted` reads those of others."""

    services: Services
    plan: Plan
    emit: Emit
    cancelled: Callable[[], bool]
    intent: Intent
    signer: Callable[[], Signer]
    trusted: Callable[[], AllowedSigners]
    journal: Callable[[], LogHead]
    last_look: Callable[[], None] = lambda: None
    """Looks once more at all that must be verified before this action, the VM too, and raises Refused where something is not: the last
    moment at which stopping costs nobody anything."""


@dataclass(frozen=True)
class ActionResult:
    """What an action did: a sentence, evidence, and digests of what it made, by file. `changed` is False when all was there already.

    The commits are the release commit and the manifest commit that it made or found, empty where it has to do with neither.
    """

    summary: str
    evidence: tuple[Evidence, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    changed: bool = True
    release_commit: str = ""
    manifest_commit: str = ""


class Action(Protocol):
    """A verb of the release. `writes_outside` ones hold the release lock; whether it can be taken back stands in the checklist."""

    @property
    def name(self) -> str:
        """The id used by the checklist, the log and the command line."""
        ...

    @property
    def title(self) -> str:
        """What the button says."""
        ...

    @property
    def writes_outside(self) -> bool:
        """Whether it writes to anything but the checkout and the state directory."""
        ...

    def applies(self, plan: Plan, /) -> bool:
        """Whether this kind of run has anything for it to do; its items are looked at all the same."""
        ...

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """Exactly what it will do, one line each. May look, never writes."""
        ...

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """A text to be typed besides the usual confirmation (a database host off loopback), or None."""
        ...

    def run(self, context: ActionContext) -> ActionResult:
        """Do it. Raises Problem with what, why and remedy; Cancelled when the operator stopped it in time."""
        ...
