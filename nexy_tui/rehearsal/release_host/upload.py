"""`uploads.github.com` of a rehearsal: an asset's bytes go to the disk as they come, hashed on the way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import BinaryIO

from nexy_tui.rehearsal.net.wire import DropConnection, Request, Response, json_response
from nexy_tui.rehearsal.release_host import documents as shapes
from nexy_tui.rehearsal.release_host.access import Access, Account, ApiError, invalid, not_found
from nexy_tui.rehearsal.release_host.store import StoredAsset, StoredRelease, clean_name
from nexy_tui.rehearsal.release_host.view import ReleaseView

LARGEST = 1 << 31
"""What GitHub takes for one asset, in bytes."""

MOST = 1000
"""How many assets a release may have."""

_PATH = re.compile("/repos/(?P<owner>[^/]+)/(?P<repo>[^/]+)/releases/(?P<id>[0-9]+)/assets")
_BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"


class Uploads:
    """The handler of `uploads.github.com`."""

    def __init__(self, access: Access, view: ReleaseView) -> None:
        self._access = access
        self._view = view
        self._store = view.store

    async def handle(self, request: Request) -> Response:
        """Take one upload."""
        account: Account | None = None
        try:
            account = self._access.account(request)
            self._access.check_rate()
            response = await self._upload(request, account)
        except ApiError as error:
            response = error.response()
        given = {name for name, _ in response.headers}
        extra = [pair for pair in self._access.headers(account) if pair[0] not in given]
        return Response(response.status, [*response.headers, *extra], response.body)

    async def _upload(self, request: Request, account: Account) -> Response:
        found = _PATH.fullmatch(request.path)
        if found is None or request.method != "POST":
            raise not_found()
        known = self._view.repository(found.groupdict(), account)
        login = account.require_write(known)
        release = self._view.release(known, found["id"])
        self._view.require_open(release, "Cannot upload assets to an immutable release.")
        length = _length(request)
        name = self._free_name(release, request)
        asset = self._store.begin(release, name, request.query.get("label", ""), _content_type(request), login)
        if self._view.faults.spend("upload-502"):
            await _swallow(request)
            return Response(HTTPStatus.BAD_GATEWAY, [("content-type", "text/html")], _BAD_GATEWAY)
        stop = length // 2 if self._view.faults.spend("upload-drop") else None
        digest = await self._receive(request, asset, length, stop)
        if asset.id not in release.assets:  # somebody deleted the starter meanwhile
            self._store.path(asset.blob).unlink(missing_ok=True)
            raise not_found()
        self._store.complete(release, asset, length, digest)
        return json_response(shapes.asset(release, asset), HTTPStatus.CREATED)

    def _free_name(self, release: StoredRelease, request: Request) -> str:
        name = clean_name(request.query.get("name", ""))
        if not name:
            raise invalid("ReleaseAsset", "missing_field", "name")
        if release.named(name) is not None:
            raise invalid("ReleaseAsset", "already_exists", "name")
        if len(release.assets) >= MOST:
            raise invalid("ReleaseAsset", "custom", "release", f"a release may have at most {MOST} assets")
        return name

    async def _receive(self, request: Request, asset: StoredAsset, length: int, stop: int | None) -> str:
        """Write the body to the asset's blob; its SHA-256. What is incomplete leaves no bytes, and the asset a `starter`."""
        path = self._store.path(asset.blob)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        try:
            with part.open("wb") as sink:
                digest = await _copy(request.body, sink, length, stop)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return digest


async def _copy(body: AsyncIterator[bytes], sink: BinaryIO, length: int, stop: int | None) -> str:
    digest, received = hashlib.sha256(), 0
    async for piece in body:
        digest.update(piece)
        received += sink.write(piece)
        if stop is not None and received > stop:
            raise DropConnection
    if received != length or stop is not None:
        raise DropConnection
    return digest.hexdigest()


async def _swallow(request: Request) -> None:
    async for _ in request.body:
        pass


def _length(request: Request) -> int:
    text = request.headers.get("content-length", "")
    if not text.isdigit():
        raise ApiError(HTTPStatus.BAD_REQUEST, "Bad Content-Length: " + text)
    if int(text) < 1:
        raise invalid("ReleaseAsset", "custom", "size", "size must be greater than or equal to 1")
    if int(text) > LARGEST:
        raise invalid("ReleaseAsset", "custom", "size", f"size must be less than or equal to {LARGEST}")
    return int(text)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "application/octet-stream")
