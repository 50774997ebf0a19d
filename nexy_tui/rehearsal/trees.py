"""The code repository's tree as the team's trees are: files laid over each other by feature, each a folder of `tree/`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from nexy_tui.core.layout import LAYOUTS, MANIFEST_DIRS, MANIFEST_PLACES, Layout
from nexy_tui.core.problem import Unusable

FEATURES = {
    "version-file": "VERSION stands in its place",
    "runbooks": "both database runbooks are there",
    "publisher": "the team's publisher script, its tags in ARTIFACT_MAPPING",
    "publisher-constants": "the team's publisher script, its tags in DMG_TAG and PKG_TAG",
    "az-script": "update_server_version.sh is written for the operator's machine: it wants az, and exits 1 without",
    "tracked-config": "the inner config.env is tracked, with placeholders and an old version",
    "outer-config": "the outer config.env is there too, tracked",
    "ignored-config": "git ignores config.env",
    "ignored-backups": "git ignores the database's backups",
    "third-directory": "manifests stand in updates/manifests too",
    "both-layouts": "VERSION and release_inbox of the other layout lie around",
    "newer-rulebook": "the rulebook is a newer edition, in Russian",
    "team-manifests": "manifests of past releases have +00:00 in their dates, empty signatures, a build that is a number",
    "unsigned-manifest": "the manifest of the release before has an empty signature",
    "old-keys": "a private key was pushed long ago, and taken away again",
}
"""What a tree may have, by the name of its switch; `no-NAME` switches one of the default tree off."""

DEFAULT = frozenset({"version-file", "runbooks", "publisher", "az-script", "tracked-config", "team-manifests", "old-keys"})

_TREES = Path(__file__).with_name("tree")
_SUFFIX = ".in"
_STALE_VERSION = b"1.5.0.7\n"


def features(switches: Iterable[str]) -> frozenset[str]:
    """The features of the default tree after these switches. Raises Unusable for a name that is none."""
    found = set(DEFAULT)
    for switch in switches:
        name = switch.removeprefix("no-")
        if name not in FEATURES:
            raise Unusable(f"There is no seed {switch!r}.", remedy=f"Use one of {', '.join(FEATURES)}, or no- before it.")
        (found.discard if switch.startswith("no-") else found.add)(name)
    return frozenset(found)


def manifest_directories(has: frozenset[str]) -> tuple[PurePosixPath, ...]:
    """The manifest directories of a tree with these features."""
    return MANIFEST_PLACES if "third-directory" in has else MANIFEST_DIRS


def source(layout: str, version: str, requirements: str, has: frozenset[str]) -> dict[str, bytes]:
    """Every source file of the repository at a version, by path from the git root."""
    base = Layout(layout, Path()).base
    files: dict[str, bytes] = {}
    for folder in ("base", *(name for name in FEATURES if name in has)):
        for path in sorted((_TREES / folder).rglob(f"*{_SUFFIX}")):
            name = path.relative_to(_TREES / folder).as_posix().removesuffix(_SUFFIX)
            text = path.read_text(encoding="utf-8").replace("@VERSION@", version).replace("@REQUIREMENTS@", requirements)
            place = name if name == ".gitignore" else str(base / name)
            files[place] = (files.get(place, b"") if name == ".gitignore" else b"") + text.encode()
    if "both-layouts" in has:
        other = Layout(next(kind for kind in LAYOUTS if kind != layout), Path())
        files |= {str(other.relative("VERSION")): _STALE_VERSION, str(other.relative("release_inbox/.gitkeep")): b""}
    return files
