"""The appcast: what clients are told of the newest update (contracts: update server; Sparkle's appcast format)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SPARKLE = "http://www.andymatuschak.org/xml-namespaces/sparkle"
"""The namespace of Sparkle's elements and attributes."""

_SIGNATURES = ("edSignature", "dsaSignature")
_MOST_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Appcast:
    """The one item of an appcast, as written; an empty text stands for what is not there.

    `build` is `sparkle:version`, `version` is `sparkle:shortVersionString`. `conflicts` names every place where the
    enclosure and the item say different things: the enclosure's value is kept, and a judge fails the appcast.
    """

    url: str
    length: str
    build: str
    version: str
    minimum_system_version: str
    signature: str
    conflicts: tuple[str, ...] = ()

    @property
    def size(self) -> int | None:
        """The length as a number, or None where it is not plain decimal digits."""
        return int(self.length) if self.length.isascii() and self.length.isdigit() and len(self.length) <= 19 else None


def read_appcast(root: Element) -> Appcast:
    """The appcast of a parsed document. Raises ValueError saying what about its structure is wrong."""
    if root.tag != "rss":
        raise ValueError(f"its root element is {_plain(root.tag)}, not rss")
    items = root.findall("./channel/item")
    if len(items) != 1:
        raise ValueError(f"it has {len(items)} items, where one is expected")
    enclosures = items[0].findall("enclosure")
    if len(enclosures) != 1:
        raise ValueError(f"its item has {len(enclosures)} enclosures, where one is expected")
    item, enclosure = items[0], enclosures[0]
    conflicts: list[str] = []

    def value(name: str) -> str:
        attribute = enclosure.get(f"{{{SPARKLE}}}{name}")
        elements = [(element.text or "").strip() for element in item.findall(f"{{{SPARKLE}}}{name}")]
        said = ([] if attribute is None else [attribute]) + elements
        if len(set(said)) > 1:
            shown = [repr(text[:40]) for text in dict.fromkeys(said)]
            more = f" and {len(shown) - _MOST_SHOWN} more" if len(shown) > _MOST_SHOWN else ""
            conflicts.append(f"sparkle:{name} is said to be {' and '.join(shown[:_MOST_SHOWN])}{more}")
        return said[0] if said else ""

    build, version, minimum = (value(name) for name in ("version", "shortVersionString", "minimumSystemVersion"))
    return Appcast(
        url=enclosure.get("url", ""),
        length=enclosure.get("length", ""),
        build=build,
        version=version,
        minimum_system_version=minimum,
        signature=_signature(enclosure, conflicts),
        conflicts=tuple(conflicts),
    )


def _signature(enclosure: Element, conflicts: list[str]) -> str:
    """The signature under either of its names: Sparkle writes edSignature, this server dsaSignature."""
    found = [text for name in _SIGNATURES if (text := enclosure.get(f"{{{SPARKLE}}}{name}")) is not None]
    if len(set(found)) > 1:
        conflicts.append("sparkle:edSignature and sparkle:dsaSignature differ")
    return found[0] if found else ""


def _plain(tag: str) -> str:
    return repr(tag[:80])
