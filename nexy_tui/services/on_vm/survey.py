"""Everything the checks want to know of the VM, in one look that changes nothing.

Parameters: directory, service; host and repository of the release remote; manifest_version, the version whose
manifest_<version>.json is asked for (empty: the one manifest.json names); manifest_directories; commit, the release that would be
checked out (or empty); also: a shell script that looks at something else, whose outputs both go to this script's second one (or empty).
Output: one line "nexy-survey <base64 of gzip of 'name value' lines>", short enough for run-command's 4,096 bytes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from nexy_tui.services.on_vm.drift import changed_by_hand, in_the_way
from nexy_tui.services.on_vm.settings_files import KEY, READERS, SETTINGS, entries, is_name, lines_split_at_last, read, shown_name
from nexy_tui.services.on_vm.steps import (
    Place,
    Report,
    StepFailed,
    ask,
    attempt,
    git_words,
    is_active,
    journal,
    last_words,
    one_line,
    place_of,
    release_remote,
    try_git,
    unit,
    without_secrets,
)

WINDOW = 3800
"""Characters of the packed facts: with the sentinel they fit into what Azure shows."""

MINUTES = 5
"""How far back a restart that systemd made of itself still counts."""

REMOTE_LIMIT = 30.0
"""Seconds the release remote has to answer."""

HEALTH = ("status", "version", "latest_version", "latest_build")
"""What is judged of a health document."""

_MOST_FILES = 40
_RESTARTED = re.compile(r"(?m): Scheduled restart job")
_ARGV = re.compile(r"argv\[\]=(.*?) ; ")
_SOURCE = re.compile(r"\.(?:py|sh)$")
_DATABASE = re.compile(r"DB_|PG_|BACKUP_|AZURE_STORAGE_|AWS_S3_")
_START = re.compile(r"^(?:Starting|Stopped) |: Scheduled restart job")
_SIGNS = {
    "gemini-key": re.compile(r"API_KEY_INVALID|API key (?:expired|not valid)"),
    "config-env": re.compile(r"illegal environment variable name"),
}


def survey(parameters: Mapping[str, Any], report: Report) -> int:
    """Print the facts; 4 where the application's directory is not there. With `also`, both statuses come last."""
    place = place_of(parameters)
    status = _look(place, parameters)
    if parameters.get("also"):
        sys.stdout.flush()
        sys.stderr.flush()
        other = subprocess.run(["bash", "-c", parameters["also"], "nexy"], stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
        print(f"\nnexy-surveys {status} {other.returncode}")
        return 0
    return status


def _look(place: Place, parameters: Mapping[str, Any]) -> int:
    if not os.path.isdir(place.app):
        print(f"nexy: {place.app} is not there", file=sys.stderr)
        return 4
    print(f"nexy-survey {packed(facts(place, parameters), drift(place, parameters), _newest_lines(place))}")
    return 0


def facts(place: Place, parameters: Mapping[str, Any]) -> list[str]:
    """What is always told, one `name value` line each."""
    status, body = ask(place.health_url, 65536)
    python = attempt(place, place.python, "--version")
    return [
        _line("head", (try_git(place, "rev-parse", "--verify", "HEAD") or "").strip()),
        _line("tags", " ".join((try_git(place, "tag", "--points-at", "HEAD", "--list", "v*") or "").split()[:8])),
        *_manifests(place, parameters),
        *_settings(place),
        *_readers(place),
        *_signs(place),
        _line("service", is_active(place)),
        _line("health-status", status),
        _line("health-body", _base64(judged(body))),
        _line("unit", unit(place, "LoadState")),
        _line("restarts", len(_RESTARTED.findall(journal(place, "--since", f"-{MINUTES}min")))),
        *_started(place),
        *_remote(place, parameters),
        *_room(place),
        _line("python", (python[1] + python[2]).strip()[:40]),
        _line("python3", platform.python_version()),
        _line("index-lock", "yes" if os.path.exists(os.path.join(_git_folder(place), "index.lock")) else "no"),
        _line("clock", int(time.time())),
    ]


def judged(body: bytes) -> bytes:
    """A health document's fields that are judged, however many more it has; the beginning of a body that is no such document."""
    try:
        document = json.loads(body, object_pairs_hook=_fields)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return body[:1024]
    return json.dumps({name: document[name] for name in HEALTH if name in document}).encode()[:1024]


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key stands in it twice")
    return dict(pairs)


def drift(place: Place, parameters: Mapping[str, Any]) -> list[str]:
    """Files changed by hand and files in the release's way, one line each; the first line tells how many. Nothing where git cannot tell."""
    folders = parameters["manifest_directories"]
    try:
        changed = changed_by_hand(place, folders)
    except StepFailed:
        return []
    blocking = in_the_way(place, parameters["commit"], folders) if parameters["commit"] else None
    lines = [_line("drift-count", len(changed) + len(blocking or []))]
    lines += [_line("changed", path) for path in changed[:_MOST_FILES]]
    return lines + [_line("in-the-way", path) for path in (blocking or [])[:_MOST_FILES]]


def packed(told: list[str], foreign: list[str], newest: str) -> str:
    """The facts in base64, as much as fits: the journal gives way first, then the files' names; what was cut is a fact itself."""
    text = ""
    for lines, characters in ((len(foreign), 3000), (len(foreign), 1200), (9, 1200), (9, 0), (1, 0)):
        cut = [_line("cut", what) for what, shorter in (("journal", characters < len(newest)), ("drift", lines < len(foreign))) if shorter]
        tail = newest[-characters:] if characters else ""
        every = [*told, *foreign[:lines], *cut, _line("journal", _base64(tail.encode()))]
        text = _base64(gzip.compress("\n".join([*every, ""]).encode("utf-8", "surrogateescape"), 9, mtime=0))
        if len(text) <= WINDOW:
            break
    return text


def _room(place: Place) -> list[str]:
    """KiB that are free where the application is, by df(1) as POSIX has it; nothing where it does not tell."""
    rows = attempt(place, "df", "-Pk", place.app)[1].splitlines()
    fields = rows[-1].split() if len(rows) > 1 else []
    return [_line("free-kib", fields[-3])] if len(fields) >= 6 and fields[-3].isdigit() else []


def _remote(place: Place, parameters: Mapping[str, Any]) -> list[str]:
    """Whether the release remote answers this VM, and takes its credential; nothing where the survey is not told of one."""
    if not parameters.get("repository"):
        return []
    try:
        name = release_remote(place, parameters["host"], parameters["repository"])
    except StepFailed as failed:
        return [_line("remote-trouble", last_words(str(failed))[-300:])]
    status, _, said = attempt(place, *git_words(place), "ls-remote", "--exit-code", name, "HEAD", limit=REMOTE_LIMIT)
    return (
        [_line("remote-trouble", last_words(said)[-300:] or f"git ls-remote ended with status {status}")]
        if status
        else [_line("remote", name)]
    )


def _started(place: Place) -> list[str]:
    """The files in the clone that the unit's ExecStart names, from the clone's root; what lies in the environment is no release's."""
    folder = unit(place, "WorkingDirectory") or place.app
    found = []
    for command in _ARGV.findall(unit(place, "ExecStart")):
        for word in command.split():
            path = os.path.normpath(os.path.join(folder, word))
            inside = path.startswith(place.app.rstrip("/") + "/") and not path.startswith(place.venv.rstrip("/") + "/")
            if inside and not word.startswith("-") and (os.path.isfile(path) or _SOURCE.search(word)):
                found.append(_line("started", os.path.relpath(path, place.app)))
    return found[:8]


def _line(name: str, value: object) -> str:
    return f"{name} {one_line(str(value))}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _git_folder(place: Place) -> str:
    return os.path.join(place.app, (try_git(place, "rev-parse", "--git-dir") or ".git").strip())


def _manifests(place: Place, parameters: Mapping[str, Any]) -> list[str]:
    folders = [folder for folder in parameters["manifest_directories"] if os.path.isdir(os.path.join(place.app, folder))]
    version = parameters["manifest_version"] or _stated(place, folders)
    lines = [_line("manifest-version", version)]
    for folder in folders:
        for name in ("manifest.json", f"manifest_{version}.json"):
            data = read(os.path.join(place.app, folder, name))
            lines.append(_line("manifest", f"{folder}/{name} {'-' if data is None else hashlib.sha256(data).hexdigest()}"))
    return lines


def _stated(place: Place, folders: list[str]) -> str:
    for folder in folders:
        found = re.search(rb'^\s*"version"\s*:\s*"([0-9.]{7,39})"', read(os.path.join(place.app, folder, "manifest.json")) or b"", re.M)
        if found:
            return found[1].decode()
    return ""


def _settings(place: Place) -> list[str]:
    """Names and the two version values only; of the Gemini key whether all files hold one; of database settings which file gives them."""
    lines, keys, origins = [], set(), {}
    for path in SETTINGS:
        data = read(os.path.join(place.app, path))
        lines.append(_line("settings", f"{path} {'missing' if data is None else 'there'}"))
        if data is None:
            continue
        key, bad = b"", 0
        for number, name, value in entries(data):
            if name in (b"SERVER_VERSION", b"SERVER_BUILD"):
                lines.append(_line("setting", f"{path} {name.decode()} {value[:60].decode('utf-8', 'replace')}"))
            elif name == KEY.encode():
                key = value
                lines.append(_line("setting", f"{path} {KEY} {'set' if value else 'empty'}"))
            elif not is_name(name):
                bad += 1
                if bad <= 5:
                    lines.append(_line("bad-name", f"{path} {number} {shown_name(name)}"))
            elif _DATABASE.match(name.decode()):
                origins[name.decode()] = path
        keys.add(key)
    lines.append(_line("same-key", "yes" if len(keys) < 2 else "no"))
    return lines + [_line("origin", f"{name} {path}") for name, path in sorted(origins.items())]


def _readers(place: Place) -> list[str]:
    found = ((path, read(os.path.join(place.app, path))) for path in READERS)
    return [_line("reader", f"{path} {' '.join(map(str, lines_split_at_last(data)[:5]))}") for path, data in found if data is not None]


def _signs(place: Place) -> list[str]:
    """What the journal says of known troubles since the service was last started, over more lines than are sent."""
    counts = dict.fromkeys(_SIGNS, 0)
    for line in journal(place, "-n", "5000").splitlines():
        if _START.search(line):
            counts = dict.fromkeys(_SIGNS, 0)
        for name, sign in _SIGNS.items():
            counts[name] += sign.search(line) is not None
    return [_line("sign", f"{name} {count}") for name, count in counts.items()]


def _newest_lines(place: Place) -> str:
    return without_secrets(journal(place, "-n", "40"))
