"""Apple's signatures on the artifacts, judged where the target names the expected team (contracts: decided)."""

from __future__ import annotations

from dataclasses import dataclass

from checks.base import Check, Scope
from checks.inbox import NOTHING_PUBLISHED, expected, look_inbox
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive, not_applicable, passed
from nexy_tui.core.plan import Plan
from nexy_tui.services.apple import AppleFacts, assess, can_assess


@dataclass(frozen=True, slots=True)
class AppleLook:
    """What Apple's programs said; `able` is False on a machine that has none of them."""

    able: bool
    artifacts: tuple[AppleFacts, ...] = ()
    missing: tuple[str, ...] = ()


def look_apple(scope: Scope) -> AppleLook:
    """Ask about every artifact of this release, where the target names a team and this machine can."""
    services, plan = scope.services, scope.plan
    if not plan.target.team_id or not plan.kind.publishes:
        return AppleLook(able=True)
    if not can_assess(services.environ):
        return AppleLook(able=False)
    inbox = look_inbox(scope)
    found = {name: inbox.of(name).found for name in expected(plan)}
    there = tuple(assess(artifact.path, services.environ) for artifact in found.values() if artifact is not None)
    return AppleLook(able=True, artifacts=there, missing=tuple(name for name, artifact in found.items() if artifact is None))


def judge_apple(look: AppleLook, plan: Plan) -> Verdict:
    """Signed by the expected team, accepted by Gatekeeper, the ticket stapled."""
    if not plan.kind.publishes:
        return not_applicable(NOTHING_PUBLISHED)
    team = plan.target.team_id
    if not team:
        return not_applicable("The target names no Apple Team ID (target.team_id), so Apple's signatures are not judged.")
    if not look.able:
        return inconclusive(
            "Apple's signatures cannot be verified here: this machine has no codesign, spctl and stapler.",
            f"Look again on a Mac; or verify there by hand (team {team}, spctl accepted, ticket stapled) and attest it.",
            Evidence("expected team", team, "target.team_id"),
        )
    evidence = [Evidence(f"{item.name} {said.program}", said.said, said.program) for item in look.artifacts for said in item.assessments]
    evidence += [Evidence(f"{item.name} team", item.team or "none", "signature") for item in look.artifacts]
    wrong = [f"{name} is missing or not whole" for name in look.missing]
    wrong += [f"{item.name} is signed by team {item.team or 'none'}" for item in look.artifacts if item.team != team]
    for item in look.artifacts:
        wrong += [f"{said.program} refuses {item.name}: {said.said}" for said in item.assessments if not said.accepted]
    if wrong:
        return failed(f"{'; '.join(wrong)}.", f"Sign with team {team}, notarize, staple, and lay the file into the inbox again.", *evidence)
    return passed(f"Signed by team {team}, accepted by Gatekeeper, tickets stapled.", *evidence)


APPLE = Check(look_apple, judge_apple, "Gatekeeper refuses what is not signed and notarised.", slow=True)
