"""Publish: the artifacts and then their manifests, without ever taking the download away (rulebook phase 2, section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence

from checks.inbox import NOTHING_PUBLISHED, expected
from checks.publish import brought_back, previous_name
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.actions.bump import needed
from nexy_tui.actions.manifests import commit_message
from nexy_tui.actions.publication import Publication
from nexy_tui.actions.publish_dry_run import dry_run
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.services import Services


class Publish:
    """The publisher. With `dry_run` it does everything up to the first write, and writes nothing anywhere."""

    title = "Publish the artifacts and their manifests"

    def __init__(self, *, dry_run: bool = False) -> None:
        self.dry_run = dry_run
        self.name = "publish-dry-run" if dry_run else "publish"
        self.writes_outside = not dry_run

    def applies(self, plan: Plan) -> bool:
        """A code-only run publishes nothing."""
        return plan.kind.publishes

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """Upload, swap, verification, manifests, push: each with its names."""
        target, version = plan.target, needed(plan)
        lines = []
        for name in expected(plan):
            lines += [
                f"upload {name} to {target.artifacts_repository}, release {target.tag_for(name)}, as incoming-<sha256>-{name}",
                "verify its state, size, digest and downloaded bytes there",
            ]
        commit = f'git commit -m "{commit_message(version)}" (the manifest files alone)'
        lines.append(f"{commit}, read back byte for byte, pushed aside: no branch moves yet")
        for name in expected(plan):
            lines += [
                f"delete {previous_name(name)}; rename {name} to {previous_name(name)}; rename the new file to {name}",
                f"download {target.asset_url(name)} and compare; rename back if other bytes come",
            ]
        lines += [f"write {path}" for path in services.layout.manifest_files(str(version))]
        lines.append(f"push that commit to the release branch of {target.code_url()}, fast-forward only")
        return [f"(dry run, not done) {line}" for line in lines] if self.dry_run else lines

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """World and version are typed; nothing besides."""
        return None

    def run(self, context: ActionContext) -> ActionResult:
        """Publish, going on from whatever an earlier run left. Raises Problem; what clients get is then as it was, or said."""
        if not context.plan.kind.publishes:
            raise Refused(NOTHING_PUBLISHED, "Its customers keep the file they have.", brought_back(None, context.plan))
        return dry_run(context) if self.dry_run else Publication(context).run()
