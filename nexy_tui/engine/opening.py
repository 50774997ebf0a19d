"""What every session is opened with: its keys, its lock, its plan; and the session that only looks."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

from nexy_tui.checklist import Checklist
from nexy_tui.config.operator import require_operator
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.secret import Secret, secrets_of
from nexy_tui.core.target import PKG
from nexy_tui.core.version import Version
from nexy_tui.engine.anchoring import Anchoring
from nexy_tui.engine.before import Before, kind_of_release, look_before, or_none, released_version, written_version
from nexy_tui.engine.context import Keys
from nexy_tui.engine.last_target import target_change
from nexy_tui.engine.left import left_run
from nexy_tui.engine.lockkeeper import LockKeeper
from nexy_tui.engine.notice import Observer, unobserved
from nexy_tui.engine.released import require_unreleased
from nexy_tui.engine.session import Session
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.keymaking import own_list
from nexy_tui.runlog.keys import load_signer
from nexy_tui.runlog.logfile import was_cut_off
from nexy_tui.runlog.sign import Signer
from nexy_tui.runlog.trust import AllowedSigners
from nexy_tui.services import Services
from nexy_tui.services.identity import require_world
from nexy_tui.services.lock import ReleaseLock


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


def known_secrets(services: Services) -> list[Secret]:
    """Every secret this run may come to know: the log's writer takes them out wherever they might stand."""
    token = or_none(services.secrets.github_token)
    return [*([token] if token is not None else []), *secrets_of(services.environ)]


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


def open_session(
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
    plan = replace(plan_of(services, wanted, kind, before), with_pkg=pkg_there(services), standalone=True)
    session = Session(services, checklist, plan, keys_of(services), observer=observer)
    session.note_target(target_change(services))
    return session


def pkg_there(services: Services) -> bool:
    """Whether the release in the inbox comes with a package."""
    return (services.layout.inbox / PKG).is_file()
