"""The measured process: publishes what lies in the inbox of the world it is in, and says on stdout how long that took.

A process of its own, because its peak memory is one of the figures. Before the clock starts it looks at the inbox, as
every run does before it publishes: the signature is made then.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from checks import inbox
from checks.base import Scope
from nexy_tui.actions import publication, publish
from nexy_tui.actions.base import ActionContext, LogHead
from nexy_tui.config import load_settings
from nexy_tui.core.event import Event
from nexy_tui.core.finding import Status
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.version import Version
from nexy_tui.services import Services
from nexy_tui.services.github import ReleaseHost

Spans = dict[str, tuple[float, float]]


def main() -> None:
    """Publish, and print the figures as one JSON document."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("version")
    options.add_argument("--with-pkg", action="store_true")
    options.add_argument("--one-after-the-other", action="store_true")
    told = options.parse_args()
    if told.one_after_the_other:
        setattr(publication, "together", _one_after_the_other)  # noqa: B010 - it is not a name that the module offers
    services = Services(load_settings(os.environ), Path(os.environ["NEXY_CHECKOUT"]))
    plan = Plan(services.target, Version.parse(told.version), Kind.FULL, datetime.now(UTC), with_pkg=told.with_pkg, run="benchmark")
    _look_at_inbox(services, plan)
    spans: Spans = {}
    _clocked("upload", spans)
    _clocked("settled", spans)
    preparing: list[float] = []
    for name in ("as_given", "prepare"):
        _timed(name, preparing)
    began = time.monotonic()
    publish.Publish().run(_context(services, plan))
    ended = time.monotonic()
    services.github.close()
    verified = max(end for label, (_, end) in spans.items() if label.startswith("verifying the download"))
    json.dump(
        {
            "verified_s": verified - began - sum(preparing),
            "prepared_s": sum(preparing),
            "whole_s": ended - began,
            "parts_s": {label: end - start for label, (start, end) in spans.items()},
            "peak_bytes": _peak(),
            "peak_of_children_bytes": _bytes(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss),
        },
        sys.stdout,
    )


def _look_at_inbox(services: Services, plan: Plan) -> None:
    scope = Scope(services, plan, _no_key)
    for check in (inbox.IMAGE, inbox.PACKAGE, inbox.VERSION, inbox.SIGNATURE):
        verdict = check.judge(check.look(scope), plan)
        if verdict.status is Status.FAILED:
            raise SystemExit(f"the inbox is not fit to publish: {verdict.summary}")


def _context(services: Services, plan: Plan) -> ActionContext:
    return ActionContext(
        services=services,
        plan=plan,
        emit=_unseen,
        cancelled=lambda: False,
        intent=_unsaid,
        signer=_no_key,
        trusted=_no_key,
        journal=lambda: LogHead("benchmark", 1, "0" * 64),
    )


def _unseen(_: Event) -> None:
    """Events are made, as in a run that is watched; nobody watches this one."""


def _unsaid(_step: str, /, **_facts: str) -> None:
    """Intents go into a run's log; there is no run here."""


def _no_key() -> NoReturn:
    raise AssertionError("publishing needs no key of the operator's")


def _clocked(method: str, spans: Spans) -> None:
    """Note when a method of the release host began and ended, by the phase it shows and the artifact it is for."""
    original: Callable[..., Any] = getattr(ReleaseHost, method)

    def clocked(host: ReleaseHost, *arguments: Any, **more: Any) -> Any:
        start = time.monotonic()
        result = original(host, *arguments, **more)
        spans[f"{more.get('phase', method)} {more['subject']}"] = (start, time.monotonic())
        return result

    setattr(ReleaseHost, method, clocked)


def _timed(name: str, seconds: list[float]) -> None:
    """Note how long a step of the manifests' own takes: it is no part of moving and verifying the bytes."""
    original: Callable[..., Any] = getattr(publication, name)

    def timed(*arguments: Any, **more: Any) -> Any:
        start = time.monotonic()
        try:
            return original(*arguments, **more)
        finally:
            seconds.append(time.monotonic() - start)

    setattr(publication, name, timed)


def _one_after_the_other(jobs: Mapping[str, Callable[[Callable[[], bool]], Any]], cancelled: Callable[[], bool]) -> dict[str, Any]:
    """The reference for publishing both artifacts at once: the same jobs, in turn."""
    return {name: job(cancelled) for name, job in jobs.items()}


def _peak() -> int:
    """The most memory this process ever held. Linux: since it was executed, without what its parent held when it forked."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return _bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def _bytes(maxrss: int) -> int:
    return maxrss if sys.platform == "darwin" else maxrss * 1024


if __name__ == "__main__":
    main()
