"""Where the version stands in each kind of file, and what it parses to there: VERSION, YAML, Python and `KEY=VALUE` text.

Reading is tolerant: every field is told with its value, or with what bars writing it. Writing keeps the field's own style
(plain, single- or double-quoted, with a comment behind it), for the team's own script finds only the style it wrote.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from nexy_tui.core import python_source
from nexy_tui.core.text import printable
from nexy_tui.core.version import Version

YAML_FIELDS = (("update", "default_version"), ("update", "default_build"), ("server", "version"), ("server", "build"))
_NAMES = {"default_version", "default_build", "server_version", "server_build", "latest_version", "latest_build"}
_WIDEST = 4096
_DEEPEST = 64
"""Reading YAML takes time that grows with the square of a line's length and of the nesting: more than people write is refused."""
_STRING = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class Field:
    """One place of the version: its value (None: not there, or no text), its characters in the text, and its style.

    `before` and `after` stand around the version when it is written there; `problem` is why it cannot be.
    """

    name: str
    value: str | None
    start: int = 0
    end: int = 0
    before: str = ""
    after: str = ""
    problem: str = ""

    def bars(self, version: Version) -> str:
        """Why the field neither says the version nor can be given it; empty where it does or can."""
        return "" if self.value == str(version) else self.problem


Reader = Callable[[str], tuple[Field, ...]]
"""Every field of a text. Raises ValueError for a text that is not of its kind."""


def rewritten(text: str, read: Reader, version: Version) -> str:
    """The text with the version in every field that says otherwise, every other character as it was.

    Raises ValueError naming a field that cannot be set.
    """
    written = text
    for field in sorted(read(text), key=lambda field: field.start, reverse=True):
        if problem := field.bars(version):
            raise ValueError(f"the field {field.name} {problem}")
        if field.value != str(version):
            written = f"{written[: field.start]}{field.before}{version}{field.after}{written[field.end :]}"
    if stale := [field.name for field in read(written) if field.value != str(version)]:
        raise ValueError(f"the field {stale[0]} does not take the version")
    return written


def version_fields(text: str) -> tuple[Field, ...]:
    """`VERSION`: what stands in it, white space aside; it is written as one line with a newline at the end."""
    return (Field("", text.strip(" \t\r\n"), 0, len(text), after="\n"),)


# --- unified_config.yaml ---


def yaml_fields(text: str) -> tuple[Field, ...]:
    """The four fields, by what they parse to: a plain `1.6` is a number and no version."""
    root = _composed(text)
    return tuple(_yaml_field(text, root, table, key) for table, key in YAML_FIELDS)


@lru_cache(maxsize=8)
def _composed(text: str) -> Node | None:
    """The file as nodes with their places. Nothing is made of them: no numbers, no dates, no merged tables."""
    depth = 0
    for line in text.splitlines():
        depth = max(0, depth + sum(map(line.count, "[{")) - sum(map(line.count, "]}")))
        if len(line) > _WIDEST or depth > _DEEPEST or sum(map(line.count, "[{")) > _DEEPEST:
            raise ValueError("it has lines that are longer, or brackets that are deeper, than people write")
    try:
        root: Node | None = YAML().compose(text)
        return root
    except MarkedYAMLError as error:
        place = "" if error.problem_mark is None else f", line {error.problem_mark.line + 1}"
        raise ValueError(f"it is not valid YAML ({printable(str(error.problem or error.context), 100)}{place})") from None
    except YAMLError as error:
        raise ValueError(f"it is not valid YAML ({printable(str(error).splitlines()[0], 100)})") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _yaml_field(text: str, root: Node | None, table: str, key: str) -> Field:
    name, node, behind = f"{table}.{key}", root, 0
    for part in (table, key):
        found = [(title, value) for title, value in _pairs(node) if isinstance(title, ScalarNode) and title.value == part]
        if len(found) != 1:
            return Field(name, None, problem=f"stands in it twice ({part})" if found else "is missing")
        node, behind = found[0][1], found[0][0].end_mark.index
    if not isinstance(node, ScalarNode):
        return Field(name, None, problem="is not a plain value on one line")
    value = node.value if node.tag == _STRING else f"{node.value} (no text)" if node.value else ""
    start, end = node.start_mark.index, node.end_mark.index
    if problem := _yaml_problem(root, table, node, text[start:end]):
        return Field(name, value, problem=problem)
    if start == end:  # Nothing stands there: the mark may be lines further down.
        start = end = text.index(":", behind) + 1
        return Field(name, value, start, end, before=" ")
    return Field(name, value, start, end, node.style or "", node.style or "")


