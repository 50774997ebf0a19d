"""What the parts of a session share: services, checklist, plan, keys, the log, and whoever watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from nexy_tui.checklist import ActionRole, Checklist
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.core.remedy import Run
from nexy_tui.engine.notice import Notice, Observer
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.sign import Signer
from nexy_tui.runlog.trust import AllowedSigners
from nexy_tui.services import Services


@dataclass(frozen=True)
class Keys:
    """Who signs this run's records (read once, on first use), and whose records are believed (read anew each time)."""

    signer: Callable[[], Signer]
    trusted: Callable[[], AllowedSigners]


@dataclass
class Context:
    """One run's surroundings. `log` is None for a look without a run: nothing is journalled and nothing may act."""

    services: Services
    checklist: Checklist
    planned: Plan
    keys: Keys
    log: RunLog | None
    observers: list[Observer]

    @property
    def plan(self) -> Plan:
        """What the run means to do, with the present time."""
        return replace(self.planned, now=self.services.clock.now())

    @property
    def journal(self) -> RunLog:
        """The run's log. Raises Refused for a session that only looks."""
        if self.log is None:
            raise Refused("This session only looks.", "Nothing may act without a signed log.", Run("release", "Start a run"))
        return self.log

    def begun(self, action: str) -> None:
        """The action has come to its first irreversible step."""
        self.planned = replace(self.planned, begun=self.planned.begun | {action})

    def tried(self, action: str) -> None:
        """The action has ended: what it makes is no longer merely to do."""
        self.planned = replace(self.planned, tried=self.planned.tried | {action})

    def done(self, action: str) -> None:
        """The action has done its work: once that is publishing, the version is out, until it is taken back."""
        role = self.checklist.release_action(action).role if action in self.checklist.actions else None
        if role in (ActionRole.PUBLISHER, ActionRole.ROLLBACK):
            self.planned = replace(self.planned, out=role is ActionRole.PUBLISHER)

    def say(self, notice: Notice) -> None:
        """Tell every face."""
        for observer in self.observers:
            observer(notice)
