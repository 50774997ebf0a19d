"""Phase ready, git's part: that the commits this release makes will be made, arrive as they were written, and be taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checks.base import Check, Scope
from nexy_tui.core import manifest
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed
from nexy_tui.core.remedy import Remedy
from nexy_tui.core.target import DMG
from nexy_tui.core.text import printable
from nexy_tui.core.version import Version
from nexy_tui.services.branch_rules import BranchRules, branch_rules
from nexy_tui.services.git import Git
from nexy_tui.services.git.attributes import attributes_of, changes_bytes
from nexy_tui.services.git.commands import remedy_for_lock
from nexy_tui.services.git.trial import passes_without_hooks, trial
from nexy_tui.services.plain_file import look_plain
from nexy_tui.services.version_files import FILES
from nexy_tui.services.version_files import look as look_version_files

# --- the commits ---


@dataclass(frozen=True, slots=True)
class CommitTrial:
    """The commits that were tried, by their messages, and what became of the first that did not succeed.

    `missed` is what lies in the checkout and not where a hook refused it: such a hook may let it pass in the checkout.
    """

    tried: tuple[str, ...]
    trouble: str = ""
    remedy: Remedy = ""
    missed: tuple[str, ...] = ()


def look_commit(scope: Scope) -> CommitTrial:
    """Make this run's commits in a temporary folder, hooks and signature and all; no ref moves and nothing of them stays."""
    tried: list[str] = []
    lock = scope.services.git.folder / "index.lock"
    if lock.exists():
        what = f"{lock} is there: another git works in this checkout, or was killed in it. No commit can be made."
        return CommitTrial((), what, remedy_for_lock(lock))
    try:
        with trial(scope.services.git) as git:
            for message, files in _commits(scope).items():
                for path, data in files.items():
                    (git.checkout / path).parent.mkdir(parents=True, exist_ok=True)
                    (git.checkout / path).write_bytes(data)
                tried.append(message)
                try:
                    commit = git.commit_files(list(files), message, allow_empty=True)
                except ActionFailed as problem:
                    missed = _untracked(scope) if passes_without_hooks(git, message) else ()
                    return CommitTrial(tuple(tried), problem.what, problem.remedy, missed)
                if trouble := _changed_by_hooks(git, commit, message, files):
                    return CommitTrial(tuple(tried), *trouble)
    except ActionFailed as problem:
        return CommitTrial(tuple(tried), problem.what, problem.remedy)
    return CommitTrial(tuple(tried))


def _untracked(scope: Scope) -> tuple[str, ...]:
    """What git does not track in the checkout and a hook may need, as its tools; not the release's own files, nor the hooks."""
    git, layout = scope.services.git, scope.services.layout
    own = {str(path) for path in layout.settings} | {f"{path.relative_to(layout.root)}/" for path in (layout.inbox, layout.backups)}
    hooks = f"{git.read('rev-parse', '--git-path', 'hooks')}/"
    names = git.read("ls-files", "--others", "--directory", "--no-empty-directory", "-z").split("\0")
    return tuple(name for name in names if name and name != hooks and not any(one.startswith(name) or name.startswith(one) for one in own))


def _changed_by_hooks(git: Git, commit: str, message: str, files: Mapping[str, bytes]) -> tuple[str, str] | None:
    """What of a commit is not as it was given, and what to do; None where all is. A release commit is known by its subject."""
    changed = [path for path, data in files.items() if git.show(commit, path) != data]
    if changed and message.startswith("Update"):
        what = f"The commit “{message}” does not have {', '.join(changed)} as written: a hook or a filter changed it."
        return what, "Have the hook, or .gitattributes, leave those files alone; then look again."
    subject = git.read("log", "-1", "--format=%s", commit)
    if subject != message:
        what = f"The commit “{message}” gets another subject, “{printable(subject, 120)}”: a hook changed it."
        return what, "Have the hook leave the subject of such a commit alone (what it adds may stand below); then look again."
    return None


def _commits(scope: Scope) -> dict[str, dict[str, bytes]]:
    """Message and files of each commit that this kind of run makes, with figures that are no file's."""
    services, plan = scope.services, scope.plan
    version = plan.version or Version.parse("0.0.0.1")
    versions = look_version_files(services.layout, version)
    said = {
        str(services.layout.relative(one.file.path)): one.after.encode() for one in versions if one.after is not None and not one.problem
    }
    commits: dict[str, dict[str, bytes]] = {}
    if plan.kind.tags:
        commits[f"Release {version.tag}"] = said
    if plan.kind.publishes:
        raw = _manifest(scope, version)
        files = {str(path): raw for path in services.layout.manifest_files(str(version))}
        name = str(services.layout.relative(FILES[0].path))
        commits[f"Update manifest for {version} (Production)"] = files if plan.kind.tags else files | {name: said.get(name, b"")}
    return commits


