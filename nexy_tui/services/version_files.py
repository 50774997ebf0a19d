"""The files that carry the version in the checkout, edited in place so that comments and layout survive.

What the team's `update_version.py` writes (contracts: version): `VERSION`, four fields of `unified_config.yaml`, and,
where they are there, literal defaults in `unified_config.py` and `SERVER_VERSION=`/`SERVER_BUILD=` in
`config.env.example`. Every function is text in, text out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from nexy_tui.core import python_source
from nexy_tui.core.layout import Layout
from nexy_tui.core.problem import Refused
from nexy_tui.core.text import printable
from nexy_tui.core.version import Version
from nexy_tui.services.plain_file import led_to, read_plain

YAML_FIELDS = (("update", "default_version"), ("update", "default_build"), ("server", "version"), ("server", "build"))
_NAMES = {"default_version", "default_build", "server_version", "server_build", "latest_version", "latest_build"}
_LIMIT = 256 * 1024
_WIDEST = 4096
_DEEPEST = 64
"""Reading YAML takes time that grows with the square of a line's length and of the nesting: more than people write is refused."""


@dataclass(frozen=True, slots=True)
class VersionFile:
    """One file: its rulebook path, how its text is rewritten, and whether the release needs it."""

    path: str
    rewrite: Callable[[str, Version], str]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What a version means for one file: its text now and then; None when the file is not there."""

    file: VersionFile
    before: str | None
    after: str | None

    @property
    def differs(self) -> bool:
        """Whether the file must be written."""
        return self.before != self.after


def version_text(_: str, version: Version) -> str:
    """`VERSION`: one line, a newline at the end."""
    return f"{version}\n"


def yaml_text(text: str, version: Version) -> str:
    """The four fields set, every other character as it was. Raises ValueError naming a field that cannot be set."""
    root, written = _composed(text), text
    places = {f"{table}.{key}": _field(root, table, key).start_mark.index for table, key in YAML_FIELDS}
    for name, start in sorted(places.items(), key=lambda place: place[1], reverse=True):
        end = min((place for mark in "\r\n" if (place := text.find(mark, start)) >= 0), default=len(text))
        written = written[:start] + _scalar(text[start:end], version, name) + written[end:]
    root = _composed(written)
    for table, key in YAML_FIELDS:
        if _field(root, table, key).value != str(version):
            raise ValueError(f"the field {table}.{key} does not take the version")
    return written


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
    except YAMLError as error:
        raise ValueError(f"it is not valid YAML ({printable(str(error).splitlines()[0], 100)})") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _field(root: Node | None, table: str, key: str) -> ScalarNode:
    inner = _under(_under(root, table), key)
    if not isinstance(inner, ScalarNode):
        raise ValueError(f"the field {table}.{key} is {'missing' if inner is None else 'not a plain value on one line'}")
    return inner


def _under(node: Node | None, key: str) -> Node | None:
    """What a table holds under a key. Raises ValueError where it stands there twice."""
    pairs = node.value if isinstance(node, MappingNode) else []
    found = [value for name, value in pairs if isinstance(name, ScalarNode) and name.value == key]
    if len(found) > 1:
        raise ValueError(f"the key {key} stands in it twice")
    return found[0] if found else None


_SCALAR = re.compile(r"""(?P<quote>["']?)[^"'#\n]*?(?P=quote)(?=\s*(#|$))""")


def _scalar(rest: str, version: Version, field: str) -> str:
    match = _SCALAR.match(rest)
    if match is None or rest.startswith(("|", ">", "&", "*", "!", "[", "{")):
        raise ValueError(f"the field {field} is not a plain value on one line")
    quote = match["quote"] or '"'
    return f"{quote}{version}{quote}{rest[match.end() :]}"


def python_text(text: str, version: Version) -> str:
    """Literal version defaults replaced, every other character as it was. Raises ValueError for text that is not Python."""
    mark, body = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    source = body.encode("utf-8")
    tree = python_source.parse(source)
    lines = source.splitlines(keepends=True)
    for node in sorted(_literals(tree), key=lambda node: (node.lineno, node.col_offset), reverse=True):
        row = lines[node.lineno - 1]
        quote = row[node.col_offset : node.col_offset + 1]
        lines[node.lineno - 1] = row[: node.col_offset] + quote + str(version).encode() + quote + row[node.end_col_offset :]
    return mark + b"".join(lines).decode("utf-8")


def _literals(tree: ast.AST) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign):
            pairs = [(node.target, node.value)] if node.value is not None else []
        elif isinstance(node, ast.Dict):
            pairs = [(key, value) for key, value in zip(node.keys, node.values, strict=True) if key is not None]
        elif isinstance(node, ast.Call):
            pairs = list(zip(node.args, node.args[1:], strict=False))
            pairs += [(ast.Name(keyword.arg or ""), keyword.value) for keyword in node.keywords]
        elif isinstance(node, ast.arguments):
            defaults = [None] * (len(node.args) - len(node.defaults)) + list(node.defaults)
            pairs = [(ast.Name(arg.arg), value) for arg, value in zip(node.args, defaults, strict=True) if value is not None]
        else:
            continue
        for name, value in pairs:
            if _name(name) in _NAMES and isinstance(value, ast.Constant) and _is_version(value):
                yield value


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id.lower()
    if isinstance(node, ast.Attribute):
        return node.attr.lower()
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.lower()
    return ""


def _is_version(node: ast.Constant) -> bool:
    if not isinstance(node.value, str) or node.lineno != node.end_lineno:
        return False
    try:
        Version.parse(node.value)
    except ValueError:
        return False
    return True


_ENV_LINE = re.compile(r"^(?P<name>SERVER_VERSION|SERVER_BUILD)=[^\r\n]*", re.MULTILINE)


def env_text(text: str, version: Version) -> str:
    """`SERVER_VERSION=` and `SERVER_BUILD=` lines set where they are there."""
    return _ENV_LINE.sub(lambda match: f"{match['name']}={version}", text)


FILES = (
    VersionFile("VERSION", version_text, required=True),
    VersionFile("server/config/unified_config.yaml", yaml_text),
    VersionFile("server/config/unified_config.py", python_text),
    VersionFile("server/config.env.example", env_text),
)


def rewritings(layout: Layout, version: Version) -> tuple[Rewriting, ...]:
    """What every version file says and must say. Raises Refused naming a file that cannot be rewritten."""
    return tuple(_rewriting(layout, file, version) for file in FILES)


def _rewriting(layout: Layout, file: VersionFile, version: Version) -> Rewriting:
    path = layout.path(file.path)
    try:
        if path.is_symlink():
            raise ValueError("it is a symbolic link")
        if (real := led_to(path, layout.root)) is not None:
            raise ValueError(f"a link on its way leads out of the checkout's own files, to {real}")
        before = _text(path)
        if before is None:
            return Rewriting(file, None, file.rewrite("", version) if file.required else None)
        return Rewriting(file, before, file.rewrite(before, version))
    except (ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Refused(
            f"{layout.relative(file.path)} cannot be given the version {version}: {reason}.",
            "The release commit would carry two versions.",
            "Mend that file and run again.",
        ) from None


def _text(path: Path) -> str | None:
    """A file's text, or None where it is not there."""
    try:
        raw = read_plain(path, _LIMIT + 1)
    except FileNotFoundError:
        return None
    if len(raw) > _LIMIT:
        raise ValueError(f"it is larger than {_LIMIT} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
