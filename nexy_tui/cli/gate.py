"""`gate`: the consistency gate, as a matrix, in its three profiles (rulebook section 3, Phase 2.7)."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nexy_tui.cli import common
from nexy_tui.cli.look import Json

if TYPE_CHECKING:
    from checks.base import Scope
    from checks.gate_cells import Profile
    from checks.rulebook_gate import RulebookVerdict, RuleFinding
    from nexy_tui.core.matrix import Matrix
    from nexy_tui.core.plan import Plan
    from nexy_tui.services import Services

RULEBOOK = "rulebook"
_OF_AN_OLDER_SERVER = {6, 9, 10}
"""The rules that a server which is merely not deployed yet breaks."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command()(gate)


def gate(
    host: Annotated[str | None, typer.Argument(help="The update server (default: the target's).")] = None,
    port: Annotated[int | None, typer.Argument(min=1, max=65535, help="Its port; the rulebook profile speaks http on port 80.")] = None,
    profile: Annotated[str, typer.Option(help="pre-deploy, post-deploy, or rulebook: validate_updates.sh to the letter.")] = "pre-deploy",
    json: Json = False,
) -> None:
    """The consistency gate: do all sources agree? Exit 0 they do, 1 they do not, 3 something could not be seen."""
    from checks.gate_cells import Profile
    from nexy_tui.core.problem import Unusable

    if profile not in (*Profile, RULEBOOK):
        raise Unusable(f"There is no gate profile {profile!r}.", remedy=f"Choose {', '.join(Profile)} or {RULEBOOK}.")
    if host is not None and _HOST.fullmatch(host) is None:
        raise Unusable(f"{host[:80]!r} is not a host name.", remedy="Name the update server, as in the rulebook: nexy-tui gate HOST 443")
    services = common.make_services()
    services.require_checkout()
    _aim(services, host, port)
    raise typer.Exit(_by_rulebook(services, json) if profile == RULEBOOK else _by_items(services, Profile(profile), json))


def _aim(services: Services, host: str | None, port: int | None) -> None:
    """Look at the server that was named instead of the target's."""
    from nexy_tui.core.target import UpdateServer

    if host is not None:
        server = UpdateServer(host, port or services.target.update_server.port)
        services.settings = replace(services.settings, target=replace(services.target, update_server=server))


def _by_items(services: Services, profile: Profile, as_json: bool) -> int:
    """The two profiles of the release itself: the checklist's items judge the matrix."""
    from nexy_tui.core.finding import Status
    from nexy_tui.engine.document import document, outcome_of
    from nexy_tui.engine.notice import unobserved
    from nexy_tui.engine.opening import look_session
    from nexy_tui.engine.outcome import EXIT
    from nexy_tui.plain import PlainRenderer

    begun = time.monotonic()
    checklist = common.the_checklist()
    items = checklist.of_profile(profile)
    observer = unobserved if as_json else PlainRenderer(checklist, sys.stdout)
    session = common.begun(look_session(services, checklist, observer=observer))
    scope = session.looks.scope()
    findings = session.looks.at(items, scope)
    outcome = outcome_of(findings)
    matrix = _matrix(scope, session.plan, profile)
    failed = sum(finding.status is Status.FAILED for finding in findings)
    unseen = sum(finding.status is Status.INCONCLUSIVE for finding in findings)
    if as_json:
        common.print_json({**document(session, items, outcome, time.monotonic() - begun), **_extra(profile, failed, unseen, matrix)})
    else:
        common.show(matrix.text())
        common.show(f"{outcome}: gate profile {profile}, {len(items)} items, {failed} failed, {unseen} not seen.")
    return EXIT[outcome]


def _matrix(scope: Scope, plan: Plan, profile: Profile) -> Matrix:
    """The table of the facts the items were judged by; empty where they could not be looked at."""
    from checks.gate import gate_matrix, look_gate
    from nexy_tui.core.matrix import Matrix

    try:
        return gate_matrix(look_gate(scope), plan, profile)
    except Exception:  # Whatever it was: the look is shared with the items, and they have said it.
        return Matrix({})


