"""An action standing alone: a run of its own that looks at everything that stands before it, and has no side door."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nexy_tui.checklist import Checklist, Item
from nexy_tui.core.finding import Status
from nexy_tui.core.problem import Problem, Unusable
from nexy_tui.core.version import Version
from nexy_tui.engine.attempt import Confirm, attempt
from nexy_tui.engine.begin import RunRequest, start_run
from nexy_tui.engine.left import left_run
from nexy_tui.engine.notice import Observer, unobserved
from nexy_tui.engine.opening import look_session, pkg_there
from nexy_tui.engine.outcome import Outcome
from nexy_tui.engine.session import Session
from nexy_tui.release import Refusal
from nexy_tui.runlog.state import Errand, Purpose
from nexy_tui.services import Services
from nexy_tui.services.plain_file import read_version_text


def open_alone(
    services: Services,
    checklist: Checklist,
    actions: Sequence[str],
    *,
    version: str | None = None,
    take_over: bool = False,
    remember: bool = True,
    observer: Observer = unobserved,
) -> Session:
    """Begin the run. Where no version is named it is that of the run that was left open, else the checkout's; kind and the release
    before are those of the version's own run, where it has one here. Raises Problem; Unusable for a version that is none.
    """
    services.require_checkout()
    wish = RunRequest(None, purpose=Purpose(Errand.ACTION, tuple(actions)), take_over=take_over, remember=remember)
    if all(checklist.release_action(action).as_it_is for action in actions):
        wanted = _version(version if version is not None else read_version_text(services.layout))
        wish = replace(wish, version=wanted, with_pkg=pkg_there(services), as_it_is=True)
        return start_run(services, checklist, wish, observer=observer)
    left = left_run(services) if version is None else None
    if left is None:
        wanted = _version(version if version is not None else read_version_text(services.layout))
        left = left_run(services, wanted)
        wish = replace(wish, version=wanted, with_pkg=pkg_there(services))
    if left is not None:
        wish = replace(wish, version=left.version, kind=left.kind, with_pkg=left.with_pkg or wish.with_pkg)
        wish = wish if left.complete else replace(wish, with_pkg=left.with_pkg, left=left)
    return start_run(services, checklist, wish, observer=observer)


@dataclass(frozen=True)
class Preview:
    """What an action standing alone would do now, what is typed for it, and what keeps it from running (None: nothing does)."""

    session: Session
    lines: tuple[str, ...]
    typed: str | None
    refusal: Refusal | None


def preview(services: Services, checklist: Checklist, action: str, attestations: Mapping[str, str]) -> Preview:
    """Look at an action's preconditions, without a run and without changing anything. Raises Problem."""
    services.require_checkout()
    _version(read_version_text(services.layout))
    looking = look_session(services, checklist, as_it_is=checklist.release_action(action).as_it_is)
    return preview_of(looking, action, attestations)


def preview_of(session: Session, action: str, attestations: Mapping[str, str]) -> Preview:
    """As `preview`, with a session that only looks."""
    session.looks.at(before(session, action))
    state = session.state
    for item, reason in attestations.items():
        attested = state.attest(item, reason)
        state = state if isinstance(attested, Refusal) else attested
    refusal = state.first_in_the_way(session.looks.before(action))
    return Preview(session, tuple(session.describe(action)), session.to_be_typed(action), refusal)


def perform_alone(
    session: Session,
    actions: Sequence[str],
    *,
    confirm: Confirm,
    attestations: Mapping[str, str],
    dry_run: bool = False,
) -> Outcome:
    """Look at the preconditions, act, look at the actions' own items, and seal the log with what became of it."""
    try:
        outcome = _perform(session, actions, confirm, attestations, dry_run)
    except Exception:  # Whatever broke it off: nothing goes on with this run.
        with contextlib.suppress(Problem):
            session.seal("aborted")
        raise
    else:
        session.seal(outcome.sealed_as(), goal=set() if dry_run else _own(session, actions))
        return outcome
    finally:
        session.close()


def _perform(session: Session, actions: Sequence[str], confirm: Confirm, attestations: Mapping[str, str], dry_run: bool) -> Outcome:
    session.looks.at(before(session, actions[0]))
    for item, reason in attestations.items():
        if session.state.status(item) is Status.INCONCLUSIVE:
            session.looks.attest(item, reason)
    if dry_run:
        return _perform_dry(session, actions)
    for action in actions:
        stopped = attempt(session, action, confirm, items=_items(session, [action]))
        if stopped is not None:
            return stopped
    refusal = session.state.first_in_the_way(step for step in session.state.steps if step.item in _own(session, actions))
    return Outcome.from_refusal(refusal)


def _perform_dry(session: Session, actions: Sequence[str]) -> Outcome:
    """Everything up to the first write. What would refuse the action is told, but does not keep anybody from seeing the rest."""
    refused: Outcome | None = None
    for action in actions:
        refusal = session.looks.refuse(action)
        if refusal is not None:
            refused = refused or Outcome.from_refusal(refusal)
        try:
            session.runner.dry_run(action)
        except Problem as problem:
            refused = refused or Outcome.from_problem(problem)
    return refused or Outcome("verified")


def before(session: Session, action: str) -> tuple[Item, ...]:
    """The items that must be satisfied before an action, in order."""
    wanted = {step.item for step in session.looks.before(action)}
    return tuple(item for item in session.checklist.items if item.id in wanted)


def _version(text: str) -> Version:
    try:
        return Version.parse(text)
    except ValueError as error:
        raise Unusable(f"{error}.", remedy="Name it like 1.6.1.43, or mend VERSION.") from None


def _items(session: Session, actions: Sequence[str]) -> list[Item]:
    return [item for item in session.checklist.items if item.action in actions or item.repair in actions]


def _own(session: Session, actions: Sequence[str]) -> set[str]:
    return {item.id for item in _items(session, actions)}
