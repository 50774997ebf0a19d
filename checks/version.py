"""Phase version: the number, the branch, the files, the release commit and its tag (rulebook sections 1.1, 2 and 3, Phase 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from checks.base import Check, Scope
from checks.tip import look_refs, look_tip
from nexy_tui.core.finding import Evidence, Verdict, failed, not_applicable, passed
from nexy_tui.core.layout import MANIFEST_DIRS
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook, Refused
from nexy_tui.core.version import Version
from nexy_tui.services.git import Git
from nexy_tui.services.team_scripts import laid
from nexy_tui.services.version_files import FILES, Rewriting, rewritings

NO_VERSION = "This look names no version, and VERSION names none."


@dataclass(frozen=True, slots=True)
class ManifestPair:
    """The two `manifest.json` of the checkout; None where one is missing."""

    canonical: bytes | None
    second: bytes | None


def look_manifests(scope: Scope) -> ManifestPair:
    """Both files as they stand in the working tree."""
    root = scope.services.checkout
    return ManifestPair(*(_bytes(root / directory / "manifest.json") for directory in MANIFEST_DIRS))


def _bytes(path: Path) -> bytes | None:
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return stream.read(1024 * 1024)


def judge_manifests(pair: ManifestPair, plan: Plan) -> Verdict:
    """Both are there and equal, byte for byte."""
    evidence = tuple(
        Evidence(f"{directory}/manifest.json", "missing" if data is None else f"{len(data)} bytes", "checkout")
        for directory, data in zip(MANIFEST_DIRS, (pair.canonical, pair.second), strict=True)
    )
    missing = [str(d) for d, data in zip(MANIFEST_DIRS, (pair.canonical, pair.second), strict=True) if data is None]
    if missing:
        return failed(f"{' and '.join(missing)} has no manifest.json.", "nexy-tui sync-manifests", *evidence)
    if pair.canonical != pair.second:
        return failed("The two manifest directories differ.", "See both, then: nexy-tui sync-manifests", *evidence)
    return passed("Both manifest directories agree.", *evidence)


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """Release tags on the code repository, and the commit this release's tag names there and here, if any."""

    released: tuple[Version, ...]
    remote_tag: str | None
    local_tag: str | None
    release_commit: str | None


def look_number(scope: Scope) -> NumberFacts:
    """Tags, here and there."""
    git, version = scope.services.git, scope.plan.version
    refs = look_refs(scope)
    released = []
    for ref in refs:
        try:
            released.append(Version.parse_tag(ref.removeprefix("refs/tags/").removesuffix("^{}")))
        except ValueError:
            continue
    if version is None:
        return NumberFacts(tuple(released), None, None, None)
    name = f"refs/tags/{version.tag}"
    return NumberFacts(
        tuple(released), refs.get(f"{name}^{{}}") or refs.get(name), git.tag_commit(version.tag), git.release_commit(version.tag)
    )


def judge_number(facts: NumberFacts, plan: Plan) -> Verdict:
    """Higher than everything released before, and its tag unused or used for exactly this release's commit."""
    version = plan.version
    if version is None:
        return failed(NO_VERSION, "Write VERSION, or name the version: nexy-tui release X.Y.Z.Build")
    before = [("live server at the start", plan.served_before), ("manifest at the start", plan.published_before)]
    evidence = [Evidence(name, str(value), "genesis") for name, value in before if value is not None]
    others = [other for other in facts.released if other != version]
    highest = max(others, default=None)
    if highest is not None:
        evidence.append(Evidence("highest other release tag", highest.tag, "code repository"))
    taken = _tag_taken(facts, version, evidence, standalone=plan.standalone)
    if taken is not None:
        return taken
    if plan.standalone and facts.remote_tag is not None:
        return passed(f"{version.tag} is released.", *evidence)
    for name, value in before:
        if value is not None and version <= value:
            return failed(
                f"{version} is not higher than {value} ({name}).", f"Choose a higher version, as {value.next_build()}.", *evidence
            )
    if highest is not None and version < highest:
        return failed(f"{version} is lower than {highest.tag}.", f"Choose a higher version, as {highest.next_build()}.", *evidence)
    return passed(f"{version} is higher than everything released before.", *evidence)


def _tag_taken(facts: NumberFacts, version: Version, evidence: Sequence[Evidence], *, standalone: bool) -> Verdict | None:
    """The verdict where the release's tag names something that is not this release; else None."""
    named = {commit for commit in (facts.remote_tag, facts.local_tag) if commit is not None}
    if named and facts.release_commit is not None and named != {facts.release_commit}:
        return failed(f"{version.tag} is already used for another commit.", f"Release as {version.next_build()} instead.", *evidence)
    if named and facts.release_commit is None and not standalone:
        return failed(
            f"{version.tag} is already used, and its commit is not this checkout's release commit.",
            f"Check out the release commit, or release as {version.next_build()}.",
            *evidence,
        )
    return None


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


