"""The manifest files: composed from the facts of a download, and where they may be pushed (rulebook 4.1, 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from nexy_tui.actions.base import ActionContext
from nexy_tui.core import manifest
from nexy_tui.core.event import OutputLine
from nexy_tui.core.layout import version_of
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
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


def require_pushable(services: Services, version: Version | str | None) -> None:
    """The manifest commit could be pushed now. Raises Refused saying who moved the branch, or that the right is missing."""
    git = services.git
    tip = git.remote_commit(git.release_branch())
    if not git.has_commit(tip):
        git.fetch()
    require_on_top(services, version, tip)
    refusal = git.may_push()
    if refusal is not None:
        raise refused_push(refusal.text)


def is_left_behind(git: Git, version: Version | str | None, tip: str) -> bool:
    """Whether all that HEAD lacks of the branch is this version's manifest commit: a run that was cut off moved one and not the other."""
    head = git.head()
    return head != tip and git.ancestor(head, tip) and set(git.commits_between(head, tip)) == {commit_message(version or "")}


def require_on_top(services: Services, version: Version | str | None, tip: str) -> None:
    """HEAD has all that the branch has at its tip. Raises Refused saying who moved it.

    A branch that has this version's manifests and HEAD has not was moved by a run that was cut off: HEAD is brought after.
    """
    git, branch = services.git, services.git.release_branch()
    if not git.ancestor(tip, git.head()) and not is_left_behind(git, version, tip):
        raise Refused(
            f"The branch {branch} has moved: {git.describe_commit(tip)}.",
            "The manifest commit goes on top of it, fast-forward only.",
            f"Fetch, look at what came, and bring the checkout onto it: git pull --ff-only {git.code_remote()} {branch}",
        )


def refused_push(said: str) -> Refused:
    """What the code repository, or a hook of the operator's, says to the push of the manifests."""
    return Refused(
        f"The code repository would not take the manifests: {brief(said)}",
        "The download must not be replaced while its manifests cannot follow.",
        remedy_for(said),
    )


def withdrawn(git: Git, commit: str, version: Version) -> list[str]:
    """Files of a commit that are manifests of versions above this one: once it is put back, a server may take one for the newest."""
    folders = directories_at(git, commit)
    found = ((name, version_of(PurePosixPath(name))) for name in git.files_at(commit, *map(str, folders)))
    return [name for name, stated in found if stated is not None and stated > version and PurePosixPath(name).parent in folders]


def lay(context: ActionContext, contents: Mapping[str, bytes]) -> None:
    """Write the manifest commit's files into the checkout, where they are not so already. Raises Refused before it writes any elsewhere."""
    checkout = context.services.checkout
    for path in contents:
        require_inside((checkout / path).parent, checkout)
    for path, data in contents.items():
        file = checkout / path
        if not file.is_file() or read_plain(file, manifest.MAX_SIZE + 1) != data:
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, data)
        if file.suffix == ".json":
            context.emit(OutputLine(f"Manifest updated at {file}", "publish"))
