"""Phase version: the checkout as it stands: branch, stray changes, version files (rulebook section 2)."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from checks.base import Check, Scope, not_there_yet
from checks.tip import look_changes, look_head, look_tip
from checks.version import NO_VERSION
from nexy_tui.core.finding import Evidence, Verdict, failed, noted, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.private_files import Private, private, settings_files
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.remedy import Act
from nexy_tui.core.text import printable
from nexy_tui.core.version import NAME_VERSION
from nexy_tui.services.git import Git
from nexy_tui.services.team_scripts import laid
from nexy_tui.services.version_files import FILES, Rewriting, look


@dataclass(frozen=True, slots=True)
class BranchFacts:
    """Where HEAD stands against the release branch of the code repository."""

    branch: str | None
    release_branch: str
    head: str
    remote: str
    behind: tuple[str, ...]
    ahead: tuple[str, ...]
    unfinished: tuple[str, ...]
    stashed: tuple[str, ...] = ()
    shallow: str = ""
    """The remote whose history the clone has a part of alone; empty where it has all of it."""


def look_branch(scope: Scope) -> BranchFacts:
    """Both sides: what the branch has on the code repository that HEAD lacks (this release's own manifests apart: a run that was cut off
    pushed them, and brings HEAD after), and the other way round.
    """
    git, tip = scope.services.git, look_tip(scope)
    head = look_head(scope)
    own = f"“Update manifest for {scope.plan.version} (Production)” by "
    behind = tuple(commit for commit in git.commits_between(head, tip.commit, "%h “%s” by %an") if own not in commit)
    ahead = git.commits_between(tip.commit, head)
    unfinished = (*git.unfinished(), *_conflict(git))
    shallow = git.code_source() if git.is_shallow() else ""
    stashed = git.stashes()[:20]
    return BranchFacts(git.branch(), tip.branch, head, tip.commit, behind[:20], ahead[:20], unfinished, stashed, shallow)


def _conflict(git: Git) -> tuple[str, ...]:
    """What a stash that was applied and came to a conflict leaves: no mark of its own, only paths in conflict."""
    return ("a stash or a merge, in conflict,",) if git.has_conflicts() and not git.unfinished() else ()


def judge_branch(facts: BranchFacts, plan: Plan) -> Verdict:
    """On the release branch, nothing half-way, not behind, ahead only by this run's own commits."""
    evidence = (
        Evidence("branch", facts.branch or "detached HEAD", "checkout"),
        Evidence("HEAD", facts.head, "checkout"),
        Evidence(facts.release_branch, facts.remote, "code repository"),
        *(Evidence("stashed", subject[:120], "git stash list") for subject in facts.stashed),
    )
    if facts.unfinished:
        return failed(
            f"{', '.join(facts.unfinished).capitalize()} is half-way in the checkout.", "Finish or abort it, then look again.", *evidence
        )
    if facts.branch != facts.release_branch:
        return failed(
            f"The checkout is on {facts.branch or 'no branch'}, not on {facts.release_branch}.",
            f"git switch {facts.release_branch}",
            *evidence,
        )
    if facts.shallow:
        return failed(
            "This clone has a part of the history alone: it is shallow.",
            f"Deploy and rollback read the releases before: git fetch --unshallow {facts.shallow}",
            *evidence,
        )
    if facts.behind:
        return failed(
            f"{facts.release_branch} has moved on the code repository: {facts.behind[0]}"
            + (f" and {len(facts.behind) - 1} more." if len(facts.behind) > 1 else "."),
            "git pull --rebase --autostash, look at what came, then look again.",
            *evidence,
        )
    ours = {f"Release {plan.version.tag}", f"Update manifest for {plan.version} (Production)"} if plan.version else set()
    strangers = [subject for subject in facts.ahead if subject not in ours]
    if strangers:
        return failed(
            f"The checkout has a commit that the code repository lacks: “{strangers[0][:80]}”.",
            "See what a push would send (nexy-tui check version.secrets), then push it after review, or drop it; then look again.",
            *evidence,
        )
    stashed = f" Stashed work is left out of the release: {len(facts.stashed)} (git stash list)." if facts.stashed else ""
    return (noted if stashed else passed)(f"On {facts.release_branch}, up to date with the code repository.{stashed}", *evidence)


UNTRACKED = "??"
"""git's status of a file it does not know."""


@dataclass(frozen=True, slots=True)
class TreeFacts:
    """What differs, which paths a run may write, and the inbox's folder: what lies there is the inbox phase's matter."""

    changes: tuple[tuple[str, str], ...]
    ours: frozenset[str]
    inbox: str
    settings: frozenset[str] = frozenset()
    writer: str = ""
    """Another process that was writing in the clone meanwhile, if any."""


