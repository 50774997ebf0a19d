"""The release host of a rehearsal: GitHub's API, uploads, release pages and asset host, over one store on the disk.

GitHub's behaviour is followed where a release can meet it: tokens and scopes, 404 for what one may not know, 422 with
its reasons, `starter` assets, renamed names, pages of assets, rate limits, and downloads by an expiring redirect.
"""

from __future__ import annotations

import asyncio

from nexy_tui.core.target import DMG, PKG
from nexy_tui.rehearsal.artifacts import make as artifacts
from nexy_tui.rehearsal.fault import Fault, Faults
from nexy_tui.rehearsal.names import ARTIFACTS, ASSET_HOST, World
from nexy_tui.rehearsal.net.wire import Handler
from nexy_tui.rehearsal.release_host.access import Access
from nexy_tui.rehearsal.release_host.api import ApiHandler
from nexy_tui.rehearsal.release_host.assets import AssetHost
from nexy_tui.rehearsal.release_host.sign import UrlSigner
from nexy_tui.rehearsal.release_host.store import REPOSITORIES, Store
from nexy_tui.rehearsal.release_host.upload import Uploads
from nexy_tui.rehearsal.release_host.view import ReleaseView
from nexy_tui.rehearsal.release_host.web import Web
from nexy_tui.rehearsal.seed import previous_artifact

FAULTS: tuple[Fault, ...] = (
    Fault("missing-tag", "remotes", "The artifacts repository has no release under the fixed tag.", parameter="the tag (default: Update)"),
    Fault("token-invalid", "remotes", "No token is valid any more: every request that shows one is answered 401."),
    Fault("token-without-scope", "remotes", "The tokens are valid but lack the scope that may change releases."),
    Fault("immutable-release", "publish", "The releases are immutable and refuse every change with 422."),
    Fault("rate-limited", "publish", "The API answers 403 with retry-after.", parameter="how often, or `429`, `primary`, `low`"),
    Fault("upload-502", "publish", "An upload is answered 502 and leaves an asset in state starter.", parameter="how often"),
    Fault("upload-drop", "publish", "The connection ends in the middle of an upload and leaves a starter.", parameter="how often"),
    Fault("rename-404-once", "publish", "The first rename of an asset is answered 404."),
    Fault(
        "download-other-bytes",
        "publish",
        "Downloads serve other bytes of the same length.",
        parameter="`final`: under the fixed names only",
    ),
    Fault(
        "download-stale-once",
        "publish",
        "The first download after a replacement serves the bytes from before.",
        parameter="how many downloads (default: 1)",
    ),
)


def handlers(world: World, faults: Faults) -> dict[str, Handler]:
    """The release host's servers by host name. `github.com` answers everything but git here."""
    store, access, signer = Store(world), Access(world, faults), UrlSigner(world.secrets.url_signing_key)
    target = world.target
    view = ReleaseView(world, store, faults)
    return {
        target.hosts.web: Web(view, signer).handle,
        target.hosts.api: ApiHandler(world, access, view, signer).handle,
        target.hosts.uploads: Uploads(access, view).handle,
        ASSET_HOST: AssetHost(store, faults, signer).handle,
    }


async def create(world: World) -> None:
    """Publish the release before this one: `Nexy.dmg` under its fixed tag and `Nexy.pkg` under its own."""
    store, repository = Store(world), REPOSITORIES[ARTIFACTS.lower()]
    store.blobs.mkdir(parents=True, exist_ok=True)
    for name in (DMG, PKG):
        source = previous_artifact(world, name)
        tag = world.target.tag_for(name)
        release = store.add_release(repository, tag, "nexy-operator", name=tag, body=f"The current {name}.")
        asset = store.begin(release, name, "", "application/octet-stream", "nexy-operator")
        artifacts.copy(source, store.path(asset.blob))
        store.complete(release, asset, source.stat().st_size, await asyncio.to_thread(artifacts.sha256, source))
