"""Phase remotes: the two pipelines go where they must, and nowhere else (rulebook sections 0, 0.1, 1.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

from checks.base import Check, Scope
from checks.publish import look_target
from checks.tip import look_refs
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive, noted, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.remedy import Mend
from nexy_tui.core.repository import is_repository
from nexy_tui.core.secret import redact
from nexy_tui.runlog.logfile import was_cut_off
from nexy_tui.services.git import GitFailure, Remote
from nexy_tui.services.git.commands import brief, remedy_for
from nexy_tui.services.github import Rights
from nexy_tui.services.lock import Holder, ReleaseLock


def look_remotes(scope: Scope) -> tuple[Remote, ...]:
    """Every remote with the addresses git would really use."""
    return scope.once("git.remotes", scope.services.git.remotes)


def judge_remotes(remotes: tuple[Remote, ...], plan: Plan) -> Verdict:
    """One remote at least is the code repository, and none pushes to the artifacts repository."""
    target = plan.target
    evidence = [
        Evidence(remote.name, " ".join(redact(url) for url in remote.push_urls) or "no address", "git remote get-url --push")
        for remote in remotes
    ]
    ours = [remote.name for remote in remotes if remote.is_for(target.hosts.web, target.code_repository)]
    named = next((remote for remote in remotes if remote.name == "server_repo" and remote.name not in ours), None)
    mixed = [remote.name for remote in remotes if _touches(remote, plan)]
    mend = Mend("manifest-repository", then="sets the remotes right, pushurl and rewriting rules included.")
    if mixed:
        return failed(f"{', '.join(mixed)} pushes to {target.artifacts_repository}: the pipelines are mixed.", mend, *evidence)
    if named is not None:
        return failed(f"server_repo pushes to {redact(' '.join(named.push_urls))}, not to {target.code_repository}.", mend, *evidence)
    if not ours:
        return failed(f"No remote pushes to {target.code_repository}.", mend, *evidence)
    return passed(f"{', '.join(ours)} pushes to {target.code_repository}.", *evidence)


def _touches(remote: Remote, plan: Plan) -> bool:
    return any(is_repository(url, plan.target.hosts.web, plan.target.artifacts_repository) for url in remote.push_urls)


def look_push(scope: Scope) -> GitFailure | None:
    """Whether the code repository would take a push, asked without pushing."""
    return scope.services.git.may_push()


_NO_RIGHT = re.compile(r"denied|403|401|Authentication failed|could not read Username|not found", re.IGNORECASE)
_REJECTED = 1
"""How git push ends where it was not the line that failed: somebody said no."""


def judge_push(refused: GitFailure | None, plan: Plan) -> Verdict:
    """The credential has write access. A network failure is no verdict on rights."""
    repository = plan.target.code_repository
    if refused is None:
        return passed(f"{repository} grants its write service.", Evidence("push --dry-run", "accepted", repository))
    said = Evidence("push --dry-run", brief(refused.text), repository)
    if _NO_RIGHT.search(refused.text):
        return failed(
            f"{repository} refuses a push with this credential.",
            "Log in with an account that may push: gh auth login, or a credential helper.",
            said,
        )
    if refused.status == _REJECTED:
        what = f"A push to {repository} is refused: {brief(refused.text)}"
        return failed(what, "If that is a hook of yours (pre-push), see what it wants and mend that; then look again.", said)
    return inconclusive(f"Whether {repository} takes a push could not be seen: {brief(refused.text)}", remedy_for(refused.text), said)


@dataclass(frozen=True, slots=True)
class Mixing:
    """What would show that the pipelines were mixed: releases of the code repository, release tags of the artifacts one."""

    code_releases: tuple[str, ...]
    artifact_tags: tuple[str, ...]


def look_unmixed(scope: Scope) -> Mixing:
    """Releases on both repositories."""
    host, target = scope.services.github, scope.plan.target
    return Mixing(
        tuple(host.release_tags(target.code_repository)),
        scope.once("github.release_tags", lambda: tuple(host.release_tags(target.artifacts_repository))),
    )


_VERSIONED = re.compile(r"v?\d+\.\d+(\.\d+)*([-+.].*)?")


def judge_unmixed(mixing: Mixing, plan: Plan) -> Verdict:
    """No GitHub release in the code repository; no version-specific release tag in the artifacts repository."""
    target = plan.target
    versioned = [tag for tag in mixing.artifact_tags if _VERSIONED.fullmatch(tag)]
    evidence = (
        Evidence("releases of the code repository", ", ".join(mixing.code_releases) or "none", target.code_repository),
        Evidence("release tags of the artifacts repository", ", ".join(mixing.artifact_tags) or "none", target.artifacts_repository),
    )
    if mixing.code_releases:
        return failed(
            f"{target.code_repository} has a GitHub release ({', '.join(mixing.code_releases[:3])}).",
            "Delete that release there (its git tag stays): artifacts belong to " + target.artifacts_repository,
            *evidence,
        )
    if versioned:
        return failed(
            f"{target.artifacts_repository} has a version-specific release ({', '.join(versioned[:3])}).",
            f"Clients follow {target.dmg_tag} and {target.pkg_tag} alone; delete the other release after moving its assets.",
            *evidence,
        )
    return passed("No release in the code repository, and only fixed tags in the artifacts repository.", *evidence)


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What the artifacts token may do in each of the two repositories."""

    artifacts: Rights
    code: Rights


