"""Stand-ins for every program that is started: each records the environment and the arguments it got, then is the real one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from conftest import Inside

from nexy_tui.rehearsal.bundled import postgresql

POSTGRESQL = ("pg_dump", "pg_restore", "psql")
PROGRAMS = (
    *("git", "gh", "7z", "7zz", "7za", "ssh", "gpg", "az", "azd", "pwsh", "aws", "uname", "sysctl", "hdiutil", "codesign", "spctl"),
    *("xcrun", "pkgutil", "security", "openssl", "curl", "tar", "sh", "bash", "python", "python3", "node", "ldconfig", "cc", "gcc", "pip"),
    *("pre-commit", "git-lfs", "git-credential-gh", "setpriv", "true"),
)
"""Every name that is looked up on PATH, by us, by a library or by git, and more that might be."""

_SHELL_S_OWN = frozenset(("PWD", "OLDPWD", "SHLVL", "_"))

_STAND_IN = """#!/bin/sh
/usr/bin/env > "{records}/{name}.$$.environ"
printf '%s\\n' "$@" > "{records}/{name}.$$.argv"
exec "{real}" "$@"
"""

_PYTHON = """import os, sys
with open({records!r} + "/python." + str(os.getpid()) + ".environ", "w") as stream:
    stream.writelines(name + "=" + value + "\\n" for name, value in os.environ.items())
with open({records!r} + "/python." + str(os.getpid()) + ".argv", "w") as stream:
    stream.write("\\n".join(sys.orig_argv[1:]))
"""


@dataclass(frozen=True)
class Call:
    """One start of a program."""

    program: str
    argv: tuple[str, ...]
    environ: Mapping[str, str]

    @property
    def label(self) -> str:
        """The program, and of git and python what it is about."""
        if self.program == "git":
            talks = {"push", "fetch", "ls-remote"} & set(self.argv)
            return "git (talks to the remote)" if talks else "git"
        if self.program == "python":
            return next((f"python: {word}" for word in self.argv if word.startswith("nexy_tui")), "python")
        return self.program


@dataclass(frozen=True)
class Recorder:
    """The stand-ins, and what they have recorded."""

    folder: Path
    programs: Path
    records: Path

    @classmethod
    def made(cls, folder: Path) -> Recorder:
        """With a stand-in for each of PROGRAMS that this machine has, for PostgreSQL's, and for every Python interpreter."""
        recorder = cls(folder, folder / "bin", folder / "records")
        for place in (recorder.programs, folder / "postgresql", folder / "python", recorder.records):
            place.mkdir(parents=True)
        for name in PROGRAMS:
            if real := shutil.which(name):
                recorder.put(recorder.programs / name, Path(real))
        for name in POSTGRESQL:
            recorder.put(folder / "postgresql" / name, postgresql() / name)
        (folder / "python" / "sitecustomize.py").write_text(_PYTHON.format(records=str(recorder.records)))
        return recorder

    def put(self, place: Path, real: Path) -> None:
        """A stand-in for one program."""
        place.write_text(_STAND_IN.format(records=self.records, name=place.name, real=real))
        place.chmod(0o755)

    def environ(self, inside: Inside) -> dict[str, str]:
        """What leads every program through its stand-in."""
        return {
            "PATH": f"{self.programs}{os.pathsep}{inside.environ['PATH']}",
            "NEXY_PG_BIN": str(self.folder / "postgresql"),
            "PYTHONPATH": str(self.folder / "python"),
        }

    def calls(self) -> Iterator[Call]:
        """Every start of a program so far."""
        for path in sorted(self.records.glob("*.environ")):
            lines = [line.partition("=") for line in path.read_text(errors="replace").splitlines()]
            environ = {name: value for name, _, value in lines if name not in _SHELL_S_OWN}
            yield Call(path.name.split(".")[0], tuple(path.with_suffix(".argv").read_text(errors="replace").splitlines()), environ)
