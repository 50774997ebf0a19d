"""The configuration file: its tables with the rulebook's defaults, and what a value of each may be."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import msgspec

from nexy_tui.config.keys import KEYS
from nexy_tui.config.position import refused_line, worded
from nexy_tui.core.problem import Unusable
from nexy_tui.core.remedy import Run
from nexy_tui.core.target import Target
from nexy_tui.core.text import printable

_WIDEST = 4096
"""Reading a key of many dots takes time that grows with the square of its length."""

_REMOVED = "steps"
_REMOVED_LINE = re.compile(rf"\s*\[?\s*[\"']?{_REMOVED}[\"']?\s*[].=]")
_LONGEST = 1000
_AT = re.compile(r"at `\$\.(?P<path>[A-Za-z0-9_.]+)")
_MEND = Run("config check", "Mend that line, then see")


@dataclass(frozen=True, slots=True)
class WaitingSettings:
    """How waiting goes: `speed` divides every wait, 1 for a real release."""

    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class TrustSettings:
    """Whose signatures are believed: an OpenSSH allowed_signers file."""

    allowed_signers: str = ""


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """A private CA (PEM file) that the release target's hosts may use, besides the public ones."""

    ca: str = ""


@dataclass(frozen=True, slots=True)
class PathSettings:
    """Where run logs lie. `layout` is another name of `target.layout`."""

    state: str = ""
    layout: str = ""


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """Who releases, as it stands in the log and in allowed_signers, and the key file that signs where nothing else does."""

    id: str = ""
    signing_key_file: str = ""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The configuration file's tables."""

    target: Target = field(default_factory=Target)
    waiting: WaitingSettings = field(default_factory=WaitingSettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    paths: PathSettings = field(default_factory=PathSettings)
    operator: OperatorSettings = field(default_factory=OperatorSettings)


def parse_config(text: str, name: str) -> ConfigFile:
    """The tables of a configuration text; `name` stands in errors. Raises Unusable."""
    if any(len(line) > _WIDEST for line in text.split("\n")):
        what = f"The configuration {name} has a line of more than {_WIDEST} characters."
        raise Unusable(what, remedy="It should hold a few short tables.")
    try:
        data = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and what Python's numbers and dates refuse.
        said = printable(str(error).partition("; use sys.")[0])
        raise Unusable(f"The configuration {name} is not valid TOML: {said}{_unsaid(text, said)}.", remedy=_MEND) from None
    except RecursionError:
        raise Unusable(
            f"The configuration {name} is nested too deeply.", remedy=Run("config show", "Use the tables that this prints")
        ) from None
    if _REMOVED in data:
        raise _removed(data, text, name)
    _refuse_unknown(data, ConfigFile, name, text, ())
    try:
        file = msgspec.convert(data, ConfigFile, strict=True)
    except msgspec.ValidationError as error:
        said = printable(str(error))
        at = _AT.search(said)
        place = worded(text, at["path"].split(".")) if at is not None else ""
        raise Unusable(f"The configuration {name}{place} does not fit: {said}.", remedy=_MEND) from None
    _validate(file, name, text)
    return file


def _unsaid(text: str, said: str) -> str:
    """The line of what is no TOML, where Python's own words do not name it."""
    if "line " in said:
        return ""
    number = len(text.rstrip().split("\n")) if "end of document" in said else refused_line(text)
    return "" if number is None else f" (line {number})"


def _removed(data: Mapping[str, Any], text: str, name: str) -> Unusable:
    """The refusal of the table that let the team's own scripts do steps, with the lines to delete."""
    return Unusable(
        f"The configuration {name} has [{_REMOVED}], which was removed.",
        "nexy-tui does every step itself: of what the team's own scripts did, only a backup could be verified to its end.",
        f"Delete {_removed_lines(data, text) or f'[{_REMOVED}] and its keys'}, then run again.",
    )


def _removed_lines(data: Mapping[str, Any], text: str) -> str:
    """The table's lines by number, or an empty text where they are not all together."""
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if _REMOVED_LINE.match(line)), len(lines))
    last = first
    for number in range(first + 1, len(lines)):
        if lines[number].lstrip().startswith("["):
            break
        if lines[number].partition("#")[0].strip():
            last = number
    try:
        rest = tomllib.loads("\n".join((*lines[:first], *lines[last + 1 :])))
    except (ValueError, RecursionError):
        return ""
    if rest != {key: value for key, value in data.items() if key != _REMOVED}:
        return ""
    return f"line {first + 1}" if first == last else f"lines {first + 1} to {last + 1}"


