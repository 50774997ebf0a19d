"""Fixers through the engine: each is a small checklist, its run journalled, locked and sealed like a release."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nexy_tui.checklist import Checklist, Item, Phase, ReleaseAction
from nexy_tui.core.finding import Finding, Status
from nexy_tui.core.problem import Problem, Refused, Unusable
from nexy_tui.core.remedy import Mend, Run
from nexy_tui.core.secret import Secret
from nexy_tui.engine.attempt import attempt
from nexy_tui.engine.begin import start_fix
from nexy_tui.engine.opening import look_session
from nexy_tui.engine.outcome import Outcome
from nexy_tui.engine.resume import resume_run
from nexy_tui.engine.session import Session
from nexy_tui.fixers import FIXERS, Fixer, SecretRequest, fixer
from nexy_tui.release import Refusal
from nexy_tui.runlog.logfile import LogFile
from nexy_tui.runlog.read import list_runs
from nexy_tui.runlog.state import Errand, Purpose
from nexy_tui.services import Services

WORST_FIRST = (Status.FAILED, Status.PENDING, Status.INCONCLUSIVE, Status.NOT_RUN, Status.PASSED, Status.ATTESTED, Status.NOT_APPLICABLE)


def checklist_of(fixers: Sequence[Fixer]) -> Checklist:
    """A phase for each fixer, an item for each of its parts."""
    return Checklist(
        phases=tuple(Phase(one.name, one.trouble.title, one.trouble.section, one.trouble.symptom, _items(one)) for one in fixers),
        release_actions=tuple(ReleaseAction(part.action) for one in fixers for part in one.parts),
    )


def _items(one: Fixer) -> tuple[Item, ...]:
    section = one.trouble.section
    return tuple(Item(part.id, section, part.title, part.check, action=part.action.name, fixers=(one.name,)) for part in one.parts)


DOCTOR = checklist_of(FIXERS)
"""Every detector."""


def worst_first(items: Sequence[Item], findings: Sequence[Finding]) -> list[tuple[Item, Finding]]:
    """Items with their findings: what is here, then what could not be seen, then what is not; each in the rulebook's order."""
    pairs = list(zip(items, findings, strict=True))
    return sorted(pairs, key=lambda pair: WORST_FIRST.index(pair[1].status))


def known_fixer(name: str) -> Fixer:
    """The fixer of a name or section. Raises Unusable for a name that is none."""
    chosen = fixer(name)
    if chosen is None:
        raise Unusable(f"There is no fixer {name!r}.", remedy=Run("fix --list", then="shows them."))
    return chosen


@dataclass(frozen=True, slots=True)
class FixPreview:
    """What a fixer would change now, line by line (none where its trouble is not here), and what of it could not be seen.

    `typed` is what is typed to confirm it, None for a plain yes; `secret` how the secret that it needs is asked for, empty where
    it needs none.
    """

    lines: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    typed: str | None = None
    secret: str = ""


def fix_plan(services: Services, name: str, run: Session | None = None) -> FixPreview:
    """What a fixer would change now, in the open run where one is named. Raises Unusable for a name that is none."""
    chosen = known_fixer(name)
    looking = look_session(services, checklist_of([chosen]), released=True)
    if run is None:
        return _planned(looking, chosen)
    with run.aside(f"fix {name}", looking.checklist, looking.plan) as session:
        return _planned(session, chosen)


def _planned(session: Session, chosen: Fixer) -> FixPreview:
    findings = session.looks.at(session.checklist.items)
    unseen = tuple(finding.summary for finding in findings if finding.status is Status.INCONCLUSIVE)
    lines, services, wanted = tuple(described(session)), session.services, chosen.secret
    outside = any(part.action.writes_outside for part in chosen.parts)
    typed = f"{services.target.name} fix {chosen.name}" if outside else None
    question = wanted.question if lines and wanted is not None and chosen.needs_secret(services) else ""
    return FixPreview(lines, unseen, typed, question)


def described(session: Session) -> list[str]:
    """What mending would change, for every part whose trouble is here, as last looked at."""
    lines: list[str] = []
    for item in troubles_found(session):
        try:
            lines += session.describe(str(item.action))
        except Problem as problem:  # It cannot be mended by a program, or an earlier part has to be first: that is what it says.
            lines.append(f"{item.title}: {problem}")
    return lines


@dataclass(frozen=True)
class FixPrompts:
    """What a fix asks of whoever started it: a secret (None: there is none), a confirmation of an action, and a line to show."""

    obtain: Callable[[SecretRequest], Secret | None]
    confirm: Callable[[Session, str], bool]
    say: Callable[[str], None]


def troubles_found(session: Session) -> list[Item]:
    """The parts of the trouble that are here, as last looked at."""
    return [item for item in session.checklist.items if session.state.status(item.id) is Status.FAILED]


