"""Bringing an artifact's bytes to the release host beside the current ones, and proving that they arrived.

Nothing clients can see changes here. Whatever an earlier run left is found by size and digest, adopted or cleaned; who
holds the release lock may do both (contracts: GitHub releases).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from checks.publish import previous_name, temporary_name
from nexy_tui.core.clock import Clock
from nexy_tui.core.event import Emit, OutputLine
from nexy_tui.core.problem import ActionFailed
from nexy_tui.services.artifact import Inspected
from nexy_tui.services.download import Downloaded
from nexy_tui.services.github import Asset, GitHubRelease, ReleaseHost
from nexy_tui.services.github_api import HostRefused
from nexy_tui.services.repeat import Repeating, TryAgain

_TRIES = 4


@dataclass(frozen=True, slots=True)
class Staged:
    """An artifact whose bytes are on the host, in place already or under their temporary name, as they were downloaded from there."""

    local: Inspected
    release: GitHubRelease
    asset: Asset
    proven: Downloaded
    in_place: bool
    uploaded: bool


class Stager:
    """Brings artifacts to the host. One for each artifact: `stop` ends its long steps."""

    def __init__(self, host: ReleaseHost, clock: Clock, emit: Emit, stop: Callable[[], bool]) -> None:
        self._host = host.watched(emit, stop)
        self._emit = emit
        self._repeating = Repeating(clock, emit, stop, attempts=_TRIES)

    def stage(self, release: GitHubRelease, local: Inspected) -> Staged:
        """Adopt what is there, or upload; then verify state, size, digest and the downloaded bytes under the temporary name."""
        assets = self._host.assets(release)
        current = assets.get(local.name)
        if current is not None and self._is(release, current, local):
            self._clean(assets, local, keep="")
            return Staged(local, release, current, self._got(release, current, local), in_place=True, uploaded=False)
        name = temporary_name(local.name, local.sha256)
        self._clean(assets, local, keep=name)
        asset, uploaded = self._brought(release, name, local)
        proven = self._prove(release, asset, local)
        self._host.prove_renamable(asset)
        return Staged(local, release, asset, proven, in_place=False, uploaded=uploaded)

    def _is(self, release: GitHubRelease, asset: Asset, local: Inspected) -> bool:
        """Whether an asset holds exactly these bytes. An older one without a digest is downloaded to tell."""
        same = asset.is_file(local.size, local.sha256)
        if same is None:
            got = self._host.download(release.tag, asset.name, subject=local.name, phase="comparing")
            same = got is not None and got.sha256 == local.sha256
        return same

    def _clean(self, assets: dict[str, Asset], local: Inspected, *, keep: str) -> None:
        """Delete empty leftovers of uploads that died, and other bytes once brought for this name."""
        mine = (local.name, previous_name(local.name))
        for asset in assets.values():
            brought = asset.name.startswith("incoming-") and asset.name.endswith(f"-{local.name}")
            starter = asset.state == "starter" and (brought or asset.name in mine)
            if starter or (brought and asset.name != keep):
                self._host.delete(asset)
                self._emit(OutputLine(f"Removed {asset.name} ({asset.state}, {asset.size} bytes), left by an earlier upload.", "publish"))

    def _brought(self, release: GitHubRelease, name: str, local: Inspected) -> tuple[Asset, bool]:
        """The asset under the temporary name, and whether it was sent now. Every try looks first what the one before left."""
        uploaded = False

        def attempt() -> Asset:
            nonlocal uploaded
            there = self._host.assets(release).get(name)
            if there is not None and there.is_file(local.size, local.sha256) is not False:
                return there
            if there is not None:
                self._host.delete(there)
            uploaded = True
            try:
                return self._host.upload(release, name, local.path, local.size, subject=local.name)
            except HostRefused as error:
                if error.answer.has_error("already_exists"):
                    raise TryAgain(f"{name} is taken", error.status) from None
                raise

        try:
            return self._repeating(attempt), uploaded
        except TryAgain as error:
            reason = error.reason
        except httpx.TransportError as error:
            reason = f"the connection broke ({type(error).__name__})"
        raise ActionFailed(
            f"Uploading {local.name} failed {_TRIES} times; at last: {reason}.",
            "Clients still get the release before: nothing was put in its place.",
            "Check the network and the host's status page, then run again: it goes on with what is there.",
        )

    def _prove(self, release: GitHubRelease, asset: Asset, local: Inspected) -> Downloaded:
        """State, size and digest by the API, then the bytes themselves from the asset's public address."""
        now = self._repeating(lambda: self._ready(asset))
        if now.is_file(local.size, local.sha256) is False:
            self._host.delete(now)
            raise _arrived_wrong(local, f"the host's API says {now.size} bytes, sha256 {now.sha256 or 'not told'}")
        return self._got(release, now, local)

    def _got(self, release: GitHubRelease, asset: Asset, local: Inspected) -> Downloaded:
        """What the asset's public address gives, which must be the inbox's file. Raises ActionFailed."""
        got = self._host.settled(release.tag, asset.name, (local.size, local.sha256), subject=local.name, phase="verifying the upload")
        if got is not None and same_bytes(got, local):
            return got
        seen = "nothing is at its address" if got is None else f"its address gives {got}"
        if asset.name == local.name:
            raise ActionFailed(
                f"The download is not what was published: {local.name}: {seen}; the inbox has {local.size} bytes, sha256 {local.sha256}.",
                "Nothing was changed now; no manifest was pushed.",
                "Look at the release page and at the host's status page, then run again.",
            )
        raise _arrived_wrong(local, seen)

    def _ready(self, asset: Asset) -> Asset:
        now = self._host.asset(asset.id)
        if now is None or not now.ready:
            raise TryAgain(f"{asset.name} is {'not there yet' if now is None else now.state}")
        return now


def same_bytes(got: Downloaded | None, local: Inspected) -> bool:
    """Whether a download is exactly the local file."""
    return got is not None and (got.size, got.sha256) == (local.size, local.sha256)


def _arrived_wrong(local: Inspected, seen: str) -> ActionFailed:
    return ActionFailed(
        f"{local.name} did not arrive as it was sent: {seen}; the inbox has {local.size} bytes, sha256 {local.sha256}.",
        "Clients still get the release before: nothing was put in its place, no manifest was pushed.",
        "Run it again; if it stands, look at the host's status page.",
    )