def _manifest(scope: Scope, version: Version) -> bytes:
    services, target = scope.services, scope.plan.target
    there = look_plain(services.checkout / services.layout.canonical, manifest.MAX_SIZE + 1, services.checkout)
    base = manifest.read_or_none(there)
    return manifest.build(
        None if base is None else base.document,
        version=str(version),
        url=target.asset_url(DMG),
        notes_url=target.notes_url(DMG),
        size=1,
        sha256="0" * 64,
        signature=None,
        now=services.clock.now(),
    ).render()


_MISSED = (
    "Run that hook in the checkout (git hook run pre-commit). If it passes there, attest that; if not, mend what it wants and look again."
)


def judge_commit(facts: CommitTrial, plan: Plan) -> Verdict:
    """Git takes them: the hooks let them pass, and they can be signed."""
    evidence = [Evidence("commit tried", message, "a temporary folder") for message in facts.tried]
    if facts.missed:
        where = f"That was in a copy of what git tracks: {', '.join(facts.missed[:3])} is not there."
        return inconclusive(f"{facts.trouble} ({where})", _MISSED, *evidence)
    if facts.trouble:
        return failed(facts.trouble, facts.remedy, *evidence)
    return passed(f"{' and '.join(facts.tried)} can be committed: hooks and signature let them pass.", *evidence)


# --- filters ---


def look_filters(scope: Scope) -> dict[str, dict[str, str]]:
    """The attributes of every file that this run commits."""
    layout, plan = scope.services.layout, scope.plan
    files = [str(layout.relative(file.path)) for file in FILES[:1]]
    if plan.kind.publishes:
        files += [str(path) for path in layout.manifest_files(str(plan.version or "0.0.0.1"))]
    return attributes_of(scope.services.git, files)


def judge_filters(found: Mapping[str, Mapping[str, str]], plan: Plan) -> Verdict:
    """What is written here is, byte for byte, what a checkout elsewhere has: the VM's sha256 is compared with ours."""
    evidence = [
        Evidence(path, ", ".join(f"{key}={value}" for key, value in has.items()) or "none", "attributes") for path, has in found.items()
    ]
    wrong = {path: changes for path, has in found.items() if (changes := changes_bytes(has))}
    if wrong:
        told = "; ".join(f"{path} ({', '.join(changes)})" for path, changes in wrong.items())
        lines = " and ".join(f"“/{path} -text -filter -ident -working-tree-encoding”" for path in _patterns(wrong))
        what = f"Git gives other machines other bytes than are written here: {told}."
        return failed(what, f"Add {lines} at the end of .gitattributes, commit and push that, then look again.", *evidence)
    return passed("What is committed arrives as it is written: no filter and no line end changes it.", *evidence)


def _patterns(paths: Mapping[str, object]) -> list[str]:
    """One pattern for the manifests of a directory, whose names go with the version."""
    return list(dict.fromkeys(f"{path.rpartition('/')[0]}/*.json" if path.endswith(".json") else path for path in paths))


# --- rules ---


def look_rules(scope: Scope) -> BranchRules:
    """The release branch's rules, as the code repository's host has them."""
    services = scope.services
    return branch_rules(services.github.watched(scope.emit), scope.plan.target.code_repository, services.git.release_branch())


def judge_rules(rules: BranchRules, plan: Plan) -> Verdict:
    """No rule bars a direct push, which the branch gets after the swap."""
    repository = plan.target.code_repository
    evidence = (
        Evidence("rules", "not told" if rules.barring is None else ", ".join(rules.barring) or "none that bars a push", repository),
        Evidence("rules bypassed", ", ".join(rules.bypassed) or "none", repository),
        Evidence("protected", {True: "yes", False: "no", None: "unknown"}[rules.protected], repository),
    )
    if rules.barring:
        what = f"A rule of {repository} bars a direct push to the release branch: {', '.join(rules.barring)}."
        remedy = "Have its administrators let this account bypass the rule, or take the branch out of it; then look again."
        return failed(what, remedy, *evidence)
    if rules.barring is None:
        what = f"Whether a rule of {repository} bars a push could not be seen: this token does not see it."
        return inconclusive(what, "Use a token that may read it; or see the branch's rules in a browser, and attest them.", *evidence)
    if rules.protected and not rules.bypassed:
        what = f"The release branch of {repository} is protected, by what its rules do not tell."
        return inconclusive(what, "See in the repository's settings that this account may push to it, and attest that.", *evidence)
    return passed(f"No rule of {repository} bars a push to the release branch.", *evidence)


COMMIT = Check(look_commit, judge_commit, "A hook or a signature that refuses the manifest commit is met before the swap.", slow=True)
FILTERS = Check(look_filters, judge_filters, "A line end that git changes is another sha256 on the VM, whatever is done then.")
RULES = Check(look_rules, judge_rules, "A branch that takes no push leaves a new download without its manifests.")
