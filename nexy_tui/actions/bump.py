"""Write the version into the checkout's files (rulebook section 3, Phase 1.1 and 1.2)."""

from __future__ import annotations

from collections.abc import Sequence

from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.core.event import OutputLine
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Unusable
from nexy_tui.core.version import NAME_VERSION, Version
from nexy_tui.services import Services
from nexy_tui.services.plain_file import replace_file
from nexy_tui.services.version_files import rewritings


class Bump:
    """Writes what differs, file by file, each whole or not at all."""

    name = "bump"
    title = "Write the version"
    writes_outside = False

    def applies(self, _: Plan) -> bool:
        """Every kind of run may need it."""
        return True

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The files that will change, and those that are not there."""
        version = needed(plan)
        lines = []
        for change in rewritings(services.layout, version):
            path = services.layout.relative(change.file.path)
            if change.after is None:
                lines.append(f"skip {path}: it is not in this checkout")
            elif change.differs:
                lines.append(f"write {version} into {path}")
        return lines or [f"nothing: every file already says {version}"]

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """Nothing is typed for it."""
        return None

    def run(self, context: ActionContext) -> ActionResult:
        """Write the files. Raises Refused naming a file that cannot carry the version; nothing is written then."""
        version = needed(context.plan)
        layout = context.services.layout
        changes = rewritings(layout, version)
        written = [change for change in changes if change.differs and change.after is not None]
        for change in written:
            replace_file(layout.path(change.file.path), (change.after or "").encode("utf-8"))
            context.emit(OutputLine(f"{layout.relative(change.file.path)}: {version}", "bump"))
        names = ", ".join(str(layout.relative(change.file.path)) for change in written)
        missing = ", ".join(str(layout.relative(change.file.path)) for change in changes if change.after is None)
        summary = f"{version} written into {names}." if written else f"Every file already said {version}."
        return ActionResult(summary + (f" Not in this checkout, so skipped: {missing}." if missing else ""), changed=bool(written))


def needed(plan: Plan) -> Version:
    """The plan's version. Raises Unusable when the run names none."""
    if plan.version is None:
        raise Unusable("No version is named.", "Nothing can be released without one.", NAME_VERSION)
    return plan.version
