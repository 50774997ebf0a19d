"""The release branch as the code repository has it: asked once a pass, shared by every check that needs it."""

from __future__ import annotations

from dataclasses import dataclass

from checks.base import Scope


@dataclass(frozen=True, slots=True)
class Tip:
    """The release branch and its newest commit on the code repository; that commit's objects are here."""

    branch: str
    commit: str


def look_tip(scope: Scope) -> Tip:
    """Ask for the branch, and fetch its objects where they are missing (no ref of the operator's changes)."""
    return scope.once("git.tip", lambda: _look_tip(scope))


def _look_tip(scope: Scope) -> Tip:
    git = scope.services.git
    branch = git.release_branch()
    commit = git.remote_commit(branch)
    if not git.has_commit(commit):
        git.fetch()
    return Tip(branch, commit)
