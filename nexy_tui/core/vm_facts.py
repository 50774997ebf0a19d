"""What the one survey of the VM saw (contracts: all facts from the VM come from one read-only survey)."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nexy_tui.core.secret import redact
from nexy_tui.core.text import printable

SURVEY_MARK = "nexy-survey "
_MAX_UNPACKED = 256 * 1024
_MOST_FILES = 8
_HEX64 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """One `config.env` on the VM: whether it is there, each value of the two version keys, and names the server crashes on.

    `gemini` is `set` or `empty` for a line with the Gemini key, else an empty text; its value never leaves the VM.
    """

    there: bool
    versions: tuple[str, ...] = ()
    builds: tuple[str, ...] = ()
    bad_names: tuple[str, ...] = ()
    gemini: str = ""


@dataclass(frozen=True, slots=True)
class VmFacts:
    """The VM at `taken` (RFC 3339 UTC). `manifests` maps paths from the git root to sha256, None where a file is missing.

    `readers` maps the settings' readers to lines that split at the last `=`; `signs` counts journal lines since the last
    start by the fixer that mends them; `same_key` tells whether all settings files hold one Gemini key. `origins` maps names
    of database settings to the file they come from. `drift` counts tracked files `changed` by hand and files `in_the_way` of the
    release, of which the first are named (None: git there cannot tell). `cut` names what did not fit into the answer.
    `unit` is systemd's LoadState, `restarts` counts those that systemd made of itself in the last minutes, `started` are the files of
    the clone that the unit starts; `remote` is the release remote where it answers the VM, `remote_trouble` why it does not.
    """

    taken: str
    head: str = ""
    tags: tuple[str, ...] = ()
    manifest_version: str = ""
    manifests: Mapping[str, str | None] = field(default_factory=dict)
    settings: Mapping[str, SettingsFile] = field(default_factory=dict)
    readers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    signs: Mapping[str, int] = field(default_factory=dict)
    same_key: bool = True
    service: str = ""
    health_status: int = 0
    health_body: bytes = b""
    free_kib: int | None = None
    python: str = ""
    python3: str = ""
    index_lock: bool = False
    origins: Mapping[str, str] = field(default_factory=dict)
    drift: int | None = 0
    changed: tuple[str, ...] = ()
    in_the_way: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    clock: int | None = None
    journal: str = ""
    unit: str = ""
    restarts: int = 0
    started: tuple[str, ...] = ()
    remote: str = ""
    remote_trouble: str = ""


def unpack_survey(output: str, taken: str) -> VmFacts:
    """The facts in the survey's output. Raises ValueError when the line is missing, cut or garbled."""
    lines = [line for line in output.splitlines() if line.startswith(SURVEY_MARK)]
    if len(lines) != 1:
        raise ValueError("its one line is not there")
    said: dict[str, list[str]] = defaultdict(list)
    for line in _unpacked(lines[0].removeprefix(SURVEY_MARK)).split("\n"):
        name, _, value = line.partition(" ")
        said[name].append(value)

    if len(said["settings"]) > _MOST_FILES:
        raise ValueError("it tells of more settings files than there can be")

    def one(name: str) -> str:
        return printable((said[name] or [""])[0], 80)

    return VmFacts(
        taken,
        head=one("head"),
        tags=tuple(one("tags").split()),
        manifest_version=one("manifest-version"),
        manifests=dict(_manifest(value) for value in said["manifest"]),
        settings={path: _settings(path, state, said) for path, _, state in (value.partition(" ") for value in said["settings"])},
        readers={path: _lines(numbers) for path, _, numbers in (value.partition(" ") for value in said["reader"])},
        signs={name: _number(count) or 0 for name, _, count in (value.partition(" ") for value in said["sign"])},
        same_key=one("same-key") != "no",
        service=one("service"),
        health_status=_number(one("health-status")) or 0,
        health_body=_bytes((said["health-body"] or [""])[0]),
        free_kib=_number(one("free-kib")),
        python=one("python"),
        python3=one("python3"),
        index_lock=one("index-lock") == "yes",
        origins={name: printable(path, 80) for name, _, path in (value.partition(" ") for value in said["origin"])},
        drift=_number(one("drift-count")),
        changed=tuple(printable(path, 200) for path in said["changed"]),
        in_the_way=tuple(printable(path, 200) for path in said["in-the-way"]),
        cut=tuple(printable(what, 40) for what in said["cut"]),
        clock=_number(one("clock")),
        unit=one("unit"),
        restarts=_number(one("restarts")) or 0,
        started=tuple(printable(path, 200) for path in said["started"]),
        remote=one("remote"),
        remote_trouble=redact(printable((said["remote-trouble"] or [""])[0], 300)),
        journal=redact(_bytes((said["journal"] or [""])[0]).decode("utf-8", "replace")),
    )


def _unpacked(text: str) -> str:
    try:
        inflate = zlib.decompressobj(wbits=31)
        data = inflate.decompress(base64.b64decode(text.strip(), validate=True), _MAX_UNPACKED)
    except (binascii.Error, zlib.error, ValueError):
        raise ValueError("it was cut or changed on its way") from None
    if not inflate.eof:
        raise ValueError("it is cut off, or larger than it can be")
    return data.decode("utf-8", "replace")


def _manifest(value: str) -> tuple[str, str | None]:
    path, _, digest = value.rpartition(" ")
    return path, digest if _HEX64.fullmatch(digest) else None


def _settings(path: str, state: str, said: Mapping[str, Sequence[str]]) -> SettingsFile:
    def of(name: str) -> list[tuple[str, str]]:
        """`(key, rest)` of every line of that name about this file."""
        lines = (line.partition(" ") for line in said[name])
        return [(key, printable(rest, 60)) for where, _, line in lines if where == path for key, _, rest in [line.partition(" ")]]

    return SettingsFile(
        there=state == "there",
        versions=tuple(value for key, value in of("setting") if key == "SERVER_VERSION"),
        builds=tuple(value for key, value in of("setting") if key == "SERVER_BUILD"),
        bad_names=tuple(f"line {number}: {name or 'no name'}" for number, name in of("bad-name")),
        gemini=next((value for key, value in of("setting") if key == "GEMINI_API_KEY"), ""),
    )


def _lines(numbers: str) -> tuple[int, ...]:
    return tuple(number for text in numbers.split() if (number := _number(text)) is not None)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # No base64, or not even ASCII.
        return b""
