"""What a rollback would find: the files that clients download now, those kept beside them, and what the live server offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checks.publish import ArtifactPlace, read_place
from nexy_tui.actions.rollback import stated_manifests
from nexy_tui.core.target import DMG, PKG
from nexy_tui.services import Services
from nexy_tui.services.github import Asset
from nexy_tui.services.identity import require_world
from nexy_tui.services.update_server import look_offer


@dataclass(frozen=True, slots=True)
class AssetState:
    """A file of a release. `release` is the version whose committed manifest names its bytes, empty for none; `state` the host's word."""

    release: str
    state: str
    size: int
    sha256: str | None

    @property
    def whole(self) -> bool:
        """Whether all its bytes are there."""
        return self.state == "uploaded"


@dataclass(frozen=True, slots=True)
class AssetPair:
    """One artifact: what clients download, and what would come back; None where nothing has the name."""

    name: str
    tag: str
    now: AssetState | None
    before: AssetState | None
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class RollbackPreview:
    """Both artifacts, and what the live server offers, or why that could not be seen."""

    pairs: tuple[AssetPair, ...]
    offered: str


def preview_rollback(services: Services) -> RollbackPreview:
    """Ask the release host and the live server; nothing is downloaded, nothing changes. Raises CouldNotLook, Unusable."""
    services.require_checkout()
    require_world(services.settings)
    git, host = services.git, services.github
    places = [read_place(host, services.target, name) for name in (DMG, PKG)]
    releases = {stated.sha256: stated.version for _, stated in stated_manifests(git, git.head())}
    offer = look_offer(services.update_server)
    seen = f"not seen: {offer.problem}" if offer.appcast is None else f"{offer.appcast.build}, {offer.appcast.length} bytes"
    return RollbackPreview(tuple(_pair(place, releases) for place in places), seen)


def _pair(place: ArtifactPlace, releases: Mapping[str, str]) -> AssetPair:
    return AssetPair(
        place.name, place.tag, _asset_state(place.current, releases), _asset_state(place.previous, releases), place.interrupted
    )


def _asset_state(asset: Asset | None, releases: Mapping[str, str]) -> AssetState | None:
    return None if asset is None else AssetState(releases.get(asset.sha256 or "", ""), asset.state, asset.size, asset.sha256)
