"""Target and settings: the user's own configuration over the rulebook's defaults.

Read from the file NEXY_CONFIG names, else from the platform's configuration directory; never from a file in the
checkout, since whoever can push there could otherwise collect the operator's token (contracts: names).
"""

from __future__ import annotations

import getpass
import os
import re
import socket
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from nexy_tui.core.database_rules import HOST
from nexy_tui.core.layout import Layout
from nexy_tui.core.problem import Unusable
from nexy_tui.core.target import Target
from nexy_tui.core.text import printable

APP = "nexy-tui"
_CONFIG_LIMIT = 64 * 1024
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
    """Where run logs lie, and the layout of the checkout (`flat`, `nested`, or found from what is there)."""

    state: str = ""
    layout: str = ""


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """Who releases, as it stands in the log and in allowed_signers."""

    id: str = ""


@dataclass(frozen=True, slots=True)
class _File:
    """The configuration file's tables."""

    target: Target = field(default_factory=Target)
    waiting: WaitingSettings = field(default_factory=WaitingSettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    paths: PathSettings = field(default_factory=PathSettings)
    operator: OperatorSettings = field(default_factory=OperatorSettings)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything configured, environment applied. `ca` is in force; `configured_ca` is what the user's own file names."""

    target: Target
    state_dir: Path
    operator: str
    host: str
    allowed_signers: Path
    ca: Path | None
    configured_ca: Path | None
    speed: float
    layout: str
    config_path: Path
    config_found: bool


def config_path(environ: Mapping[str, str]) -> Path:
    """The file the configuration is read from, whether or not it is there. Raises Unusable where the home is not known."""
    named = environ.get("NEXY_CONFIG")
    return Path(named) if named else Path(_of_home(platformdirs.user_config_dir)) / "config.toml"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from file and environment. Raises Unusable naming file, key and what was expected."""
    environ = os.environ if environ is None else environ
    path = config_path(environ)
    text = _read(path, required="NEXY_CONFIG" in environ)
    file = parse_config(text or "", str(path))
    target = replace(
        file.target,
        world=environ.get("NEXY_WORLD") or None,
        vm=replace(file.target.vm, subscription=file.target.vm.subscription or environ.get("AZURE_SUBSCRIPTION_ID", "")),
    )
    state = environ.get("NEXY_STATE_DIR") or file.paths.state or _of_home(platformdirs.user_state_dir)
    signers = environ.get("NEXY_ALLOWED_SIGNERS") or file.trust.allowed_signers
    configured_ca = _expanded(file.tls.ca) if file.tls.ca else None
    ca = environ.get("NEXY_CA")
    return Settings(
        target=target,
        state_dir=_expanded(state),
        operator=environ.get("NEXY_OPERATOR") or file.operator.id or _user(),
        host=socket.gethostname(),
        allowed_signers=_expanded(signers) if signers else path.parent / "allowed_signers",
        ca=Path(ca) if ca else configured_ca,
        configured_ca=configured_ca,
        speed=file.waiting.speed,
        layout=file.paths.layout,
        config_path=path,
        config_found=text is not None,
    )


def _of_home(folder: Callable[[str], str]) -> str:
    """A folder of the user's own, as platformdirs has it. Raises Unusable where the home is not known."""
    try:
        return folder(APP)
    except RuntimeError:
        raise Unusable(
            "Your home folder is not known: HOME is not set, or is no full path.",
            "Without it nobody can tell where your configuration and run logs are.",
            "Set HOME to a full path, or both NEXY_CONFIG and NEXY_STATE_DIR.",
        ) from None


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise Unusable(f"{text[:80]!r} names the home of somebody who is not here.", remedy="Write the path in full.") from None


def parse_config(text: str, name: str) -> _File:
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
    _refuse_unknown(data, _File, name, "")
    try:
        file = msgspec.convert(data, _File, strict=True)
    except msgspec.ValidationError as error:
        what = f"The configuration {name} does not fit: {printable(str(error))}."
        raise Unusable(what, remedy="`nexy-tui config show` prints every key with its value.") from None
    _validate(file, name)
    return file


def _read(path: Path, *, required: bool) -> str | None:
    try:
        if path.exists() and not path.is_file():
            raise Unusable(f"The configuration {path} is not a plain file.", remedy="Name a file, or unset NEXY_CONFIG.")
        with path.open("rb") as stream:
            raw = stream.read(_CONFIG_LIMIT + 1)
    except FileNotFoundError:
        if required:
            raise Unusable(
                f"NEXY_CONFIG names {path}, which is not there.",
                "Without it the release target is unknown.",
                "Create the file, or unset NEXY_CONFIG to use the rulebook's defaults.",
            ) from None
        return None
    except OSError as error:
        raise Unusable(f"The configuration {path} cannot be read: {error.strerror}.", remedy="Mend its permissions.") from None
    if len(raw) > _CONFIG_LIMIT:
        raise Unusable(f"The configuration {path} is larger than {_CONFIG_LIMIT} bytes.", remedy="It should hold a few short tables.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unusable(f"The configuration {path} is not UTF-8 text.", remedy="Save it as UTF-8.") from None


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
_BRANCH = re.compile(r"([A-Za-z0-9][A-Za-z0-9._/-]{0,150})?")


def _validate(file: _File, name: str) -> None:
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
        ("paths.layout", file.paths.layout, re.compile("|flat|nested"), "flat or nested, or empty to find it"),
    )
    for key, value, form, wanted in forms:
        if form.fullmatch(value) is None:
            raise Unusable(
                f"The configuration {name} has {key} = {value[:80]!r}.", f"It must be {wanted}.", "Mend that line and run again."
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


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"


def find_checkout(start: Path) -> Path:
    """The git root at or above `start`. Raises Unusable outside a checkout."""
    start = start.absolute()
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    raise Unusable(
        f"{start} is not inside a checkout of the code repository.",
        "The release starts from a clone of the server's code.",
        "Go into the clone, or name it: --checkout DIR. To practise without one: nexy-tui rehearse.",
    )


def find_layout(root: Path, wanted: str = "") -> Layout:
    """The checkout's layout: as configured, else from which `VERSION` is there. Raises Unusable for both or neither."""
    if wanted:
        return Layout(wanted, root)
    there = [kind for kind in ("flat", "nested") if Layout(kind, root).version_file.is_file()]
    if len(there) == 1:
        return Layout(there[0], root)
    what = "both VERSION and server/VERSION" if there else "neither VERSION nor server/VERSION"
    raise Unusable(
        f"{root} has {what}.",
        "So it is unknown whether the rulebook's repo root is the git root (flat) or its folder server/ (nested).",
        "Go into the clone of the server's code, or name it: --checkout DIR. If this is it, restore VERSION, "
        f'or set layout = "flat" or "nested" under [paths] in {config_path(os.environ)}.',
    )
