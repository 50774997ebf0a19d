"""Asking the code repository what it keeps of a log: the anchors that `runs verify` compares the log with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nexy_tui.core.problem import Unusable
from nexy_tui.runlog import sshsig, sshwire
from nexy_tui.runlog.chain import Chain, read_line, split
from nexy_tui.runlog.logfile import LARGEST, read_whole
from nexy_tui.runlog.record import Record

if TYPE_CHECKING:
    from nexy_tui.config import Settings
    from nexy_tui.services.git.anchors import Kept

_TRAILERS = re.compile(r"^Nexy-(Run|Log-Records|Log-SHA256): (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a place outside says of the log: so many records, with this head; no head when the place says nothing."""

    name: str
    records: int = 0
    head: str | None = None

    def verdict(self, chain: Chain) -> str:
        """`match`, `mismatch` or `absent`."""
        if self.head is None:
            return "absent"
        known = 0 < self.records <= len(chain.records) and chain.records[self.records - 1].digest == self.head
        return "match" if known else "mismatch"


def ask(path: Path, settings: Settings, checkout: Path) -> tuple[Anchor, ...]:
    """What the code repository, which a remote of `checkout` is, keeps of the log. Raises Problem with why it was not asked."""
    from nexy_tui.core.given import given
    from nexy_tui.services.git import Git
    from nexy_tui.services.git.anchors import kept_of

    lines = split(read_whole(path))[0]
    try:
        genesis = read_line(lines[0])[0]
    except (ValueError, IndexError):
        raise Unusable("the log does not say whose run it is") from None
    if genesis.world != settings.target.world:
        raise Unusable("the run belongs to another world")
    git = Git(checkout, settings.target, given())
    git.code_remote()  # Asked first: a checkout of something else is no reason to call a host.
    from nexy_tui.services.identity import require_world

    require_world(settings)
    return anchors_of(lines, genesis, kept_of(git, str(genesis.details.get("version")), genesis.run, LARGEST))


def anchors_of(lines: Sequence[bytes], genesis: Record, kept: Kept) -> tuple[Anchor, ...]:
    """Each place that names the log's head, and the tag on the whole of it, which a sealed log must have."""
    from nexy_tui.services.git.anchors import heads_ref, log_tag

    run, tag = genesis.run, log_tag(str(genesis.details.get("version")), genesis.run)
    found = []
    if kept.heads is not None:
        digests = [hashlib.sha256(line).hexdigest() for line in lines]
        wrong = [head for head in kept.heads if not (0 <= head.seq < len(digests) and digests[head.seq] == head.head)]
        last = (wrong or kept.heads)[0]
        found.append(Anchor(heads_ref(run), last.seq + 1, last.head))
    if kept.log is None:
        found.append(Anchor(tag))
    else:
        whole = split(kept.log)[0] if _signed_by(genesis.keyid, kept) else []
        found.append(Anchor(tag, len(whole), hashlib.sha256(whole[-1]).hexdigest() if whole else ""))
    says = dict(_TRAILERS.findall(kept.release_tag or ""))
    if says.get("Run") == run:
        count = int(says["Log-Records"]) if says.get("Log-Records", "").isdecimal() else 0
        begins = lines[:count]
        fits = begins and hashlib.sha256(b"".join(line + b"\n" for line in begins)).hexdigest() == says.get("Log-SHA256")
        found.append(Anchor(f"v{genesis.details.get('version')}", count, hashlib.sha256(begins[-1]).hexdigest() if fits else ""))
    return tuple(found)


def _signed_by(keyid: str, kept: Kept) -> bool:
    """Whether the tag on the log is signed by the key that the log is signed by."""
    from nexy_tui.services.git.anchors import SIGNED_AS

    try:
        return sshwire.fingerprint(sshsig.verify(kept.signature, kept.signed, SIGNED_AS)) == keyid
    except sshsig.BadSignature:
        return False
