"""The image at the release URL, downloaded once a pass as a client does, and its Sparkle signature over those very bytes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from checks.base import Scope
from checks.inbox import look_inbox, read_manifest
from nexy_tui.core import manifest
from nexy_tui.core.problem import Problem
from nexy_tui.core.target import DMG
from nexy_tui.services.download import Downloaded


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """The download (None: nothing is there), and whether the canonical manifest's signature is valid over its bytes.

    `signed` is None where that was not asked or could not be seen; then `unseen` says why.
    """

    download: Downloaded | None
    signed: bool | None = None
    unseen: str = ""


def look_image(scope: Scope) -> ImageFacts:
    """Download the image and verify its signature, once a pass."""
    return scope.once("publish.image", lambda: _look(scope))


def _look(scope: Scope) -> ImageFacts:
    services, plan = scope.services, scope.plan
    host, tag = services.github.watched(scope.emit), plan.target.tag_for(DMG)
    stated = read_manifest(services.checkout / services.layout.canonical)
    local = look_inbox(scope).of(DMG).found if plan.kind.publishes else None
    if local is not None:
        download = host.settled(tag, DMG, (local.size, local.sha256), subject=DMG, phase="downloading")
        if download is not None and download.sha256 == local.sha256:
            return _signed(scope, download, local.path, stated)
    wanted = None if stated is None or not stated.sha256 else (stated.size, stated.sha256)
    if stated is None or stated.signature is None or not services.sparkle.verifies:
        return ImageFacts(host.settled(tag, DMG, wanted, subject=DMG, phase="downloading"))
    services.settings.state_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix="download-", dir=services.settings.state_dir) as sink:
        download = host.settled(tag, DMG, wanted, subject=DMG, phase="downloading", sink=cast(BinaryIO, sink))
        sink.flush()
        return ImageFacts(None) if download is None else _signed(scope, download, Path(sink.name), stated)


def _signed(scope: Scope, download: Downloaded, path: Path, stated: manifest.Manifest | None) -> ImageFacts:
    sparkle = scope.services.sparkle
    if stated is None or stated.signature is None or not sparkle.verifies:
        return ImageFacts(download)
    try:
        seen = sparkle.verify(path, stated.signature, sha256=download.sha256)
    except Problem as error:
        return ImageFacts(download, unseen=error.what)
    if seen.sha256 != download.sha256:
        return ImageFacts(download, unseen=f"{path.name} changed while it was read.")
    return ImageFacts(download, signed=seen.valid)
