"""Which bytes are the release's, when its witnesses disagree: the download, the inbox's image, and what the pushed manifest names.

Each is compared with the other two, so that what is wrong is named and what it is merely compared with is not. Where only two
are available, the download is believed: manifests are derived from it, never the other way round (rulebook 4.1).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, cast

from checks.base import Scope
from checks.gate_cells import Expected, UnseenSource
from checks.image import ImageFacts
from checks.inbox import look_inbox
from nexy_tui.core import manifest
from nexy_tui.core.problem import Problem
from nexy_tui.core.target import DMG
from nexy_tui.services.artifact import Inspected


@dataclass(frozen=True, slots=True)
class Bytes:
    """A file's figures."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The three witnesses (None: not available), and over which of the files each signature is valid (by signature and sha256)."""

    download: Bytes | None
    inbox: Bytes | None
    named: Bytes | None
    valid: Mapping[tuple[str, str], bool] = field(default_factory=dict)

    @property
    def inbox_is_alone(self) -> bool:
        """Whether the inbox's image is neither what clients get nor what the manifest names."""
        if self.inbox is None or self.download is None:
            return False
        return self.inbox.sha256 not in {one.sha256 for one in (self.download, self.named) if one is not None}

    @property
    def download_is_alone(self) -> bool:
        """Whether clients get another file than the inbox's image, which the pushed manifest names."""
        if self.inbox is None or self.download is None or self.named is None:
            return False
        return self.inbox.sha256 == self.named.sha256 != self.download.sha256

    def wanted(self, want: Expected, sha256: str | None = None, signature: str | None = None) -> Expected:
        """The expectations for something that names this digest, or carries this signature.

        It is compared with the inbox's image where it speaks of exactly that one, else with the download.
        """
        chosen = self.inbox if self._of_inbox(sha256, signature or "") else self.download
        if chosen is None:
            return replace(want, size=None, sha256=None, signed=None)
        return replace(want, size=chosen.size, sha256=chosen.sha256, signed=self.valid.get((signature or "", chosen.sha256)))

    def _of_inbox(self, sha256: str | None, signature: str) -> bool:
        if self.inbox is None:
            return False
        return sha256 == self.inbox.sha256 or (sha256 is None and self.valid.get((signature, self.inbox.sha256)) is True)


def look_witnesses(
    scope: Scope,
    image: ImageFacts | UnseenSource,
    canonical: bytes | None,
    signatures: Iterable[str],
    known: Mapping[tuple[str, str], bool],
) -> Witnesses:
    """The three, and every signature verified over each file but for what is `known`; one that could not be verified is left out."""
    local = _local(scope)
    got = image.download if isinstance(image, ImageFacts) else None
    download = None if got is None else Bytes(got.size, got.sha256)
    inbox = None if local is None else Bytes(local.size, local.sha256)
    valid = dict(known)
    if scope.services.sparkle.verifies:
        asked = sorted({one for one in signatures if manifest.is_signature(one)})
        here = [] if local is None else [one for one in asked if (one, local.sha256) not in valid]
        valid |= _over(scope, local.path, here, local.sha256) if local is not None else {}
        valid |= _over_download(scope, [] if download is None else [one for one in asked if (one, download.sha256) not in valid])
    return Witnesses(download, inbox, _named(canonical), valid)


def _local(scope: Scope) -> Inspected | None:
    """The inbox's image, where it is whole and of this release."""
    plan = scope.plan
    return look_inbox(scope).of_release(DMG, plan) if plan.kind.publishes and plan.version is not None else None


def _named(canonical: bytes | None) -> Bytes | None:
    stated = manifest.read_or_none(canonical)
    if stated is None or not stated.sha256:
        return None
    return Bytes(stated.size, stated.sha256)


def _over_download(scope: Scope, signatures: list[str]) -> dict[tuple[str, str], bool]:
    """Over the bytes at the release URL, downloaded once more where they are not the inbox's."""
    services, plan = scope.services, scope.plan
    if not signatures:
        return {}
    services.settings.state_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix="download-", dir=services.settings.state_dir) as sink:
        host = services.github.watched(scope.emit)
        try:
            host.download(plan.target.tag_for(DMG), DMG, subject=DMG, phase="downloading", sink=cast(BinaryIO, sink))
        except Problem:
            return {}
        sink.flush()
        return _over(scope, Path(sink.name), signatures, "")


def _over(scope: Scope, path: Path, signatures: list[str], sha256: str) -> dict[tuple[str, str], bool]:
    """Validity by signature and the digest of what was really read, so that a file that changes meanwhile is nobody's."""
    found = {}
    for signature in signatures:
        try:
            seen = scope.services.sparkle.verify(path, signature, sha256=sha256)
        except Problem:
            continue
        found[signature, seen.sha256] = seen.valid
    return found
