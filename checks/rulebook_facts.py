"""What the script `validate_updates.sh` sees, and the values it reads out of that, textually (rulebook phase 2.7)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from nexy_tui.core.layout import MANIFEST_DIRS

CANONICAL, SECOND = (str(directory / "manifest.json") for directory in MANIFEST_DIRS)
"""Both manifests, from the rulebook's repo root."""

EMPTY = "an empty body"
"""Why there is no body where an address answered without one."""


@dataclass(frozen=True, slots=True)
class Body:
    """What an address answered, whatever its HTTP status; empty where no body came, with the reason."""

    data: bytes = b""
    why: str = ""

    @property
    def there(self) -> bool:
        """Whether there is a body, as the shell's `$(…)` sees it: newlines alone are none."""
        return self.data.strip(b"\n") != b""

    @property
    def had(self) -> bool:
        """Whether the address answered, be it with nothing."""
        return bool(self.data) or self.why == EMPTY


@dataclass(frozen=True, slots=True)
class RulebookFacts:
    """Everything the rules speak of. `content_length` is the last one of the HEAD, None where there was none.

    `tag` is the dmg's fixed tag; `https` tells whether the update server was asked over (verified) TLS.
    """

    health: Body
    appcast: Body
    content_length: str | None
    canonical: bytes | None
    second: bytes | None
    tag: str
    https: bool = True

    @property
    def manifest(self) -> bytes | None:
        """The manifest that is read: the second path's if it is there, else the canonical one's."""
        return self.canonical if self.second is None else self.second

    @property
    def manifest_path(self) -> str:
        """Where that manifest stands."""
        return CANONICAL if self.second is None else SECOND


@dataclass(frozen=True, slots=True)
class Said:
    """The values that the rules compare, as text; an empty text stands for missing."""

    health_version: str = ""
    health_build: str = ""
    appcast_version: str = ""
    appcast_url: str = ""
    appcast_length: str = ""
    version: str = ""
    build: str = ""
    url: str = ""
    size: str = ""
    sha256: str = ""


def said(facts: RulebookFacts) -> Said:
    """The values read out of the bodies and the manifest."""
    health = json_object(facts.health.data) or {}
    manifest = json_object(facts.manifest or b"") or {}
    inner = manifest.get("artifact")
    artifact = inner if isinstance(inner, Mapping) else {}
    feed = facts.appcast.data.decode("utf-8", "replace")
    return Said(
        health_version=_text(health.get("latest_version")),
        health_build=_text(health.get("latest_build")),
        appcast_version=_first(r"sparkle:version", feed),
        appcast_url=_first("url", feed),
        appcast_length=_first("length", feed),
        version=_text(manifest.get("version")),
        build=_text(manifest.get("build")),
        url=_text(artifact.get("url")),
        size=_text(artifact.get("size")),
        sha256=_text(artifact.get("sha256")),
    )


def _first(name: str, text: str) -> str:
    """The first `name="…"` on one line, as `grep -o` finds it; an empty value is as good as none."""
    match = re.search(name + r'="([^"\n]*)"', text)
    return match[1] if match else ""


def has_keys(raw: bytes) -> bool:
    """Whether jq can ask this for a key: JSON that is an object or null."""
    try:
        value = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return False
    return value is None or isinstance(value, dict)


def json_object(raw: bytes) -> Mapping[str, object] | None:
    """The JSON object in these bytes, or None."""
    try:
        value = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _text(value: object) -> str:
    """A JSON value as the shell gets to see it behind jq's `//`: null and false are nothing."""
    if value is None or value is False:
        return ""
    return (value if isinstance(value, str) else json.dumps(value)).rstrip("\n")
