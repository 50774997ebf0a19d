"""A publisher in a process of its own, so that it can be killed: `python publish_apart.py CHECKOUT VERSION [--rollback] [--pkg]`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nexy_tui.actions.base import ActionContext, LogHead
from nexy_tui.actions.publish import Publish
from nexy_tui.actions.rollback import Rollback
from nexy_tui.config import load_settings
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Problem
from nexy_tui.core.version import Version
from nexy_tui.services import Services


def _never(*_: object) -> Any:
    raise AssertionError("a publisher needs no key of the operator's")


def main() -> int:
    services = Services(load_settings(), Path(sys.argv[1]), clock=SystemClock(1000))
    version = Version.parse(sys.argv[2])
    plan = Plan(services.target, version, Kind.FULL, datetime.now(UTC), with_pkg="--pkg" in sys.argv, run="run")
    context = ActionContext(services, plan, print, lambda: False, lambda *_, **__: None, _never, _never, lambda: LogHead("run", 1, "00"))
    try:
        (Rollback() if "--rollback" in sys.argv else Publish()).run(context)
    except Problem as problem:
        print(f"{type(problem).__name__}: {problem}")
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
