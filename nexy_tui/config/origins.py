"""Where each setting comes from, and whether a file that is trusted is really its owner's alone to write."""

from __future__ import annotations

import os
import shlex
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nexy_tui.config.keys import KEYS
from nexy_tui.config.position import position
from nexy_tui.core.problem import Unusable
from nexy_tui.core.remedy import Run

LOGIN = "your login name"
"""Where the operator's id comes from when nobody set it."""

_WHY = "It names hosts and keys: who changes it decides where a release goes and whose signature counts."


def origins(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Where each key's value comes from, by its dotted name: a variable, a line of the file `text`, or the default."""
    data = tomllib.loads(text)
    found = {}
    for key in KEYS:
        if key.variable and environ.get(key.variable):
            found[key.name] = f"environment {key.variable}"
        elif _value(data, key.name) not in (None, ""):
            place = position(text, key.name.split("."))
            found[key.name] = f"line {place[0]} of the file" if place is not None else "the file"
        elif key.name == "target.vm.subscription" and environ.get("AZURE_SUBSCRIPTION_ID"):
            found[key.name] = "environment AZURE_SUBSCRIPTION_ID"
        else:
            found[key.name] = LOGIN if key.name == "operator.id" else "default"
    return found


def _value(data: Any, name: str) -> Any:
    for part in name.split("."):
        data = data.get(part) if isinstance(data, dict) else None
    return data


def require_fitting(environ: Mapping[str, str]) -> None:
    """Pass where every variable that stands for a key of the configuration has a value of the key's form. Raises Unusable."""
    for key in KEYS:
        variable = "AZURE_SUBSCRIPTION_ID" if key.name == "target.vm.subscription" else key.variable
        value = environ.get(variable, "") if variable else ""
        if value and not (key.path or key.fits(value)):
            raise Unusable(
                f"{variable} is {value[:80]!r}.",
                f"It stands for {key.name}, and must be {key.wanted}.",
                Run("config check", f"Correct or unset {variable}, then see"),
            )


def require_unwritten(path: Path, what: str) -> None:
    """Pass where nobody but its owner may write to a file of the operator's own, or where there is none. Raises Unusable."""
    try:
        found = path.stat()
    except OSError:
        return
    if found.st_mode & 0o022:
        raise Unusable(
            f"The {what} {path} can be written by others (mode {found.st_mode & 0o777:04o}).",
            _WHY,
            f"See that it says what you wrote, then: chmod go-w {shlex.quote(str(path))}",
        )
    for folder in {path.parent, path.resolve().parent}:
        mode = folder.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise Unusable(
                f"The folder of the {what} {path} can be written by everybody (mode {mode & 0o777:04o}): {folder}.",
                _WHY,
                f"See that the file says what you wrote, then: chmod o-w {shlex.quote(str(folder))}",
            )
    if found.st_uid not in (0, os.geteuid()):
        raise Unusable(
            f"The {what} {path} belongs to somebody else (user {found.st_uid}).",
            _WHY,
            "See that it says what you mean, and put a copy of your own in its place.",
        )
