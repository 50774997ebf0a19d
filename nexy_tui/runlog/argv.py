"""Command lines fit for the log: only arguments on this list stand there, everything else is left out.

An argument may be a password, so it must show itself harmless: a known word or option of its program, or a shape
that names a version, a commit, a ref, a file of the release or an address (which loses credentials and query).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from nexy_tui.core.secret import bare_url

LEFT_OUT = "[redacted]"

_GIT = """add cat-file checkout clone commit config diff fetch for-each-ref init log ls-files ls-remote merge-base push rebase reset
    rev-list rev-parse show status symbolic-ref tag update-ref HEAD origin server_repo core.quotePath=false -C -c -a -d -f -m -q -s
    -u -- --all --allow-empty --annotate --atomic --cached --exit-code --ff-only --follow-tags --force --force-with-lease --get-url
    --heads --is-ancestor --message --no-edit --no-verify --only --porcelain --prune --push --quiet --refs --short --symref --tags
    --verify"""
_SHELL = "-c -e -l -s -u -x --"
_WORDS: dict[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "git": _GIT,
        "gh": "auth release api token status view upload download -R --repo --clobber --pattern --dir --json --hostname",
        "az": "vm run-command invoke --resource-group --name --command-id RunShellScript NetworkWatcherRG Nexy",
        "bash": _SHELL,
        "sh": _SHELL,
        "python3": "-I -m -u --dry-run --check venv pip",
        "python": "-I -m -u --dry-run --check venv pip",
        "pip": "install --upgrade --requirement -r --quiet --no-input",
        "pg_dump": "-F -Fc -f --format=custom --format --file --schema-only --no-owner --no-privileges --no-password --snapshot -w",
        "pg_restore": "--exit-on-error --no-owner --no-privileges --no-password --list -d --dbname -w -1 --single-transaction",
        "psql": "-X -q -A -t -v ON_ERROR_STOP=1 -f -c --no-psqlrc --no-password -w",
        "7z": "l t x e -so -slt -bd -y",
        "hdiutil": "imageinfo verify attach detach -plist -readonly -nobrowse -noverify",
        "codesign": "--verify --deep --strict --display -dv --verbose=2",
        "spctl": "--assess --type open install execute --context context:primary-signature -v",
        "xcrun": "stapler validate",
        "tar": "-x -c -z -f -C -xzf -czf",
        "systemctl": "restart is-active status voice-assistant.service",
        "RunShellScript": "backup deploy drill harden nothing record save_drift settings shelf survey",
    }.items()
}
_VERSION = r"v?\d{1,9}(?:\.\d{1,9}){1,3}"
_NAME = r"[A-Za-z0-9._@+-]{1,80}"
_REF = rf"refs/{_NAME}(?:/{_NAME})*/?"
"""A slash between two names, always: a pattern that may split a name anywhere takes years for one that fits nowhere."""

_SHAPES = tuple(
    re.compile(shape)
    for shape in (
        r"\d{1,9}",
        _VERSION,
        r"(?:sha256:)?[0-9a-f]{64}|[0-9a-f]{40}",
        rf"\+?(?:HEAD|[0-9a-f]{{40}}|{_REF})?(?::{_REF})?|{_REF}:[0-9a-f]{{40}}",
        rf"(?:/[a-z]+|/Users|/Volumes|/Applications|/Library|\.|\.\.|~|server|release_inbox|\.nexy|release-log)(?:/{_NAME})+/?",
        r"[A-Za-z0-9._-]{1,80}\.(?:dmg|pkg|json|jsonl|sh|py|gz|sig|txt|toml|ya?ml|env|dump|sql|plist)",
        r"VERSION|\.",
        r"restore_drill_\d{8}_\d{6}",
        rf"Release {_VERSION}|Update manifest for {_VERSION} \(Production\)",
    )
)
_URL = re.compile(r"https?://\S+")


def allowed(argv: Sequence[str]) -> list[str]:
    """`argv` with every argument that is not on the list replaced by `[redacted]`."""
    if not argv:
        return []
    name = PurePath(argv[0]).name
    words = _WORDS.get(name, frozenset())
    first = argv[0] if name in _WORDS or _harmless(argv[0]) else LEFT_OUT
    result, after_unknown = [first], False
    for argument in argv[1:]:
        if after_unknown and not argument.startswith("-"):
            result.append(LEFT_OUT)
            after_unknown = False
            continue
        shown = _shown(argument, words)
        after_unknown = shown == LEFT_OUT and argument.startswith("-")
        result.append(shown)
    return result


def _shown(argument: str, words: frozenset[str]) -> str:
    if argument in words or _harmless(argument):
        return argument
    if _URL.fullmatch(argument):
        return bare_url(argument)
    option, equals, value = argument.partition("=")
    if equals and option in words and option.startswith("--"):
        return f"{option}={_shown(value, words)}"
    return LEFT_OUT


def _harmless(argument: str) -> bool:
    return bool(argument) and any(shape.fullmatch(argument) for shape in _SHAPES)
