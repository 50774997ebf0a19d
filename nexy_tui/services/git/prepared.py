"""Commits that wait on the code repository beside its branches, under `refs/nexy/prepared/<run>` (contracts: GitHub releases).

Whoever holds the release lock is the only one who prepares anything, and takes away whatever another run left there.
"""

from __future__ import annotations

from collections.abc import Mapping

from nexy_tui.core.event import Emit, silent
from nexy_tui.core.problem import Problem
from nexy_tui.services.git.commands import REMOTE_TIMEOUT, GitFailure
from nexy_tui.services.git.fixed import FETCH
from nexy_tui.services.git.writing import Git

_BELOW = "refs/nexy/prepared/"


def prepared_ref(run: str | None) -> str:
    """Where a run's prepared commit waits."""
    return f"{_BELOW}{run or 'none'}"


def prepared_refs(git: Git) -> dict[str, str]:
    """Every ref of a prepared commit on the code repository, and its object. Raises CouldNotLook."""
    return git.remote_refs(f"{_BELOW}*")


def tip_and_prepared(git: Git, branch: str) -> tuple[str, dict[str, str]]:
    """The branch's commit, its objects brought here, and every prepared commit's ref and object, asked in one. Raises CouldNotLook."""
    refs = git.remote_refs(f"refs/heads/{branch}", f"{_BELOW}*")
    tip = refs.pop(f"refs/heads/{branch}", "") or git.remote_commit(branch)
    if not git.has_commit(tip):
        git.fetch()
    return tip, refs


def prepared_commits(git: Git, refs: Mapping[str, str]) -> tuple[str, ...]:
    """Every prepared commit whose objects can be had."""
    found = []
    for ref, oid in refs.items():
        here = git.has_commit(oid) or not isinstance(git.raw(*FETCH, git.code_source(), ref, timeout=REMOTE_TIMEOUT), GitFailure)
        if here and git.has_commit(oid):
            found.append(oid)
    return tuple(found)


def drop_prepared(git: Git, emit: Emit = silent, *, of: str | None = None) -> str:
    """Take them away, all or those `of` one run; why that could not be done, empty when it was: they harm nobody where they are left."""
    try:
        refs = {ref: oid for ref, oid in prepared_refs(git).items() if of is None or ref == prepared_ref(of)}
        if refs:
            git.push([f":{ref}" for ref in refs], leases=[f"{ref}:{oid}" for ref, oid in refs.items()], aside=True, emit=emit)
    except Problem as problem:
        return problem.what
    return ""