def look_branch(scope: Scope) -> BranchFacts:
    """Both sides: what the branch has on the code repository that HEAD lacks, and the other way round."""
    git, tip = scope.services.git, look_tip(scope)
    head = git.head()
    behind, ahead = git.commits_between(head, tip.commit, "%h “%s” by %an"), git.commits_between(tip.commit, head)
    unfinished = (*git.unfinished(), *_conflict(git))
    return BranchFacts(git.branch(), tip.branch, head, tip.commit, behind[:20], ahead[:20], unfinished, git.stashes()[:20])


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
    if facts.behind:
        return failed(
            f"{facts.release_branch} has moved on the code repository: {facts.behind[0]}"
            + (f" and {len(facts.behind) - 1} more." if len(facts.behind) > 1 else "."),
            "git pull --rebase, look at what came, then look again.",
            *evidence,
        )
    ours = {f"Release {plan.version.tag}", f"Update manifest for {plan.version} (Production)"} if plan.version else set()
    strangers = [subject for subject in facts.ahead if subject not in ours]
    if strangers:
        return failed(
            f"The checkout has a commit that the code repository lacks: “{strangers[0][:80]}”.",
            "Push it after review, or drop it; then look again.",
            *evidence,
        )
    stashed = f" Stashed work is left out of the release: {len(facts.stashed)} (git stash list)." if facts.stashed else ""
    return passed(f"On {facts.release_branch}, up to date with the code repository.{stashed}", *evidence)


@dataclass(frozen=True, slots=True)
class TreeFacts:
    """What differs, which paths a run may write, and the inbox's folder: what lies there is the inbox phase's matter."""

    changes: tuple[tuple[str, str], ...]
    ours: frozenset[str]
    inbox: str


def look_tree(scope: Scope) -> TreeFacts:
    """Changes, and what is not a stranger: the version and manifest files of this version, and scripts that `scaffold` laid, unchanged."""
    layout = scope.services.layout
    ours = {str(layout.relative(file.path)) for file in FILES} | laid(layout, scope.plan.target)
    if scope.plan.version is not None:
        ours |= {str(path) for path in layout.manifest_files(str(scope.plan.version))}
    return TreeFacts(scope.services.git.changes(), frozenset(ours), f"{layout.relative('release_inbox')}/")


def judge_tree(facts: TreeFacts, plan: Plan) -> Verdict:
    """Clean, but for what this run or `scaffold` wrote and the inbox: a folder that is missing there is named in its own phase."""
    strangers = [(status, path) for status, path in facts.changes if path not in facts.ours and not path.startswith(facts.inbox)]
    evidence = [Evidence("changed or new files", f"{len(facts.changes)}, of others {len(strangers)}", "git status")]
    evidence += [Evidence(path[:120], status.strip() or "changed", "git status") for status, path in strangers[:10]]
    if strangers:
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        return failed(
            f"The checkout has changes of its own: {strangers[0][1][:80]}{more}.",
            "Commit and push them, or git stash; then look again.",
            *evidence,
        )
    clean = "The checkout is clean." if not facts.changes else "The checkout has no changes but this run's own."
    return passed(clean, *evidence)


def look_files(scope: Scope) -> tuple[Rewriting, ...]:
    """Every version file, as it is and as it must be. A file that cannot be read that way is could-not-look."""
    if scope.plan.version is None:
        raise CouldNotLook(NO_VERSION, remedy="Write VERSION, or name the version: nexy-tui release X.Y.Z.Build")
    try:
        return rewritings(scope.services.layout, scope.plan.version)
    except Refused as problem:
        raise CouldNotLook(problem.what, problem.why, problem.remedy) from None


def judge_files(files: tuple[Rewriting, ...], plan: Plan) -> Verdict:
    """VERSION and the other version files say the release's version."""
    evidence = tuple(
        Evidence(f.file.path, "not there" if f.before is None else ("says otherwise" if f.differs else str(plan.version)), "checkout")
        for f in files
    )
    wrong = [f.file.path for f in files if f.differs]
    if wrong:
        do = "does" if len(wrong) == 1 else "do"
        return failed(f"{', '.join(wrong)} {do} not say {plan.version} yet.", f"nexy-tui bump {plan.version}", *evidence)
    return passed(f"Every version file says {plan.version}.", *evidence)


def judge_commit(facts: NumberFacts, plan: Plan) -> Verdict:
    """The release commit is in the checkout."""
    if not plan.kind.tags:
        return not_applicable("An update-only run has no release commit: VERSION goes with the manifest commit.")
    if plan.version is None:
        return failed(NO_VERSION, "nexy-tui release X.Y.Z.Build")
    if facts.release_commit is None:
        missing = Evidence("release commit", "none at HEAD", "checkout")
        return failed(f"There is no commit “Release {plan.version.tag}” at HEAD.", "Commit and tag the release (on this screen).", missing)
    return passed(f"Release commit {facts.release_commit[:12]}.", Evidence("release commit", facts.release_commit, "checkout"))


