"""Rulebook 4.1: the inbox is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.base import Check, Scope
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.core.finding import Evidence, Verdict, failed, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.core.remedy import Mend
from nexy_tui.core.target import DMG, PKG
from nexy_tui.fixers.base import Fixer, Mending, Part, Trouble
from nexy_tui.services import Services
from nexy_tui.services.plain_file import replace_file, require_inside


@dataclass(frozen=True, slots=True)
class InboxFolderFacts:
    """The inbox's place, what is there (`folder`, `nothing`, `something else`), and the files in it."""

    path: str
    kind: str
    files: tuple[str, ...] = ()


def look(scope: Scope) -> InboxFolderFacts:
    """The folder by itself; what its files are worth is the inbox phase's matter."""
    inbox = scope.services.layout.inbox
    if inbox.is_dir():
        return InboxFolderFacts(
            str(inbox), "folder", tuple(sorted(entry.name for entry in inbox.iterdir() if not entry.name.startswith(".")))
        )
    return InboxFolderFacts(str(inbox), "something else" if inbox.is_symlink() or inbox.exists() else "nothing")


def judge(facts: InboxFolderFacts, plan: Plan) -> Verdict:
    """The folder is there; what still has to be laid into it is said."""
    evidence = Evidence("release_inbox", ", ".join(facts.files) or ("empty" if facts.kind == "folder" else facts.kind), facts.path)
    if facts.kind != "folder":
        what = f"There is no folder {facts.path}" + (", but something else of that name." if facts.kind == "something else" else ".")
        return failed(what, Mend("inbox", then=f"makes it; then lay {DMG} there."), evidence)
    lacking = [] if DMG in facts.files else [f"lay {DMG} into {facts.path}"]
    if plan.with_pkg and PKG not in facts.files:
        lacking.append(f"lay {PKG} there too: it was announced")
    return passed(
        "The inbox is there" + (f"; now {', and '.join(lacking)}." if lacking else f" and contains {', '.join(facts.files)}."), evidence
    )


class MakeInbox(Mending):
    """Makes the folder, with what the commit has in it."""

    name = "fix inbox"
    title = "Make the inbox"

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The folder, the files the commit keeps in it, and what people lay there."""
        layout = services.layout
        return [
            f"mkdir -p {layout.inbox}",
            *(f"write {path}, as the checkout's commit has it" for path, _ in _kept(services)),
            f"you then lay {DMG} there" + (f", and {PKG}, if this release announces it" if not plan.with_pkg else f" and {PKG}"),
        ]

    def run(self, context: ActionContext) -> ActionResult:
        """Make it. Raises Refused where something else has the name."""
        inbox = context.services.layout.inbox
        require_inside(inbox.parent, context.services.checkout)
        made = not inbox.is_dir()
        if made and (inbox.exists() or inbox.is_symlink()):
            raise Refused(f"{inbox} is there and is no folder.", "It may hold something you need.", Mend(INBOX.name, "Move it away, then"))
        inbox.mkdir(parents=True, exist_ok=True)
        kept = [(path, data) for path, data in _kept(context.services) if not (context.services.checkout / path).exists()]
        for path, data in kept:
            require_inside((context.services.checkout / path).parent, context.services.checkout)
            replace_file(context.services.checkout / path, data)
        return ActionResult(f"{inbox} is there. Now lay {DMG} into it.", changed=made or bool(kept))


def _kept(services: Services) -> list[tuple[str, bytes]]:
    """Small files the commit keeps in the inbox so that the folder exists (`.gitkeep`), and that are gone."""
    folder = str(services.layout.relative("release_inbox"))
    git = services.git
    found = ((name, git.show("HEAD", name)) for name in git.files_at("HEAD", f"{folder}/") if not (services.checkout / name).exists())
    return [(name, data) for name, data in found if data is not None]


INBOX = Fixer(
    Trouble(
        "inbox",
        "4.1",
        "Inbox not found",
        "release_inbox is missing, or the artifacts are not in it.",
        (
            "Make it at the rulebook's repo root: mkdir -p release_inbox",
            "Lay Nexy.dmg (and Nexy.pkg, if it was announced) into it.",
            "Look again on the inbox screen, or: nexy-tui check inbox.exists inbox.dmg",
        ),
    ),
    (Part("fix.inbox", "The inbox is there", Check(look, judge, "The publisher takes artifacts from nowhere else."), MakeInbox()),),
)
