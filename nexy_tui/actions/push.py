"""Release commit and tag go to the code repository in one atomic push (rulebook section 3, Phase 1.3; section 0.1)."""

from __future__ import annotations

from collections.abc import Sequence

from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.actions.bump import needed
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.services import Services


class Push:
    """Pushes the tagged commit to the release branch and the tag beside it, fast-forward only."""

    name = "push"
    title = "Push the release commit and tag"
    writes_outside = True

    def applies(self, plan: Plan) -> bool:
        """An update-only run has no release commit and no tag."""
        return plan.kind.tags

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The push, with its real address."""
        version = needed(plan)
        return [
            f"git push --atomic {services.git.code_remote()} {version.tag}^{{commit}} → {services.git.release_branch()}, {version.tag}",
            f"to {plan.target.code_url()}: both refs or neither, fast-forward only",
        ]

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """World and version are typed; nothing besides."""
        return None

    def run(self, context: ActionContext) -> ActionResult:
        """Push what is not there yet. Raises ActionFailed with what the remote said."""
        git, version = context.services.git, needed(context.plan)
        commit = git.tag_commit(version.tag)
        if commit is None:
            raise Refused(f"There is no tag {version.tag} here.", "The push sends the tagged commit.", "Commit and tag the release first.")
        branch = git.release_branch()
        refs = git.remote_refs(f"refs/heads/{branch}", f"refs/tags/{version.tag}", f"refs/tags/{version.tag}^{{}}")
        tip = refs.get(f"refs/heads/{branch}", "")
        tag_there = refs.get(f"refs/tags/{version.tag}^{{}}") or refs.get(f"refs/tags/{version.tag}")
        branch_has = tip == commit or (git.has_commit(tip) and git.ancestor(commit, tip)) if tip else False
        refspecs = [] if branch_has else [f"{commit}:refs/heads/{branch}"]
        refspecs += [] if tag_there == commit else [f"refs/tags/{version.tag}:refs/tags/{version.tag}"]
        if refspecs:
            context.intent("push release commit and tag", commit=commit, branch=branch, tag=version.tag)
            git.push(refspecs, emit=context.emit)
        return ActionResult(
            f"{version.tag} and {branch} of {context.plan.target.code_repository} stand at {commit[:12]}.",
            release_commit=commit,
            changed=bool(refspecs),
        )
