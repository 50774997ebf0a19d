"""Rulebook 4.2: a script is not where the command says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.base import Check, Scope
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.core.event import OutputLine
from nexy_tui.core.finding import Evidence, Verdict, failed, passed
from nexy_tui.core.layout import Layout
from nexy_tui.core.plan import Plan
from nexy_tui.core.remedy import Mend
from nexy_tui.fixers.base import Fixer, Mending, Part, Trouble
from nexy_tui.services import Services

FOLDER = "server/scripts"
PUBLISHER = "publish_assets_and_sync.py"
WRONG = f"python3 server/server/scripts/{PUBLISHER}"
"""The command the rulebook calls wrong: people type it when they stand in the other layout's folder."""


@dataclass(frozen=True, slots=True)
class ScriptFolderFacts:
    """Where the commands are typed, the scripts there, and those the commit has but the working tree lacks."""

    root: str
    there: tuple[str, ...]
    lost: tuple[str, ...]


def look(scope: Scope) -> ScriptFolderFacts:
    """The folder of scripts in the working tree and in the commit."""
    layout = scope.services.layout
    folder = layout.scripts
    there = tuple(sorted(path.name for path in folder.iterdir() if path.is_file())) if folder.is_dir() else ()
    return ScriptFolderFacts(str(layout.root / layout.base), there, tuple(_lost(scope.services)))


def judge(facts: ScriptFolderFacts, plan: Plan) -> Verdict:
    """No script the commit has is missing. A checkout may do without scripts: this tool does what they do."""
    evidence = (
        Evidence("repo root, where commands are typed", facts.root, "layout"),
        Evidence(FOLDER, ", ".join(facts.there) or "no scripts", "checkout"),
        Evidence("wrong", WRONG, "rulebook 4.2"),
    )
    if facts.lost:
        return failed(f"{', '.join(facts.lost)} is missing in the checkout.", Mend("script-paths", then="lays it there again."), *evidence)
    if PUBLISHER not in facts.there:
        return passed(
            f"This checkout has no {PUBLISHER}; nexy-tui publish does its work, and nexy-tui scaffold lays a thin script there.", *evidence
        )
    return passed(f"In {facts.root}: {right_command()}", *evidence)


def right_command() -> str:
    """The rulebook's command, as it is typed in the rulebook's repo root."""
    return f"python3 {FOLDER}/{PUBLISHER}"


def explain(layout: Layout) -> list[str]:
    """Where to stand and what to type, in this layout."""
    root = layout.root / layout.base
    lines = [f"this checkout is {layout.kind}: the rulebook's repo root is {root}", f"right: cd {root} && {right_command()}"]
    if layout.kind == "nested":
        lines.append(f"right too, from the git root: cd {layout.root} && {WRONG}")
        return [*lines, f"wrong: {WRONG} in {root}, and {right_command()} in {layout.root}"]
    return [*lines, f"wrong: {WRONG}"]


class RestoreScripts(Mending):
    """Lays scripts that the commit has, and the working tree lacks, where the commit has them."""

    name = "fix script-paths"
    title = "Lay the scripts at their paths"

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The scripts that come back, and the right command."""
        return [*(f"git checkout HEAD -- {path}" for path in _lost(services)), *explain(services.layout)]

    def run(self, context: ActionContext) -> ActionResult:
        """Restore them, one by one."""
        git, lost = context.services.git, _lost(context.services)
        for path in lost:
            git.restore(path, context.emit)
            context.emit(OutputLine(f"{path} is there again", "git"))
        said = f"{', '.join(lost)} is there again." if lost else "Every script of the commit is there."
        return ActionResult(f"{said} {explain(context.services.layout)[1]}", changed=bool(lost))


def _lost(services: Services) -> list[str]:
    """Scripts of the commit that are not in the working tree, by path from the git root."""
    folder = str(services.layout.relative(FOLDER))
    return [name for name in services.git.files_at("HEAD", f"{folder}/") if not (services.checkout / name).exists()]


SCRIPT_PATHS = Fixer(
    Trouble(
        "script-paths",
        "4.2",
        "Script not found",
        "python3: can't open file … publish_assets_and_sync.py",
        (
            "Run it from the rulebook's repo root: python3 server/scripts/publish_assets_and_sync.py",
            "server/server/scripts/… is not the path, except seen from the git root of a nested checkout.",
            "Or publish without it: nexy-tui publish",
        ),
    ),
    (
        Part(
            "fix.script-paths", "The scripts are at their paths", Check(look, judge, "The rulebook's commands name them."), RestoreScripts()
        ),
    ),
)
