"""A crowd of clients at the release URL while somebody publishes: many small ranged requests, and whole downloads beside them.

Runs in a world's environment until its standard input closes, lets the downloads that are under way end, then prints
what it saw as one JSON document. Standard library and curl alone: it must not share code with what it watches.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_CONNECTIONS = 4
_REST = 0.05


@dataclass
class Probe:
    """One small request: when it was sent and answered, and the asset that served it; None where no file was there."""

    sent: float
    answered: float
    asset: str | None


@dataclass
class Crowd:
    """Everything that was seen so far."""

    url: str
    interval: float
    stop: threading.Event = field(default_factory=threading.Event)
    probes: list[Probe] = field(default_factory=list)
    downloads: Counter[str] = field(default_factory=Counter)

    def probe(self, offset: float) -> None:
        """Probe at a steady pace over two connections that are kept, one to each host."""
        asker = _Asker(self.url)
        due = time.monotonic() + offset
        while not self.stop.is_set():
            time.sleep(max(0.0, due - time.monotonic()))
            due = max(due + self.interval, time.monotonic() - self.interval)
            sent = time.monotonic()
            asset = asker.ask()
            self.probes.append(Probe(sent, time.monotonic(), asset))

    def download(self, offset: float) -> None:
        """Download the whole file again and again, as a client does."""
        self.stop.wait(offset)
        while not self.stop.is_set():
            self.downloads[_downloaded(self.url)] += 1
            self.stop.wait(_REST)


class _Asker:
    """Asks for the first byte at an address, through the environment's proxy, following the one redirect."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._tls = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
        self._kept: dict[str, http.client.HTTPSConnection] = {}

    def ask(self) -> str | None:
        """The number of the asset that served the byte; None when there was no file."""
        try:
            status, headers = self._get(self._url)
            if status == http.client.FOUND:
                status, headers = self._get(headers["location"])
        except (OSError, http.client.HTTPException):
            self._kept.clear()
            return None
        return headers["x-nexy-asset-id"] if status == http.client.PARTIAL_CONTENT else None

    def _get(self, url: str) -> tuple[int, http.client.HTTPMessage]:
        parts = urlsplit(url)
        if parts.netloc not in self._kept:
            proxy = urlsplit(os.environ["HTTPS_PROXY"])
            made = http.client.HTTPSConnection(proxy.hostname or "", proxy.port, context=self._tls, timeout=30)
            made.set_tunnel(parts.netloc, 443)
            self._kept[parts.netloc] = made
        connection = self._kept[parts.netloc]
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path, headers={"Range": "bytes=0-0"})
        response = connection.getresponse()
        response.read()
        return response.status, response.headers


def _downloaded(url: str) -> str:
    """The digest of what curl got, or why there was nothing to digest: `404`, `curl 18` for a transfer that broke off."""
    with subprocess.Popen(
        ["curl", "-sSL", "-w", "%{stderr}%{http_code}", url], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as curl:
        assert curl.stdout is not None and curl.stderr is not None
        sha = hashlib.sha256()
        while piece := curl.stdout.read(1 << 20):
            sha.update(piece)
        said = curl.stderr.read().decode()
    if curl.returncode != 0:
        return f"curl {curl.returncode}"
    return sha.hexdigest() if said.endswith("200") else said[-3:]


def main() -> None:
    """Watch until standard input closes."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("url")
    options.add_argument("--probes-per-second", type=float, default=260)
    options.add_argument("--downloaders", type=int, default=2)
    options.add_argument("--stagger", type=float, default=0.0, help="seconds between the first download of each downloader")
    told = options.parse_args()
    crowd = Crowd(told.url, _CONNECTIONS / told.probes_per_second)
    probers = [threading.Thread(target=crowd.probe, args=(index / told.probes_per_second,)) for index in range(_CONNECTIONS)]
    loaders = [threading.Thread(target=crowd.download, args=(index * told.stagger,)) for index in range(told.downloaders)]
    for thread in (*probers, *loaders):
        thread.start()
    sys.stdin.read()
    crowd.stop.set()
    for thread in (*probers, *loaders):
        thread.join()
    probes = [[probe.sent, probe.answered, probe.asset] for probe in crowd.probes]
    json.dump({"probes": probes, "downloads": crowd.downloads}, sys.stdout)


if __name__ == "__main__":
    main()
