"""A branch and its rules, as GitHub's API tells them."""

from __future__ import annotations

from typing import Any

from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.names import CODE
from nexy_tui.rehearsal.release_host.documents import API
from nexy_tui.rehearsal.seed import BRANCH

BRANCH_RULE = "branch-rule"
_RULESET = 7001


def branch(repository: str, name: str, tip: str, faults: Faults) -> dict[str, Any]:
    """`GET /repos/{o}/{r}/branches/{branch}`: protected as soon as a ruleset is for it."""
    protected = bool(rules(repository, name, faults))
    api = f"{API}/repos/{repository}"
    return {
        "name": name,
        "commit": {"sha": tip, "url": f"{api}/commits/{tip}"},
        "protected": protected,
        "protection": {"enabled": protected, "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []}},
        "protection_url": f"{api}/branches/{name}/protection",
    }


def rules(repository: str, name: str, faults: Faults) -> list[dict[str, Any]]:
    """`GET /repos/{o}/{r}/rules/branches/{branch}`: the active rules, whoever may bypass them."""
    if repository != CODE or name != BRANCH or not faults.active(BRANCH_RULE):
        return []
    told = {"ruleset_source_type": "Repository", "ruleset_source": repository, "ruleset_id": _RULESET}
    parameters = {"required_approving_review_count": 1, "dismiss_stale_reviews_on_push": False, "require_code_owner_review": False}
    return [{"type": "non_fast_forward", **told}, {"type": "pull_request", "parameters": parameters, **told}]


def ruleset(repository: str, number: int, faults: Faults) -> dict[str, Any] | None:
    """`GET /repos/{o}/{r}/rulesets/{id}`, with what it means for the asker; None where there is no such ruleset."""
    if number != _RULESET or not rules(repository, BRANCH, faults):
        return None
    bypass = "always" if faults.param(BRANCH_RULE) == "bypass" else "never"
    return {
        "id": _RULESET,
        "name": "Only by pull request",
        "target": "branch",
        "source_type": "Repository",
        "source": repository,
        "enforcement": "active",
        "conditions": {"ref_name": {"include": [f"refs/heads/{BRANCH}"], "exclude": []}},
        "rules": [{"type": rule["type"]} for rule in rules(repository, BRANCH, faults)],
        "current_user_can_bypass": bypass,
    }
