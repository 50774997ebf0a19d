"""Beginning a run: what its genesis records."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict, dataclass, replace

from nexy_tui import __version__
from nexy_tui.checklist import Checklist
from nexy_tui.config.operator import operator_source
from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import Problem
from nexy_tui.core.version import Version
from nexy_tui.engine.before import Before, kind_of_release, look_before, or_none, released_version, written_version
from nexy_tui.engine.last_target import flat, remember_target
from nexy_tui.engine.left import NO_APPCAST, Left
from nexy_tui.engine.notice import Observer, unobserved
from nexy_tui.engine.opening import keys_of, known_secrets, open_session, pkg_there, plan_of
from nexy_tui.engine.released import require_unreleased
from nexy_tui.engine.session import Session
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.genesis import Beginning
from nexy_tui.runlog.read import previous_head
from nexy_tui.runlog.record import Operator, Subject
from nexy_tui.runlog.state import Errand, Purpose
from nexy_tui.services import Services
from nexy_tui.services.identity import require_world

A_RELEASE = Purpose(Errand.RELEASE)

NO_VERSION = "no-version"
"""What stands for the version in the log of a fix where the release that is out cannot be told."""


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
        begun = _begin(services, checklist, before, RunRequest(version, with_pkg=pkg_there(services), purpose=purpose), observer)
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
    return open_session(services, checklist, plan, keys, log=log, observer=observer)


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


def _take_over(session: Session) -> None:
    """The lock for a run that has just begun; a run that cannot have it ends here."""
    try:
        session.take_over_lock()
    except Problem:
        session.seal("aborted")
        session.close()
        raise


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


def checklist_digest(checklist: Checklist) -> str:
    """SHA-256 over ids, sections, actions and attestability: the checklist a run was verified by."""
    rows = [[i.id, i.section, i.action or "", "attestable" if i.attestable else ""] for i in checklist.items]
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def code_subject(services: Services, commit: str) -> Subject:
    """The code repository at a commit, as a log's subject."""
    return Subject.commit(f"https://{services.target.hosts.web}/{services.target.code_repository}", commit)
