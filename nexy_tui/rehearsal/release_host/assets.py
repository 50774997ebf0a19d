"""The asset host of a rehearsal: serves an asset's bytes to whoever brings a signed address, and wants no token."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path

from nexy_tui.core.target import DMG, PKG
from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.net.wire import PIECE, Request, Response
from nexy_tui.rehearsal.release_host import reaper
from nexy_tui.rehearsal.release_host.sign import BadUrlSignature, UrlSigner
from nexy_tui.rehearsal.release_host.store import Store, StoredAsset

_RANGE = re.compile("bytes=(?P<first>[0-9]*)-(?P<last>[0-9]*)")
_SPACING = 1 << 20
"""How far apart the bytes lie that the fault `download-other-bytes` alters, counted from the file's first."""


class AssetHost:
    """The handler of the asset host."""

    def __init__(self, store: Store, faults: Faults, signer: UrlSigner) -> None:
        self._store = store
        self._faults = faults
        self._signer = signer

    async def handle(self, request: Request) -> Response:
        """Serve one download, whole or a range of it."""
        if request.method not in ("GET", "HEAD"):
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", "Only GET and HEAD are served here.")
        if "authorization" in request.headers:
            return _refusal(HTTPStatus.BAD_REQUEST, "InvalidArgument", "Only one auth mechanism allowed: the signed query, no header.")
        try:
            blob = self._signer.check(request.path, request.target.partition("?")[2])
        except BadUrlSignature as error:
            return _refusal(HTTPStatus.FORBIDDEN, error.code, "The address is not, or no longer, good.")
        held = self._store.holder(blob)
        if held is None:
            return _refusal(HTTPStatus.NOT_FOUND, "BlobNotFound", "The asset was deleted.")
        release, asset = held
        number, path = asset.id, self._store.path(blob)
        if request.method == "GET":
            number, path = self._stale(release.id, asset) or (number, path)
        return self._serve(request, path, number, altered=self._alters(asset))

    def _stale(self, release: int, asset: StoredAsset) -> tuple[int, Path] | None:
        """The bytes the name stood for before, for the first download after it changed hands (fault `download-stale-once`)."""
        before = self._store.displaced.get((release, asset.name))
        if before is None or not before.name_taken or before.blob == asset.blob:
            return None
        before.served += 1
        times = self._faults.param("download-stale-once", "1")
        if not self._faults.active("download-stale-once") or before.served > (int(times) if times.isdigit() else 1):
            return None
        path = self._store.path(before.blob)
        return (before.asset, path) if path.exists() else None

    def _alters(self, asset: StoredAsset) -> bool:
        if not self._faults.active("download-other-bytes"):
            return False
        return self._faults.param("download-other-bytes") != "final" or asset.name in (DMG, PKG)

    def _serve(self, request: Request, path: Path, number: int, *, altered: bool) -> Response:
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return _refusal(HTTPStatus.NOT_FOUND, "BlobNotFound", "The asset was deleted.")
        opened = _Opened(descriptor)
        status = os.fstat(descriptor)
        headers = [
            ("content-type", "application/octet-stream"),
            ("content-disposition", request.query.get("response-content-disposition", "attachment")),
            ("accept-ranges", "bytes"),
            ("etag", f'"0x{path.name[:16].upper()}"'),
            ("last-modified", formatdate(status.st_mtime, usegmt=True)),
            ("x-nexy-asset-id", str(number)),
        ]
        try:
            part = _wanted(request, status.st_size, dict(headers))
        except ValueError:
            return Response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, [("content-range", f"bytes */{status.st_size}")])
        start, end = part or (0, status.st_size)
        headers.append(("content-length", str(end - start)))
        if part is not None:
            headers.append(("content-range", f"bytes {start}-{end - 1}/{status.st_size}"))
        return Response(HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK, headers, _pieces(opened, start, end, altered))


class _Opened:
    """An open file that is closed with the last reference to it: what a client began to download it gets whole, also
    when the asset is deleted meanwhile, and a body nobody reads leaves nothing open."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        reaper.start()

    def __del__(self) -> None:
        reaper.close(self.descriptor)


async def _pieces(opened: _Opened, start: int, end: int, altered: bool) -> AsyncIterator[bytes]:
    while start < end:
        piece = os.pread(opened.descriptor, min(PIECE, end - start), start)
        if not piece:
            raise ConnectionResetError("an asset became shorter while it was served")
        yield _alter(piece, start) if altered else piece
        start += len(piece)


def _alter(piece: bytes, offset: int) -> bytes:
    changed = bytearray(piece)
    for index in range(-offset % _SPACING, len(piece), _SPACING):
        changed[index] ^= 0xFF
    return bytes(changed)


def _wanted(request: Request, size: int, headers: dict[str, str]) -> tuple[int, int] | None:
    """The range asked for, as start and end; None for the whole. Raises ValueError where it lies outside (RFC 9110 section 14)."""
    condition = request.headers.get("if-range")
    found = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if found is None or not (found["first"] or found["last"]) or condition not in (None, headers["etag"], headers["last-modified"]):
        return None
    if not found["first"]:
        start, end = max(0, size - int(found["last"])), size
    else:
        start, end = int(found["first"]), min(int(found["last"] or size) + 1, size)
    if start >= end:
        raise ValueError("no such range")
    return start, end


def _refusal(status: int, code: str, message: str) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>\n'
    return Response(status, [("content-type", "application/xml")], body.encode())
