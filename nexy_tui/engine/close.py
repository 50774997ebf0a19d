"""Closing a run that was left open: sealed as aborted, by whoever began it, without going on with anything."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from checks.publish import read_place
from nexy_tui.actions.rollback import stated_manifests
from nexy_tui.checklist import CHECKLIST, ActionRole
from nexy_tui.core.problem import CouldNotLook, Problem, Refused
from nexy_tui.core.remedy import Act, Mend, Run
from nexy_tui.core.target import DMG, PKG
from nexy_tui.engine.anchoring import keep
from nexy_tui.engine.opening import keys_of, known_secrets, release_lock
from nexy_tui.engine.resume import require_its_operator, require_this_world
from nexy_tui.runlog import seal
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.logfile import LogFile
from nexy_tui.runlog.read import read_log
from nexy_tui.runlog.record import Record
from nexy_tui.runlog.sign import Signer
from nexy_tui.runlog.state import Errand, RunState
from nexy_tui.services import Services
from nexy_tui.services.git.prepared import drop_prepared
from nexy_tui.services.identity import require_world
from nexy_tui.services.update_server import look_offer

OUTCOME = "aborted"
_SWAPS = frozenset(one.name for one in CHECKLIST.of_role(ActionRole.PUBLISHER, ActionRole.ROLLBACK))


@dataclass(frozen=True, slots=True)
class Closed:
    """A run that has ended. `already`: it had before; `unknown`: actions whose end is not on record; `left`: what was not done."""

    run: str
    version: str
    log: Path
    outcome: str
    sealed_at: str
    already: bool = False
    unknown: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """For `runs close --json`."""
        return {
            "run": self.run,
            "version": self.version,
            "log": str(self.log),
            "outcome": self.outcome,
            "sealed": self.sealed_at,
            "already": self.already,
            "unknown": list(self.unknown),
            "left": list(self.left),
        }

    def lines(self) -> list[str]:
        """For people."""
        if self.already:
            return [f"The run {self.run} of {self.version} is sealed already ({self.outcome}, {self.sealed_at}). Nothing was changed."]
        return [
            f"The run {self.run} of {self.version} is closed: sealed as {self.outcome}. Log: {self.log}",
            *(f"  unknown: what came of {action}; nexy-tui verify looks" for action in self.unknown),
            *(f"  left: {what}" for what in self.left),
        ]


def close_run(services: Services, path: Path) -> Closed:
    """Seal an open run as aborted; one that is sealed is left as it is. Offline too, but for a run that replaced the download.

    Raises Refused while another process writes it, where it was signed with another key, where its log does not verify, and while
    customers cannot update because of it; CouldNotLook where that could not be seen; Unusable for another world's.
    """
    records = read_log(path)
    if not records:
        raise Refused(
            f"The run log {path} has no whole record.",
            "It was cut off before it began; there is nothing to seal.",
            f"Remove it: rm {shlex.quote(str(path))}",
        )
    require_this_world(services, records[0])
    signer, ended = keys_of(services).signer, records[-1].kind == "seal"
    if not (ended and seal.signature_path(path).exists()):
        _require_own(records[0], signer(), path)
        require_its_operator(services, records[0])
    if ended:
        return _ended(services, path)
    LogFile.reopen(path).close()  # Whether it is being written comes before anything is asked for.
    state = RunState.of(records)
    if state.exposed_since is not None or _SWAPS & state.begun & set(state.dangling):
        _require_customers_served(services, state)
    log = RunLog.resume(path, signer(), services.clock, secrets=known_secrets(services))
    try:
        log.seal(OUTCOME, "The run was closed by its operator: sealed as aborted.")
    finally:
        log.close()
    return _sealed(path, left=_give_lock_back(services, log, signer()))


def _ended(services: Services, path: Path) -> Closed:
    """A sealed run; one that was killed before its signature was written gets it."""
    if not seal.signature_path(path).exists():
        try:
            RunLog.resume(path, keys_of(services).signer(), services.clock).close()
        except Refused:
            if not seal.signature_path(path).exists():
                raise
    return _sealed(path, already=True)


def _sealed(path: Path, *, already: bool = False, left: tuple[str, ...] = ()) -> Closed:
    records = read_log(path)
    state, last = RunState.of(records), records[-1]
    outcome = str(last.details.get("outcome", ""))
    return Closed(records[0].run, state.genesis.version, path, outcome, last.time, already, state.dangling, left)


def _require_own(genesis: Record, signer: Signer, path: Path) -> None:
    if genesis.keyid == signer.keyid:
        return
    who = genesis.operator
    raise Refused(
        f"The run {genesis.run} was begun by {who.id} on {who.host} with the key {genesis.keyid[:60]}; the key in use is {signer.keyid}.",
        "One run is signed with one key: only who began it can seal it.",
        Run(
            f"runs close {genesis.run}", f"Left open it keeps nobody from releasing: keep {path} as it is. On {who.host}, where that key is"
        ),
    )


def _require_customers_served(services: Services, state: RunState) -> None:
    """The run has replaced the download: clients must be offered just what they then get. Raises Refused, CouldNotLook."""
    run = state.genesis.identity.run
    try:
        why = _unserved(services)
    except Problem as problem:
        raise CouldNotLook(
            f"Whether customers can update could not be seen: {problem.what}",
            f"The run {run} has replaced the download; closed too early, it leaves them without an update.",
            replace(_again(state), first=f"{problem.remedy} When it can be seen: nexy-tui runs close {run}. Or finish it"),
        ) from None
    if why:
        raise Refused(
            f"The run {run} has replaced the download, and {why}.",
            "Customers cannot update; a closed run would leave them so.",
            replace(_again(state), first="Finish it", then="(or put the release before back: nexy-tui rollback). Then close it."),
        )


def _again(state: RunState) -> Run | Mend | Act:
    """What carries a run that was left to its end."""
    match state.purpose.errand, state.purpose.names:
        case Errand.ACTION, [action, *_]:
            return Act(action, CHECKLIST.release_action(action).command or action)
        case Errand.FIX, [fixer, *_]:
            return Mend(fixer)
        case _:
            return Run(f"release --resume {state.genesis.identity.run}")


def _unserved(services: Services) -> str:
    """Why clients that follow the live appcast cannot update now; empty when they can. Raises Problem."""
    services.require_checkout()
    require_world(services.settings)
    places = [read_place(services.github, services.target, name) for name in (DMG, PKG)]
    for place in places:
        if place.interrupted:
            return f"there is no {place.name} at its address (nexy-tui publish --recover puts it back)"
    image, offer, git = places[0].current, look_offer(services.update_server), services.git
    if image is None:
        return f"there is no {DMG} at its address"
    if offer.appcast is None:
        raise CouldNotLook(f"The live appcast could not be read: {offer.problem}", remedy="See that the update server answers.")
    tip = git.release_tip()
    if not git.has_commit(tip):
        git.fetch()
    if any(stated.sha256 == image.sha256 and offer.is_of(stated) for _, stated in stated_manifests(git, tip)):
        return ""
    return f"the live appcast offers other bytes ({offer.appcast.build or 'no version'}, {offer.appcast.length or 'no'} bytes)"


def _give_lock_back(services: Services, log: RunLog, signer: Signer) -> tuple[str, ...]:
    """Remove the release lock if this run left it, once the log is kept outside; what is to be said where that could not be done."""
    run, unkept = log.run, ""
    try:
        services.require_checkout()
        require_world(services.settings)
        lock = release_lock(services, run)
        lock.reclaim()
        drop_prepared(services.git, of=run)
        if lock.held:
            unkept = keep(services, log.path, log.genesis.version, run, signer)
        lock.release()
    except Problem as problem:
        lapses = f"the release lock could not be asked for ({problem.what}); if the run left it, it expires by itself within 15 minutes"
        return (lapses, "the code repository does not keep this log")
    return (f"the code repository does not keep this log: {unkept}",) if unkept else ()
