"""What happens to a log that was left before it is gone on with: it must verify, and its torn last line is put aside."""

from __future__ import annotations

import hashlib
import shlex
from datetime import datetime
from pathlib import Path

from nexy_tui.core.problem import Refused
from nexy_tui.core.remedy import Run
from nexy_tui.runlog import seal
from nexy_tui.runlog.chain import Chain, KeyFor, inspect
from nexy_tui.runlog.logfile import LogFile, write_whole
from nexy_tui.runlog.sign import Signer


def examine(file: LogFile, signer: Signer) -> tuple[Chain, dict[str, object] | None]:
    """The log as it stands, and what was torn off its end. Raises Refused when it is sealed or does not verify with this key.

    A run that was killed between its seal and the detached signature is given the signature first.
    """
    data = file.read()
    found = inspect(data, _own_key(signer))
    _demand_whole(file.path, found)
    if found.seal is not None:
        _refuse_sealed(file.path, data, signer)
    return found, _put_aside(file, data, found.torn)


def _own_key(signer: Signer) -> KeyFor:
    def key_for(keyid: str, _operator: str, _at: datetime) -> bytes:
        if keyid == signer.keyid:
            return signer.public
        raise Refused(
            f"It was signed with the key {keyid[:80]}, not with the one in use now.",
            "One run is signed with one key.",
            Run("release", "Go on where that key is (nexy-tui runs show names operator and host), or begin a new run"),
        )

    return key_for


def _demand_whole(path: Path, found: Chain) -> None:
    if found.records and {fault.sort for fault in found.faults} == {"key"}:
        began = found.records[0]
        raise Refused(
            f"The run {began.run} was begun by {began.operator.id} on {began.operator.host} with another key than the one in use now.",
            "One run is signed with one key.",
            Run("release", f"Go on with it on {began.operator.host}, where that key is; or begin a new run"),
        )
    if found.faults:
        first = found.faults[0]
        raise Refused(
            f"The run log {path} cannot be gone on with: line {first.line}: {first.reason}",
            "A run is resumed only from a log whose every line verifies.",
            Run(f"runs verify {shlex.quote(str(path))}", "Keep the file, and begin a new run. See all of it"),
        )
    if not found.records:
        raise Refused(f"The run log {path} has no whole record.", "The run was stopped before it began anything.", "Begin a new run.")


def _refuse_sealed(path: Path, data: bytes, signer: Signer) -> None:
    if not seal.signature_path(path).exists():
        seal.sign_file(path, data, signer)
    what = f"The run in {path} is finished: it is sealed."
    raise Refused(what, "Nothing is left to do in it, and nothing may stand after the seal.", Run(f"runs report {path}", "See what it did"))


def _put_aside(file: LogFile, data: bytes, torn: bytes) -> dict[str, object] | None:
    """Move the torn last line out of the log: saved first, cut off then, so that a kill in between loses nothing."""
    if not torn:
        return None
    target = _free_name(file.path, torn)
    write_whole(target, torn)
    file.cut_tail(len(data) - len(torn))
    return {"file": target.name, "size": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}


def _free_name(path: Path, torn: bytes) -> Path:
    target, number = path.with_name(path.name + ".torn"), 1
    while target.exists() and target.read_bytes() != torn:
        number += 1
        target = path.with_name(f"{path.name}.torn.{number}")
    return target
