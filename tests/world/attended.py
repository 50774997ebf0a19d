"""A command line in a terminal with somebody at it who types what is asked for, exactly: the confirmations, and what is kept secret."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

_TYPE = re.compile("Type “(.+?)” to go on: ")
_HIDDEN = re.compile(r"^(\S+) \(it is not shown\): ", re.MULTILINE)


def attended(
    command: str, folder: Path, environ: Mapping[str, str], hidden: Mapping[str, str] | None = None, timeout: float = 500
) -> tuple[int, str]:
    """Run a shell's command line at a terminal; its exit status and what it said.

    `hidden`: what is answered to a hidden question, by name.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["bash", "-c", command], cwd=folder, env=dict(environ), stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
    )
    os.close(theirs)
    said, answered = "", 0
    assert process.stdout is not None
    try:
        while part := process.stdout.read(65536):
            said += part.decode("utf-8", "replace")
            asked = [*_TYPE.finditer(said, answered), *(_HIDDEN.finditer(said, answered) if hidden else ())]
            for question in sorted(asked, key=lambda one: one.end()):
                answered = question.end()
                answer = question[1] if question.re is _TYPE else (hidden or {})[question[1]]
                os.write(ours, answer.encode() + b"\n")
        return process.wait(timeout=timeout), said
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        os.close(ours)
