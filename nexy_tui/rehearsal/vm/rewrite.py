"""The rulebook's paths and port, as whole tokens, turned into the world's and back, for scripts written for the real VM.

`/home/azureuser` and `8080`: in what is sent, in the clone's scripts as git checks them out, and the other way round in the output.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nexy_tui.rehearsal.names import VM_HOME, World
from nexy_tui.rehearsal.vm.files import VmFiles

PORT = 8080
"""The application's port on the real VM (the rulebook's health address)."""

SCRIPTS = ("*.sh", "**/scripts/*.py")
"""What of the clone is rewritten as it is checked out: git's own patterns, both as attributes and as pathspecs."""

_BEFORE = "[A-Za-z0-9._/]"
_BEFORE_PORT = "[A-Za-z0-9._]"
_AFTER = "[A-Za-z0-9._-]"
_AFTER_PORT = "[A-Za-z0-9_-]"

_HELD = "@REHEARSAL-HOME@"
"""Stands for the world's path while sed works: that path may itself begin with /home/azureuser."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One world's mapping. DIR holds none of the characters that mean something to sed or the shell (names.checked_directory)."""

    home: str
    port: int

    @classmethod
    def of(cls, world: World) -> Rewrite:
        """The mapping of a world."""
        return cls(str(VmFiles(world.vm).user_home), world.ports["update"])

    def inward(self, script: str) -> str:
        """A script as it must run here. Doing it twice changes nothing more."""
        script = script.replace(self.home, VM_HOME)
        script = re.sub(rf"(?<!{_BEFORE_PORT}){PORT}(?!{_AFTER_PORT})", str(self.port), script)
        return re.sub(rf"(?<!{_BEFORE}){VM_HOME}(?!{_AFTER})", self.home, script)

    def outward(self, output: bytes) -> bytes:
        """What a script printed, as it would read on the real VM. The port only where it stands as an address's."""
        output = output.replace(self.home.encode(), VM_HOME.encode())
        return re.sub(rb":%d(?![0-9])" % self.port, b":%d" % PORT, output)

    def smudge(self) -> str:
        """`inward` as a git filter. Each substitution is given twice: neighbours share the character between them."""
        port, path = _sed(_BEFORE_PORT, str(PORT), _AFTER_PORT, str(self.port)), _sed(_BEFORE, VM_HOME, _AFTER, _HELD)
        return f"sed -E -e '{port}' -e '{port}' -e '{path}' -e '{path}' -e 's#{_HELD}#{self.home}#g'"

    def clean(self) -> str:
        """The smudge filter undone."""
        port = _sed(_BEFORE_PORT, str(self.port), _AFTER_PORT, str(PORT))
        return f"sed -E -e 's#{self.home}#{VM_HOME}#g' -e '{port}' -e '{port}'"


def _sed(before: str, token: str, after: str, replacement: str) -> str:
    return f"s#(^|[^{before[1:]}){token}([^{after[1:]}|$)#\\1{replacement}\\2#g"
