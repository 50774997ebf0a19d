"""The update server itself: a small stand-in for the team's application, run by the VM's own Python from the VM's own clone.

Standard library and the VM's wheels only: it is started by path, in another interpreter, where this package does not exist.
It is both of the team's services: the application with its `/health` at one port, the update service with `/updates/health` and
`/updates/appcast.xml` at another. Versions come from `config.env` as it stood at the start, the appcast from the manifest as it
stands at each request, unless a switch of the world says that this is another of the team's editions.
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


HEALTH_FIELDS = "health-more-fields"
UPDATES_FROM_MANIFEST = "updates-health-from-manifest"
APPCAST_FROM_CONFIG = "appcast-from-config"
"""The world's switches that make this another edition, by their names in the world's `faults.json`."""

_HEALTH_AGE, _APPCAST_AGE = 30, 60
"""Seconds that an answer may be kept by whoever stands between."""


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
    return _manifest(path)


def _manifest(path: Path) -> dict[str, Any]:
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


def latest(app: Path, settings: dict[str, str]) -> dict[str, str]:
    """The versions that both services tell of: `config.env` first, then the manifest, then the file VERSION."""
    version, build = settings.get("SERVER_VERSION", ""), settings.get("SERVER_BUILD", "")
    if not version or not build:
        fallback = _fallback_version(app)
        version, build = version or fallback, build or fallback
    return {"latest_version": version, "latest_build": build}


def health(said: dict[str, str], switches: set[str]) -> dict[str, Any]:
    """The application's own health document. There is no `version` in it."""
    document: dict[str, Any] = {"status": "OK", **said}
    if HEALTH_FIELDS in switches:
        document |= {"service": "voice-assistant", "uptime": 17, "database": {"connected": True}, "features": ["voice", None]}
    return document


def updates_health(app: Path, said: dict[str, str], switches: set[str]) -> dict[str, Any]:
    """The update service's health document. Raises Unservable where an edition that reads the manifest finds none."""
    if UPDATES_FROM_MANIFEST in switches:
        manifest = read_manifest(app)
        said = {"latest_version": manifest.get("version", ""), "latest_build": manifest.get("build", "")}
    return {"status": "healthy", "version": said["latest_version"], **said, "manifests_dir": "updates/manifests"}


def newest_manifest(app: Path) -> dict[str, Any]:
    """The manifest file of a version written last, in the directory the server reads. Raises Unservable where there is none."""
    canonical = first(app, _MANIFESTS)
    folders = [app / name for name in _MANIFESTS] if canonical is None else [canonical]
    found = [path for folder in folders for path in folder.parent.glob("manifest_[0-9]*.json")]
    if not found:
        raise Unservable("no manifest of a version")
    return _manifest(max(found, key=lambda path: path.stat().st_mtime_ns))


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
    """Answers one request of the application; `updates` makes it the update service's."""

    app: Path
    said: dict[str, str]
    switches: Path
    updates = False

    def do_GET(self) -> None:
        """Health or the appcast."""
        path = self.path.partition("?")[0]
        answers = {"/health": self._health}
        if self.updates:
            answers = {"/updates/health": self._updates_health, "/updates/appcast.xml": self._appcast}
        if path not in answers:
            self._answer(404, "application/json", b'{"detail": "Not Found"}')
            return
        try:
            answers[path]()
        except Unservable as reason:
            self.log_error("%s: %s", path, reason)
            self._answer(500, "application/json", json.dumps({"status": "unhealthy", "detail": str(reason)}).encode())

    do_HEAD = do_GET

    def _health(self) -> None:
        self._answer(200, "application/json", json.dumps(health(self.said, self._on())).encode(), _HEALTH_AGE)

    def _updates_health(self) -> None:
        document = updates_health(self.app, self.said, self._on())
        self._answer(200, "application/json", json.dumps(document).encode(), _HEALTH_AGE)

    def _appcast(self) -> None:
        manifest = read_manifest(self.app) if APPCAST_FROM_CONFIG not in self._on() else newest_manifest(self.app)
        if APPCAST_FROM_CONFIG in self._on():
            manifest = manifest | {"version": self.said["latest_version"], "build": self.said["latest_build"]}
        self._answer(200, "application/xml; charset=utf-8", appcast(manifest), _APPCAST_AGE)

    def _on(self) -> set[str]:
        """The world's switches as they stand now."""
        try:
            return set(json.loads(self.switches.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return set()

    def _answer(self, status: int, kind: str, body: bytes, age: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", f"public, max-age={age}" if age else "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class UpdatesHandler(Handler):
    """The update service's port."""

    updates = True


def main() -> None:
    """Start as the application does: settings, libraries, then listen and say so."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--app", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True, help="the application's")
    parser.add_argument("--updates-port", type=int, required=True, help="the update service's")
    parser.add_argument("--switches", type=Path, required=True, help="the world's faults.json")
    options = parser.parse_args()
    settings = read_config(options.app)
    wire = importlib.import_module("nexy_wire")
    Handler.app, Handler.said, Handler.switches = options.app, latest(options.app, settings), options.switches
    key = settings.get("GEMINI_API_KEY", "")
    if not key.startswith("AIza") or "EXPIRED" in key:
        print("TextProcessor initialization failed: API_KEY_INVALID", file=sys.stderr, flush=True)
    updates = ThreadingHTTPServer(("127.0.0.1", options.updates_port), UpdatesHandler)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    threading.Thread(target=updates.serve_forever, daemon=True).start()
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_follow_owner, daemon=True).start()
    print(f"Nexy {Handler.said['latest_version']} (nexy-wire {wire.__version__}) listening on http://127.0.0.1:{options.port}", flush=True)
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
