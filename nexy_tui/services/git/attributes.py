"""What git does to a file's bytes on their way into a commit and out of it again (gitattributes(5))."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexy_tui.services.git.reading import GitReader

CHANGING = ("text", "eol", "crlf", "filter", "ident", "working-tree-encoding")
"""The attributes that change bytes."""


def attributes_of(git: GitReader, paths: Sequence[str]) -> dict[str, dict[str, str]]:
    """By path, those attributes that are set or unset, as git says them."""
    told = git.read("check-attr", "-z", *CHANGING, "--", *paths).split("\0")
    found: dict[str, dict[str, str]] = {path: {} for path in paths}
    for path, name, value in zip(told[0::3], told[1::3], told[2::3], strict=False):
        if value != "unspecified":
            found[path][name] = value
    return found


def changes_bytes(attributes: Mapping[str, str]) -> list[str]:
    """Those of a file's attributes by which another machine gets other bytes than were written, as `.gitattributes` spells them."""
    binary = attributes.get("text") == "unset" or (attributes.get("crlf") == "unset" and "text" not in attributes)
    found = [f"{name}={attributes[name]}" for name in ("filter", "working-tree-encoding") if attributes.get(name, "unset") != "unset"]
    found += ["ident"] if attributes.get("ident") == "set" else []
    if not binary and attributes.get("eol") == "crlf":
        found.append("eol=crlf")
    return found
