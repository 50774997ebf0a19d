"""The release pages and downloads of `github.com` in a rehearsal: what a browser and an updater see, without any token."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from http import HTTPStatus

from nexy_tui.rehearsal.net.wire import Request, Response
from nexy_tui.rehearsal.release_host.access import Account, ApiError, not_found
from nexy_tui.rehearsal.release_host.sign import UrlSigner
from nexy_tui.rehearsal.release_host.store import UPLOADED, StoredRelease
from nexy_tui.rehearsal.release_host.view import ReleaseView, first

_REPO = "/(?P<owner>[^/]+)/(?P<repo>[^/]+)"
_DOWNLOAD = re.compile(_REPO + "/releases/(?:download/(?P<tag>[^/]+)|latest/download)/(?P<name>[^/]+)")
_PAGE = re.compile(_REPO + "/releases(?:/tag/(?P<tag>[^/]+)|/latest)?")
_ANYBODY = Account(None, "anonymous")


class Web:
    """The handler of `github.com`, git's paths aside. Knows no tokens: a release page is public or it is not there."""

    def __init__(self, view: ReleaseView, signer: UrlSigner) -> None:
        self._view = view
        self._signer = signer

    async def handle(self, request: Request) -> Response:
        """Answer one request: a redirect to the asset host, or a page."""
        try:
            if request.method not in ("GET", "HEAD"):
                raise not_found()
            if (download := _DOWNLOAD.fullmatch(request.path)) is not None:
                return self._download(download.groupdict())
            if (page := _PAGE.fullmatch(request.path.rstrip("/"))) is not None:
                return self._page(page.groupdict(), latest=request.path.endswith("/latest"))
            raise not_found()
        except ApiError:
            return _html("Page not found · GitHub", "<h1>404</h1><p>This is not the page you are looking for.</p>", HTTPStatus.NOT_FOUND)

    def _download(self, found: Mapping[str, str]) -> Response:
        release = self._release(found)
        asset = release.named(found["name"])
        if asset is None or asset.state != UPLOADED:
            raise not_found()
        asset.download_count += 1
        headers = [("location", self._signer.url(asset)), ("x-nexy-asset-id", str(asset.id)), ("cache-control", "no-cache")]
        return Response(HTTPStatus.FOUND, headers)

    def _page(self, found: Mapping[str, str], *, latest: bool) -> Response:
        if found.get("tag") or latest:
            release = self._release(found)
            return _html(f"Release {release.name} · {release.repository} · GitHub", _section(release))
        known = self._view.repository(found, _ANYBODY)
        return _html(f"Releases · {known.full_name} · GitHub", "".join(_section(release) for release in self._view.releases(known)))

    def _release(self, found: Mapping[str, str]) -> StoredRelease:
        known = self._view.repository(found, _ANYBODY)
        if found.get("tag"):
            return self._view.tagged(known, found["tag"])
        return first([release for release in self._view.releases(known) if not release.draft and not release.prerelease])


def _section(release: StoredRelease) -> str:
    base = f"/{release.repository}/releases/download/{release.tag}"
    files = "".join(
        f'<li><a href="{base}/{html.escape(asset.name)}">{html.escape(asset.name)}</a> {asset.size} bytes</li>'
        for asset in release.assets.values()
        if asset.state == UPLOADED
    )
    return f"<h1>{html.escape(release.name)}</h1><p>{html.escape(release.tag)}</p><p>{html.escape(release.body)}</p><ul>{files}</ul>"


def _html(title: str, body: str, status: int = HTTPStatus.OK) -> Response:
    page = f"<!DOCTYPE html>\n<html><head><title>{html.escape(title)}</title></head><body>{body}</body></html>\n"
    return Response(status, [("content-type", "text/html; charset=utf-8")], page.encode())
