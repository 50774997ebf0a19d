"""Addresses of the asset host: each good for one asset and a few minutes, signed so that no other can be made from it."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

from nexy_tui.rehearsal.names import ASSET_HOST
from nexy_tui.rehearsal.release_host.store import StoredAsset

EXPIRES = 300
"""Seconds for which GitHub signs a download."""

_FOLDER = "/github-production-release-asset-2e65be/"
_SIGNATURE = "X-Amz-Signature"


class BadUrlSignature(Exception):
    """The address was altered, or is of another world. `code` is what the host's XML calls it."""

    code = "SignatureDoesNotMatch"


class Expired(BadUrlSignature):
    """The address was good once."""

    code = "AccessDenied"


class UrlSigner:
    """Makes and checks the addresses of one world, with its key."""

    def __init__(self, key: str, now: Callable[[], float] = time.time) -> None:
        self._key = key.encode()
        self._now = now

    def url(self, asset: StoredAsset) -> str:
        """Where the bytes of an asset can be downloaded for the next minutes."""
        path = f"{_FOLDER}{asset.blob}"
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Date": str(int(self._now())),
            "X-Amz-Expires": str(EXPIRES),
            "X-Amz-SignedHeaders": "host",
            "response-content-disposition": f"attachment; filename={asset.name}",
            "response-content-type": "application/octet-stream",
        }
        query[_SIGNATURE] = self._sign(path, query)
        return f"https://{ASSET_HOST}{path}?{urlencode(query)}"

    def check(self, path: str, raw_query: str) -> str:
        """The blob an address stands for. Raises BadSignature or Expired."""
        pairs = parse_qsl(raw_query, keep_blank_values=True)
        query = dict(pairs)
        given = query.pop(_SIGNATURE, "")
        if len(pairs) != len(query) + 1 or not hmac.compare_digest(given.encode(), self._sign(path, query).encode()):
            raise BadUrlSignature
        if self._now() > int(query["X-Amz-Date"]) + int(query["X-Amz-Expires"]):
            raise Expired
        return path.removeprefix(_FOLDER)

    def _sign(self, path: str, query: dict[str, str]) -> str:
        text = "\n".join([path, *(f"{name}={value}" for name, value in sorted(query.items()))])
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
