"""The release host (GitHub releases): looks at releases and assets, and writes to the artifacts repository alone.

https://docs.github.com/en/rest/releases. Writes take no repository: there is no way to name another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote

import httpx

from nexy_tui.core.clock import Clock
from nexy_tui.core.event import Emit, Waiting, silent
from nexy_tui.core.problem import ActionFailed, Cancelled, CouldNotLook, Refused
from nexy_tui.core.target import Target
from nexy_tui.services.download import Downloaded, Downloader
from nexy_tui.services.github_api import ApiResponse, GitHubApi, HostRefused
from nexy_tui.services.http import HttpClients
from nexy_tui.services.meter import ByteMeter
from nexy_tui.services.ratelimit import MOST
from nexy_tui.services.repeat import FIRST, Repeating, TryAgain, untrusted
from nexy_tui.services.secrets import Secrets

T = TypeVar("T")

PAGE = 100
MOST_ASSETS = 1000
"""What a release holds at most: https://docs.github.com/en/repositories/releasing-projects-on-github/about-releases"""

_MOST_PAGES = 20
_PIECE = 1 << 20
_ASKING_AGAIN = (3.0, 10.0, 30.0)
_URGENT = 0.1
"""Seconds until a rename is tried again for the first time while clients get nothing."""
_APPEARING = 6
"""How often a rename is tried that answers 404: just after an upload the host may not know the asset yet."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of a release. `sha256` is the host's own digest, None on older assets."""

    id: int
    name: str
    state: str
    size: int
    sha256: str | None

    @property
    def ready(self) -> bool:
        """Whether the whole file is there. Any state but `uploaded` is not."""
        return self.state == "uploaded"

    def is_file(self, size: int, sha256: str) -> bool | None:
        """Whether this asset is the file of that size and digest; None when only a download can tell."""
        if not self.ready or self.size != size:
            return False
        return None if self.sha256 is None else self.sha256 == sha256


@dataclass(frozen=True, slots=True)
class GitHubRelease:
    """A release under its fixed tag. An immutable one refuses every change."""

    id: int
    tag: str
    immutable: bool


@dataclass(frozen=True, slots=True)
class Rights:
    """What the token may do in a repository. `scopes` is None for tokens that have none (fine-grained ones)."""

    repository: str
    visible: bool
    push: bool
    scopes: tuple[str, ...] | None
    source: str

    @property
    def may_write(self) -> bool:
        """Whether releases there can be changed with this token, as far as the host tells."""
        scoped = self.scopes is None or bool({"repo", "public_repo"} & set(self.scopes))
        return self.visible and self.push and scoped


