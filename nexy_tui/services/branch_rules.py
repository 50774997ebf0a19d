"""The rules of a branch on the release host (https://docs.github.com/en/rest/repos/rules, …/rest/branches/branches)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from nexy_tui.core.text import printable
from nexy_tui.services.github import PAGE, ReleaseHost

HARMLESS = frozenset(("creation", "deletion", "non_fast_forward", "required_linear_history", "copilot_code_review"))
"""Rules that a push of new commits on top of a branch does not meet."""


@dataclass(frozen=True, slots=True)
class BranchRules:
    """The rules that a push to the branch meets (None: the token may not see), whether it is protected (None: unknown).

    `bypassed` are rules that the token's account need not follow.
    """

    barring: tuple[str, ...] | None
    bypassed: tuple[str, ...] = ()
    protected: bool | None = None


def branch_rules(host: ReleaseHost, repository: str, branch: str) -> BranchRules:
    """Ask for the branch and for the rules that hold for it. Raises CouldNotLook; Unusable without a token."""
    named = quote(branch, safe="")
    seen = host.read(f"/repos/{repository}/branches/{named}", f"The branch {branch} of {repository}")
    protected = seen.document.get("protected") if seen.status == 200 and isinstance(seen.document, dict) else None
    told = host.read(f"/repos/{repository}/rules/branches/{named}?per_page={PAGE}", f"The rules of {branch} of {repository}")
    if told.status == 404 or not isinstance(told.document, list):
        return BranchRules(None, protected=protected if isinstance(protected, bool) else None)
    rules = [rule for rule in told.document if isinstance(rule, dict) and str(rule.get("type")) not in HARMLESS]
    passed = {number for number in map(_ruleset, rules) if number is not None and _may_bypass(host, repository, number)}
    return BranchRules(
        tuple(_named(rule) for rule in rules if _ruleset(rule) not in passed),
        tuple(_named(rule) for rule in rules if _ruleset(rule) in passed),
        protected if isinstance(protected, bool) else None,
    )


def _ruleset(rule: dict[str, Any]) -> int | None:
    number = rule.get("ruleset_id")
    return number if isinstance(number, int) else None


def _may_bypass(host: ReleaseHost, repository: str, number: int) -> bool:
    """Whether the token's account may pass by a ruleset, always: by pull request alone is no push."""
    seen = host.read(f"/repos/{repository}/rulesets/{number}", f"The ruleset {number} of {repository}")
    return seen.status == 200 and isinstance(seen.document, dict) and seen.document.get("current_user_can_bypass") == "always"


def _named(rule: dict[str, Any]) -> str:
    return printable(str(rule.get("type", "a rule without a type")), 60)
