"""A release tried without a trace: every item up to the swap looked at, every action told and none done; no log, no lock, no ref."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nexy_tui.checklist import ActionRole, Checklist, Item
from nexy_tui.core.finding import Status
from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import Problem
from nexy_tui.engine.before import look_before
from nexy_tui.engine.begin import RunRequest
from nexy_tui.engine.last_target import target_change
from nexy_tui.engine.notice import Observer, PhaseOpened, unobserved
from nexy_tui.engine.opening import keys_of, plan_of
from nexy_tui.engine.outcome import Outcome
from nexy_tui.engine.released import require_unreleased
from nexy_tui.engine.session import Session
from nexy_tui.release import Refusal
from nexy_tui.services import Services
from nexy_tui.services.identity import require_world


@dataclass(frozen=True, slots=True)
class Planned:
    """An action that the release would come to, and exactly what it would do, a line each."""

    action: str
    title: str
    lines: tuple[str, ...]


def dry_session(services: Services, checklist: Checklist, wanted: RunRequest, *, observer: Observer = unobserved) -> Session:
    """The session of a release that would begin now; it only looks. Raises as `start_run`."""
    services.require_checkout()
    require_world(services.settings)
    with services.one_pass():
        before = look_before(services)
        kind = wanted.kind or Kind.FULL
        if wanted.version is not None:
            require_unreleased(services, wanted.version, kind, None, before=before)
    plan = replace(plan_of(services, wanted.version, kind, before), with_pkg=wanted.with_pkg, started=services.clock.now(), dry=True)
    session = Session(services, checklist, plan, keys_of(services), observer=observer)
    session.note_target(target_change(services))
    return session


def look_dry(session: Session, attestations: Mapping[str, str]) -> Outcome:
    """Look at every item before the swap. An item whose own action is still to run stands in nobody's way here."""
    checklist = session.checklist
    wanted = {item.id for item in _before_the_swap(session)}
    for phase in checklist.phases:
        items = [item for item in phase.items if item.id in wanted]
        if items:
            session.context.say(PhaseOpened(phase.id))
            session.looks.at(items)
    state = session.state
    for item, reason in attestations.items():
        attested = state.attest(item, reason)
        state = state if isinstance(attested, Refusal) else attested
    steps = [step for step in state.steps if step.item in wanted and state.status(step.item) is not Status.PENDING]
    return Outcome.from_refusal(state.first_in_the_way(steps))


def planned(session: Session) -> tuple[Planned, ...]:
    """What the release would do, action by action, in order; an action that cannot tell yet says why."""
    checklist = session.checklist
    named = [name for phase in checklist.phases for name in checklist.main_actions(phase) if session.applies(name)]
    return tuple(Planned(name, checklist.actions[name].title, _told(session, name)) for name in dict.fromkeys(named))


def _before_the_swap(session: Session) -> tuple[Item, ...]:
    publisher = session.checklist.of_role(ActionRole.PUBLISHER)[0].name
    wanted = {step.item for step in session.looks.before(publisher)}
    return tuple(item for item in session.checklist.items if item.id in wanted)


def _told(session: Session, action: str) -> tuple[str, ...]:
    try:
        return tuple(session.describe(action))
    except Problem as problem:
        return (f"not known yet: {problem.what}",)
