"""The manifest files: composed from the facts of a download, written, committed alone, pushed, seen (rulebook 4.1, 6)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from nexy_tui.actions.base import ActionContext
from nexy_tui.core import manifest
from nexy_tui.core.event import OutputLine
from nexy_tui.core.kind import Kind
from nexy_tui.core.layout import version_of
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed, Refused
from nexy_tui.core.target import DMG
from nexy_tui.core.version import NAME_VERSION, Version
from nexy_tui.services import Services
from nexy_tui.services.git import Git
from nexy_tui.services.git.commands import brief, remedy_for
from nexy_tui.services.manifest_places import directories_at
from nexy_tui.services.plain_file import read_plain, replace_file, require_inside


@dataclass(frozen=True, slots=True)
class Pushed:
    """The manifests as they are on the release branch: the commit that carries them and their digest."""

    commit: str
    branch: str
    sha256: str
    changed: bool


def commit_message(version: Version | str) -> str:
    """The message of the manifest commit (contracts: version)."""
    return f"Update manifest for {version} (Production)"


def published(plan: Plan) -> Version:
    """The version the manifests must name. Raises Refused where the plan has none."""
    if plan.published is None:
        raise Refused("It is unknown which version the manifests must name.", remedy=NAME_VERSION)
    return plan.published


def compose(services: Services, plan: Plan, *, size: int, sha256: str, signature: str | None) -> manifest.Manifest:
    """The manifest of these facts over the canonical one of the checkout, whose unknown fields are kept."""
    return compose_for(services, plan, published(plan), size=size, sha256=sha256, signature=signature)


def compose_for(services: Services, plan: Plan, version: Version, *, size: int, sha256: str, signature: str | None) -> manifest.Manifest:
    """As `compose`, for a version that need not be the run's."""
    try:
        raw = read_plain(services.checkout / services.layout.canonical, manifest.MAX_SIZE + 1, services.checkout)
    except OSError:
        raw = None
    base = manifest.read_or_none(raw)
    return manifest.build(
        None if base is None else base.document,
        version=str(version),
        url=plan.target.asset_url(DMG),
        notes_url=plan.target.notes_url(DMG),
        size=size,
        sha256=sha256,
        signature=signature,
        now=services.clock.now(),
    )


def require_pushable(services: Services) -> None:
    """The manifest commit could be pushed now. Raises Refused saying who moved the branch, or that the right is missing."""
    git = services.git
    branch = git.release_branch()
    tip = git.remote_commit(branch)
    if not git.has_commit(tip):
        git.fetch()
    if not git.ancestor(tip, git.head()):
        raise Refused(
            f"The branch {branch} has moved: {git.describe_commit(tip)}.",
            "The manifest commit goes on top of it, fast-forward only.",
            f"Fetch, look at what came, and bring the checkout onto it: git pull --ff-only {git.code_remote()} {branch}",
        )
    refusal = git.may_push()
    if refusal is not None:
        raise Refused(
            f"The code repository would not take the manifests: {brief(refusal.text)}",
            "The download must not be replaced while its manifests cannot follow.",
            remedy_for(refusal.text),
        )


def withdrawn(git: Git, commit: str, version: Version) -> list[str]:
    """Files of a commit that are manifests of versions above this one: once it is put back, a server may take one for the newest."""
    folders = directories_at(git, commit)
    found = ((name, version_of(PurePosixPath(name))) for name in git.files_at(commit, *map(str, folders)))
    return [name for name, stated in found if stated is not None and stated > version and PurePosixPath(name).parent in folders]


def push_manifests(context: ActionContext, raw: bytes, *, of: str | None = None, withdraw: bool = False) -> Pushed:
    """Write the files, commit them (with VERSION in an update-only run) where HEAD lacks them, push, and see them there.

    They are those of the version that is published, or of another one that is put back: then `withdraw` takes away those above it.
    """
    services, plan = context.services, context.plan
    git, version = services.git, of or str(published(context.plan))
    paths = list(services.layout.manifest_files(version))
    _write(context, paths, raw)
    contents = dict.fromkeys(paths, raw)
    if plan.kind is Kind.UPDATE_ONLY and of is None:
        contents[services.layout.relative("VERSION")] = services.layout.version_file.read_bytes()
    branch = git.release_branch()
    tip = git.remote_commit(branch)
    if not git.has_commit(tip):
        git.fetch()
    digest = hashlib.sha256(raw).hexdigest()

    def gone(commit: str) -> list[str]:
        return withdrawn(git, commit, Version.parse(version)) if withdraw else []

    if all(git.show(tip, path) == data for path, data in contents.items()) and not gone(tip):
        context.emit(OutputLine("Manifest changes pushed to remote (they were there already)", "publish"))
        return Pushed(git.last_commit_of(tip, paths) or tip, branch, digest, changed=False)
    require_pushable(services)
    commit = git.head()
    if any(git.show(commit, path) != data for path, data in contents.items()) or gone(commit):
        commit = git.commit_files(list(contents), commit_message(version), gone=gone(commit), emit=context.emit)
        context.emit(OutputLine(f"{commit[:12]} {commit_message(version)}", "git"))
    context.intent("push the manifest commit", commit=commit, branch=branch, manifest=digest)
    git.push([f"{commit}:refs/heads/{branch}"], emit=context.emit)
    seen = git.remote_commit(branch)
    if seen != commit:
        raise ActionFailed(
            f"{branch} of {plan.target.code_repository} stands at {seen[:12]} after the push, not at {commit[:12]}.",
            "Somebody pushed at the same moment.",
            "Look at what came, then run again.",
        )
    context.emit(OutputLine("Manifest changes pushed to remote", "publish"))
    return Pushed(commit, branch, digest, changed=True)


def _write(context: ActionContext, paths: Sequence[object], raw: bytes) -> None:
    checkout = context.services.checkout
    for path in paths:
        require_inside((checkout / str(path)).parent, checkout)
    for path in paths:
        file = checkout / str(path)
        if not file.is_file() or read_plain(file, manifest.MAX_SIZE + 1) != raw:
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, raw)
        context.emit(OutputLine(f"Manifest updated at {file}", "publish"))