def judge_tag(facts: NumberFacts, plan: Plan) -> Verdict:
    """The tag is here and names the release commit."""
    if not plan.kind.tags:
        return not_applicable("An update-only run has no release tag.")
    if plan.version is None:
        return failed(NO_VERSION, "nexy-tui release X.Y.Z.Build")
    evidence = Evidence(plan.version.tag, facts.local_tag or "missing", "checkout")
    if facts.local_tag is None:
        return failed(f"The tag {plan.version.tag} is not made yet.", "Commit and tag the release (on this screen).", evidence)
    if facts.local_tag != facts.release_commit:
        return failed(f"{plan.version.tag} does not name the release commit.", f"Release as {plan.version.next_build()}.", evidence)
    return passed(f"{plan.version.tag} names the release commit.", evidence)


@dataclass(frozen=True, slots=True)
class PushedFacts:
    """The tag and branch on the code repository against the release commit.

    `contained`: the branch has the tag's commit. `next`: it has not, and can take it fast-forward.
    """

    local_tag: str | None
    remote_tag: str | None
    branch: str
    contained: bool
    next: bool = False


def look_pushed(scope: Scope) -> PushedFacts:
    """Asked of the code repository now."""
    if scope.plan.version is None:
        raise CouldNotLook(NO_VERSION, remedy="nexy-tui release X.Y.Z.Build")
    git, tag, refs, tip = scope.services.git, scope.plan.version.tag, look_refs(scope), look_tip(scope)
    there = refs.get(f"refs/tags/{tag}^{{}}") or refs.get(f"refs/tags/{tag}")
    known = there is not None and git.has_commit(there)
    contained = known and git.ancestor(there or "", tip.commit)
    ahead = known and not contained and git.ancestor(tip.commit, there or "")
    return PushedFacts(git.tag_commit(tag), there, tip.branch, contained, ahead)


def judge_pushed(facts: PushedFacts, plan: Plan) -> Verdict:
    """The tag is on the code repository, names the same commit as here, and the release branch contains it.

    The rulebook pushes the tag alone (Phase 1.3); its publisher's manifest commit then takes the release commit to the branch.
    So without a run a branch that can take it fast-forward is enough, where manifests follow.
    """
    if not plan.kind.tags:
        return not_applicable("An update-only run pushes no tag.")
    tag = plan.version.tag if plan.version else ""
    evidence = (
        Evidence(tag, facts.remote_tag or "missing", plan.target.code_repository),
        Evidence(tag, facts.local_tag or "missing", "checkout"),
    )
    if facts.remote_tag is None:
        return failed(f"{tag} is not on {plan.target.code_repository}.", "Push the release commit and tag (on this screen).", *evidence)
    if facts.local_tag is not None and facts.local_tag != facts.remote_tag:
        return failed(
            f"{tag} names another commit on {plan.target.code_repository} than here.",
            "Never move a pushed tag: release the next version.",
            *evidence,
        )
    if facts.next and plan.standalone and plan.kind.publishes:
        return passed(f"{tag} is on {plan.target.code_repository}; {facts.branch} gets its commit with the manifests.", *evidence)
    if not facts.contained:
        return failed(
            f"{facts.branch} does not contain the commit of {tag}.", "Push the release commit and tag (on this screen).", *evidence
        )
    return passed(f"{tag} and {facts.branch} are on {plan.target.code_repository}.", *evidence)


def look_number_shared(scope: Scope) -> NumberFacts:
    """As `look_number`, shared by the items that judge tags."""
    return scope.once("version.number", lambda: look_number(scope))


MANIFESTS = Check(
    look_manifests,
    judge_manifests,
    "The server reads one, people read the other: a difference is a release that half the world does not see.",
)
NUMBER = Check(look_number_shared, judge_number, "Clients ignore a version that is not higher, and a tag names one commit for ever.")
BRANCH = Check(look_branch, judge_branch, "What was pushed meanwhile would be left out, or the push refused at the worst moment.")
TREE = Check(look_tree, judge_tree, "Stray changes must not ride along in a release.")
FILES_SAY = Check(
    look_files, judge_files, "VERSION is the server's last resort; a stale one shows the old version after everything else failed."
)
COMMIT = Check(look_number_shared, judge_commit, "The tag needs a commit of its own.")
TAG = Check(look_number_shared, judge_tag, "The deploy checks this tag out.")
PUSHED = Check(look_pushed, judge_pushed, "The deploy fetches them from there.")
