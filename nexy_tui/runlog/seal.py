"""The seal: the record that ends a run, and the detached signature over the whole file beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nexy_tui.core.problem import Refused
from nexy_tui.runlog import sshsig
from nexy_tui.runlog.logfile import write_whole
from nexy_tui.runlog.record import OUTCOMES
from nexy_tui.runlog.sign import Signer
from nexy_tui.runlog.trust import NAMESPACE


def signature_path(path: Path) -> Path:
    """Where a log's detached signature lies."""
    return path.with_name(path.name + ".sig")


def details(outcome: str, records: int, counts: Mapping[str, int]) -> dict[str, object]:
    """What the sealing record states: how the run ended, the number of records (the seal among them), and the counts by status."""
    if outcome not in OUTCOMES:
        raise Refused(
            f"{outcome[:40]!r} is not an outcome of a run.", "The seal says how the run ended.", f"It is one of {', '.join(OUTCOMES)}."
        )
    return {"outcome": outcome, "records": records, "counts": dict(counts)}


def sign_file(path: Path, data: bytes, signer: Signer) -> Path:
    """Write the SSHSIG over the log's bytes beside it; its path."""
    target = signature_path(path)
    write_whole(target, sshsig.make(data, NAMESPACE, signer))
    return target
