"""Every remedy that stands in checks/, found in its source: so that one that nobody walks cannot come in unseen."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType

import checks
from nexy_tui.checklist import CHECKLIST
from nexy_tui.core.remedy import Act, Mend, Remedy, Run

_TAKERS = {"failed": 1, "inconclusive": 1, "CouldNotLook": 2, "Unusable": 2, "Refused": 2, "verdict_of": 2}
"""Who takes a remedy, and as which of its arguments."""

_PAIRS = ("application._key", "application._feed", "application._minimum")
"""Those that tell what is wrong and its remedy, which their caller takes apart."""


def worded(remedy: Remedy) -> str:
    """A remedy as it is compared: what it names of the tool's own stands before its words."""
    match remedy:
        case Act(action):
            return f"Act {action}: {remedy}"
        case Mend(name):
            return f"Mend {name}: {remedy}"
        case Run():
            return f"Run: {remedy}"
        case str():
            return remedy


@dataclass(frozen=True, order=True)
class Site:
    """A remedy as it is written: the function it stands in, and its words, with `{}` for what is known only when it is said."""

    function: str
    words: str

    def __str__(self) -> str:
        return f"{self.function}: {self.words}"


@cache
def sites() -> frozenset[Site]:
    """Every remedy of checks/ that an item of the checklist may name."""
    read = [_Source(import_module(f"checks.{path.stem}"), path) for path in Path(checks.__path__[0]).glob("*.py")]
    functions = frozenset().union(*(reached(item.id) for item in CHECKLIST.items))
    return frozenset(site for source in read for site in source.sites() if site.function in functions)


@cache
def reached(item: str) -> frozenset[str]:
    """The functions of checks/ that an item's look and judge call, and those that these call."""
    check = CHECKLIST.item(item).check
    found: set[FunctionType] = set()
    left = [check.look, check.judge]
    while left:
        function = left.pop()
        if isinstance(function, FunctionType) and function not in found and function.__module__.startswith("checks."):
            found.add(function)
            codes = [function.__code__]
            for code in codes:
                codes += [one for one in code.co_consts if hasattr(one, "co_names")]
                left += [function.__globals__.get(name) for name in code.co_names]
    return frozenset(f"{one.__module__.removeprefix('checks.')}.{one.__name__}" for one in found)


class _Source:
    """One module's source."""

    def __init__(self, module: ModuleType, path: Path) -> None:
        self._module, self._name = module, path.stem
        tree = ast.parse(path.read_text(encoding="utf-8"))
        self._functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        self._tellers: set[str] = {name.partition(".")[2] for name in _PAIRS if name.startswith(f"{self._name}.")}

    def sites(self) -> Iterator[Site]:
        """Those of its functions: first whoever takes a remedy, then whoever tells one to them."""
        for function in self._functions:
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                yield from self._at(function, self._of_call(call, function))
        for function in self._functions:
            if function.name in self._tellers:
                for told in (node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None):
                    yield from self._at(function, self._words(told.elts[-1] if isinstance(told, ast.Tuple) else told, function))

    def _at(self, function: ast.FunctionDef, words: Iterator[str]) -> Iterator[Site]:
        return (Site(f"{self._name}.{function.name}", one) for one in words if one.strip("{} "))

    def _of_call(self, call: ast.Call, function: ast.FunctionDef) -> Iterator[str]:
        name = _name(call)
        if name in _TAKERS:
            named = [word.value for word in call.keywords if word.arg in ("remedy", "unseen")]
            for one in [*call.args[_TAKERS[name] : _TAKERS[name] + 1], *named, *(arg for arg in call.args if isinstance(arg, ast.Starred))]:
                yield from self._words(one, function)
        elif name in ("Act", "Mend", "Run"):
            yield self._of_value(call)

    def _words(self, node: ast.expr, function: ast.FunctionDef) -> Iterator[str]:
        """What an expression in a remedy's place can say; what comes from elsewhere is said there."""
        match node:
            case ast.IfExp(body=body, orelse=orelse):
                yield from self._words(body, function)
                yield from self._words(orelse, function)
            case ast.BoolOp(values=values):
                for value in values:
                    yield from self._words(value, function)
            case ast.Name(id=name):
                yield from self._of_name(name, function)
            case ast.Starred(value=value) | ast.Subscript(value=value):
                if isinstance(value, ast.Name):
                    yield from self._of_name(value.id, function)
            case ast.Call() if _name(node) in ("Act", "Mend", "Run", "replace"):
                yield self._of_value(node)
            case ast.Call():
                self._tellers.add(_name(node))
            case _:
                yield _text(node)

    def _of_value(self, call: ast.Call) -> str:
        if _name(call) == "replace":
            known = getattr(self._module, _name(call.args[0]), "")
            return f"{worded(known) if known else '{}'} {' '.join(_text(word.value) or '{}' for word in call.keywords)}"
        more = {word.arg: _text(word.value) or "{}" for word in call.keywords}
        given = [_text(one) or "{}" for one in call.args]
        head = f"{_name(call)}: " if _name(call) == "Run" else f"{_name(call)} {given[0]}: "
        return head + " ".join([*given[1:], *more.values()])

    def _of_name(self, name: str, function: ast.FunctionDef) -> Iterator[str]:
        given = [node.value for node in ast.walk(function) if isinstance(node, (ast.Assign, ast.NamedExpr)) and _sets(node, name)]
        for value in given:
            yield from self._words(value, function)
        known = getattr(self._module, name, None)
        if not given and isinstance(known, (Act, Mend, Run, str)):
            yield worded(known)


def _sets(node: ast.Assign | ast.NamedExpr, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    flat = [one for target in targets for one in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return any(isinstance(one, ast.Name) and one.id == name for one in flat)


def _name(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(part) if isinstance(part, ast.Constant) else "{}" for part in values)
        case ast.BinOp(left=left, right=right):
            return (_text(left) or "{}") + (_text(right) or "{}")
    return ""
