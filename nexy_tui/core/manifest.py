"""The manifest that tells the update server what clients get (contracts: manifest): one tolerant reader, one strict writer."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeGuard

from nexy_tui.core import strict_json
from nexy_tui.core.version import Version

MAX_SIZE = 1 << 20
"""A manifest is under a kilobyte; more than this is refused unread."""

TYPE = "dmg"
ARCH = "universal2"
MIN_OS = "11.0"

_ORDER = ("version", "build", "release_date", "artifact", "critical", "auto_install", "notes_url")
_ARTIFACT_ORDER = ("type", "url", "size", "sha256", "arch", "min_os", "ed25519")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII)
_MISSING = object()
_MOST_SHOWN = 120


class ManifestError(ValueError):
    """What is not one JSON object, or facts that no manifest may be made of; the text says what is wrong."""


@dataclass(frozen=True)
class Manifest:
    """A manifest as it was found or made. `document` holds every field, unknown ones included; what is wrong with it is in `faults`.

    A field that is wrong or missing has its type's empty value here ("", 0, None), which agrees with nothing.
    """

    document: Mapping[str, Any]

    @property
    def version(self) -> str:
        """The release's version; a JSON number as it is written."""
        return _text(self.document.get("version"))

    @property
    def build(self) -> str:
        """The same as the version, as a string."""
        return _text(self.document.get("build"))

    @property
    def url(self) -> str:
        """Where clients download the image from."""
        return _text(self._artifact.get("url"))

    @property
    def size(self) -> int:
        """The image's size in bytes."""
        value = self._artifact.get("size")
        return value if _is_size(value) else 0

    @property
    def sha256(self) -> str:
        """The image's SHA-256, lower-case hex."""
        value = self._artifact.get("sha256")
        return value.lower() if _is_sha256(value) else ""

    @property
    def signature(self) -> str | None:
        """Sparkle's Ed25519 signature over the image in base64, or None where the manifest carries none."""
        value = self._artifact.get("ed25519")
        return value if is_signature(value) else None

    @property
    def notes_url(self) -> str:
        """The release page."""
        return _text(self.document.get("notes_url"))

    @property
    def _artifact(self) -> Mapping[str, Any]:
        artifact = self.document.get("artifact")
        return artifact if isinstance(artifact, Mapping) else {}

    @cached_property
    def faults(self) -> Mapping[str, str]:
        """Every wrong field by its name, with its value as JSON and what it must be, in the contract's order."""
        found, artifact = {name: self.document.get(name, _MISSING) for name in _ORDER}, self._artifact.get
        date = found["release_date"]
        rows = [(name, found[name], _is_version(found[name]), "a version X.Y.Z.Build in a string") for name in ("version", "build")]
        rows.append(("release_date", date, date is _MISSING or _is_date(date), "an RFC 3339 time with its offset"))
        if not isinstance(found["artifact"], Mapping):
            rows.append(("artifact", found["artifact"], False, "an object"))
        else:
            kind, url, size, sha256, arch, oldest = (artifact(name, _MISSING) for name in _ARTIFACT_ORDER[:-1])
            signature = artifact("ed25519", "")
            rows += [
                ("artifact.type", kind, kind == TYPE, json.dumps(TYPE)),
                ("artifact.url", url, _is_https(url), "an https address"),
                ("artifact.size", size, _is_size(size), "a positive integer"),
                ("artifact.sha256", sha256, _is_sha256(sha256), "64 hex digits"),
                ("artifact.arch", arch, arch == ARCH, json.dumps(ARCH)),
                ("artifact.min_os", oldest, oldest == MIN_OS, json.dumps(MIN_OS)),
                ("artifact.ed25519", signature, signature == "" or is_signature(signature), "the base64 of a 64-byte signature"),
            ]
        rows += [(name, found[name], isinstance(found[name], bool), "true or false") for name in ("critical", "auto_install")]
        rows.append(("notes_url", found["notes_url"], _is_https(found["notes_url"]), "an https address"))
        wrong = {name: f"{_shown(value)}, not {wanted}" for name, value, sound, wanted in rows if not sound}
        if not {"version", "build"} & wrong.keys() and self.build != self.version:
            wrong["build"] = f"{_shown(self.build)}, not the version {_shown(self.version)}"
        return {name: wrong[name] for name in _FIELDS if name in wrong}

    def is_but_for_its_date(self, other: Manifest) -> bool:
        """Whether both say the same, whenever each was made."""
        return {**self.document, "release_date": ""} == {**other.document, "release_date": ""}

    def render(self) -> bytes:
        """The file's bytes: two-space indent, the contract's key order, unknown fields behind in their own order."""
        artifact = _ordered(self._artifact, _ARTIFACT_ORDER)
        document = _ordered({**self.document, "artifact": artifact}, _ORDER)
        return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")

    def differences(self, *, version: str | None, url: str | None, size: int | None, sha256: str | None) -> tuple[str, ...]:
        """Every field that is wrong by itself or not as expected, with both values, in the contract's order.

        None expects nothing of that field.
        """
        wanted = {"version": version, "build": version, "artifact.url": url, "artifact.size": size, "artifact.sha256": sha256}
        seen = {
            "version": self.version,
            "build": self.build,
            "artifact.url": self.url,
            "artifact.size": self.size,
            "artifact.sha256": self.sha256,
        }
        unlike = {name: value for name, value in wanted.items() if value is not None and seen[name] != value}
        wrong = {name: f"{_shown(seen[name])}, not {_shown(value)}" for name, value in unlike.items()} | dict(self.faults)
        return tuple(f"{name} is {wrong[name]}" for name in _FIELDS if name in wrong)


