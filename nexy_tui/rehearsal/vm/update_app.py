"""The update server itself: a small stand-in for the team's application, run by the VM's own Python from the VM's own clone.

Standard library and the VM's wheels only: it is started by path, in another interpreter, where this package does not exist.
It serves `/health`, `/updates/health` and `/updates/appcast.xml` the way the application does: versions from `config.env` as it stood
at the start, the appcast from the manifest as it stands at each request.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any
from xml.sax.saxutils import escape, quoteattr

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPARKLE = "http://www.andymatuschak.org/xml-namespaces/sparkle"
_MANIFESTS = ("server/server/updates/manifests/manifest.json", "server/updates/manifests/manifest.json")
_CONFIGS = ("server/server/config.env", "server/config.env")
_READERS = ("server/server/config/unified_config.py", "server/config/unified_config.py")
_VERSIONS = ("VERSION", "server/VERSION")


class Unservable(Exception):
    """The appcast cannot be made from what is there; clients get a 500."""


def read_config(app: Path) -> dict[str, str]:
    """The settings of the first `config.env` there is, split as the clone's own reader splits. Raises ValueError for a bad name."""
    path, reader = first(app, _CONFIGS), first(app, _READERS)
    split = str.rsplit if reader is not None and ".rsplit('=', 1)" in reader.read_text(encoding="utf-8") else str.split
    settings: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path is not None else []:
        text = line.strip()
        if not text or text.startswith("#") or "=" not in text:
            continue
        name, value = (part.strip() for part in split(text, "=", 1))
        if _NAME.fullmatch(name) is None:
            raise ValueError("illegal environment variable name")
        settings[name] = value
    return settings


def read_manifest(app: Path) -> dict[str, Any]:
    """The manifest the running server uses. Raises Unservable where there is none or it cannot be read."""
    path = first(app, _MANIFESTS)
    if path is None:
        raise Unservable("no manifest")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Unservable("the manifest is not JSON") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("artifact"), dict):
        raise Unservable("the manifest is not an object with an artifact")
    return manifest


def first(app: Path, names: tuple[str, ...]) -> Path | None:
    """The first of these files that exists below the application's directory."""
    return next((app / name for name in names if (app / name).is_file()), None)


def health(app: Path, settings: dict[str, str]) -> dict[str, str]:
    """What both health addresses say: `config.env` first, then the manifest, then the file VERSION."""
    version, build = settings.get("SERVER_VERSION", ""), settings.get("SERVER_BUILD", "")
    if not version or not build:
        fallback = _fallback_version(app)
        version, build = version or fallback, build or fallback
    return {"status": "healthy", "version": version, "latest_version": version, "latest_build": build}


def _fallback_version(app: Path) -> str:
    try:
        return str(read_manifest(app).get("version", ""))
    except Unservable:
        path = first(app, _VERSIONS)
        return path.read_text(encoding="utf-8").strip() if path is not None else ""


def appcast(manifest: dict[str, Any]) -> bytes:
    """The Sparkle feed for a manifest. Raises Unservable when the artifact's address is not https."""
    artifact = manifest["artifact"]
    if not str(artifact.get("url", "")).startswith("https://"):
        raise Unservable("the artifact's URL is not https")
    version = str(manifest.get("version", ""))
    attributes = {
        "url": artifact["url"],
        "length": artifact.get("size", 0),
        "type": "application/octet-stream",
        "sparkle:version": manifest.get("build", version),
        "sparkle:shortVersionString": version,
        "sparkle:minimumSystemVersion": artifact.get("min_os", ""),
    }
    if artifact.get("ed25519"):
        attributes["sparkle:dsaSignature"] = artifact["ed25519"]
    enclosure = " ".join(f"{name}={quoteattr(str(value))}" for name, value in attributes.items())
    lines = (
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<rss version="2.0" xmlns:sparkle="{_SPARKLE}">',
        "  <channel>",
        "    <title>Nexy</title>",
        "    <item>",
        f"      <title>Nexy {escape(version)}</title>",
        f"      <pubDate>{escape(str(manifest.get('release_date', '')))}</pubDate>",
        f"      <sparkle:releaseNotesLink>{escape(str(manifest.get('notes_url', '')))}</sparkle:releaseNotesLink>",
        f"      <enclosure {enclosure}/>",
        "    </item>",
        "  </channel>",
        "</rss>",
        "",
    )
    return "\n".join(lines).encode()


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    app: Path
    said: dict[str, str]

    def do_GET(self) -> None:
        """Health or the appcast."""
        path = self.path.partition("?")[0]
        if path in ("/health", "/updates/health"):
            self._answer(200, "application/json", json.dumps(self.said).encode())
        elif path == "/updates/appcast.xml":
            try:
                self._answer(200, "application/xml; charset=utf-8", appcast(read_manifest(self.app)))
            except Unservable as reason:
                self.log_error("appcast: %s", reason)
                self._answer(500, "application/json", json.dumps({"detail": str(reason)}).encode())
        else:
            self._answer(404, "application/json", b'{"detail": "Not Found"}')

    do_HEAD = do_GET

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def main() -> None:
    """Start as the application does: settings, libraries, then listen and say so."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--app", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    settings = read_config(options.app)
    wire = importlib.import_module("nexy_wire")
    Handler.app, Handler.said = options.app, health(options.app, settings)
    key = settings.get("GEMINI_API_KEY", "")
    if not key.startswith("AIza") or "EXPIRED" in key:
        print("TextProcessor initialization failed: API_KEY_INVALID", file=sys.stderr, flush=True)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_follow_owner, daemon=True).start()
    print(f"Nexy {Handler.said['version']} (nexy-wire {wire.__version__}) listening on http://127.0.0.1:{options.port}", flush=True)
    server.serve_forever()


def _follow_owner() -> None:
    """End when standard input ends: whoever started this has gone, even if it could not say so."""
    while os.read(0, 1024):
        pass
    os._exit(0)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
