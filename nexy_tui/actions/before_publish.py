"""What a publish requires before its first byte is sent: the target, the artifacts of the inbox, and a signature over the image."""

from __future__ import annotations

from collections.abc import Mapping

from checks.inbox import expected, judge_dmg, judge_exists, judge_pkg, judge_version, read_inbox
from checks.publish import ArtifactPlace, judge_target, read_target
from nexy_tui.actions.base import ActionContext
from nexy_tui.actions.together import Stop
from nexy_tui.core.event import OutputLine
from nexy_tui.core.finding import Status, Verdict
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.core.target import DMG
from nexy_tui.services.artifact import Inspected
from nexy_tui.services.download import Downloaded
from nexy_tui.services.sparkle import Signature


def require_target(context: ActionContext) -> tuple[ArtifactPlace, ...]:
    """The fixed tags are there and may be written. Raises Refused, CouldNotLook."""
    facts = read_target(context.services.github.watched(context.emit, context.cancelled), context.plan)
    _require(judge_target(facts, context.plan))
    return facts.places


def require_artifacts(context: ActionContext, stop: Stop) -> Mapping[str, Inspected]:
    """Whole, announced, and of this version; a version that could not be read is the checklist's to have attested."""
    facts = read_inbox(context.services, context.emit, stop)
    for judge in (judge_exists, judge_dmg, judge_pkg, judge_version):
        verdict = judge(facts, context.plan)
        if verdict.status is Status.FAILED:
            _require(verdict)
    return {name: found for name in expected(context.plan) if (found := facts.of(name).found) is not None}


def sign(context: ActionContext, image: Inspected, stop: Stop) -> Signature | None:
    """The signature over the image: the one that was made when the inbox was looked at, if it is over these bytes."""
    inbox = context.services.layout.inbox
    return context.services.sparkle.signature_for(image.path, inbox, sha256=image.sha256, cancelled=stop)


def signed_value(signature: Signature | None, image: Inspected) -> str | None:
    """The signature's text, once it is certain that it is over exactly the image that is published."""
    if signature is None:
        return None
    if (signature.sha256, signature.size) != (image.sha256, image.size):
        why = "Its signature is over other bytes than those that are published."
        raise Refused(f"{DMG} changed while it was published.", why, "Lay a finished file there, then run again.")
    return signature.value


def mark(context: ActionContext, text: str) -> None:
    """One of the rulebook's markers, or a line beside them."""
    context.emit(OutputLine(text, "publish"))


def mark_begin(context: ActionContext) -> None:
    """What is published, and where."""
    mark(context, f"Current Version: {context.plan.version}")
    mark(context, f"Target Repo: {context.plan.target.artifacts_repository}")


def mark_remote(context: ActionContext, download: Downloaded | None) -> None:
    """What came from the release URL."""
    if download is not None:
        mark(context, f"Remote size: {download.size} bytes")
        mark(context, f"Remote SHA256: {download.sha256}")


def uploaded(plan: Plan, name: str) -> str:
    """The rulebook's marker for an artifact that is in place."""
    return f"Uploaded. URL: {plan.target.asset_url(name)}"


def _require(verdict: Verdict) -> None:
    if not verdict.status.satisfied:
        raise Refused(verdict.summary, "Nothing was sent.", verdict.remedy)
