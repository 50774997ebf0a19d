"""Rulebook 4.5: a manifest commit went to the wrong code repository, or a remote would send the next one there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.base import Check, Scope
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.core.event import OutputLine
from nexy_tui.core.finding import Evidence, Verdict, failed, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.core.remedy import Mend
from nexy_tui.core.secret import redact
from nexy_tui.core.text import unified
from nexy_tui.fixers.base import Fixer, Mending, Part, Trouble
from nexy_tui.services import Services
from nexy_tui.services.git import Remote
from nexy_tui.services.remotes import (
    MANIFEST_COMMIT,
    RemoteConfig,
    StrayManifest,
    ahead,
    find_strays,
    pushed,
    require_only_manifests,
    wrong_remotes,
)


@dataclass(frozen=True, slots=True)
class RemoteFacts:
    """Every remote, those that lead elsewhere, and manifest commits found where they lead (`unseen`: could not be looked at)."""

    remotes: tuple[Remote, ...]
    wrong: tuple[Remote, ...]
    strays: tuple[StrayManifest, ...] = ()
    unseen: tuple[str, ...] = ()


def look_remotes(scope: Scope) -> RemoteFacts:
    """Where git would really push to, and what already lies there. The artifacts repository is always looked at."""
    git, target = scope.services.git, scope.plan.target
    wrong = wrong_remotes(git, target)
    strays, unseen = find_strays(git, target, [url for remote in wrong for url in remote.push_urls])
    return RemoteFacts(git.remotes(), wrong, strays, unseen)


def judge_remotes(facts: RemoteFacts, plan: Plan) -> Verdict:
    """Whatever a plain push or the rulebook's names lead to is the code repository. Stray commits are told, with the way back."""
    target = plan.target
    evidence = [
        Evidence(remote.name, redact(" ".join(remote.push_urls)) or "no address", "git remote get-url --push --all")
        for remote in facts.remotes
    ]
    evidence += [Evidence(f"stray commit {stray.commit[:12]} “{stray.subject}”", stray.revert(), stray.url) for stray in _loose(facts)]
    evidence += [Evidence("not looked at", redact(place), "git ls-remote") for place in facts.unseen]
    if facts.wrong:
        told = "; ".join(f"{remote.name} pushes to {redact(' '.join(remote.push_urls))}" for remote in facts.wrong)
        return failed(
            f"{told}, not to {target.code_repository}.{_told(facts)}", Mend("manifest-repository", then="sets it right."), *evidence
        )
    if not any(remote.is_for(target.hosts.web, target.code_repository) for remote in facts.remotes):
        return failed(f"No remote pushes to {target.code_repository}.", Mend("manifest-repository", then="adds it."), *evidence)
    return passed(f"Pushes go to {target.code_repository}.{_told(facts)}", *evidence)


def _loose(facts: RemoteFacts) -> list[StrayManifest]:
    return [stray for stray in facts.strays if not stray.reverted]


def _told(facts: RemoteFacts) -> str:
    return "".join(
        f" “{stray.subject}” ({stray.commit[:12]}) stands on {stray.url} {stray.branch}: revert it there." for stray in _loose(facts)
    )


class SetRemotes(Mending):
    """Sets every wrong remote right, push addresses and rewriting rules included, by one write of the checkout's configuration."""

    name = "fix manifest-repository remotes"
    title = "Set the remotes right"

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The diff of .git/config, without credentials."""
        before, after = self._config(services).mended()
        return unified(".git/config", before, after) or ["nothing: every remote is right"]

    def run(self, context: ActionContext) -> ActionResult:
        """Write it under git's own lock. Raises Refused when the addresses still lead elsewhere."""
        services, target = context.services, context.plan.target
        config = self._config(services)
        before, after = config.mended()
        if before != after:
            config.write(before, after)
        if left := wrong_remotes(services.git, target):
            raise Refused(
                f"{', '.join(remote.name for remote in left)} still pushes to {redact(' '.join(left[0].push_urls))}.",
                "The checkout's configuration is mended; something outside it leads elsewhere.",
                "See what: git config --show-origin --get-regexp 'url|remote'",
            )
        return ActionResult(f"Every remote pushes to {target.code_repository}.", changed=before != after)

    def _config(self, services: Services) -> RemoteConfig:
        return RemoteConfig(services.git, services.target, services.settings.state_dir)