def look_tree(scope: Scope) -> TreeFacts:
    """Changes, and what is no stranger: version files, manifests of this and the published version, unchanged scripts of `scaffold`."""
    layout = scope.services.layout
    ours = {str(layout.relative(file.path)) for file in FILES} | laid(layout, scope.plan.target)
    if scope.plan.version is not None:
        versions = {scope.plan.version, scope.plan.published or scope.plan.version}
        ours |= {str(path) for version in versions for path in layout.manifest_files(str(version))}
    before, changes = scope.services.writer(), look_changes(scope)
    writer = before or scope.services.writer()
    return TreeFacts(changes, frozenset(ours), f"{layout.relative('release_inbox')}/", settings_files(layout), writer)


def judge_tree(facts: TreeFacts, plan: Plan) -> Verdict:
    """Clean, but for what this run or `scaffold` wrote, the inbox (its own phase names what is missing there), settings and backups.

    Those two are left alone: no commit of a release takes them, and no advice here may lead to their loss.
    """
    kept = [(status, path) for status, path in facts.changes if _left_alone(facts, status, path)]
    others = [change for change in facts.changes if change not in kept]
    strangers = [(status, path) for status, path in others if path not in facts.ours and not path.startswith(facts.inbox)]
    evidence = [Evidence("changed or new files", f"{len(facts.changes)}, of others {len(strangers)}", "git status")]
    evidence += [Evidence(path[:120], status.strip() or "changed", "git status") for status, path in strangers[:10]]
    evidence += [Evidence(path[:120], "left alone", "git status") for _, path in kept[:10]]
    if strangers and facts.writer:
        return failed(f"{facts.writer} is writing in this clone.", "Wait until it has ended, then run this again.", *evidence)
    if strangers:
        strangers.sort(key=lambda change: private(change[1]) is None)
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        remedy = _set_aside(*strangers[0], facts, kept)
        return failed(f"The checkout has changes of its own: {printable(strangers[0][1], 80)}{more}.", remedy, *evidence)
    clean = "The checkout is clean." if not others else "The checkout has no changes but this run's own."
    return passed(clean + (" Settings or backups in it are left alone." if kept else ""), *evidence)


def _left_alone(facts: TreeFacts, status: str, path: str) -> bool:
    return path in facts.settings or (status == UNTRACKED and private(path) is Private.BACKUP)


def _set_aside(status: str, path: str, facts: TreeFacts, kept: Sequence[tuple[str, str]]) -> str:
    """How a stranger leaves the working tree: not into a commit where it belongs in none, and without what is left alone."""
    kind = private(path)
    if kind is not None and status == UNTRACKED:
        return f"It is {kind}: move it out of the checkout, or add the line /{path} to .git/info/exclude; commit it nowhere."
    if kind is not None:
        return f"It is {kind}, tracked by git: set it aside with git stash push -- {shlex.quote(f':/{path}')}"
    apart = sorted(facts.settings) + (["*nexy_db_*", "*server/backups/*"] if any(path not in facts.settings for _, path in kept) else [])
    aside = " ".join(shlex.quote(f":(top,exclude){name}") for name in apart) if kept else ""
    stash = f"git stash push --include-untracked -- :/ {aside}".rstrip() if aside else "git stash --include-untracked"
    return f"Commit them, look again, and push them; or set them aside: {stash}"


def look_files(scope: Scope) -> tuple[Rewriting, ...]:
    """Every version file, as it is and as it must be."""
    if scope.plan.version is None:
        raise CouldNotLook(NO_VERSION, remedy=NAME_VERSION)
    return look(scope.services.layout, scope.plan.version)


def judge_files(files: tuple[Rewriting, ...], plan: Plan) -> Verdict:
    """VERSION and the other version files say the release's version, each field by the value it parses to."""
    evidence = tuple(seen for file in files for seen in _said(file))
    broken = next((file for file in files if file.problem), None)
    if broken is not None:
        return failed(
            f"{broken.file.path} cannot be given the version {plan.version}: {printable(broken.problem, 200)}.",
            f"Mend that in {broken.file.path} by hand (as the plain text {plan.version}), then look again.",
            *evidence,
        )
    wrong = [file.file.path for file in files if file.differs]
    if wrong:
        do = "does" if len(wrong) == 1 else "do"
        return not_there_yet(plan, f"{', '.join(wrong)} {do} not say {plan.version} yet.", Act("bump", f"bump {plan.version}"), *evidence)
    return passed(f"Every version file says {plan.version}.", *evidence)


def _said(file: Rewriting) -> list[Evidence]:
    path = file.file.path
    if not file.fields:
        return [Evidence(path, "not there" if file.before is None else "unreadable" if file.problem else "no version in it", "checkout")]
    return [Evidence(f"{path} {f.name}".strip(), printable(f.value or "nothing", 60), "checkout") for f in file.fields]


BRANCH = Check(look_branch, judge_branch, "What was pushed meanwhile would be left out, or the push refused at the worst moment.")
TREE = Check(look_tree, judge_tree, "Stray changes must not ride along in a release.")
FILES_SAY = Check(
    look_files, judge_files, "VERSION is the server's last resort; a stale one shows the old version after everything else failed."
)
