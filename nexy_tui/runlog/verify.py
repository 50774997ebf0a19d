"""The verdict on a log: whether every line verifies, who signed it, why that key is trusted, and what was not looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from nexy_tui.core.problem import Problem, Refused
from nexy_tui.runlog import canonical, dsse, seal, sshsig, sshwire
from nexy_tui.runlog.anchors import Anchor, ask
from nexy_tui.runlog.chain import BREAKS, Chain, ChainDefect, inspect, read_line, split
from nexy_tui.runlog.logfile import read_whole
from nexy_tui.runlog.read import list_runs, read_log, summary
from nexy_tui.runlog.record import BadRecord, Record
from nexy_tui.runlog.state import Errand
from nexy_tui.runlog.trust import NAMESPACE, TrustSource, choose, trust_rules

if TYPE_CHECKING:
    from nexy_tui.config import Settings

SIGNERS = ".nexy/allowed_signers"
"""The third source of trust: the code repository's own list of keys, as of the release before the one that is judged."""


HAVE_TRUSTED = (
    "Get what the operator's `nexy-tui keys export` prints by a way you trust, compare the fingerprint, then: nexy-tui keys trust FILE"
)
"""What to do about a key that nothing here names."""


class State(StrEnum):
    """What `runs verify` says of a log; only the first two are of a whole, ended run."""

    ANCHORED = "SEALED+ANCHORED"
    SEALED = "SEALED"
    OPEN = "OPEN"
    TORN = "TORN"
    INVALID = "INVALID"

    @property
    def exit_code(self) -> int:
        """The command's exit code."""
        return {State.ANCHORED: 0, State.SEALED: 10, State.OPEN: 11, State.TORN: 12, State.INVALID: 1}[self]


@dataclass(frozen=True, slots=True)
class LogVerdict:
    """Everything `runs verify` prints. `rule` is None when no list of trusted keys names the key."""

    path: Path
    state: State
    chain: Chain
    faults: tuple[ChainDefect, ...]
    keyid: str | None
    rule: str | None
    anchors: tuple[tuple[str, str], ...] | None
    """Each place outside and what it says; None where none was asked."""
    notes: tuple[str, ...]
    unasked: str = ""
    """Why no anchor was asked, where that was tried."""
    unknown_signer: bool = False
    """Every line and the seal hold by the key that the log itself carries, and nothing here says whose that is."""

    @property
    def genesis(self) -> Record | None:
        """The first record, when it is one."""
        return next((record for record in self.chain.records[:1] if record.kind == "genesis"), None)

    @property
    def breaks(self) -> tuple[ChainDefect, ...]:
        """Where seq, prev or run break."""
        return tuple(fault for fault in self.faults if fault.sort in BREAKS)

    @property
    def after_seal(self) -> tuple[int, ...]:
        """Lines that stand after the seal."""
        return tuple(fault.line for fault in self.faults if fault.sort == "after-seal")

    @property
    def not_checked(self) -> tuple[str, ...]:
        """What this verdict does not rest on."""
        left = ["that what was recorded is true: a signature says who recorded it and that nothing was changed since, no more"]
        if self.anchors is None:
            why = f" ({self.unasked.rstrip('.')})" if self.unasked else ""
            left.insert(0, f"anchors: not asked{why}, so a whole other log by the same key in this one's place would not be noticed")
        if self.state is not State.ANCHORED:
            left.append("the times: they are the signer's own claim")
        if self.state in (State.OPEN, State.TORN):
            left.append("whether records were cut off the end: an unsealed log cannot show that without an anchor")
        return tuple(left)


def verify(path: Path, rules: Sequence[TrustSource], anchors: Sequence[Anchor] | None = None, unasked: str = "") -> LogVerdict:
    """Judge the log at `path` and the signature beside it by the sources of trust `rules` and by what `anchors` say. Changes nothing.

    Raises Unusable when the file cannot be read.
    """
    data, signature = read_whole(path), _read_signature(path)
    keyid = _claimed_key(data)
    trust = choose(rules, keyid) if keyid is not None else None
    chain = inspect(data, lambda claimed, operator, at: _trusted(trust, rules, claimed, operator, at))
    unknown_signer = trust is None and chain.records != () and _holds_by_itself(data, signature)
    said = [(anchor.name, anchor.verdict(chain)) for anchor in anchors or ()]
    found = None if anchors is None else tuple(one for one in said if one[1] != "absent" or chain.seal is not None)
    faults, notes = list(chain.faults[:1] if unknown_signer else chain.faults), []
    faults += _seal_faults(chain, data, signature)
    faults += [
        ChainDefect(chain.lines, "anchor", f"the anchor {name} names another head") for name, said in found or () if said == "mismatch"
    ]
    if chain.seal is not None and signature is None:
        notes.append(f"the seal's detached signature {seal.signature_path(path).name} is missing: resuming the run writes it")
    state = _state(chain, faults, signature is not None, found)
    return LogVerdict(path, state, chain, tuple(faults), keyid, trust.rule if trust else None, found, tuple(notes), unasked, unknown_signer)