@dataclass(frozen=True, slots=True)
class AheadFacts:
    """The release branch, its tip on the code repository, and the checkout's commits above it, newest first."""

    branch: str
    tip: str
    commits: tuple[tuple[str, str], ...]

    @property
    def manifest(self) -> tuple[str, str] | None:
        """The newest manifest commit the code repository lacks: (commit, subject)."""
        return next(((commit, subject) for commit, subject in self.commits if MANIFEST_COMMIT.fullmatch(subject)), None)


def look_ahead(scope: Scope) -> AheadFacts:
    """What HEAD has that the code repository lacks."""
    return AheadFacts(*ahead(scope.services.git))


def judge_ahead(facts: AheadFacts, plan: Plan) -> Verdict:
    """No manifest commit of the checkout is missing on the code repository."""
    tip = Evidence(facts.branch, facts.tip, plan.target.code_repository)
    if facts.manifest is None:
        return passed(f"Every manifest commit is on {plan.target.code_repository}.", tip)
    commit, subject = facts.manifest
    return failed(
        f"“{subject}” ({commit[:12]}) is not on {plan.target.code_repository}.",
        Mend("manifest-repository", then="pushes it there."),
        tip,
        Evidence("manifest commit", commit, "checkout"),
    )


class PushManifest(Mending):
    """Pushes the manifest commit where it belongs, fast-forward only, and nothing that is not a manifest commit with it."""

    name = "fix manifest-repository commit"
    title = "Push the manifest commit where it belongs"
    writes_outside = True

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The push."""
        facts = AheadFacts(*ahead(services.git))
        if facts.manifest is None:
            return [f"nothing: {plan.target.code_repository} has every manifest commit"]
        commit, subject = facts.manifest
        return [
            f"git push {plan.target.code_url()} {commit[:12]}:refs/heads/{facts.branch} (“{subject}”), fast-forward only, never by force"
        ]

    def run(self, context: ActionContext) -> ActionResult:
        """Push it. Raises Refused when other commits would go along, or the branch has moved."""
        git = context.services.git
        facts = AheadFacts(*ahead(git))
        if facts.manifest is None:
            return ActionResult("The code repository has every manifest commit.", changed=False)
        require_only_manifests(git)
        commit, subject = facts.manifest
        if not git.ancestor(facts.tip, commit):
            raise Refused(
                f"{facts.branch} has moved: {git.describe_commit(facts.tip)}.",
                "The manifest commit goes on top of it, fast-forward only.",
                f"git pull --rebase {git.code_remote()} {facts.branch}; then run this again.",
            )
        context.intent("push the manifest commit", commit=commit, branch=facts.branch)
        pushed(git, commit, facts.branch, context.emit)
        context.emit(OutputLine(f"“{subject}” is on {facts.branch}", "git"))
        return ActionResult(f"“{subject}” is on {facts.branch} of {context.plan.target.code_repository}.", manifest_commit=commit)


MANIFEST_REPOSITORY = Fixer(
    Trouble(
        "manifest-repository",
        "4.5",
        "Manifest pushed to the wrong code repository",
        "The manifest commit appeared in another repository, or a remote pushes elsewhere.",
        (
            "See where each remote really pushes: nexy-tui check remotes.code",
            "Set the address right: git remote set-url origin URL (and --push, where a pushurl is set).",
            "Run the release again; it pushes what is missing. Revert the stray commit over there with git revert, never by force.",
        ),
    ),
    (
        Part(
            "fix.manifest-repository.remotes",
            "Pushes go to the code repository",
            Check(look_remotes, judge_remotes, "The next commit goes where the remote leads."),
            SetRemotes(),
        ),
        Part(
            "fix.manifest-repository.commit",
            "The manifest commit is where it belongs",
            Check(look_ahead, judge_ahead, "The VM takes the manifests from there."),
            PushManifest(),
        ),
    ),
)
