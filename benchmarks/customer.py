"""A customer's updater while somebody releases: asks the appcast and the download it names, again and again, through the world's proxy.

`python customer.py DOWNLOAD APPCAST INTERVAL`: says "ready" once it has seen both, asks until its standard input closes, then prints as
JSON for how many seconds they disagreed at most, by its own monotonic clock, or null where the two did not both change. Standard
library alone: it must not share code with what it watches.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import sys
import threading
import time
from urllib.parse import urlsplit

_VERSION = re.compile(rb'sparkle:version="([^"]+)"')


class Asker:
    """Asks one address over a connection that is kept."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._tls = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
        self._kept: http.client.HTTPSConnection | None = None

    def ask(self) -> tuple[http.client.HTTPMessage, bytes] | None:
        """Headers and body; None where nothing of use came."""
        try:
            if self._kept is None:
                proxy = urlsplit(os.environ["HTTPS_PROXY"])
                self._kept = http.client.HTTPSConnection(proxy.hostname or "", proxy.port, context=self._tls, timeout=30)
                self._kept.set_tunnel(self._parts.netloc, 443)
            self._kept.request("GET", self._parts.path)
            answer = self._kept.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self._kept = None
            return None
        return (answer.headers, body) if answer.status in (http.client.OK, http.client.FOUND) else None


def watch(download: str, appcast: str, interval: float, stop: threading.Event) -> float | None:
    """Seconds from the last moment at which the old file was seen to the first at which the new release was offered."""
    file, feed = Asker(download), Asker(appcast)
    old_file = old_offer = None
    since = until = None
    told = False
    while not stop.is_set():
        sent = time.monotonic()
        got = file.ask()
        asset = got[0].get("x-nexy-asset-id") if got else None
        old_file = old_file or asset
        if asset is not None and asset == old_file:
            since = sent
        got = feed.ask()
        offered = _VERSION.search(got[1]) if got else None
        old_offer = old_offer or (offered[1] if offered else None)
        if until is None and offered is not None and offered[1] != old_offer:
            until = time.monotonic()
        if not told and old_file and old_offer:
            told = bool(print("ready", flush=True)) or True
        stop.wait(interval)
    return None if until is None or since is None else until - since


def main() -> None:
    """Watch until standard input closes."""
    stop = threading.Event()
    download, appcast, interval = sys.argv[1:]
    seen: list[float | None] = []
    watching = threading.Thread(target=lambda: seen.append(watch(download, appcast, float(interval), stop)))
    watching.start()
    sys.stdin.read()
    stop.set()
    watching.join()
    json.dump(seen[0] if seen else None, sys.stdout)


if __name__ == "__main__":
    main()
