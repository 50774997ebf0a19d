"""What a rollback would find: the files that clients download now, those kept beside them, and what the live server offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checks.publish import previous_name
from nexy_tui.actions.offer import look_offer
from nexy_tui.actions.rollback import stated_manifests
from nexy_tui.core.target import DMG, PKG
from nexy_tui.services import Services
from nexy_tui.services.github import Asset
from nexy_tui.services.identity import require_world


@dataclass(frozen=True, slots=True)
class Standing:
    """One file at a release's address or beside it. `release` is the version whose manifest names its bytes, empty for none."""

    name: str
    size: int
    sha256: str | None
    release: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One artifact: what clients download, and what would come back; None where there is none."""

    name: str
    tag: str
    now: Standing | None
    before: Standing | None

    @property
    def cut_off(self) -> bool:
        """Whether a swap was cut off between its renames: clients get nothing, and the bytes from before stand aside."""
        return self.now is None and self.before is not None


@dataclass(frozen=True, slots=True)
class WayBack:
    """Every artifact with what is kept of it, and the version that the live server offers, or why that could not be seen."""

    pairs: tuple[Pair, ...]
    offered: str


def look_way_back(services: Services) -> WayBack:
    """Ask the release host and the live server; nothing is downloaded, nothing changes. Raises CouldNotLook, Unusable."""
    services.require_checkout()
    require_world(services.settings)
    git = services.git
    named = {stated.sha256: stated.version for _, stated in stated_manifests(git, git.head())}
    pairs = tuple(_pair(services, name, named) for name in (DMG, PKG))
    offer = look_offer(services)
    seen = offer.problem if offer.appcast is None else f"{offer.appcast.build}, {offer.appcast.size} bytes"
    return WayBack(pairs, seen)


def _pair(services: Services, name: str, named: Mapping[str, str]) -> Pair:
    tag = services.target.tag_for(name)
    release = services.github.release(tag)
    assets = {} if release is None else services.github.assets(release)
    return Pair(name, tag, _standing(assets.get(name), named), _standing(assets.get(previous_name(name)), named))


def _standing(asset: Asset | None, named: Mapping[str, str]) -> Standing | None:
    if asset is None or not asset.ready:
        return None
    return Standing(asset.name, asset.size, asset.sha256, named.get(asset.sha256 or "", ""))