def _refuse_unknown(data: Mapping[str, Any], shape: Any, name: str, text: str, prefix: tuple[str, ...]) -> None:
    known = {item.name: item for item in fields(shape) if item.name != "world"}
    for key, value in data.items():
        path = (*prefix, key)
        if key not in known:
            raise Unusable(
                f"The configuration {name}{worded(text, path)} has an unknown key {'.'.join(path)[:80]!r}.",
                "A misspelt key would leave a default in force unnoticed.",
                _meant(key, known, prefix)
                + f"Known {'under [' + '.'.join(prefix) + ']' if prefix else 'here'}: {', '.join(sorted(known))}.",
            )
        factory = known[key].default_factory
        if is_dataclass(factory) and isinstance(value, Mapping):
            _refuse_unknown(value, factory, name, text, path)


def _meant(key: str, known: Iterable[str], prefix: tuple[str, ...]) -> str:
    """The key that was probably meant: one of a near name here, or one of that name that belongs elsewhere."""
    name = key.lower().replace("-", "_")
    near = difflib.get_close_matches(name, list(known), 1, 0.75)
    if near:
        return f"Probably {'.'.join((*prefix, near[0]))} is meant. "
    tables = [one.name.rpartition(".")[0] for one in KEYS if one.name.rpartition(".")[2] == name]
    return f"{name} belongs under {' or '.join(f'[{table}]' for table in tables)}. " if tables else ""


def _validate(file: ConfigFile, name: str, text: str) -> None:
    _refuse_unseen(file, name, text, ())
    for key in KEYS:
        value: Any = file
        path = key.name.split(".")
        for part in path:
            value = getattr(value, part)
        for one in value if isinstance(value, tuple) else (value,):
            if not key.fits(one):
                raise _wrong(name, text, path, f"{key.name} = {_shown(one)}", f"It must be {key.wanted}.")
    target = file.target
    if len({place.lower() for place in target.manifest_directories}) < len(target.manifest_directories):
        place = worded(text, ("target", "manifest_directories"))
        raise Unusable(f"The configuration {name}{place} names a folder twice in target.manifest_directories.", remedy="Name each once.")
    if file.paths.layout and target.layout and file.paths.layout != target.layout:
        raise Unusable(
            f"The configuration {name} has target.layout = {target.layout!r} and paths.layout = {file.paths.layout!r}.",
            "Both are the layout of the checkout.",
            f"Delete paths.layout{worded(text, ('paths', 'layout'))}, and run again.",
        )
    if target.code_repository.lower() == target.artifacts_repository.lower():
        raise Unusable(
            f"The configuration {name}{worded(text, ('target', 'artifacts_repository'))} names one repository for code and artifacts.",
            "The two pipelines must not be mixed (rulebook section 0).",
            "Set target.code_repository and target.artifacts_repository to different repositories.",
        )


def _shown(value: object) -> str:
    return repr(value[:80]) if isinstance(value, str) else str(value)


def _wrong(name: str, text: str, path: Sequence[str], what: str, why: str) -> Unusable:
    place = worded(text, path)
    where = place.removeprefix(", ").partition(",")[0] or "that line"
    return Unusable(
        f"The configuration {name}{place}, has {what}." if place else f"The configuration {name} has {what}.",
        why,
        Run("config check", f"Mend {where}, then see"),
    )


def _refuse_unseen(table: Any, name: str, text: str, prefix: tuple[str, ...]) -> None:
    """No value may have characters that cannot be seen: it reaches paths, commands and the screen."""
    for item in fields(table):
        value, path = getattr(table, item.name), (*prefix, item.name)
        if is_dataclass(value):
            _refuse_unseen(value, name, text, path)
        elif isinstance(value, str) and not (value.isprintable() and len(value) <= _LONGEST):
            why = f"A value must be one line of at most {_LONGEST} characters that can be seen."
            raise _wrong(name, text, path, f"{'.'.join(path)} = {_shown(value)}", why)
