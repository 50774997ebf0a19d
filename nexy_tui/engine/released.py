"""Whether a version is released already: then no run releases it again.

Believed are a complete release's own log on this machine, and what stands outside: the tag, the manifests and the live server
all name the version, and the asking run had no part in it. What cannot be seen bars nobody: the checks look again by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from nexy_tui.checklist import CHECKLIST
from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import Refused
from nexy_tui.core.remedy import Run
from nexy_tui.core.text import printable
from nexy_tui.core.version import Version
from nexy_tui.engine.before import Before, look_before, or_none
from nexy_tui.runlog.read import list_runs_of, read_log
from nexy_tui.runlog.state import Errand
from nexy_tui.runlog.verify import State, verify_file
from nexy_tui.services import Services
from nexy_tui.services.update_server import look_offer

_OWN_PART = frozenset(CHECKLIST.points_of_no_return)
_TAGGED_BY = re.compile(r"^Nexy-Run: (\S+)$", re.MULTILINE)


class AlreadyReleased(Refused):
    """Another run has released the version; nothing is to be gone on with."""


@dataclass(frozen=True, slots=True)
class ReleasedBy:
    """Who released a version and when, in words, and where that stands."""

    whom: str
    where: str


def require_unreleased(
    services: Services, version: Version, kind: Kind, run: str | None, *, begun: Collection[str] = (), before: Before | None = None
) -> None:
    """Raise AlreadyReleased where another run than `run` has released the version; `begun` are the actions this one has begun.

    `before` is the world as it was seen just now; it is looked at when not given.
    """
    found = _by_log(services, version, kind, run)
    if found is None and not _OWN_PART & set(begun):
        found = _by_what_is_out(services, version, kind, run, before or look_before(services))
    if found is None:
        return
    close = f"This run has nothing left to do: nexy-tui runs close {run}. " if run is not None else ""
    raise AlreadyReleased(
        f"{version} is released already: {found.whom}.",
        "A version is released once: customers who have it are never offered it again.",
        Run(f"release {version.next_build()}", f"{close}The next release", f"(to look at this one: nexy-tui verify; {found.where})"),
    )


def _by_log(services: Services, version: Version, kind: Kind, run: str | None) -> ReleasedBy | None:
    """The log of another run on this machine that verifies, is sealed as complete, and whose kind did all that this kind does."""
    settings = services.settings
    for other in list_runs_of(settings.state_dir, str(version), besides=run):
        same = other.world == services.target.world and other.version == str(version) and other.kind in (kind.value, Kind.FULL.value)
        if other.run == run or other.outcome != "complete" or not same:
            continue
        if other.purpose is None or other.purpose.errand is not Errand.RELEASE:
            continue
        if verify_file(other.path, settings).state in (State.SEALED, State.ANCHORED):
            who = read_log(other.path)[0].operator
            return ReleasedBy(f"by {who.id} on {who.host}, {other.ended} (run {other.run})", f"its log: {other.path}")
    return None


def _by_what_is_out(services: Services, version: Version, kind: Kind, run: str | None, before: Before) -> ReleasedBy | None:
    """The live server serves it, and each of tag, manifests and appcast that this kind makes names it."""
    if before.served != version:
        return None
    if kind.publishes:
        offer = look_offer(services.update_server).appcast
        if before.published != version or offer is None or offer.build != str(version):
            return None
    message = or_none(lambda: services.git.remote_tag_message(version.tag))
    if kind.tags and message is None:
        return None
    tagged_by = _TAGGED_BY.search(message or "")
    if tagged_by is not None and tagged_by[1] == run:
        return None
    return ReleasedBy(*_told(services, version, before.base_commit, tagged_by[1] if tagged_by else None, tagged=message is not None))


def _told(services: Services, version: Version, base: str | None, by: str | None, *, tagged: bool) -> tuple[str, str]:
    git = services.git
    commit = or_none(lambda: git.release_commit(version.tag, str(base))) if tagged else base
    described = or_none(lambda: git.describe_commit(str(commit)))
    whom = "the live server serves it" + (f", from {printable(described)}" if described else "")
    where = f"its tag: {version.tag} on {services.target.code_repository}" if tagged else f"its commit: {commit}"
    return whom + (f" (run {printable(by, 60)})" if by else ""), where
