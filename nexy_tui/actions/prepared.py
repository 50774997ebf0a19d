"""The manifest commit: made and read back before anything clients see is changed, waiting aside; then only a ref moves (contracts: 6)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from nexy_tui.actions.base import ActionContext
from nexy_tui.actions.manifests import Pushed, commit_message, is_left_behind, lay, published, refused_push, require_on_top, withdrawn
from nexy_tui.core import manifest
from nexy_tui.core.event import OutputLine
from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import ActionFailed, CouldNotLook, Problem, Refused
from nexy_tui.core.text import printable
from nexy_tui.core.version import Version
from nexy_tui.services.git import Git
from nexy_tui.services.git.apart import commit_apart, commit_onto, follow, lying
from nexy_tui.services.git.attributes import attributes_of, changes_bytes
from nexy_tui.services.git.prepared import drop_prepared, prepared_commits, prepared_ref, tip_and_prepared
from nexy_tui.services.manifest_places import directories_at

_TRIES = 4
"""How often the branch may move under our hands."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Manifests, and the commit that carries them. `tip` is the branch as it then was; `commit` is the branch's own where it has them."""

    commit: str
    tip: str
    branch: str
    contents: Mapping[str, bytes]
    gone: tuple[str, ...]
    manifests: tuple[str, ...]

    @property
    def there(self) -> bool:
        """Whether the branch carries them already."""
        return self.commit == self.tip

    @property
    def sha256(self) -> str:
        """The manifests' digest."""
        return hashlib.sha256(self.contents[self.manifests[0]]).hexdigest()


def as_given(git: Git, made: manifest.Manifest) -> manifest.Manifest:
    """A manifest with the date that it was given before, on the branch or in a commit that was prepared and left.

    So a run that goes on writes the same bytes again, and needs no second commit.
    """
    tip, refs = tip_and_prepared(git, git.release_branch())
    for commit in (tip, *prepared_commits(git, refs)):
        left = manifest.read_or_none(git.show(commit, directories_at(git, commit)[0] / "manifest.json"))
        if left is not None and left.is_but_for_its_date(made):
            return left
    return made


def prepare(context: ActionContext, raw: bytes, *, of: str | None = None, withdraw: bool = False) -> Prepared:
    """Make the commit of these manifests (with VERSION in an update-only run), read it back, and push it aside. No branch moves.

    They are those of the version that is published, or of another one that is put back: then `withdraw` takes away those above it.
    Raises Problem with what a hook, the signing program, a filter or the host said: nothing clients see has changed then.
    """
    services, plan = context.services, context.plan
    git, version = services.git, of or str(published(plan))
    manifests = tuple(map(str, services.layout.manifest_files(version)))
    contents = dict.fromkeys(manifests, raw)
    if plan.kind is Kind.UPDATE_ONLY and of is None:
        contents[str(services.layout.relative("VERSION"))] = services.layout.version_file.read_bytes()
    branch = git.release_branch()
    tip, refs = tip_and_prepared(git, branch)

    def wanted_at(commit: str) -> Prepared:
        gone = withdrawn(git, commit, Version.parse(version)) if withdraw else []
        return Prepared(commit, tip, branch, contents, tuple(gone), manifests)

    if _carries(git, found := wanted_at(tip)) and not found.gone:
        return found
    if is_left_behind(git, plan.version, tip):
        follow(git, tip, lying(git, tip), emit=context.emit)  # A run that was cut off moved the branch, and not the checkout's.
    require_on_top(services, version, tip)
    head = git.head()
    wanted = wanted_at(head)
    commits = (head, *prepared_commits(git, refs))
    made = next((commit for commit in commits if _is_it(git, replace(wanted, commit=commit), head)), None)
    if made is None:
        made = commit_apart(git, contents, commit_message(version), gone=wanted.gone, emit=context.emit)
        context.emit(OutputLine(f"{made[:12]} {commit_message(version)}", "git"))
    result = replace(wanted, commit=made)
    _require_as_wanted(git, result, head)
    refusal = git.rehearse_push(made, branch)
    if refusal is not None:
        raise refused_push(refusal.text)
    stale = [ref for ref in refs if ref != prepared_ref(plan.run)]
    git.push([f"+{made}:{prepared_ref(plan.run)}", *(f":{ref}" for ref in stale)], aside=True, emit=context.emit)
    return result


@contextmanager
def kept_aside(context: ActionContext) -> Iterator[None]:
    """No prepared commit stays on the code repository where what is done within fails."""
    try:
        yield
    except Exception:
        nothing_aside(context)
        raise


def nothing_aside(context: ActionContext) -> None:
    """Take every prepared commit away, whoever left it; where that cannot be done it is said."""
    trouble = drop_prepared(context.services.git, context.emit)
    if trouble:
        context.emit(OutputLine(f"A prepared commit may be left aside on the code repository, where it harms nobody: {trouble}", "git"))


def move(context: ActionContext, prepared: Prepared) -> str:
    """Move the branch to the prepared commit, which is no longer kept aside then; the commit that it stands at.

    A branch that moved meanwhile and has the manifests as they were gets the same blobs on its new tip. Raises CouldNotLook where
    it is unknown whether the branch moved; Refused where somebody changed the manifests there, and ActionFailed where the host
    takes no push: then it did not.
    """
    if prepared.there:
        return prepared.tip
    context.intent("push the manifest commit", commit=prepared.commit, branch=prepared.branch, manifest=prepared.sha256)
    git, aside = context.services.git, [f":{prepared_ref(context.plan.run)}"]
    for _ in range(_TRIES):
        try:
            git.push([f"{prepared.commit}:refs/heads/{prepared.branch}", *aside], aside=True, emit=context.emit)
        except ActionFailed:
            tip = git.remote_commit(prepared.branch)
            if not git.has_commit(tip):
                git.fetch()
            if git.ancestor(prepared.commit, tip):
                return prepared.commit
            if tip != prepared.tip:
                prepared = _onto(context, prepared, tip)
            elif aside:
                aside = []  # Somebody may have taken it away.
            else:
                raise
        else:
            return prepared.commit
    raise ActionFailed(
        f"{prepared.branch} of {git.target.code_repository} moved each time the manifests were to be pushed.",
        "Others push there at this moment.",
        "Ask them to wait, then run this again.",
    )


