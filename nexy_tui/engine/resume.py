"""Taking up a run that was left: what is read back of its log before the world is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nexy_tui.checklist import Checklist
from nexy_tui.config.operator import require_own_run
from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import Refused, Unusable
from nexy_tui.core.remedy import Mend, Run
from nexy_tui.engine.before import version_or_none
from nexy_tui.engine.left import before_of
from nexy_tui.engine.notice import Observer, Resumed, unobserved
from nexy_tui.engine.opening import keys_of, known_secrets, open_session, plan_of
from nexy_tui.engine.released import require_unreleased
from nexy_tui.engine.session import Session
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.genesis import Genesis
from nexy_tui.runlog.read import read_log
from nexy_tui.runlog.record import Record
from nexy_tui.runlog.state import Errand, RunState
from nexy_tui.services import Services
from nexy_tui.services.identity import require_world

_DONE = ("done", "unchanged")
_ENDED = (*_DONE, "failed")
"""How the result of an action that ran to an end is recorded."""


def resume_run(
    services: Services,
    checklist: Checklist,
    path: Path,
    *,
    fix: str = "",
    take_over: bool = False,
    observer: Observer = unobserved,
) -> Session:
    """Take up a run that was left: its plan is read from its genesis, its attestations are kept, all else is asked anew.

    `fix` names the fixer whose run it must be, empty for a release. Raises Refused when it is another's, when its version was
    released by another run meanwhile, when the log is sealed, belongs to another world or kind of target, or does not verify.
    """
    services.require_checkout()
    require_world(services.settings)
    left = read_log(path)
    state = RunState.of(left) if left else None
    if state is not None and state.purpose.errand is Errand.CHECK:
        what = f"The run in {path} is the record of a final verification."
        raise Refused(
            what, "Nothing of it is gone on with.", Run(f"runs close {left[0].run}", "Close it", "and save another: nexy-tui verify --save")
        )
    fixing = fix_of(state)
    if fixing != fix:
        raise Refused(
            f"The run in {path} is {f'a fix ({fixing})' if fixing else 'no fix'}.",
            "A run goes on as what it was begun as.",
            Mend(fixing) if fixing else Run("runs list", "See what it was begun as"),
        )
    if left:
        require_this_world(services, left[0])
    if state is not None and state.purpose.errand is Errand.RELEASE and left[-1].kind != "seal":
        genesis, version = state.genesis, version_or_none(state.genesis.version)
        if version is not None:
            require_unreleased(services, version, Kind(genesis.kind), left[0].run, begun=state.begun)
    if left:
        require_its_operator(services, left[0])
    keys = keys_of(services)
    log = RunLog.resume(path, keys.signer(), services.clock, secrets=known_secrets(services))
    genesis = log.genesis
    facts = genesis.facts
    plan = replace(
        plan_of(services, version_or_none(genesis.version), Kind(genesis.kind), before_of(genesis)),
        with_pkg=facts.get("with_pkg") == "yes",
        run=log.run,
        started=genesis.time,
        standalone=facts.get("standalone") == "yes",
        begun=state.begun if state is not None else frozenset(),
        tried=frozenset(record.action for record in left if record.kind == "result" and record.action and record.status in _ENDED),
    )
    session = open_session(services, checklist, plan, keys, log=log, observer=observer, resumed=True)
    for record in left:
        if record.kind == "result" and record.action and record.status in _DONE:
            session.context.done(record.action)
    session.looks.restore(log.attestations)
    session.exposure.restore(state.exposed_since if state is not None else None)
    observer(Resumed(log.run, genesis.version, log.dangling))
    if take_over:
        session.take_over_lock()
    return session


def fix_of(state: RunState | None) -> str:
    """The name of the fixer whose run it is, or an empty text for any other run."""
    return " ".join(state.purpose.names) if state is not None and state.purpose.errand is Errand.FIX else ""


def require_this_world(services: Services, genesis: Record) -> None:
    """Raise Unusable for a run of another world."""
    if genesis.world != services.target.world:
        raise Unusable(
            f"Run {genesis.run} belongs to {_world_name(genesis.world)}, and this is {_world_name(services.target.world)}.",
            "A run goes on, and ends, in the world it began in.",
            "Enter that world, or start a run here.",
        )


def require_its_operator(services: Services, genesis: Record) -> None:
    """Raise Refused or Unusable for a run of another operator than the one in force."""
    who, said_by = genesis.operator, Genesis.of(genesis).facts.get("operator_source", "")
    require_own_run(services.settings, genesis.run, began=who.id, host=who.host, said_by=said_by)


def _world_name(world: str | None) -> str:
    return "production" if world is None else f"the rehearsal world {world}"
