"""The live update server: its three addresses as one look, and what they may say before the deploy and after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from checks.base import Scope
from checks.gate_cells import Earlier, Expected, UnseenSource, appcast_column, health_column, updates_column
from checks.tip import look_refs
from nexy_tui.core.finding import Verdict
from nexy_tui.core.matrix import Column
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook, Unusable
from nexy_tui.core.version import Version
from nexy_tui.services.update_server import AppcastFacts, HealthFacts, Misled

T = TypeVar("T")

APPCAST, HEALTH, UPDATES = "appcast", "/health", "/updates/health"


@dataclass(frozen=True, slots=True)
class Live:
    """The three live addresses, each seen or not."""

    health: HealthFacts | UnseenSource
    updates: HealthFacts | UnseenSource
    appcast: AppcastFacts | UnseenSource

    @property
    def misled(self) -> str:
        """What shows that the configured address is not the update server's; empty where nothing does."""
        unseen = (source for source in (self.health, self.updates, self.appcast) if isinstance(source, UnseenSource))
        return next((source.why for source in unseen if source.misled), "")


def look_live(scope: Scope) -> Live:
    """The live addresses; one that gives no answer does not hide the others."""
    server = scope.services.update_server
    return scope.once("live", lambda: Live(or_unseen(server.health), or_unseen(server.updates_health), or_unseen(server.appcast)))


def look_earlier(scope: Scope) -> Earlier:
    """The highest release below this one, from release tags and from the manifests kept for each version. A run knows by its genesis."""
    version = scope.plan.version
    if scope.plan.started is not None or version is None:
        return Earlier()
    folder = scope.services.checkout / scope.services.layout.canonical.parent
    tagged = [ref.removeprefix("refs/tags/v").removesuffix("^{}") for ref in look_refs(scope)]
    kept = [path.name.removeprefix("manifest_").removesuffix(".json") for path in folder.glob("manifest_*.json")]
    served, published = (
        max((found for found in map(_version, names) if found is not None and found < version), default=None)
        for names in (tagged + kept, kept)
    )
    return Earlier(served, published or served)


def _version(text: str) -> Version | None:
    try:
        return Version.parse(text)
    except ValueError:
        return None


def or_unseen(look: Callable[[], T]) -> T | UnseenSource:
    """What a look sees, or why it could not."""
    try:
        return look()
    except (CouldNotLook, Unusable) as problem:
        return UnseenSource(problem.what, misled=isinstance(problem, Misled))


def live_columns(live: Live, signature: str | None, want: Expected) -> dict[str, Column]:
    """What the addresses say beside what they may say; `signature` is the canonical manifest's."""
    return {
        APPCAST: appcast_column(live.appcast, live.health, signature, want),
        HEALTH: health_column(live.health, want),
        UPDATES: updates_column(live.updates, live.health, want),
    }


def left_halfway(verdict: Verdict, live: Live, plan: Plan) -> bool:
    """Whether what does not hold of the live server is this run's own deploy, begun and left: deploying again ends that."""
    return not verdict.status.satisfied and "deploy" in plan.begun and not _serves_a_stranger(live, plan)


def _serves_a_stranger(live: Live, plan: Plan) -> bool:
    """Whether an address that answers names a version that is neither this release nor the one before it."""
    ours = {str(version) for version in (plan.version, plan.published, plan.served_before, plan.published_before) if version is not None}
    seen = [facts.said for facts in (live.health, live.updates) if isinstance(facts, HealthFacts) and facts.said is not None]
    said = {version for health in seen for version in health.versions}
    if isinstance(live.appcast, AppcastFacts) and live.appcast.appcast is not None:
        said.add(live.appcast.appcast.version)
    return not said <= ours