_FIELDS = (*_ORDER[:4], *(f"artifact.{name}" for name in _ARTIFACT_ORDER), *_ORDER[4:])


def read(raw: bytes) -> Manifest:
    """The manifest in these bytes, whatever its fields. Raises ManifestError for anything but one JSON object.

    A key that stands twice, NaN and the like are no JSON object that two readers agree on.
    """
    if len(raw) > MAX_SIZE:
        raise ManifestError(f"it is larger than {MAX_SIZE} bytes")
    try:
        return Manifest(strict_json.load_object(raw))
    except ValueError as error:
        raise ManifestError(str(error)) from None


def read_or_none(raw: bytes | None) -> Manifest | None:
    """As `read`; None where there is no file or it is not one JSON object."""
    try:
        return None if raw is None else read(raw)
    except ManifestError:
        return None


def build(
    base: Mapping[str, Any] | None, *, version: str, url: str, notes_url: str, size: int, sha256: str, signature: str | None, now: datetime
) -> Manifest:
    """The manifest of these facts.

    `base` is the object that was there: its unknown fields, `critical` and `auto_install` are kept, and its date when
    nothing else changes, so that writing twice writes the same bytes. Its signature is never taken over. Raises ManifestError
    for facts that would make a manifest with a fault.
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
    date = base.get("release_date")
    if document != base or not (_is_date(date) and date.endswith("Z")):
        document["release_date"] = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = Manifest(document)
    if made.faults:
        raise ManifestError("; ".join(made.differences(version=None, url=None, size=None, sha256=None)))
    return made


def is_signature(value: object) -> TypeGuard[str]:
    """Whether this is the base64 of 64 bytes, in its one canonical spelling."""
    if not isinstance(value, str):
        return False
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(raw) == 64 and base64.b64encode(raw).decode() == value


def _is_version(value: object) -> bool:
    try:
        return isinstance(value, str) and str(Version.parse(value)) == value
    except ValueError:
        return False


def _is_size(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_sha256(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def _is_https(value: object) -> bool:
    return isinstance(value, str) and value.startswith("https://") and len(value) > len("https://")


def _is_date(value: object) -> TypeGuard[str]:
    """RFC 3339, a leap second included."""
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[3] > "60":
        return False
    try:
        datetime.strptime(f"{match[1]} {match[2]}", "%Y-%m-%d %H:%M")
    except ValueError:
        return False
    return True


def _ordered(fields: Mapping[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    first = {name: fields[name] for name in order if name in fields}
    return first | {name: value for name, value in fields.items() if name not in first}


def _text(value: object) -> str:
    """A field's value as text; "" for what is neither text nor number."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _shown(value: object) -> str:
    """A value as JSON in ASCII, so that a number and a text of digits look different and nothing reaches a terminal as it came."""
    return "missing" if value is _MISSING else json.dumps(value)[:_MOST_SHOWN]
