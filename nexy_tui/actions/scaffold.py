"""Lay the rulebook's scripts into a checkout that lacks them (rulebook sections 1.1 and 3); what is there is never touched."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from nexy_tui.core.problem import Problem, Refused
from nexy_tui.core.remedy import Run
from nexy_tui.services import Services
from nexy_tui.services.plain_file import require_inside
from nexy_tui.services.team_scripts import FOLDER, NAMES, is_ours, place, text


@dataclass(frozen=True, slots=True)
class Script:
    """One script of the rulebook and how it stands in this checkout: `missing`, `laid` (now), `ours` or `theirs`."""

    name: str
    path: PurePosixPath
    state: str
    executable: bool


def look(services: Services) -> tuple[Script, ...]:
    """How every script stands. Touches nothing."""
    return tuple(_look(services, name) for name in NAMES)


def lay(services: Services) -> tuple[Script, ...]:
    """Write those that are missing, executable, each whole or not at all. Raises Refused when the folder cannot be written."""
    folder = services.layout.path(FOLDER)
    require_inside(folder, services.checkout)
    scripts = look(services)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(_lay(services, script) if script.state == "missing" else script for script in scripts)
    except OSError as error:
        raise Refused(
            f"{error.filename or folder} cannot be written: {error.strerror}.",
            "A script that is missing stays missing; none is half there.",
            Run("scaffold", "Mend that, then run it again"),
        ) from None


def next_steps(services: Services, scripts: Sequence[Script]) -> list[str]:
    """The commands that bring scripts of this program, which git does not know yet, to the code repository; none where all are there."""
    unknown = {path for _, path in services.git.changes()}
    ours = [str(script.path) for script in scripts if script.state in ("ours", "laid") and str(script.path) in unknown]
    if not ours:
        return []
    root = services.checkout
    return [
        f"git -C {root} add {' '.join(ours)}",
        f'git -C {root} commit -m "Scripts that call nexy-tui"',
        f"git -C {root} push {_remote(services)} HEAD:{services.git.branch() or services.target.release_branch or 'BRANCH'}",
    ]


def _look(services: Services, name: str) -> Script:
    path = place(services.layout, name)
    file = services.checkout / path
    if not os.path.lexists(file):
        return Script(name, path, "missing", False)
    return Script(name, path, "ours" if is_ours(services.layout, name, services.target) else "theirs", os.access(file, os.X_OK))


def _lay(services: Services, script: Script) -> Script:
    """Through a hard link, which is refused where a file has appeared meanwhile."""
    path = services.checkout / script.path
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(text(script.name, services.target))
        temporary.chmod(0o755)
        os.link(temporary, path)
    except FileExistsError:
        return _look(services, script.name)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
    return Script(script.name, script.path, "laid", True)


def _remote(services: Services) -> str:
    try:
        return services.git.code_remote()
    except Problem:
        return services.target.code_url()
