"""Apple's own judgement of an artifact: signature, Gatekeeper, stapled ticket. Only a Mac can say (contracts: decided)."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.core.surroundings import Needs, surroundings
from nexy_tui.core.target import DMG
from nexy_tui.core.text import last_lines, printable
from nexy_tui.services import processes

_TEAM = re.compile(r"TeamIdentifier=(\S+)|\(([A-Z0-9]{10})\)")
_TIMEOUT = 300.0


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one program said of one artifact."""

    program: str
    accepted: bool
    said: str


@dataclass(frozen=True, slots=True)
class AppleFacts:
    """Everything Apple's programs said of one artifact, and the team that signed it (empty where none is named)."""

    name: str
    team: str
    assessments: tuple[Assessment, ...]


def can_assess(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether this machine has Apple's programs."""
    return platform == "darwin" and all(shutil.which(name, path=environ.get("PATH")) for name in ("codesign", "spctl", "xcrun"))


def assess(path: Path, environ: Mapping[str, str]) -> AppleFacts:
    """Ask codesign (pkgutil for a package), spctl and stapler about an artifact. Raises CouldNotLook when one hangs."""
    image = path.name == DMG
    signature = ["codesign", "--verify", "--strict", "--verbose=2", str(path)] if image else ["pkgutil", "--check-signature", str(path)]
    gate = ["--type", "open", "--context", "context:primary-signature"] if image else ["--type", "install"]
    commands = (signature, ["spctl", "--assess", *gate, "--verbose=2", str(path)], ["xcrun", "stapler", "validate", str(path)])
    env = surroundings(Needs.PLAIN, environ)
    done = [(argv, processes.run(argv, env=env, timeout=_TIMEOUT, check=False)) for argv in commands]
    shown = processes.run(["codesign", "-d", "--verbose=4", str(path)], env=env, timeout=_TIMEOUT, check=False) if image else done[0][1]
    match = _TEAM.search(shown.stderr + shown.stdout)
    assessments = tuple(Assessment(argv[0], ran.exit == 0, printable(last_lines(ran.stderr or ran.stdout, 2))) for argv, ran in done)
    return AppleFacts(path.name, (match[1] or match[2]) if match else "", assessments)
