"""The configuration file: its tables with the rulebook's defaults, and what a value of each may be."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import msgspec

from nexy_tui.core.database_rules import HOST
from nexy_tui.core.problem import Unusable
from nexy_tui.core.target import Target
from nexy_tui.core.text import printable

_WIDEST = 4096
"""Reading a key of many dots takes time that grows with the square of its length."""

_REMOVED = "steps"
_REMOVED_LINE = re.compile(rf"\s*\[?\s*[\"']?{_REMOVED}[\"']?\s*[].=]")
_LONGEST = 1000
_MOST_DAYS = 3650
_FASTEST = 100_000


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
    """Who releases, as it stands in the log and in allowed_signers."""

    id: str = ""


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
        raise Unusable(f"The configuration {name} is not valid TOML: {said}.", remedy="Mend that line and run again.") from None
    except RecursionError:
        raise Unusable(
            f"The configuration {name} is nested too deeply.", remedy="Use the tables that `nexy-tui config show` prints."
        ) from None
    if _REMOVED in data:
        raise _removed(data, text, name)
    _refuse_unknown(data, ConfigFile, name, "")
    try:
        file = msgspec.convert(data, ConfigFile, strict=True)
    except msgspec.ValidationError as error:
        what = f"The configuration {name} does not fit: {printable(str(error))}."
        raise Unusable(what, remedy="`nexy-tui config show` prints every key with its value.") from None
    _validate(file, name)
    return file


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


def _refuse_unknown(data: Mapping[str, Any], shape: Any, name: str, prefix: str) -> None:
    known = {item.name: item for item in fields(shape)}
    for key, value in data.items():
        if key not in known or key == "world":
            raise Unusable(
                f"The configuration {name} has an unknown key {(prefix + key)[:80]!r}.",
                "A misspelt key would leave a default in force unnoticed.",
                f"Known here: {', '.join(sorted(known))}.",
            )
        factory = known[key].default_factory
        if is_dataclass(factory) and isinstance(value, Mapping):
            _refuse_unknown(value, factory, name, f"{prefix}{key}.")


_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_VM_PATH = re.compile(r"/[A-Za-z0-9._/-]{1,200}")
_UNIT = re.compile(r"[A-Za-z0-9@._-]{1,100}\.service")
_LAYOUT = re.compile("|flat|nested")
_REPOSITORY_PATH = re.compile(r"(?!/)(/?(?!\.{1,2}(/|$)|(?i:\.git)(/|$))[A-Za-z0-9._-]{1,100}){1,10}")
_A_REPOSITORY_PATH = "a list of folders from the git root, as server/updates/manifests: letters, digits, . _ - and /, no .. and no .git"
_BRANCH = re.compile(r"([A-Za-z0-9][A-Za-z0-9._/-]{0,150})?")


def _validate(file: ConfigFile, name: str) -> None:
    _refuse_unseen(file, name, "")
    target = file.target
    forms = (
        ("target.code_repository", target.code_repository, _REPOSITORY, "owner/name"),
        ("target.artifacts_repository", target.artifacts_repository, _REPOSITORY, "owner/name"),
        ("target.dmg_tag", target.dmg_tag, _TAG, "a tag name"),
        ("target.pkg_tag", target.pkg_tag, _TAG, "a tag name"),
        ("target.release_branch", target.release_branch, _BRANCH, "a branch name, or empty for the remote's own"),
        ("target.hosts.web", target.hosts.web, _HOST, "a host name"),
        ("target.hosts.api", target.hosts.api, _HOST, "a host name"),
        ("target.hosts.uploads", target.hosts.uploads, _HOST, "a host name"),
        ("target.update_server.host", target.update_server.host, _HOST, "a host name"),
        ("target.vm.directory", target.vm.directory, _VM_PATH, "an absolute path of letters, digits, . _ / -"),
        ("target.vm.service", target.vm.service, _UNIT, "a unit name ending in .service"),
        *(("target.database.hosts", host, HOST, "a list of host names, addresses or socket folders") for host in target.database.hosts),
        ("target.database.where", target.database.where, re.compile("vm|local"), "vm or local"),
        ("target.layout", target.layout, _LAYOUT, "flat or nested, or empty to find it"),
        ("paths.layout", file.paths.layout, _LAYOUT, "flat or nested; its name is target.layout"),
        *(("target.manifest_directories", place, _REPOSITORY_PATH, _A_REPOSITORY_PATH) for place in target.manifest_directories),
    )
    for key, value, form, wanted in forms:
        if form.fullmatch(value) is None:
            raise Unusable(
                f"The configuration {name} has {key} = {value[:80]!r}.", f"It must be {wanted}.", "Mend that line and run again."
            )
    if len({place.lower() for place in target.manifest_directories}) < len(target.manifest_directories):
        raise Unusable(
            f"The configuration {name} names a folder twice in target.manifest_directories.", remedy="Name each once, and run again."
        )
    if file.paths.layout and target.layout and file.paths.layout != target.layout:
        raise Unusable(
            f"The configuration {name} has target.layout = {target.layout!r} and paths.layout = {file.paths.layout!r}.",
            "Both are the layout of the checkout.",
            "Delete paths.layout, and run again.",
        )
    if target.code_repository.lower() == target.artifacts_repository.lower():
        raise Unusable(
            f"The configuration {name} names one repository for code and artifacts.",
            "The two pipelines must not be mixed (rulebook section 0).",
            "Set target.code_repository and target.artifacts_repository to different repositories.",
        )
    speed, port, days = file.waiting.speed, target.update_server.port, target.database.drill_max_age_days
    if not 0 < speed <= _FASTEST or not 0 < port < 65536 or not 0 <= days <= _MOST_DAYS:
        raise Unusable(
            f"The configuration {name} has a number out of range.",
            f"waiting.speed must be above 0 and at most {_FASTEST}, update_server.port a port, "
            f"database.drill_max_age_days not negative and at most {_MOST_DAYS}.",
            "Mend that line and run again.",
        )


def _refuse_unseen(table: Any, name: str, prefix: str) -> None:
    """No value may have characters that cannot be seen: it reaches paths, commands and the screen."""
    for item in fields(table):
        value = getattr(table, item.name)
        if is_dataclass(value):
            _refuse_unseen(value, name, f"{prefix}{item.name}.")
        elif isinstance(value, str) and not (value.isprintable() and len(value) <= _LONGEST):
            raise Unusable(
                f"The configuration {name} has {prefix}{item.name} = {value[:80]!r}.",
                f"A value must be one line of at most {_LONGEST} characters that can be seen.",
                "Mend that line and run again.",
            )
