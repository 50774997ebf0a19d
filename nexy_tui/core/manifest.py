"""The manifest that tells the update server what clients get (contracts: manifest): read strictly, written one way only."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nexy_tui.core import strict_json

MAX_SIZE = 1 << 20
"""A manifest is under a kilobyte; more than this is refused unread."""

TYPE = "dmg"
ARCH = "universal2"
MIN_OS = "11.0"

_ORDER = ("version", "build", "release_date", "artifact", "critical", "auto_install", "notes_url")
_ARTIFACT_ORDER = ("type", "url", "size", "sha256", "arch", "min_os", "ed25519")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)


class ManifestError(ValueError):
    """A manifest that cannot be used; the text names the field and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest whose fields have the right types. `document` holds every field, unknown ones included, as it was read."""

    document: Mapping[str, Any]

    @property
    def version(self) -> str:
        """The release's version."""
        return str(self.document["version"])

    @property
    def build(self) -> str:
        """The same as the version, as a string."""
        return str(self.document["build"])

    @property
    def url(self) -> str:
        """Where clients download the image from."""
        return str(self._artifact["url"])

    @property
    def size(self) -> int:
        """The image's size in bytes."""
        return int(self._artifact["size"])

    @property
    def sha256(self) -> str:
        """The image's SHA-256, lower-case hex."""
        return str(self._artifact["sha256"]).lower()

    @property
    def signature(self) -> str | None:
        """Sparkle's Ed25519 signature over the image in base64, or None where the manifest carries none."""
        value = self._artifact.get("ed25519")
        return None if value is None else str(value)

    @property
    def notes_url(self) -> str:
        """The release page."""
        return str(self.document["notes_url"])

    @property
    def _artifact(self) -> Mapping[str, Any]:
        artifact: Mapping[str, Any] = self.document["artifact"]
        return artifact

    def render(self) -> bytes:
        """The file's bytes: two-space indent, the contract's key order, unknown fields behind in their own order."""
        artifact = _ordered(self._artifact, _ARTIFACT_ORDER)
        document = _ordered({**self.document, "artifact": artifact}, _ORDER)
        return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")

    def odd_form(self, notes_url: str) -> tuple[str, ...]:
        """Every field that is the same in all releases and is not so here: type, architecture, oldest macOS, release page."""
        return self.differences(version=self.version, url=self.url, notes_url=notes_url, size=None, sha256=None, build=self.build)

    def differences(
        self, *, version: str | None, url: str, notes_url: str, size: int | None, sha256: str | None, build: str | None = None
    ) -> tuple[str, ...]:
        """Every field that is not as expected, with both values, in the contract's order. None expects nothing of that field.

        `build` is the version where it is not given.
        """
        rows = (
            ("version", self.version, version),
            ("build", self.build, build or version or self.version),
            ("artifact.type", self._artifact["type"], TYPE),
            ("artifact.url", self.url, url),
            ("artifact.size", self.size, size),
            ("artifact.sha256", self.sha256, sha256),
            ("artifact.arch", self._artifact["arch"], ARCH),
            ("artifact.min_os", self._artifact["min_os"], MIN_OS),
            ("notes_url", self.notes_url, notes_url),
        )
        wrong = [row for row in rows if row[2] is not None and row[1] != row[2]]
        return tuple(f"{name} is {_shown(value)}, not {_shown(wanted)}" for name, value, wanted in wrong)


def parse(raw: bytes) -> Manifest:
    """Read a manifest file. Raises ManifestError for anything but one JSON object with every field there and of its type."""
    document = load(raw)
    _require(document, "version", str)
    _require(document, "build", str)
    if not _is_date(_require(document, "release_date", str)):
        raise ManifestError("release_date is not an RFC 3339 time in UTC ending in Z")
    artifact = _require(document, "artifact", dict)
    for name in ("type", "url", "sha256", "arch", "min_os"):
        _require(artifact, name, str, "artifact.")
    if _require(artifact, "size", int, "artifact.") <= 0:
        raise ManifestError("artifact.size is not a positive number of bytes")
    if _SHA256.fullmatch(artifact["sha256"]) is None:
        raise ManifestError("artifact.sha256 is not 64 hex digits")
    if "ed25519" in artifact and not is_signature(artifact["ed25519"]):
        raise ManifestError("artifact.ed25519 is not the base64 of a 64-byte signature")
    _require(document, "critical", bool)
    _require(document, "auto_install", bool)
    _require(document, "notes_url", str)
    return Manifest(document)


def load(raw: bytes) -> dict[str, Any]:
    """The JSON object of a manifest file, whatever its fields: duplicate keys, NaN and the like refused. Raises ManifestError."""
    if len(raw) > MAX_SIZE:
        raise ManifestError(f"it is larger than {MAX_SIZE} bytes")
    try:
        return strict_json.load_object(raw)
    except ValueError as error:
        raise ManifestError(str(error)) from None


def build(
    base: Mapping[str, Any] | None, *, version: str, url: str, notes_url: str, size: int, sha256: str, signature: str | None, now: datetime
) -> Manifest:
    """The manifest of these facts.

    `base` is the object that was there: its unknown fields, `critical` and `auto_install` are kept, and its date when
    nothing else changes, so that writing twice writes the same bytes. Its signature is never taken over.
    """
    base = base or {}
    old = base.get("artifact")
    artifact = dict(old) if isinstance(old, Mapping) else {}
    artifact.pop("ed25519", None)
    artifact |= {"type": TYPE, "url": url, "size": size, "sha256": sha256.lower(), "arch": ARCH, "min_os": MIN_OS}
    if signature is not None:
        artifact["ed25519"] = signature
    document = {
        **base,
        "version": version,
        "build": version,
        "artifact": artifact,
        "critical": base.get("critical") is True,
        "auto_install": base.get("auto_install") is not False,
        "notes_url": notes_url,
    }
    if document != base or not _is_date(base.get("release_date")):
        document["release_date"] = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Manifest(document)


def is_signature(value: object) -> bool:
    """Whether this is the base64 of 64 bytes, in its one canonical spelling."""
    if not isinstance(value, str):
        return False
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(raw) == 64 and base64.b64encode(raw).decode() == value


def _require(fields: Mapping[str, Any], name: str, kind: type, prefix: str = "") -> Any:
    if name not in fields:
        raise ManifestError(f"{prefix}{name} is missing")
    value = fields[name]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        wanted = {str: "a string", int: "an integer", bool: "true or false", dict: "an object"}[kind]
        raise ManifestError(f"{prefix}{name} is not {wanted}")
    return value


def _is_date(value: object) -> bool:
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        return False
    try:
        datetime.strptime(value[:19], "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return False
    return True


def _ordered(fields: Mapping[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    first = {name: fields[name] for name in order if name in fields}
    return first | {name: value for name, value in fields.items() if name not in first}


def _shown(value: object) -> str:
    return str(value)[:200] if isinstance(value, int) else repr(str(value)[:200])
