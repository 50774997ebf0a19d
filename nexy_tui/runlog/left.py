"""Whether a run of this machine was cut off: its log lies here, and no process writes it any more."""

from __future__ import annotations

import fcntl
import re
from pathlib import Path

from nexy_tui.runlog.record import SUFFIX

_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def was_cut_off(state_dir: Path, run: str) -> bool:
    """True when the run's log is here and free. A run that lives holds its log until its end; one of another machine has none here."""
    if _RUN.fullmatch(run) is None:
        return False
    for path in (state_dir / "runs").glob(f"*/{run}{SUFFIX}"):
        try:
            with path.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return True
        except OSError:
            return False
    return False
