"""The code repository's refs and the checkout's as they stand: asked once a pass, shared by every check that needs them."""

from __future__ import annotations

from dataclasses import dataclass

from checks.base import Scope
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.services.lock import REF as LOCK


@dataclass(frozen=True, slots=True)
class Tip:
    """The release branch and its newest commit on the code repository; that commit's objects are here."""

    branch: str
    commit: str


def look_refs(scope: Scope) -> dict[str, str]:
    """The release branch, all release tags (annotated ones also as `<ref>^{}`) and the release lock on the code repository."""
    git = scope.services.git
    return scope.once("git.refs", lambda: git.remote_refs(f"refs/heads/{git.release_branch()}", "refs/tags/v*", LOCK))


def look_head(scope: Scope) -> str:
    """The checkout's commit."""
    return scope.once("git.head", scope.services.git.head)


def look_tag(scope: Scope, tag: str) -> str | None:
    """The commit that a tag of the checkout names, or None."""
    return scope.once(f"git.tag {tag}", lambda: scope.services.git.tag_commit(tag))


def look_changes(scope: Scope) -> tuple[tuple[str, str], ...]:
    """`(status, path)` of everything in the checkout that differs from HEAD."""
    return scope.once("git.changes", scope.services.git.changes)


def look_tip(scope: Scope) -> Tip:
    """The release branch's commit; its objects are fetched where they are missing (no ref of the operator's changes)."""
    return scope.once("git.tip", lambda: _look_tip(scope))


def _look_tip(scope: Scope) -> Tip:
    git = scope.services.git
    branch = git.release_branch()
    commit = look_refs(scope).get(f"refs/heads/{branch}")
    if commit is None:
        what = f"{scope.plan.target.code_repository} has no branch {branch}."
        raise CouldNotLook(what, remedy="Set target.release_branch in the configuration.")
    if not git.has_commit(commit):
        git.fetch()
    return Tip(branch, commit)
