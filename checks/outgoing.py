"""What a push to the code repository would send: no secret, no artifact (rulebook section 0.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from checks.base import Check, Scope
from checks.tip import look_tip
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive, passed
from nexy_tui.core.plan import Plan

_SECRET_PATHS = re.compile(
    r"(^|/)(config\.env|\.env(\.[a-z]+)?|id_(rsa|ed25519|ecdsa)|\.netrc|\.pgpass|credentials\.json)$|\.(pem|p12|pfx|key|keystore)$",
    re.IGNORECASE,
)
_ARTIFACTS = re.compile(r"\.(dmg|pkg)$", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|AIza[0-9A-Za-z_-]{35}|-----BEGIN [A-Z ]*PRIVATE KEY-----|AKIA[0-9A-Z]{16}"
    r"|AccountKey=[A-Za-z0-9+/]{80,}"
)


_MOST_READ = 16 * 1024 * 1024
"""How many characters of changes are searched."""


@dataclass(frozen=True, slots=True)
class OutgoingFacts:
    """Paths and suspicious lines in what a push would send, committed or about to be; and whether there was more than is read."""

    paths: tuple[str, ...]
    suspicious: tuple[str, ...]
    unread: bool = False


def look_outgoing(scope: Scope) -> OutgoingFacts:
    """Commits the code repository lacks (of merges what no parent has), and the working tree's changes."""
    git, tip = scope.services.git, look_tip(scope).commit
    paths = {*git.changed_paths(tip, "HEAD"), *(path for _, path in git.changes())}
    texts = (git.patches(tip, "HEAD"), git.uncommitted())
    hits, current = [], ""
    for line in "\n".join(text[:_MOST_READ] for text in texts).splitlines():
        if line.startswith("+++ b/"):
            current = line[6:]
        elif line.startswith("+") and _SECRET_TEXT.search(line):
            hits.append(current)
    return OutgoingFacts(tuple(sorted(paths)), tuple(dict.fromkeys(hits)), any(len(text) > _MOST_READ for text in texts))


def judge_outgoing(facts: OutgoingFacts, plan: Plan) -> Verdict:
    """No secret and no artifact is about to be pushed."""
    secrets = [path for path in facts.paths if _SECRET_PATHS.search(path)] + list(facts.suspicious)
    artifacts = [path for path in facts.paths if _ARTIFACTS.search(path)]
    evidence = Evidence("files a push would send", str(len(facts.paths)), "git log, git diff")
    if secrets:
        return failed(
            f"A push would send what looks like a secret: {secrets[0][:100]}.",
            "Take it out of the commits, and change that secret: it was in git.",
            evidence,
        )
    if artifacts:
        return failed(
            f"A push would send an artifact to the code repository: {artifacts[0][:100]}.",
            "Take it out of the commits; artifacts go to " + plan.target.artifacts_repository,
            evidence,
        )
    if facts.unread:
        return inconclusive(
            f"The changes that a push would send are more than {_MOST_READ >> 20} MiB of text: not all was searched for secrets.",
            "Push what is not this release's after review, then look again.",
            evidence,
        )
    return passed("No secret and no artifact is about to be pushed.", evidence)


OUTGOING = Check(look_outgoing, judge_outgoing, "What was pushed once is known for ever.")
