"""Which boot of the machine this is: monotonic times of two boots cannot be compared."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.surroundings import Needs, surroundings
from nexy_tui.services import processes

UNKNOWN = "unknown"


def boot_id() -> str:
    """The kernel's id of the running boot, or `unknown` where the system has none."""
    if sys.platform == "darwin":
        return _darwin()
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip() or UNKNOWN
    except OSError:
        return UNKNOWN


def _darwin() -> str:
    try:
        env = surroundings(Needs.PLAIN, os.environ)
        answer = processes.run(["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], env=env, timeout=5, check=False)
    except CouldNotLook:
        return UNKNOWN
    return answer.stdout.strip().lower() or UNKNOWN