def interrupted(services: Services, name: str) -> Path | None:
    """The log of a run of this fixer, by this operator in this world, that was cut off; None when there is none.

    Raises Refused while another process is at it. One that cannot be gone on with is left as it is.
    """
    settings, fixing = services.settings, Purpose(Errand.FIX, (name,))
    for run in list_runs(settings.state_dir):
        mine = run.operator == settings.operator and run.world == services.target.world
        if mine and run.looks in ("open", "torn") and not run.outcome and run.purpose == fixing:
            LogFile.reopen(run.path).close()
            return run.path
    return None


def open_fix(services: Services, chosen: Fixer, left: Path | None, *, take_over: bool = False) -> Session:
    """The fixer's run: the one that was cut off, gone on with; a new one where there is none, or its log does not verify."""
    checklist = checklist_of([chosen])
    if left is not None:
        with contextlib.suppress(Refused):
            return resume_run(services, checklist, left, fix=chosen.name, take_over=take_over)
    return start_fix(services, checklist, chosen.name, take_over=take_over)


def mend(session: Session, chosen: Fixer, prompts: FixPrompts, *, resumed: bool = False) -> Outcome:
    """Detect, show, confirm, apply, detect again, part by part; the log is sealed with what became of it.

    Where a part fails, what it has left is looked at; its problem says whether that is the old state or the new one.
    """
    items = session.checklist.items
    try:
        outcome = _mend(session, chosen, prompts, resumed)
        if outcome.problem is not None:
            session.looks.at(items)
        session.seal(outcome.sealed_as(), goal={item.id for item in items})
        return outcome
    finally:
        session.close()


def mend_inside(run: Session, chosen: Fixer, prompts: FixPrompts) -> tuple[Outcome, list[Finding]]:
    """Mend inside an open run: an action of that run, with its log and its lock; the outcome, and what was found at the end."""
    checklist = checklist_of([chosen])
    plan = look_session(run.services, checklist, released=True).plan  # Held against the release that is out, as from home.
    with run.aside(f"fix {chosen.name}", checklist, plan) as session:
        outcome = _mend(session, chosen, prompts, resumed=False)
        return outcome, session.looks.at(session.checklist.items)


def _mend(session: Session, chosen: Fixer, prompts: FixPrompts, resumed: bool) -> Outcome:
    items = session.checklist.items
    if resumed:
        session.reclaim_lock()
    session.looks.at(items)
    if resumed:
        prompts.say(f"A run of this fixer was cut off and goes on now. It left {left_behind(session)}.")
    try:
        given = _secret(session, chosen, prompts)
        for item in items:
            stopped = _mend_part(session, item, prompts, anyway=given is not None)
            if stopped is not None:
                return stopped
    except Problem as problem:
        return Outcome.from_problem(problem)
    return Outcome.from_refusal(session.state.first_in_the_way(session.state.steps))


def _mend_part(session: Session, item: Item, prompts: FixPrompts, *, anyway: bool) -> Outcome | None:
    """Mend one part; None when it is mended. `anyway`: the operator gave a new secret, so it is put in though nothing is wrong."""
    before = session.state.status(item.id)
    if before.satisfied and not anyway:
        return None
    if before is Status.INCONCLUSIVE:
        return Outcome.from_refusal(_refusal(session, item))
    action = str(item.action)
    stopped = attempt(session, action, partial(prompts.confirm, session), items=session.checklist.items)
    if stopped is not None:
        return stopped
    return None if session.state.status(item.id).satisfied else Outcome.from_refusal(_refusal(session, item))


def _refusal(session: Session, item: Item) -> Refusal:
    finding = session.state.findings[item.id]
    return Refusal(item.id, finding.status, f"{item.title}: {finding.summary}")


def _secret(session: Session, chosen: Fixer, prompts: FixPrompts) -> Secret | None:
    """The secret the fixer works with, handed to the services and kept out of the log. Raises Refused where it is needed and not given."""
    wanted = chosen.secret
    given = None if wanted is None else session.services.secrets.handed(wanted.name)
    if wanted is None or (given is None and not (troubles_found(session) and chosen.needs_secret(session.services))):
        return None
    secret = given or prompts.obtain(wanted)
    if secret is None:
        raise Refused(
            f"{chosen.trouble.title}: a secret is needed, and none was given.",
            "It is taken from a terminal without showing it, or from the environment or standard input; never from the command line.",
            Mend(chosen.name, f"Run it in a terminal, or put it into {wanted.variable} and add --yes"),
        )
    if session.log is not None:
        session.log.protect(secret)
    session.services.secrets.hand(wanted.name, secret)
    return given


def left_behind(session: Session) -> str:
    """What a run that was cut off has left, part by part: its old state or its new one."""
    words = {Status.PASSED: "the new state: it is mended", Status.FAILED: "the old state: it is not mended"}
    unseen = "a state that could not be seen"
    return "; ".join(f"{item.id}, {words.get(session.state.status(item.id), unseen)}" for item in session.checklist.items)
