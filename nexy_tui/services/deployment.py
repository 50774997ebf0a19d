"""Finds what a deploy must bring the VM to: the tag's commit and the manifest commit, asked of the code repository now."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath

from nexy_tui.core import manifest
from nexy_tui.core.deployment import Deployment
from nexy_tui.core.kind import Kind
from nexy_tui.core.layout import manifest_names
from nexy_tui.core.version import Version
from nexy_tui.services.git import Git
from nexy_tui.services.manifest_places import directories_at


def find_deployment(git: Git, version: Version, kind: Kind, refs: Mapping[str, str] | None = None) -> Deployment:
    """The deployment of a version as the release branch and the tags stand now. Raises CouldNotLook when they cannot be read.

    `refs` are the code repository's; they are asked for when not given.
    """
    branch = git.release_branch()
    tag = f"refs/tags/{version.tag}"
    if refs is None:
        refs = git.remote_refs(f"refs/heads/{branch}", tag, f"{tag}^{{}}")
    tip = refs.get(f"refs/heads/{branch}") or git.remote_commit(branch)
    if not git.has_commit(tip):
        git.fetch()
    found = _manifests(git, tip)
    return Deployment(
        version=version,
        kind=kind,
        branch=branch,
        tag_commit=refs.get(f"{tag}^{{}}") or refs.get(tag),
        manifest_commit=git.last_commit_of(tip, found[1]),
        manifest_version=found[0],
        manifest_files=tuple(str(path) for path in found[1]),
        manifest_sha256=found[2],
        problem=found[3],
    )


def _manifests(git: Git, commit: str) -> tuple[str, tuple[PurePosixPath, ...], str, str]:
    """Version, the manifest files' paths, their common sha256, and what is wrong with them as of a commit."""
    directories = directories_at(git, commit)
    canonical = directories[0] / "manifest.json"
    raw = git.show(commit, canonical)
    try:
        version = str(Version.parse(manifest.read(raw or b"").version))
    except ValueError as error:
        reason = "it is not there" if raw is None else error
        return "", (canonical,), "", f"{canonical} on the release branch cannot be used: {reason}"
    files = tuple(folder / name for folder in directories for name in manifest_names(version))
    for path in files:
        if git.show(commit, path) != raw:
            return version, files, "", f"{path} on the release branch is missing or differs from {canonical}"
    return version, files, hashlib.sha256(raw or b"").hexdigest(), ""