def settle(context: ActionContext, prepared: Prepared, commit: str) -> Pushed:
    """After the branch has moved: the files are laid in the checkout, and its own branch goes to the commit too."""
    git = context.services.git
    lay(context, prepared.contents)
    _follow(context, replace(prepared, commit=commit))
    if prepared.there:
        nothing_aside(context)
    context.emit(OutputLine("Manifest changes pushed to remote" + (" (they were there already)" if prepared.there else ""), "publish"))
    made = (git.last_commit_of(commit, prepared.manifests) or commit) if prepared.there else commit
    return Pushed(made, prepared.branch, prepared.sha256, changed=not prepared.there)


def _onto(context: ActionContext, prepared: Prepared, tip: str) -> Prepared:
    """The same blobs on the branch as it is by now. Raises Refused where its manifests are not as they were."""
    git = context.services.git
    mover = git.describe_commit(tip)
    paths = [*prepared.contents, *prepared.gone]
    changed = [path for path in paths if git.show(tip, path) != git.show(prepared.tip, path)]
    left_out = git.commits_between(tip, f"{prepared.commit}^")
    if changed or left_out:
        why = (
            f"and {printable(changed[0], 120)} is another there now" if changed else f"and lacks “{left_out[0][:80]}”, which is here alone"
        )
        raise Refused(
            f"The branch {prepared.branch} has moved meanwhile: {mover}, {why}.",
            "Manifests are never pushed over somebody else's.",
            f"Look at what came, bring the checkout onto it (git pull --rebase --autostash {git.code_remote()} {prepared.branch}),"
            " then run again.",
        )
    commit = commit_onto(git, tip, prepared.commit, list(prepared.contents), gone=prepared.gone, emit=context.emit)
    context.emit(OutputLine(f"{prepared.branch} has moved meanwhile ({mover}): the same manifests go on top, {commit[:12]}.", "git"))
    return replace(prepared, commit=commit, tip=tip)


def _follow(context: ActionContext, prepared: Prepared) -> None:
    """The checkout's branch goes to the commit too. Where it cannot it stays, and that is said: what is published is published."""
    git = context.services.git
    try:
        if git.head() != prepared.commit:
            if not git.ancestor(git.head(), prepared.commit):
                raise CouldNotLook(f"HEAD has commits that {prepared.branch} lacks.")
            follow(git, prepared.commit, list(prepared.contents), gone=prepared.gone, emit=context.emit)
    except Problem as problem:
        what = f"The checkout's branch stays where it is ({problem.what.rstrip('.')}): git pull --rebase --autostash brings it on."
        context.emit(OutputLine(what, "git"))


def _carries(git: Git, wanted: Prepared) -> bool:
    return all(git.show(wanted.commit, path) == data for path, data in wanted.contents.items())


def _is_it(git: Git, wanted: Prepared, head: str) -> bool:
    """Whether a commit is HEAD or lies right on it, and brings just these files."""
    if not _carries(git, wanted) or any(git.show(wanted.commit, path) is not None for path in wanted.gone):
        return False
    return wanted.commit == head or (git.resolve(f"{wanted.commit}^") == head and not _besides(git, wanted, head))


def _besides(git: Git, wanted: Prepared, head: str) -> list[str]:
    """What a commit changes besides, which a hook may have brought in."""
    told = git.read("diff-tree", "-r", "--name-only", "--no-renames", "-z", head, wanted.commit)
    return [path for path in told.split("\0") if path and path not in wanted.contents and path not in wanted.gone]


def _require_as_wanted(git: Git, made: Prepared, head: str) -> None:
    """The commit holds what was laid, byte for byte, and a checkout of it gives that. Raises Refused."""
    again = "Mend that, then run again."
    other = [path for path, data in made.contents.items() if git.show(made.commit, path) != data]
    if other:
        raise Refused(
            f"The manifest commit has {printable(other[0], 120)} in other bytes than were written: a filter, an attribute or a hook"
            " of this checkout changed them.",
            "The VM compares them with the download's facts, byte for byte. Nothing was replaced.",
            f"See which: git check-attr --all -- {printable(other[0], 120)}; and git config --get-regexp '^filter'. {again}",
        )
    if made.commit != head and (besides := _besides(git, made, head)):
        what = f"The manifest commit would bring {printable(besides[0], 120)} along: a hook of this checkout added it."
        raise Refused(what, "It carries the manifests and nothing else. Nothing was replaced.", f"See .git/hooks. {again}")
    for path, attributes in attributes_of(git, made.manifests).items():
        if changing := changes_bytes(attributes):
            raise Refused(
                f"A checkout of the manifest commit writes {printable(path, 120)} in other bytes than it has:"
                f" .gitattributes says {printable(' '.join(changing), 80)}.",
                "The VM checks them out and compares them with the download's facts, byte for byte. Nothing was replaced.",
                "Add the line `manifest*.json -text -filter -ident -working-tree-encoding` at the end of .gitattributes, commit it, and"
                " release it under the next version: the VM checks out by the rules of the tag.",
            )