def _by_rulebook(services: Services, as_json: bool) -> int:
    """The script's own verdict, counts and exit status. An address without an answer is an error by its rules, not a pause."""
    from checks.base import Scope
    from checks.rulebook_facts import said
    from checks.rulebook_gate import rulebook_gate
    from checks.rulebook_matrix import rulebook_matrix
    from checks.rulebook_sources import look_rulebook
    from nexy_tui.core.kind import Kind
    from nexy_tui.core.plan import Plan
    from nexy_tui.engine.document import ending
    from nexy_tui.engine.opening import keys_of

    begun = time.monotonic()
    _require_world(services)
    plan = Plan(services.target, None, Kind.FULL, services.clock.now(), standalone=True)
    facts = look_rulebook(Scope(services, plan, keys_of(services).trusted))
    verdict = rulebook_gate(facts)
    matrix = rulebook_matrix(facts, verdict)
    if as_json:
        head = {
            "outcome": "refused" if verdict.errors else "verified",
            "world": services.target.world,
            "target": services.target.name,
            "version": said(facts).version or None,
            "kind": None,
            "run": None,
            "log": None,
            "duration_s": round(time.monotonic() - begun, 3),
            "items": _rules(verdict),
            **ending(verdict.exit_code),
        }
        common.print_json({**head, **_extra(RULEBOOK, verdict.errors, verdict.warnings, matrix)})
    else:
        common.show(matrix.text())
        for line in _lines(verdict):
            common.show(line)
    return verdict.exit_code


def _require_world(services: Services) -> None:
    """A mix-up of worlds is refused; a network that answers nothing is for the rules to judge, since no credential is sent."""
    from nexy_tui.core.problem import CouldNotLook
    from nexy_tui.services.identity import require_world

    try:
        require_world(services.settings)
    except CouldNotLook as problem:
        common.say(f"nexy-tui: {problem.what}")


def _extra(profile: str, errors: int, warnings: int, matrix: Matrix) -> dict[str, Any]:
    return {"profile": profile, "errors": errors, "warnings": warnings, "matrix": matrix.document()}


def _lines(verdict: RulebookVerdict) -> list[str]:
    from checks.rulebook_gate import Level

    words = {Level.ERROR: "ERROR", Level.WARNING: "WARNING", Level.REMARK: "remark", Level.HELD: "ok", Level.SKIPPED: "skipped"}
    told = [f"{words[finding.level]:<8} rule {finding.rule:<3}{finding.text}" for finding in verdict.findings]
    said = "The gate fails." if verdict.errors else "The gate passes."
    told.append(f"Errors: {verdict.errors}, warnings: {verdict.warnings}. {said}")
    if verdict.errors and {finding.rule for finding in verdict.findings if finding.level is Level.ERROR} <= _OF_AN_OLDER_SERVER:
        told.append("Between publishing and deploying the live server serves the release before, which these rules call an error.")
        told.append("The profile for that moment: nexy-tui gate --profile pre-deploy")
    return told


def _rules(verdict: RulebookVerdict) -> list[dict[str, Any]]:
    from checks.rulebook_gate import RULES

    return [_rule(number, title, verdict.of(number)) for number, title in RULES.items()]


def _rule(number: int, title: str, findings: tuple[RuleFinding, ...]) -> dict[str, Any]:
    """One rule in the shape of an item. A warning is inconclusive: the script could not compare, and lets it pass."""
    from checks.rulebook_gate import Level
    from nexy_tui.core.finding import Status

    levels = {finding.level for finding in findings}
    worst = (
        (Level.ERROR, Status.FAILED),
        (Level.WARNING, Status.INCONCLUSIVE),
        (Level.SKIPPED, Status.NOT_APPLICABLE),
    )
    status = next((status for level, status in worst if level in levels), Status.PASSED)
    return {
        "id": f"rulebook.{number}",
        "section": "3 Phase 2.7",
        "phase": "gate",
        "title": title,
        "status": status.value,
        "summary": " ".join(finding.text for finding in findings),
        "remedy": "" if status.satisfied else "See both sides in the matrix; nexy-tui gate names what the release expects.",
        "fixers": [],
        "evidence": [],
        "duration_s": 0.0,
    }
