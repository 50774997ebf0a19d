"""Which boot of the machine this is: monotonic times of two boots cannot be compared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
        answer = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return UNKNOWN
    return answer.stdout.strip().lower() or UNKNOWN
