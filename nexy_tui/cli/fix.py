"""`fix`: the doctor, and the fixers of rulebook sections 4.1 to 4.9."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from nexy_tui.cli import common
from nexy_tui.cli.act import TakeOver
from nexy_tui.core.problem import Unusable
from nexy_tui.core.remedy import Run

if TYPE_CHECKING:
    from nexy_tui.core.secret import Secret
    from nexy_tui.engine.session import Session
    from nexy_tui.fixers import Fixer, SecretRequest
    from nexy_tui.services import Services


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command()(fix)


def fix(
    name: Annotated[
        str | None, typer.Argument(help="A fixer, by name or section (see --list). Without one: look for every trouble.")
    ] = None,
    *,
    list_fixers: Annotated[bool, typer.Option("--list", help="Show every fixer and leave.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show exactly what would change, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Answer the confirmations.")] = False,
    take_over: TakeOver = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Find what is wrong and mend it (rulebook section 4). Secrets are asked for hidden; without a terminal they come from
    NEXY_NEW_GITHUB_TOKEN, NEXY_NEW_GEMINI_KEY or standard input."""
    from nexy_tui.fixers import FIXERS, fixer

    if list_fixers:
        _list(json)
        return
    given = _given_secrets()
    services = common.make_services()
    for secret_name, secret in given.items():
        services.secrets.hand(secret_name, secret)
    if name is None:
        raise typer.Exit(_doctor(services, json))
    chosen = fixer(name)
    if chosen is None:
        known = ", ".join(one.name for one in FIXERS)
        raise Unusable(f"There is no fixer {name!r}.", f"Known: {known}.", Run("fix --list", "See them with their sections"))
    if not dry_run and not yes and not sys.stdin.isatty():
        raise Unusable(
            "A fix is confirmed, and there is no terminal to answer on.", remedy=Run(f"fix {name} --dry-run", "See it", "and then --yes.")
        )
    if dry_run:
        raise typer.Exit(_dry_run(services, chosen, json))
    raise typer.Exit(_fix(services, chosen, yes=yes, take_over=take_over, as_json=json))


def _given_secrets() -> dict[str, Secret]:
    """Secrets that stand in the environment for a fixer; they are taken out of it."""
    from nexy_tui.core.given import take
    from nexy_tui.core.secret import Secret
    from nexy_tui.fixers import FIXERS

    wanted = [one.secret for one in FIXERS if one.secret is not None]
    values = ((want, take(want.variable).strip()) for want in wanted)
    return {want.name: Secret(f"environment {want.variable}", value) for want, value in values if value}


def _doctor(services: Services, as_json: bool) -> int:
    from nexy_tui.engine.document import document, outcome_of
    from nexy_tui.engine.mend import DOCTOR, worst_first
    from nexy_tui.engine.opening import look_session
    from nexy_tui.engine.outcome import EXIT
    from nexy_tui.plain import finding_line

    begun = time.monotonic()
    session = common.begun(look_session(services, DOCTOR, released=True))
    findings = session.looks.at(DOCTOR.items)
    outcome = outcome_of(findings)
    pairs = worst_first(DOCTOR.items, findings)
    if as_json:
        common.print_json(document(session, [item for item, _ in pairs], outcome, time.monotonic() - begun))
        return EXIT[outcome]
    for item, finding in pairs:
        common.show(f"{item.section}{finding_line(finding)}")
    here = list(dict.fromkeys(item.fixers[0] for item, finding in pairs if finding.status.value == "failed"))
    common.show(f"{outcome}: {', '.join(here)}. Mend it: nexy-tui fix {here[0]}" if here else f"{outcome}: no trouble was found.")
    return EXIT[outcome]


