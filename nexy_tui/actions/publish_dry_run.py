"""A publish up to its first write: everything is looked at and tried, nothing is written anywhere."""

from __future__ import annotations

from collections.abc import Callable

from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.actions.before_publish import (
    mark,
    mark_begin,
    mark_remote,
    require_artifacts,
    require_target,
    sign,
    signed_value,
    uploaded,
)
from nexy_tui.actions.manifests import compose, require_pushable
from nexy_tui.core.finding import Evidence
from nexy_tui.core.problem import Cancelled, CouldNotLook, Problem, Refused
from nexy_tui.core.target import DMG


def dry_run(context: ActionContext) -> ActionResult:
    """Nothing is written, so no right to write is needed; that one is missing is told as the refusal it would be."""
    plan, services = context.plan, context.services
    mark_begin(context)
    refusals = [_refusal(context, lambda: require_target(context)), _refusal(context, lambda: require_pushable(services, plan.version))]
    artifacts = require_artifacts(context, context.cancelled)
    image = artifacts[DMG]
    value = signed_value(sign(context, image, context.cancelled), image)
    compose(services, plan, size=image.size, sha256=image.sha256, signature=value)
    host = services.github.watched(context.emit, context.cancelled)
    for name in artifacts:
        mark(context, f"{uploaded(plan, name)} (dry run: nothing was sent)")
    mark(context, "Verifying uploaded artifact from release URL...")
    evidence: list[Evidence] = []
    for name, local in artifacts.items():
        got = host.download(plan.target.tag_for(name), name, subject=name, phase="downloading")
        mark_remote(context, got)
        now = "nothing" if got is None else str(got)
        evidence.append(Evidence(f"{name} to publish", f"{local.size} bytes, sha256 {local.sha256}", str(local.path)))
        evidence.append(Evidence(f"{name} at the release URL now", now, plan.target.asset_url(name)))
    refusal = next(filter(None, refusals), None)
    mark(context, f"RELEASE COMPLETE (dry run: nothing was written{', and a publish would be refused' if refusal else ''})")
    if refusal is not None:
        unseen = isinstance(refusal, CouldNotLook)
        what = f"A publish would be refused: {refusal.what}"
        raise (CouldNotLook if unseen else Refused)(what, "This was a dry run: nothing was written.", refusal.remedy)
    return ActionResult("Dry run: all before the first write is right; nothing was written.", tuple(evidence), changed=False)


def _refusal(context: ActionContext, requirement: Callable[[], object]) -> Problem | None:
    try:
        requirement()
    except Cancelled:
        raise
    except Problem as refusal:
        mark(context, f"A publish would be refused here: {refusal.what}")
        return refusal
    return None