class ReleaseHost:
    """The artifacts repository's releases. Waits and progress go to `emit`; see `watched`."""

    def __init__(
        self,
        target: Target,
        http: HttpClients,
        secrets: Secrets,
        clock: Clock,
        *,
        emit: Emit = silent,
        cancelled: Callable[[], bool] = lambda: False,
        api: GitHubApi | None = None,
    ) -> None:
        self._target, self._http, self._secrets, self._clock = target, http, secrets, clock
        self._emit, self._cancelled = emit, cancelled
        self._api = api or GitHubApi(target, http, secrets, clock)
        self._repeating = Repeating(clock, emit, cancelled)
        self._path = f"/repos/{target.artifacts_repository}"

    def watched(self, emit: Emit, cancelled: Callable[[], bool] = lambda: False) -> ReleaseHost:
        """The same host, its waits and progress shown to `emit`, its long steps stopped by `cancelled`."""
        return ReleaseHost(self._target, self._http, self._secrets, self._clock, emit=emit, cancelled=cancelled, api=self._api)

    def close(self) -> None:
        """Close the connections that were kept."""
        self._api.close()

    # --- looking ---

    def read(self, path: str, looking: str) -> ApiResponse:
        """What the API says at a path, 404 included. Raises CouldNotLook for everything else but 200; `looking` is for people."""
        return self._get(path, looking)

    def rights(self, repository: str | None = None) -> Rights:
        """What the token may do, in the artifacts repository or another. Raises CouldNotLook, Unusable without a token."""
        name = repository or self._target.artifacts_repository
        answer = self._get(f"/repos/{name}", f"{name} on {self._target.hosts.web}")
        scopes = answer.headers.get("x-oauth-scopes")
        granted = None if scopes is None else tuple(scope.strip() for scope in scopes.split(",") if scope.strip())
        found = answer.document if answer.status == 200 and isinstance(answer.document, dict) else {}
        permissions = found.get("permissions")
        push = isinstance(permissions, dict) and permissions.get("push") is True
        return Rights(name, answer.status == 200, push, granted, self._api.token.source)

    def release(self, tag: str) -> GitHubRelease | None:
        """The release under a tag, or None when there is none."""
        answer = self._get(f"{self._path}/releases/tags/{quote(tag, safe='')}", f"The release {tag}")
        if answer.status == 404:
            return None
        return _release(answer.document, tag)

    def release_tags(self, repository: str) -> tuple[str, ...]:
        """The tags of all of a repository's releases, newest first. Raises CouldNotLook where there are more than can be read."""
        looking, tags = f"The releases of {repository}", list[str]()
        for page in range(1, _MOST_PAGES + 1):
            answer = self._get(f"/repos/{repository}/releases?per_page={PAGE}&page={page}", looking)
            if answer.status == 404 or not isinstance(answer.document, list):
                raise self._api.unseen(answer, looking)
            tags += [str(entry.get("tag_name", "")) for entry in answer.document if isinstance(entry, dict)]
            if len(answer.document) < PAGE:
                return tuple(tags)
        raise CouldNotLook(f"{looking} are more than {len(tags)}: not all could be seen.", remedy="Delete those that are of no use there.")

    def assets(self, release: GitHubRelease) -> dict[str, Asset]:
        """Every asset of a release by name."""
        found: dict[str, Asset] = {}
        for page in range(1, MOST_ASSETS // PAGE + 2):
            looking = f"The assets of the release {release.tag}"
            answer = self._get(f"{self._path}/releases/{release.id}/assets?per_page={PAGE}&page={page}", looking)
            if answer.status == 404 or not isinstance(answer.document, list):
                raise self._api.unseen(answer, looking)
            found |= {asset.name: asset for asset in map(_asset, answer.document)}
            if len(answer.document) < PAGE:
                break
        return found

    def asset(self, identity: int) -> Asset | None:
        """One asset as it is now, or None when it is gone."""
        answer = self._get(f"{self._path}/releases/assets/{identity}", f"The asset {identity}")
        return None if answer.status == 404 else _asset(answer.document)

    def url(self, tag: str, name: str) -> str:
        """The public address of an asset."""
        return f"https://{self._target.hosts.web}/{self._target.artifacts_repository}/releases/download/{tag}/{name}"

    def download(self, tag: str, name: str, *, subject: str, phase: str, sink: BinaryIO | None = None) -> Downloaded | None:
        """The figures of an asset's bytes, downloaded without the token as clients do; None when nothing is at its address."""
        return Downloader(self._http, self._clock, self._emit, self._cancelled).fetch(self.url(tag, name), subject, phase, sink)

    def settled(
        self, tag: str, name: str, wanted: tuple[int, str] | None, *, subject: str, phase: str, sink: BinaryIO | None = None
    ) -> Downloaded | None:
        """As `download`, but bytes of another size and SHA-256 than `wanted` are asked for again before they are believed.

        After a replacement some clients are served the old bytes for a while (contracts: GitHub releases).
        """
        found = self.download(tag, name, subject=subject, phase=phase, sink=sink)
        for seconds in _ASKING_AGAIN if wanted is not None else ():
            if found is not None and (found.size, found.sha256) == wanted:
                break
            seen = "nothing is" if found is None else "other bytes are"
            self._emit(Waiting(f"{seen} at the address of {name}; asking again", seconds))
            self._clock.sleep(seconds, self._cancelled)
            found = self.download(tag, name, subject=subject, phase=phase, sink=sink)
        return found

    # --- writing ---

    def upload(self, release: GitHubRelease, name: str, path: Path, size: int, *, subject: str) -> Asset:
        """Send a file once, streamed. Raises HostRefused, TryAgain or httpx.TransportError; what is there then must be looked at."""
        meter = ByteMeter(self._emit, subject, "uploading", size)
        answer = self._api.upload(f"{self._path}/releases/{release.id}/assets", name, size, self._pieces(path, size, meter))
        if answer.status != 201:
            raise self._api.refused(answer, f"Uploading {name}")
        return _asset(answer.document)

    def rename(self, asset: Asset, name: str, *, urgent: bool = False) -> Asset:
        """Give an asset another name. Repeated only after a look has shown that it does not have it yet.

        `urgent`, while nothing is at the address clients know, it is repeated at once, and given up sooner.
        """
        asked, first = False, _URGENT if urgent else FIRST

        def attempt() -> Asset:
            nonlocal asked
            if asked and (now := self.asset(asset.id)) is not None and now.name == name:
                return now
            asked = True
            answer = self._api.call("PATCH", f"{self._path}/releases/assets/{asset.id}", {"name": name})
            if answer.status == 404:
                raise _NotThereYet(answer)
            if answer.status != 200:
                raise self._api.refused(answer, f"Renaming {asset.name} to {name}")
            return _asset(answer.document)

        doing = f"Renaming {asset.name} to {name}"
        try:
            return self._written(lambda: self._repeating(attempt, attempts=_APPEARING, first=first), doing)
        except _NotThereYet as error:
            raise self._api.refused(error.answer, doing) from None

    def delete(self, asset: Asset) -> None:
        """Delete an asset; one that is gone already is as good. Ids are never given twice, so this may be repeated."""

        def attempt() -> None:
            answer = self._api.call("DELETE", f"{self._path}/releases/assets/{asset.id}")
            if answer.status not in (204, 404):
                raise self._api.refused(answer, f"Deleting {asset.name}")

        self._written(lambda: self._repeating(attempt), f"Deleting {asset.name}")

    def prove_renamable(self, asset: Asset) -> None:
        """Rename an asset to the name it has: shows before the swap that the token may, and that the host knows the asset."""
        try:
            self.rename(asset, asset.name)
        except HostRefused as error:
            if not error.answer.has_error("already_exists"):  # A host that minds its own name has still shown both.
                raise

    def make_room(self, requests: int) -> None:
        """Wait, in sight, while the token has fewer requests left in its hour: before what must not be halted half-way by a rate limit.

        Raises Cancelled; ActionFailed where the host names a time that is longer than its hour.
        """
        seconds = self._api.wait_for_room(requests)
        if seconds is None:
            return
        reason = f"{self._target.hosts.api} leaves this token fewer than {requests} requests in this hour"
        if seconds > MOST:
            what = f"{reason}, and names no end to that within an hour."
            why = "A rate limit in the middle of a swap would keep the download away until it is lifted."
            raise ActionFailed(what, why, "Run it again later: it goes on with what is there.")
        self._emit(Waiting(f"{reason}; waiting until they are back", seconds))
        self._clock.sleep(seconds, self._cancelled)

    def _pieces(self, path: Path, size: int, meter: ByteMeter) -> Iterator[bytes]:
        left = size
        with path.open("rb", buffering=0) as stream:
            while left:
                if self._cancelled():
                    raise Cancelled("The upload was stopped by the operator.")
                piece = stream.read(min(_PIECE, left))
                if not piece:
                    what = f"{path.name} became shorter while it was uploaded."
                    raise Refused(what, "Somebody is writing to it.", "Lay a finished file there.")
                yield piece
                left -= len(piece)
                meter.at(size - left)
        meter.end()

    def _get(self, path: str, looking: str) -> ApiResponse:
        """A read that may be repeated: 200 and 404 are returned, everything else raises CouldNotLook."""
        try:
            answer = self._repeating(lambda: self._api.call("GET", path))
        except TryAgain as error:
            raise CouldNotLook(f"{looking} could not be seen: {error.reason}.", remedy="Wait a little, then look again.") from None
        except httpx.TransportError as error:
            what = f"{looking} could not be seen: {_broken(error)}."
            raise CouldNotLook(what, remedy="Check the network and the proxy, then look again.") from None
        if answer.status not in (200, 404):
            raise self._api.unseen(answer, looking)
        return answer

    def _written(self, call: Callable[[], T], doing: str) -> T:
        """A write's result; a line or a host that stayed broken becomes ActionFailed."""
        try:
            return call()
        except _NotThereYet:
            raise
        except TryAgain as error:
            what = f"{doing} failed: {error.reason}."
            raise ActionFailed(what, "Whether it took effect is unknown.", "Wait a little, then run again: it looks first.") from None
        except httpx.TransportError as error:
            what = f"{doing} failed: {_broken(error)}."
            raise ActionFailed(what, "Whether it took effect is unknown.", "Check the network, then run again: it looks first.") from None


class _NotThereYet(TryAgain):
    def __init__(self, answer: ApiResponse) -> None:
        super().__init__("The host does not know the asset yet", 404)
        self.answer = answer


def _broken(error: Exception) -> str:
    return "the host's certificate was refused" if untrusted(error) else f"the connection broke each time ({type(error).__name__})"


def _release(document: Any, tag: str) -> GitHubRelease:
    try:
        return GitHubRelease(int(document["id"]), str(document["tag_name"]), document.get("immutable") is True)
    except (KeyError, TypeError, ValueError):
        raise _unclear(tag) from None


def _asset(document: Any) -> Asset:
    try:
        digest = document.get("digest")
        sha256 = digest[7:].lower() if isinstance(digest, str) and digest.startswith("sha256:") else None
        return Asset(int(document["id"]), str(document["name"]), str(document["state"]), int(document["size"]), sha256)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _unclear("an asset") from None


def _unclear(about: str) -> CouldNotLook:
    return CouldNotLook(f"The release host's answer about {about} cannot be understood.", remedy="Look at the release in a browser.")