def look_tokens(scope: Scope) -> TokenFacts:
    """Ask the release host about the token, in both repositories."""
    return TokenFacts(look_target(scope).rights, scope.services.github.watched(scope.emit).rights(scope.plan.target.code_repository))


def judge_tokens(facts: TokenFacts, plan: Plan) -> Verdict:
    """One token for one pipeline. A token that may write to both is a warning and stands in nobody's way: it is a matter of care."""
    evidence = [
        Evidence(f"token from {rights.source}", "may write" if rights.may_write else "may not write", rights.repository)
        for rights in (facts.artifacts, facts.code)
    ]
    if facts.artifacts.may_write and facts.code.may_write:
        return noted(
            f"Warning: the token from {facts.code.source} may write to both repositories, whose owners differ; one for each is safer.",
            *evidence,
        )
    return passed(f"The token from {facts.code.source} may not write to {facts.code.repository}.", *evidence)


@dataclass(frozen=True, slots=True)
class LockFacts:
    """Who holds the release lock, if anybody; whether that is a run of this machine that was cut off."""

    holder: Holder | None
    left: bool = False


def look_lock(scope: Scope) -> LockFacts:
    """The lock ref on the code repository."""
    services = scope.services
    settings = services.settings
    cut_off = partial(was_cut_off, settings.state_dir)
    lock = ReleaseLock(
        services.git, services.clock, operator=settings.operator, host=settings.host, run=scope.plan.run or "", cut_off=cut_off
    )
    holder = lock.holder(look_refs(scope))
    return LockFacts(holder, holder is not None and lock.left_by(holder))


def judge_lock(facts: LockFacts, plan: Plan) -> Verdict:
    """Nobody else is releasing."""
    holder = facts.holder
    source = f"{plan.target.code_repository} refs/nexy/lock"
    if holder is None:
        return passed("Nobody else is releasing.", Evidence("lock", "free", source))
    evidence = Evidence("lock", str(holder), source)
    if holder.run == plan.run:
        return passed("This run has the release lock.", evidence)
    if holder.expired(plan.now):
        return passed(f"The lock of {holder.operator} has expired.", evidence)
    if facts.left:
        return passed(f"The run {holder.run} of this machine was cut off and left the lock; it is taken up.", evidence)
    again = "the same command with" if plan.run is None or plan.standalone else f"nexy-tui release --resume {plan.run}"
    if holder.unreadable:
        what = f"Somebody may be releasing: {holder.unreadable}."
    else:
        since = f"since {holder.since}, " if holder.since else ""
        what = f"{holder.operator} on {holder.host} is releasing ({since}run {holder.run}; the lock is valid until {holder.expires})."
    return failed(what, holder.advice(f"{again} --take-over"), evidence)


CODE = Check(look_remotes, judge_remotes, "A tag or manifest pushed elsewhere releases nothing, and may reach people who must not see it.")
PUSH = Check(look_push, judge_push, "Better refused now than after the download was replaced.", waits=True)
TOKENS = Check(look_tokens, judge_tokens, "The pipelines have different owners: what may write to both can mix them.")
UNMIXED = Check(
    look_unmixed, judge_unmixed, "A release in the code repository, or a version's own tag among the artifacts, sends clients astray."
)
LOCK = Check(look_lock, judge_lock, "Two releases at once undo each other.")
