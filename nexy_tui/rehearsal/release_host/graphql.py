"""As much of the GraphQL language as clients of the release host write: queries with variables, aliases, arguments and fragments.

A query is answered out of one tree of values: it names the fields, the tree has them. https://spec.graphql.org/October2021/
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r'[\s,\ufeff]+|#[^\n]*|(?P<word>\.\.\.|[{}()\[\]:!=@$|&]|-?\d[\d.eE+-]*|[A-Za-z_]\w*|"(?:[^"\\\n]|\\.)*")')
_CONSTANTS = {"true": True, "false": False, "null": None}
_DEEPEST = 30

Arguments = Mapping[str, Any]
Tree = Mapping[str, Any]
"""An object: a scalar, object, list of objects or None by field; a field that takes arguments is a function of them."""


class GraphqlError(Exception):
    """What a query is refused with. `kind` stands as the error's `type`."""

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Selection:
    """A field, or (with `spread` or `on`) a fragment."""

    name: str = ""
    alias: str = ""
    arguments: Arguments = field(default_factory=dict)
    inner: tuple[Selection, ...] = ()
    spread: str = ""
    on: str = ""


def answer(query: str, variables: Arguments, root: Tree) -> dict[str, Any]:
    """The document for a query: `data`, and `errors` where a field is not there or could not be had."""
    errors: list[dict[str, Any]] = []
    try:
        reader = _Reader(query, variables)
        selections = reader.document()
        data = _Answer(reader.fragments, errors).of(selections, root, [])
    except GraphqlError as error:
        return {"errors": [{"message": str(error)}]}
    return {"data": data, "errors": errors} if errors else {"data": data}


class _Reader:
    """Reads a document: its first operation, and its fragments by name."""

    def __init__(self, query: str, variables: Arguments) -> None:
        self._words = list(_words(query))
        self._at = 0
        self._variables = dict(variables)
        self.fragments: dict[str, tuple[Selection, ...]] = {}

    def document(self) -> tuple[Selection, ...]:
        operation: tuple[Selection, ...] = ()
        while self._next:
            if self._next == "fragment":
                self._take()
                name = self._take()
                self._take(), self._take()  # on Type
                self.fragments[name] = self._selections()
                continue
            if self._next in ("mutation", "subscription"):
                raise GraphqlError("This rehearsal world answers GraphQL queries alone.")
            while self._next not in ("{", "(", ""):
                self._take()
            if self._next == "(":
                self._declared()
            operation = operation or self._selections()
        return operation

    def _declared(self) -> None:
        """The operation's variables; a default stands where none was given."""
        self._take("(")
        while self._next != ")":
            if self._take() == "$":
                name = self._take()
            elif self._words[self._at - 1] == "=":
                self._variables.setdefault(name, self._value())
        self._take(")")

    def _selections(self, depth: int = 0) -> tuple[Selection, ...]:
        if depth > _DEEPEST:
            raise GraphqlError("The query is nested too deeply.")
        found: list[Selection] = []
        self._take("{")
        while self._next != "}":
            found.append(self._selection(depth))
        self._take("}")
        return tuple(found)

    def _selection(self, depth: int) -> Selection:
        name = self._take()
        if name == "...":
            if self._next not in ("on", "{"):
                return Selection(spread=self._take())
            kind = (self._take("on"), self._take())[1] if self._next == "on" else ""
            return Selection(on=kind or "*", inner=self._selections(depth + 1))
        alias = name
        if self._next == ":":
            self._take(":")
            name = self._take()
        arguments = self._arguments() if self._next == "(" else {}
        return Selection(name, alias, arguments, self._selections(depth + 1) if self._next == "{" else ())

    def _arguments(self) -> dict[str, Any]:
        return self._pairs("(", ")")

    def _pairs(self, opening: str, closing: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self._take(opening)
        while self._next != closing:
            name = self._take()
            self._take(":")
            found[name] = self._value()
        self._take(closing)
        return found

    def _value(self) -> Any:
        if self._next == "{":
            return self._pairs("{", "}")
        word = self._take()
        if word == "$":
            return self._variables.get(self._take())
        if word == "[":
            items: list[Any] = []
            while self._next != "]":
                items.append(self._value())
            self._take("]")
            return items
        if word in _CONSTANTS:
            return _CONSTANTS[word]
        return json.loads(word) if word[0] in '"-0123456789' else word

    @property
    def _next(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def _take(self, wanted: str = "") -> str:
        word = self._next
        if not word or (wanted and word != wanted):
            expected = f", expected {json.dumps(wanted)}" if wanted else ""
            raise GraphqlError(f"Parse error on {json.dumps(word or 'end of file')}{expected}")
        self._at += 1
        return word


def _words(query: str) -> Iterator[str]:
    at = 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None:
            raise GraphqlError(f"Parse error on {json.dumps(query[at])}")
        at = match.end()
        if match["word"]:
            yield match["word"]


@dataclass(frozen=True, slots=True)
class _Answer:
    fragments: Mapping[str, tuple[Selection, ...]]
    errors: list[dict[str, Any]]

    def of(self, selections: tuple[Selection, ...], tree: Tree, path: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for each in selections:
            if each.spread or each.on:
                inner = self.fragments.get(each.spread, ()) if each.spread else each.inner
                if each.on in ("", "*", tree["__typename"]) and len(path) <= _DEEPEST:
                    found |= self.of(inner, tree, [*path, f"...{each.spread or each.on}"])
            elif each.name not in tree:
                kind = tree["__typename"]
                code = {"code": "undefinedField", "typeName": kind, "fieldName": each.name}
                said = f"Field '{each.name}' doesn't exist on type '{kind}'"
                self.errors.append({"path": ["query", *path, each.name], "extensions": code, "message": said})
            else:
                found[each.alias] = self._field(each, tree[each.name], [*path, each.alias])
        return found

    def _field(self, each: Selection, value: Any, path: list[str]) -> Any:
        try:
            value = value(each.arguments) if isinstance(value, Callable) else value  # type: ignore[arg-type]
        except GraphqlError as error:
            self.errors.append({"type": error.kind, "path": path, "message": str(error)})
            return None
        if isinstance(value, list):
            return [self.of(each.inner, item, path) if isinstance(item, Mapping) else item for item in value]
        return self.of(each.inner, value, path) if isinstance(value, Mapping) else value
