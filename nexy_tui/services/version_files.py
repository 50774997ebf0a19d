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

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from nexy_tui.core.layout import Layout
from nexy_tui.core.problem import Refused
from nexy_tui.core.version import Version

YAML_FIELDS = (("update", "default_version"), ("update", "default_build"), ("server", "version"), ("server", "build"))
_NAMES = {"default_version", "default_build", "server_version", "server_build", "latest_version", "latest_build"}
_LIMIT = 1024 * 1024


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
    try:
        data = YAML().load(text)
    except YAMLError as error:
        raise ValueError(f"it is not valid YAML ({str(error).splitlines()[0][:100]})") from None
    lines = text.splitlines(keepends=True)
    for table, key in YAML_FIELDS:
        inner = data.get(table) if isinstance(data, CommentedMap) else None
        if not isinstance(inner, CommentedMap) or key not in inner:
            raise ValueError(f"the field {table}.{key} is missing")
        row, column = inner.lc.value(key)
        lines[row] = lines[row][:column] + _scalar(lines[row][column:], version, f"{table}.{key}")
    return "".join(lines)


_SCALAR = re.compile(r"""(?P<quote>["']?)[^"'#\n]*?(?P=quote)(?=\s*(#|$))""")


def _scalar(rest: str, version: Version, field: str) -> str:
    match = _SCALAR.match(rest)
    if match is None or rest.startswith(("|", ">", "&", "*", "!", "[", "{")):
        raise ValueError(f"the field {field} is not a plain value on one line")
    quote = match["quote"] or '"'
    return f"{quote}{version}{quote}{rest[match.end() :]}"


def python_text(text: str, version: Version) -> str:
    """Literal version defaults replaced, every other character as it was. Raises ValueError for text that is not Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        raise ValueError("it is not valid Python") from None
    lines = text.encode("utf-8").splitlines(keepends=True)
    for node in sorted(_literals(tree), key=lambda node: (node.lineno, node.col_offset), reverse=True):
        row = lines[node.lineno - 1]
        quote = row[node.col_offset : node.col_offset + 1]
        lines[node.lineno - 1] = row[: node.col_offset] + quote + str(version).encode() + quote + row[node.end_col_offset :]
    return b"".join(lines).decode("utf-8")


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
        if path.is_symlink() or (path.exists() and path.stat().st_size > _LIMIT):
            raise ValueError("it is a symbolic link or larger than 1 MiB")
        before = path.read_bytes().decode("utf-8") if path.exists() else None
        if before is None:
            return Rewriting(file, None, file.rewrite("", version) if file.required else None)
        return Rewriting(file, before, file.rewrite(before, version))
    except (ValueError, OSError) as error:
        raise Refused(
            f"{layout.relative(file.path)} cannot be given the version {version}: {error}.",
            "The release commit would carry two versions.",
            "Mend that file and run again.",
        ) from None
