"""The release commit and its tag, made in the checkout; nothing is pushed (rulebook section 3, Phase 1.3)."""

from __future__ import annotations

from collections.abc import Sequence

from checks.version import run_of_tag
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.actions.bump import needed
from nexy_tui.core.event import OutputLine
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.services import Services
from nexy_tui.services.version_files import FILES, look


class CommitRelease:
    """Commits exactly the version files as `Release v…`, and tags that commit with the run and the log's digest."""

    name = "commit"
    title = "Commit and tag the release"
    writes_outside = False

    def applies(self, plan: Plan) -> bool:
        """An update-only run has no release commit and no tag."""
        return plan.kind.tags

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The commit and the tag."""
        version = needed(plan)
        layout = services.layout
        unwritten = {str(layout.relative(one.file.path)) for one in look(layout, version) if one.differs and one.after is not None}
        paths = ", ".join(sorted(unwritten.union(_changed(services))))
        return [
            f'git commit -m "Release {version.tag}" ({paths or "empty: the files already say so"})',
            f"git tag -a {version.tag} (with the run and the log's digest in its message)",
            "Nothing is pushed yet.",
        ]

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """Nothing is typed for it."""
        return None

    def run(self, context: ActionContext) -> ActionResult:
        """Make what is missing of commit and tag. Raises Refused when the tag names something else."""
        services, version = context.services, needed(context.plan)
        commit = services.git.release_commit(version.tag)
        made = commit is None
        if commit is None:
            commit = services.git.commit_files(_changed(services), f"Release {version.tag}", allow_empty=True, emit=context.emit)
            context.emit(OutputLine(f"{commit[:12]} Release {version.tag}", "git"))
        tagged = services.git.tag_commit(version.tag)
        left = tagged is not None and tagged != commit and _is_ours_alone(context, version.tag)
        if tagged is None or left:
            services.git.create_tag(version.tag, commit, _tag_message(context, version.tag), anew=left, emit=context.emit)
            context.emit(OutputLine(f"{version.tag} → {commit[:12]}", "git"))
            made = True
        elif tagged != commit:
            raise Refused(
                f"The tag {version.tag} already names {services.git.describe_commit(tagged)}.",
                "A release tag names one commit for ever.",
                "Release under the next version.",
            )
        return ActionResult(f"{version.tag} names {commit[:12]}.", release_commit=commit, changed=made)


def _is_ours_alone(context: ActionContext, tag: str) -> bool:
    """Whether a tag is this run's own and was never pushed: its commit was written anew, as by a rebase."""
    git = context.services.git
    return run_of_tag(git.tag_message(tag)) == context.journal().run and not git.remote_refs(f"refs/tags/{tag}")


def _changed(services: Services) -> list[str]:
    ours = {str(services.layout.relative(file.path)) for file in FILES}
    return [path for _, path in services.git.changes() if path in ours]


def _tag_message(context: ActionContext, tag: str) -> str:
    journal = context.journal()
    trailers = {
        "Nexy-Run": journal.run,
        "Nexy-Kind": context.plan.kind.value,
        "Nexy-Log-Records": journal.records,
        "Nexy-Log-SHA256": journal.sha256,
    }
    return f"Release {tag}\n\n" + "".join(f"{name}: {value}\n" for name, value in trailers.items())
