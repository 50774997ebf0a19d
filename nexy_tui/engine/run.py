"""Beginning a run and taking one up again: what genesis records, and what resume reads back before it asks the world."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

from nexy_tui import __version__
from nexy_tui.checklist import Checklist
from nexy_tui.config.operator import operator_source, require_operator, require_own_run
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Problem, Refused, Unusable
from nexy_tui.core.remedy import Mend, Run
from nexy_tui.core.secret import Secret, secrets_of
from nexy_tui.core.target import PKG
from nexy_tui.core.version import Version
from nexy_tui.engine.anchoring import Anchoring
from nexy_tui.engine.before import Before, kind_of_release, look_before, or_none, released_version, version_or_none, written_version
from nexy_tui.engine.context import Keys
from nexy_tui.engine.last_target import flat, remember_target, target_change
from nexy_tui.engine.left import NO_APPCAST, Left, before_of, left_run
from nexy_tui.engine.lockkeeper import LockKeeper
from nexy_tui.engine.notice import Observer, Resumed, unobserved
from nexy_tui.engine.released import require_unreleased
from nexy_tui.engine.session import Session
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.genesis import Beginning, Genesis
from nexy_tui.runlog.keymaking import own_list
from nexy_tui.runlog.keys import load_signer
from nexy_tui.runlog.logfile import was_cut_off
from nexy_tui.runlog.read import previous_head, read_log
from nexy_tui.runlog.record import Operator, Record, Subject
from nexy_tui.runlog.sign import Signer
from nexy_tui.runlog.state import Errand, Purpose, RunState
from nexy_tui.runlog.trust import AllowedSigners
from nexy_tui.services import Services
from nexy_tui.services.identity import require_world
from nexy_tui.services.lock import ReleaseLock

T = TypeVar("T")

A_RELEASE = Purpose(Errand.RELEASE)

_DONE = ("done", "unchanged")
_ENDED = (*_DONE, "failed")
"""How the result of an action that ran to an end is recorded."""

NO_VERSION = "no-version"
"""What stands for the version in the log of a fix where the release that is out cannot be told."""


def keys_of(services: Services) -> Keys:
    """The signer, read on first use and then kept, and the trusted keys, read anew each time: a list that was mended counts."""
    settings = services.settings

    def trusted() -> AllowedSigners:
        return own_list(settings.allowed_signers)

    @cache
    def signer() -> Signer:
        require_operator(settings)
        return load_signer(settings.operator, services.environ, key_file=settings.key_file, allowed=trusted())

    return Keys(signer, trusted)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a run is begun for. `kind` None: a release that is out keeps its own; `version` None: it cannot be told (a fix).

    `take_over`: the lock is taken from whoever holds it, as the operator has typed. `remember`: the target was confirmed, so
    that the next run need not show it as changed. `as_it_is`: whatever version the manifests name is right, if the bytes are its.
    `left` is the run that this one goes on from: the release before, and what was begun, are its.
    """

    version: Version | None
    kind: Kind | None = None
    with_pkg: bool = False
    purpose: Purpose = A_RELEASE
    take_over: bool = False
    remember: bool = True
    as_it_is: bool = False
    left: Left | None = None


def start_run(services: Services, checklist: Checklist, wanted: RunRequest, *, observer: Observer = unobserved) -> Session:
    """Begin a run: genesis is on disk when this returns, nothing else has been done.

    Raises Refused for a release of what is released already; Unusable outside a checkout, in the wrong world, or without what a
    release needs, a signing key among it.
    """
    services.require_checkout()
    require_world(services.settings)
    with services.one_pass():
        before = look_before(services) if wanted.left is None else wanted.left.before
        if wanted.purpose == A_RELEASE and wanted.version is not None:
            require_unreleased(services, wanted.version, wanted.kind or Kind.FULL, None, before=before)
        begun = _begin(services, checklist, before, wanted, observer)
    if wanted.remember:
        with contextlib.suppress(OSError):  # It is shown once more, then.
            remember_target(services)
    if wanted.take_over:
        _take_over(begun)
    return begun


def start_fix(services: Services, checklist: Checklist, name: str, *, take_over: bool = False, observer: Observer = unobserved) -> Session:
    """Begin a fix: a run of its own, compared with the release that is out, which may be unknown; its target is not taken for confirmed."""
    services.require_checkout()
    require_world(services.settings)
    with services.one_pass():
        before = look_before(services)
        version = released_version(services, before.base_commit) or written_version(services)
        purpose = Purpose(Errand.FIX, (name,))
        begun = _begin(services, checklist, before, RunRequest(version, with_pkg=_pkg_there(services), purpose=purpose), observer)
    if take_over:
        _take_over(begun)
    return begun


def _begin(services: Services, checklist: Checklist, before: Before, wanted: RunRequest, observer: Observer) -> Session:
    keys, settings, now = keys_of(services), services.settings, services.clock.now()
    if wanted.as_it_is:
        wanted, before = replace(wanted, kind=Kind.CODE_ONLY), replace(before, published=None)
    kind = wanted.kind or kind_of_release(services, wanted.version, before)
    beginning = genesis_of(services, checklist, wanted, kind, before)
    log = RunLog.create(settings.state_dir / "runs", beginning, keys.signer(), services.clock, secrets=known_secrets(services))
    plan = plan_of(services, wanted.version, kind, before)
    done = frozenset[str]() if wanted.left is None else wanted.left.begun
    plan = replace(plan, with_pkg=wanted.with_pkg, run=log.run, started=now, standalone=wanted.purpose != A_RELEASE, begun=done)
    return _session(services, checklist, plan, keys, log=log, observer=observer)


