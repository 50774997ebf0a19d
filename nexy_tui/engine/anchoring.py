"""Anchors a run's log on the code repository while the run has the release lock: heads before what cannot be taken back, then all of it.

An anchor that cannot be pushed keeps nobody from a way out: it is said, in the log too, and the log is merely sealed.
"""

from __future__ import annotations

from pathlib import Path

from nexy_tui.core.event import Emit
from nexy_tui.core.problem import Problem
from nexy_tui.engine.context import Context
from nexy_tui.runlog import sshsig
from nexy_tui.runlog.logfile import read_whole
from nexy_tui.runlog.sign import Signer
from nexy_tui.services import Services
from nexy_tui.services.git.anchors import SIGNED_AS, Head, last_head, log_tag, push_head, push_log


class Anchoring:
    """The anchors of one run's log."""

    def __init__(self, *, resumed: bool = False) -> None:
        self._parent: str | None = None
        self._known = not resumed

    def head(self, context: Context, action: str, emit: Emit) -> None:
        """Push the log's head as it stands. What keeps it from that stands in the log."""
        services, log = context.services, context.journal
        try:
            if not self._known:
                self._parent, self._known = last_head(services.git, log.run), True
            head, at = Head(log.count - 1, log.head), services.clock.now()
            self._parent = push_head(services.git, log.run, head, parent=self._parent, who=services.settings.operator, at=at, emit=emit)
        except Problem as problem:
            log.progress_checkpoint(action, message=f"The log's head was not anchored: {problem.what}"[:2000])

    def whole(self, context: Context) -> str:
        """Push the sealed log under its signed tag; why that could not be done, empty when it was."""
        log = context.journal
        return keep(context.services, log.path, log.genesis.version, log.run, context.keys.signer())


def keep(services: Services, path: Path, version: str, run: str, signer: Signer) -> str:
    """Push a sealed log under its signed tag, for who has the release lock; why that could not be done, empty when it was."""
    who, at = services.settings.operator, services.clock.now()
    try:
        push_log(
            services.git, log_tag(version, run), read_whole(path), who=who, at=at, sign=lambda text: sshsig.make(text, SIGNED_AS, signer)
        )
    except Problem as problem:
        return problem.what
    return ""
