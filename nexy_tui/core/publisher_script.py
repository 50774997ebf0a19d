"""The target in the team's publisher script, read from its syntax tree and mended at its place in the source (rulebook 4.4)."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from nexy_tui.core import python_source
from nexy_tui.core.target import DMG, PKG

MAX_SIZE = python_source.MAX_SIZE
_BOM = b"\xef\xbb\xbf"


class UnreadableScript(ValueError):
    """The script does not name its target in literals that can be read; the message says what stands there."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A text in the source: its value, and where it stands, in bytes."""

    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class PublisherTarget:
    """`TARGET_REPO`, and the tags of both artifacts in `ARTIFACT_MAPPING`; None where the mapping has no such artifact."""

    repository: Literal
    dmg_tag: Literal
    pkg_tag: Literal | None

    def values(self) -> tuple[str, str, str | None]:
        """Repository and both tags."""
        return self.repository.value, self.dmg_tag.value, None if self.pkg_tag is None else self.pkg_tag.value


def read(source: bytes) -> PublisherTarget:
    """The target that a publisher script names. Raises Unreadable."""
    shift = len(_BOM) if source.startswith(_BOM) else 0
    source = source[shift:]
    positions = _Positions(source, shift)
    tree = _parsed(source)
    mapping = _assigned(tree, "ARTIFACT_MAPPING")
    dmg = _tag(mapping, DMG, positions)
    if dmg is None:
        raise UnreadableScript(f"ARTIFACT_MAPPING has no entry {DMG}")
    return PublisherTarget(positions.literal(_assigned(tree, "TARGET_REPO"), "TARGET_REPO"), dmg, _tag(mapping, PKG, positions))


def mend(source: bytes, repository: str, dmg_tag: str, pkg_tag: str) -> bytes:
    """The script with these values in the places of its own; every other byte stays. Raises Unreadable."""
    found = read(source)
    places = [(found.repository, repository), (found.dmg_tag, dmg_tag)] + ([(found.pkg_tag, pkg_tag)] if found.pkg_tag is not None else [])
    for place, wanted in sorted(places, key=lambda pair: pair[0].start, reverse=True):
        if place.value != wanted:
            quote = source[place.start : place.start + 1] if source[place.start : place.start + 1] in (b"'", b'"') else b'"'
            source = source[: place.start] + quote + wanted.encode() + quote + source[place.end :]
    if read(source).values() != (repository, dmg_tag, pkg_tag if found.pkg_tag is not None else None):
        raise UnreadableScript("the constants do not take the target's values")
    return source


def _parsed(source: bytes) -> ast.Module:
    try:
        return python_source.parse(source)
    except ValueError as error:
        raise UnreadableScript(str(error)) from None


def _assigned(tree: ast.Module, name: str) -> ast.expr:
    """What a module-level name is given. Raises Unreadable unless that happens once, plainly."""
    found = [value for statement in tree.body for value in _values(statement, name)]
    if len(found) != 1:
        raise UnreadableScript(f"{name} is given a value {len(found)} times, where once is expected")
    return found[0]


def _values(statement: ast.stmt, name: str) -> Iterable[ast.expr]:
    if isinstance(statement, ast.Assign):
        targets: list[ast.expr] = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    else:
        return
    if statement.value is not None and any(isinstance(target, ast.Name) and target.id == name for target in targets):
        yield statement.value


def _tag(mapping: ast.expr, artifact: str, positions: _Positions) -> Literal | None:
    entry = _entry(mapping, artifact, "ARTIFACT_MAPPING")
    if entry is None:
        return None
    tag = _entry(entry, "tag", f"ARTIFACT_MAPPING[{artifact!r}]")
    if tag is None:
        raise UnreadableScript(f"ARTIFACT_MAPPING[{artifact!r}] has no tag")
    return positions.literal(tag, f"the tag of {artifact}")


def _entry(value: ast.expr, key: str, name: str) -> ast.expr | None:
    if not isinstance(value, ast.Dict):
        raise UnreadableScript(f"{name} is no literal dictionary")
    found = [inner for outer, inner in zip(value.keys, value.values, strict=True) if isinstance(outer, ast.Constant) and outer.value == key]
    if len(found) > 1 or any(outer is None for outer in value.keys):
        raise UnreadableScript(f"{name} names {key} twice, or takes entries from elsewhere")
    return found[0] if found else None


class _Positions:
    """Byte offsets in a source, from the line numbers and UTF-8 columns of its syntax tree."""

    def __init__(self, source: bytes, shift: int) -> None:
        self._starts = [shift]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def literal(self, node: ast.expr, name: str) -> Literal:
        """A text with its place. Raises Unreadable for anything that is computed."""
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node.end_lineno is None or node.end_col_offset is None:
            raise UnreadableScript(f"{name} is no literal text (line {node.lineno})")
        start = self._starts[node.lineno - 1] + node.col_offset
        return Literal(node.value, start, self._starts[node.end_lineno - 1] + node.end_col_offset)