def _pairs(node: Node | None) -> list[tuple[Node, Node]]:
    return node.value if isinstance(node, MappingNode) else []


def _yaml_problem(root: Node | None, table: str, node: ScalarNode, written: str) -> str:
    """Why a scalar is not replaced where it stands. Behind an anchor, others would change with it."""
    above = next(value for name, value in _pairs(root) if isinstance(name, ScalarNode) and name.value == table)
    if node.anchor is not None or above.anchor is not None:
        return "is shared with others by an anchor (& or *): write its value out"
    if node.style in ("|", ">") or "\n" in written or "\r" in written or written.startswith("!"):
        return "is not a plain value on one line"
    return ""


# --- unified_config.py ---

_LITERAL = re.compile(r"""(?P<open>[rRuU]?(?P<quote>\"{3}|'{3}|"|'))(?P<value>.*)(?P=quote)""")


def python_fields(text: str) -> tuple[Field, ...]:
    """Literal version defaults, from the syntax tree: nothing of it is run. Raises ValueError for text that is not Python."""
    mark, body = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    source = body.encode("utf-8")
    tree = python_source.parse(source)
    lines = source.splitlines(keepends=True)
    starts = list(accumulate((len(line.decode("utf-8")) for line in lines), initial=len(mark)))

    def place(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1][:column].decode("utf-8", "replace"))

    found = {}
    for name, node in _literals(tree):
        start = place(node.lineno, node.col_offset)
        end = place(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
        match = _LITERAL.fullmatch(text[start:end])
        plain = match is not None and match["value"] == node.value
        styled = (match["open"], match["quote"]) if match is not None and plain else ("", "")
        problem = "" if plain else f"is not a plain literal on one line (line {node.lineno})"
        found[start] = Field(name, str(node.value), start, end, *styled, problem=problem)
    return tuple(found.values())


def _literals(tree: ast.AST) -> Iterator[tuple[str, ast.Constant]]:
    for node in ast.walk(tree):
        for name, value in _named(node):
            if _name(name) in _NAMES and isinstance(value, ast.Constant) and _is_version(value):
                yield _name(name), value


def _named(node: ast.AST) -> list[tuple[ast.AST, ast.AST]]:
    """What a node gives to a name."""
    if isinstance(node, ast.Assign):
        return [(target, node.value) for target in node.targets]
    if isinstance(node, ast.AnnAssign):
        return [(node.target, node.value)] if node.value is not None else []
    if isinstance(node, ast.Dict):
        return [(key, value) for key, value in zip(node.keys, node.values, strict=True) if key is not None]
    if isinstance(node, ast.Call):
        keywords = [(ast.Name(keyword.arg or ""), keyword.value) for keyword in node.keywords]
        return [*zip(node.args, node.args[1:], strict=False), *keywords]
    if isinstance(node, ast.arguments):
        positional = [*node.posonlyargs, *node.args]
        defaults = [*zip(positional[len(positional) - len(node.defaults) :], node.defaults, strict=True)]
        defaults += [(arg, value) for arg, value in zip(node.kwonlyargs, node.kw_defaults, strict=True) if value is not None]
        return [(ast.Name(arg.arg), value) for arg, value in defaults]
    return []


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id.lower()
    if isinstance(node, ast.Attribute):
        return node.attr.lower()
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.lower()
    return ""


def _is_version(node: ast.Constant) -> bool:
    try:
        return isinstance(node.value, str) and bool(Version.parse(node.value))
    except ValueError:
        return False


# --- config.env.example ---

_ENV_LINE = re.compile(
    r"""^(?P<head>\ufeff?[ \t]*(?:export[ \t]+)?(?P<name>SERVER_VERSION|SERVER_BUILD)[ \t]*=[ \t]*)"""
    r"""(?P<quote>["']?)(?P<value>[^\r\n]*?)(?P=quote)(?P<tail>(?:[ \t]+\#[^\r\n]*)?[ \t]*)(?=\r|\n|\Z)""",
    re.MULTILINE,
)


def env_fields(text: str) -> tuple[Field, ...]:
    """`SERVER_VERSION=` and `SERVER_BUILD=` where they are there; quotes around the value and a comment behind it are its style."""
    return tuple(
        Field(match["name"], match["value"], match.end("head"), match.start("tail"), match["quote"], match["quote"])
        for match in _ENV_LINE.finditer(text)
    )
