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
    """Every place that names the repository (`TARGET_REPO`) and the tag of each artifact; none for a package it does not publish.

    Tags stand in `ARTIFACT_MAPPING`, in the constants `DMG_TAG` and `PKG_TAG`, or in both.
    """

    repository: tuple[Literal, ...]
    dmg_tag: tuple[Literal, ...]
    pkg_tag: tuple[Literal, ...]

    def values(self) -> tuple[str, str, str | None]:
        """Repository and both tags; places that disagree are named together, which is nobody's repository and no tag."""
        repository, dmg, pkg = (" and ".join(dict.fromkeys(place.value for place in places)) for places in self._places())
        return repository, dmg, pkg if self.pkg_tag else None

    def _places(self) -> tuple[tuple[Literal, ...], ...]:
        return self.repository, self.dmg_tag, self.pkg_tag

    def wanting(self, *wanted: str) -> dict[Literal, str]:
        """Each place with the value it must have."""
        return {place: value for places, value in zip(self._places(), wanted, strict=True) for place in places}


def read(source: bytes) -> PublisherTarget:
    """The target that a publisher script names. Raises Unreadable."""
    shift = len(_BOM) if source.startswith(_BOM) else 0
    source = source[shift:]
    script = _Script(_parsed(source), _Positions(source, shift))
    dmg = script.tags(DMG, "DMG_TAG")
    if not dmg:
        raise UnreadableScript(f"neither ARTIFACT_MAPPING nor DMG_TAG names a tag of {DMG}")
    return PublisherTarget((script.literal(script.assigned("TARGET_REPO"), "TARGET_REPO"),), dmg, script.tags(PKG, "PKG_TAG"))


def mend(source: bytes, repository: str, dmg_tag: str, pkg_tag: str) -> bytes:
    """The script with these values in the places of its own; every other byte stays. Raises Unreadable."""
    found = read(source)
    wanted = found.wanting(repository, dmg_tag, pkg_tag)
    for place in sorted(wanted, key=lambda place: place.start, reverse=True):
        if place.value != wanted[place]:
            quote = source[place.start : place.start + 1] if source[place.start : place.start + 1] in (b"'", b'"') else b'"'
            source = source[: place.start] + quote + wanted[place].encode() + quote + source[place.end :]
    if read(source).values() != (repository, dmg_tag, pkg_tag if found.pkg_tag else None):
        raise UnreadableScript("the constants do not take the target's values")
    return source


def _parsed(source: bytes) -> ast.Module:
    try:
        return python_source.parse(source)
    except ValueError as error:
        raise UnreadableScript(str(error)) from None


class _Script:
    """A script's constants, by its syntax tree: a name that stands for a literal text is followed to it."""

    def __init__(self, tree: ast.Module, positions: _Positions) -> None:
        self._tree, self._positions = tree, positions

    def given(self, name: str) -> list[ast.expr]:
        """What a module-level name is given, each time."""
        return [value for statement in self._tree.body for value in _values(statement, name)]

    def assigned(self, name: str) -> ast.expr:
        """What a module-level name is given. Raises Unreadable unless that happens once, plainly."""
        found = self.given(name)
        if len(found) != 1:
            raise UnreadableScript(f"{name} is given a value {len(found)} times, where once is expected")
        return found[0]

    def literal(self, value: ast.expr, name: str) -> Literal:
        """The literal text that an expression is or, being a name, stands for. Raises Unreadable for anything that is computed."""
        return self._positions.literal(self.assigned(value.id) if isinstance(value, ast.Name) else value, name)

    def tags(self, artifact: str, constant: str) -> tuple[Literal, ...]:
        """Every place that names an artifact's tag. Raises Unreadable where one of them cannot be read."""
        found = []
        if self.given("ARTIFACT_MAPPING"):
            entry = _entry(self.assigned("ARTIFACT_MAPPING"), artifact, "ARTIFACT_MAPPING")
            if entry is not None:
                found.append(self.literal(self._tag(entry, artifact), f"the tag of {artifact}"))
        if self.given(constant):
            found.append(self.literal(self.assigned(constant), constant))
        return tuple(dict.fromkeys(found))

    def _tag(self, entry: ast.expr, artifact: str) -> ast.expr:
        if isinstance(entry, ast.Name | ast.Constant):
            return entry
        tag = _entry(entry, "tag", f"ARTIFACT_MAPPING[{artifact!r}]")
        if tag is None:
            raise UnreadableScript(f"ARTIFACT_MAPPING[{artifact!r}] has no tag")
        return tag


def _values(statement: ast.stmt, name: str) -> Iterable[ast.expr]:
    if isinstance(statement, ast.Assign):
        targets: list[ast.expr] = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    else:
        return
    if statement.value is not None and any(isinstance(target, ast.Name) and target.id == name for target in targets):
        yield statement.value


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