def _dry_run(services: Services, fixer: Fixer, as_json: bool) -> int:
    """Look, and say what would change where the trouble is here. Nothing is written, not even a log."""
    from nexy_tui.engine.document import document, outcome_of
    from nexy_tui.engine.mend import checklist_of, described
    from nexy_tui.engine.notice import unobserved
    from nexy_tui.engine.opening import look_session
    from nexy_tui.engine.outcome import EXIT
    from nexy_tui.plain import PlainRenderer

    begun = time.monotonic()
    checklist = checklist_of([fixer])
    observer = unobserved if as_json else PlainRenderer(checklist, sys.stdout)
    session = common.begun(look_session(services, checklist, released=True, observer=observer))
    outcome = outcome_of(session.looks.at(checklist.items))
    lines = described(session)
    if as_json:
        common.print_json({**document(session, checklist.items, outcome, time.monotonic() - begun), "plan": lines})
        return EXIT[outcome]
    nothing = "   would change nothing" if EXIT[outcome] == EXIT["verified"] else "   what it would change cannot be told: see above"
    common.show("\n".join(f"   would: {line}" for line in lines) if lines else nothing)
    return EXIT[outcome]


def _fix(services: Services, fixer: Fixer, *, yes: bool, take_over: bool, as_json: bool) -> int:
    from nexy_tui.cli.finish import finish
    from nexy_tui.engine.mend import FixPrompts, interrupted, mend, open_fix
    from nexy_tui.plain import PlainRenderer

    begun = time.monotonic()
    left = interrupted(services, fixer.name)
    if left is None and (code := _not_here(services, fixer, as_json, begun)) is not None:
        return code
    common.confirm_target(services, yes=yes)
    if take_over:
        common.confirm_take_over()
    session = common.begun(open_fix(services, fixer, left, take_over=take_over))
    told: list[object] = []
    session.watch(PlainRenderer(session.checklist, sys.stderr if as_json else sys.stdout))
    session.watch(lambda notice: told.append(getattr(notice, "problem", None)))
    prompts = FixPrompts(_obtained, lambda at, action: _confirmed(at, action, yes), common.say)
    outcome = mend(session, fixer, prompts, resumed=left is not None)
    log, title = session.journal.path, fixer.trouble.title
    return finish(
        session,
        outcome,
        begun,
        as_json=as_json,
        verified=(f"{title}: fixed and verified. Log: {log}",),
        ways_on=(f"{title}: not mended ({outcome.outcome}). Log: {log}",),
        told=outcome.problem in told,
    )


def _not_here(services: Services, fixer: Fixer, as_json: bool, begun: float) -> int | None:
    """Look before a run is begun: where the trouble is not here and no new secret was given, nothing is to be done or logged."""
    from nexy_tui.cli.finish import finish
    from nexy_tui.core.finding import Status
    from nexy_tui.engine.mend import checklist_of
    from nexy_tui.engine.opening import look_session
    from nexy_tui.engine.outcome import Outcome
    from nexy_tui.plain import finding_line

    if fixer.secret is not None and services.secrets.handed(fixer.secret.name) is not None:
        return None
    checklist = checklist_of([fixer])
    session = common.begun(look_session(services, checklist, released=True))
    findings = session.looks.at(checklist.items)
    if any(finding.status is not Status.PASSED for finding in findings):
        return None
    if not as_json:
        for finding in findings:
            common.show(finding_line(finding))
        common.show(f"{fixer.trouble.title}: this trouble is not here. Nothing was changed.")
    return finish(session, Outcome("verified"), begun, as_json=as_json)


def _confirmed(session: Session, action: str, yes: bool) -> bool:
    """Show exactly what will change, and have typed what must be typed."""
    for line in session.describe(action):
        common.say(f"   will: {line}")
    expected = session.to_be_typed(action)
    return yes or expected is None or common.typed(expected, common.ask_terminal)


def _obtained(wanted: SecretRequest) -> Secret | None:
    """A secret from the terminal, not shown; without one, from standard input's first line. Never from the command line."""
    from nexy_tui.core.secret import Secret

    source = "terminal" if sys.stdin.isatty() else "standard input"
    value = common.ask_hidden(wanted.question)
    return Secret(source, value) if value else None


def _list(as_json: bool) -> None:
    from dataclasses import asdict

    from nexy_tui.fixers import TROUBLES

    if as_json:
        common.print_json({"fixers": [asdict(trouble) for trouble in TROUBLES]})
        return
    for trouble in TROUBLES:
        common.show(f"{trouble.section}  {trouble.name:<20} {trouble.title}: {trouble.symptom}")