def verify_file(
    path: Path, settings: Settings, *, explicit: Path | None = None, checkout: Path | None = None, anchored: bool = False
) -> LogVerdict:
    """The verdict by the sources of trust in force here: `explicit` alone, else the configured list, else the repository's.

    The last is read, when the configured list does not name the key, from the code repository at `checkout`; with `anchored` its
    host is asked what it keeps of the log.
    """
    anchors, unasked = _asked(path, settings, checkout) if anchored else (None, "")
    verdict = verify(path, trust_rules(explicit, settings.allowed_signers, None), anchors, unasked)
    if verdict.rule is not None or explicit is not None or checkout is None:
        return verdict
    return verify(path, trust_rules(None, settings.allowed_signers, _repository_signers(path, settings, checkout)), anchors, unasked)


def _asked(path: Path, settings: Settings, checkout: Path | None) -> tuple[tuple[Anchor, ...] | None, str]:
    """The log's anchors; or none, and why."""
    if checkout is None:
        return None, "this is no checkout of the code repository"
    try:
        return ask(path, settings, checkout), ""
    except Problem as problem:
        return None, problem.what


def _repository_signers(path: Path, settings: Settings, checkout: Path) -> bytes | None:
    from nexy_tui.core.given import given
    from nexy_tui.services.git import Git

    if not checkout.is_dir():
        return None
    rules = trust_rules(None, settings.allowed_signers, None)

    def verifies(earlier: Path) -> bool:
        return verify(earlier, rules).state in (State.SEALED, State.ANCHORED)

    try:
        return previous_release_signers(settings.state_dir, path, verifies, Git(checkout, settings.target, given()).show)
    except Problem:
        return None


def _state(chain: Chain, faults: Sequence[ChainDefect], signed: bool, anchors: tuple[tuple[str, str], ...] | None) -> State:
    if faults:
        return State.INVALID
    if chain.torn:
        return State.TORN
    if chain.seal is None or not signed:
        return State.OPEN
    anchored = bool(anchors) and all(said == "match" for _, said in anchors or ())
    return State.ANCHORED if anchored else State.SEALED


def _seal_faults(chain: Chain, data: bytes, signature: bytes | None) -> list[ChainDefect]:
    faults = []
    if chain.seal is not None and chain.torn:
        faults.append(ChainDefect(chain.lines + 1, "after-seal", "it stands after the seal"))
    if signature is None:
        return faults
    if chain.seal is None:
        faults.append(ChainDefect(chain.lines + 1, "cut", "the log was sealed (its signature is there) and its end is missing"))
    try:
        public = sshsig.verify(signature, data, NAMESPACE)
    except sshsig.BadSignature as error:
        return [*faults, ChainDefect(chain.lines, "seal-signature", f"the seal's detached signature does not verify: {error}")]
    if chain.seal is None:
        return faults
    if sshwire.fingerprint(public) != chain.seal.keyid:
        faults.append(ChainDefect(chain.lines, "seal-signature", "the seal's detached signature is by another key than the records'"))
    return faults


def _holds_by_itself(data: bytes, signature: bytes | None) -> bool:
    """Whether nothing but the unknown key stands against a log: it is all of one key's, the one its first record carries."""

    def carried(keyid: str, _operator: str, _at: datetime) -> bytes:
        kind, _, blob = str(read_line(split(data)[0][0])[0].details.get("public_key")).partition(" ")
        public = sshwire.public_from_blob(sshwire.unbase64(blob))
        if kind != sshwire.KEY_TYPE.decode() or sshwire.fingerprint(public) != keyid:
            raise Refused("It is signed by another key than the one it carries.")
        return public

    try:
        chain = inspect(data, carried)
        return not chain.faults and not _seal_faults(chain, data, signature)
    except (sshwire.Malformed, dsse.BadEnvelope, canonical.NotCanonical, BadRecord):
        return False


def _trusted(trust: TrustSource | None, rules: Sequence[TrustSource], keyid: str, operator: str, at: datetime) -> bytes:
    if trust is None:
        asked = ", ".join(rule.rule for rule in rules) or "there is none"
        raise Refused(
            f"untrusted key {keyid[:80]}: no list of trusted keys names it ({asked})",
            "A key that stands only in the log proves nothing.",
            HAVE_TRUSTED,
        )
    return trust.signers.entry(keyid, principal=operator, at=at).public


def _claimed_key(data: bytes) -> str | None:
    """The key the first readable line names; every line is held to it later."""
    for line in split(data)[0]:
        try:
            envelope = dsse.parse(line)
            canonical.read_object(envelope.payload)
        except (dsse.BadEnvelope, canonical.NotCanonical):
            continue
        return envelope.keyid
    return None


def _read_signature(path: Path) -> bytes | None:
    target = seal.signature_path(path)
    return read_whole(target) if target.exists() else None


def previous_release_signers(
    state_dir: Path, judged: Path, verifies: Callable[[Path], bool], show: Callable[[str, str], bytes | None]
) -> bytes | None:
    """`.nexy/allowed_signers` as of the commit of the last complete release before `judged` whose own log `verifies`.

    `show(commit, path)` reads a file as of a commit. Nothing that the run under judgement could have changed is read.
    """
    this = summary(judged).run
    for run in list_runs(state_dir):
        released = run.purpose is not None and run.purpose.errand is Errand.RELEASE
        earlier = run.run < this and run.outcome == "complete" and released
        if earlier and verifies(run.path):
            commit = read_log(run.path)[-1].subject[0].digest.get("gitCommit")
            return show(commit, SIGNERS) if commit else None
    return None