def genesis_of(services: Services, checklist: Checklist, wanted: RunRequest, kind: Kind, before: Before) -> Beginning:
    """What the first record of a run says: what it was begun for, by whom, and what was there before it."""
    settings = services.settings
    return Beginning(
        version=str(wanted.version or NO_VERSION),
        world=services.target.world,
        operator=Operator(settings.operator, settings.host),
        kind=kind.value,
        subjects=[code_subject(services, services.git.head())],
        tool={"name": "nexy-tui", "version": __version__, "checklist": checklist_digest(checklist)},
        facts=_facts(services, before, with_pkg=wanted.with_pkg, purpose=wanted.purpose),
        details=wanted.purpose.details(),
        previous_head=previous_head(settings.state_dir, settings.operator),
    )


def _session(
    services: Services, checklist: Checklist, plan: Plan, keys: Keys, *, log: RunLog, observer: Observer, resumed: bool = False
) -> Session:
    """A run's session. Before a release writes outside, its version must not have been released by another run meanwhile."""
    lock = LockKeeper(release_lock(services, log.run))
    may_write = (lambda _: None) if plan.standalone else partial(_require_unreleased, services)
    session = Session(
        services, checklist, plan, keys, log=log, observer=observer, lock=lock, may_write=may_write, anchors=Anchoring(resumed=resumed)
    )
    session.note_target(target_change(services))
    return session


def _require_unreleased(services: Services, plan: Plan) -> None:
    if plan.version is not None:
        require_unreleased(services, plan.version, plan.kind, plan.run, begun=plan.begun)


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
    if state is not None and state.purpose == A_RELEASE and left[-1].kind != "seal":
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
    session = _session(services, checklist, plan, keys, log=log, observer=observer, resumed=True)
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


def look_session(
    services: Services, checklist: Checklist, *, released: bool = False, as_it_is: bool = False, observer: Observer = unobserved
) -> Session:
    """A session that only looks, for `check`, `verify` and the final screen.

    The version is the one VERSION names: in the checkout, or, with `released`, on the release branch of the code
    repository, so that somebody whose clone is older sees the release and not the clone. `as_it_is`: as in a RunRequest.
    """
    services.require_checkout()
    require_world(services.settings)
    with services.one_pass():
        before = look_before(services)
        wanted = (released_version(services, before.base_commit) if released else None) or written_version(services)
        left = None if wanted is None else left_run(services, wanted)
        kind = kind_of_release(services, wanted, before) if left is None else left.kind
    if as_it_is:
        kind, before = Kind.CODE_ONLY, replace(before, published=None)
    plan = replace(plan_of(services, wanted, kind, before), with_pkg=_pkg_there(services), standalone=True)
    session = Session(services, checklist, plan, keys_of(services), observer=observer)
    session.note_target(target_change(services))
    return session


def _pkg_there(services: Services) -> bool:
    return (services.layout.inbox / PKG).is_file()


def checklist_digest(checklist: Checklist) -> str:
    """SHA-256 over ids, sections, actions and attestability: the checklist a run was verified by."""
    rows = [[i.id, i.section, i.action or "", "attestable" if i.attestable else ""] for i in checklist.items]
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def code_subject(services: Services, commit: str) -> Subject:
    """The code repository at a commit, as a log's subject."""
    return Subject.commit(f"https://{services.target.hosts.web}/{services.target.code_repository}", commit)


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


def _take_over(session: Session) -> None:
    """The lock for a run that has just begun; a run that cannot have it ends here."""
    try:
        session.take_over_lock()
    except Problem:
        session.seal("aborted")
        session.close()
        raise


def release_lock(services: Services, run: str) -> ReleaseLock:
    """The release lock, as a run of this operator on this machine takes it."""
    settings = services.settings
    cut_off = partial(was_cut_off, settings.state_dir)
    return ReleaseLock(services.git, services.clock, operator=settings.operator, host=settings.host, run=run, cut_off=cut_off)


def plan_of(services: Services, version: Version | None, kind: Kind, before: Before) -> Plan:
    """What a run of this version means to do, as the world stood before it."""
    return Plan(
        target=services.target,
        version=version,
        kind=kind,
        now=services.clock.now(),
        served_before=before.served,
        published_before=before.published,
        base_commit=before.base_commit,
        appcast_missing=before.appcast_missing,
    )


def _facts(services: Services, before: Before, *, with_pkg: bool, purpose: Purpose) -> dict[str, str]:
    return {
        "served_before": str(before.served or ""),
        "published_before": str(before.published or ""),
        "base_commit": before.base_commit or "",
        "appcast_before": NO_APPCAST if before.appcast_missing else "",
        "with_pkg": "yes" if with_pkg else "no",
        "standalone": "no" if purpose == A_RELEASE else "yes",
        "purpose": str(purpose),
        "target": hashlib.sha256(json.dumps(flat(asdict(services.target)), sort_keys=True).encode()).hexdigest(),
        "operator_source": operator_source(services.settings),
        "token_source": or_none(lambda: services.secrets.github_token().source) or "none",
    }


def known_secrets(services: Services) -> list[Secret]:
    """Every secret this run may come to know: the log's writer takes them out wherever they might stand."""
    token = or_none(services.secrets.github_token)
    return [*([token] if token is not None else []), *secrets_of(services.environ)]
