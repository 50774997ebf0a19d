"""What manifests have ever named: a file published again as another version, and a signature carried over to another file.

Looked for in the checkout and in git's history, which anybody who may push has written: so much is read and no more, and only
what names a version, a size and a digest counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import PurePosixPath

from checks.base import Scope
from nexy_tui.core import manifest
from nexy_tui.core.layout import MANIFEST_PLACES
from nexy_tui.core.version import Version
from nexy_tui.services.git import Git
from nexy_tui.services.plain_file import read_plain

LIMIT = 2000
"""Manifests that are read of either; a team makes some four a release."""

_LARGEST = 64 << 10
_OF_NO_VERSION = "manifest_beta.json"


@dataclass(frozen=True, slots=True)
class Named:
    """A version with the file that a manifest names for it; `where` that manifest stands."""

    version: Version
    size: int
    sha256: str
    signature: str | None
    where: str

    @property
    def file(self) -> tuple[int, str]:
        """The file's figures."""
        return self.size, self.sha256


def look_named(scope: Scope) -> tuple[Named, ...]:
    """Every file that a manifest has named, whoever named it first coming first, once a pass. Raises CouldNotLook without a history."""
    return scope.once("manifests.named", lambda: tuple(dict.fromkeys((*_past(scope), *_here(scope)))))


def _here(scope: Scope) -> Iterator[Named]:
    checkout = scope.services.checkout
    for directory in scope.services.layout.manifest_directories:
        for path in sorted((checkout / directory).glob("manifest*.json"))[:LIMIT]:
            try:
                raw = read_plain(path, _LARGEST + 1, checkout)
            except OSError:
                continue
            yield from _named(raw, directory / path.name, "checkout")


def _past(scope: Scope) -> Iterator[Named]:
    yield from named_at(scope.services.git, scope.services.git.resolve("HEAD"), scope.plan.base_commit)


def named_at(git: Git, *commits: str | None) -> Iterator[Named]:
    """Every file that a manifest names at or below these commits, oldest commit first and lowest version first in one."""
    tips = list(dict.fromkeys(commit for commit in commits if commit is not None and git.has_commit(commit)))
    paths = [f":(glob){directory}/manifest*.json" for directory in dict.fromkeys((*MANIFEST_PLACES, *git.target.manifest_directories))]
    found = git.past_of(tips, paths, LIMIT, _LARGEST) if tips else iter(())
    for commit, files in groupby(found, key=itemgetter(0)):
        named = [one for _, path, raw in files for one in _named(raw, PurePosixPath(path), commit[:12])]
        yield from sorted(named, key=lambda one: one.version)


def _named(raw: bytes, path: PurePosixPath, where: str) -> Iterator[Named]:
    found = manifest.read_or_none(raw)
    if found is None or path.name == _OF_NO_VERSION or not found.size or not found.sha256:
        return
    try:
        version = Version.parse(found.version)
    except ValueError:
        return
    yield Named(version, found.size, found.sha256, found.signature, f"{path} ({where})")


def owner(known: Iterable[Named], stated: manifest.Manifest) -> Named | None:
    """As `first_of`, for what a manifest states."""
    try:
        return first_of(known, Version.parse(stated.version), (stated.size, stated.sha256))
    except ValueError:
        return None


def first_of(known: Iterable[Named], version: Version, file: tuple[int, str]) -> Named | None:
    """Who named this file first, if that was a lower version; None where the file is the version's own.

    Who comes later is wrong, and so is a higher version: those are not this one's fault.
    """
    first = next((one for one in known if one.file == file), None)
    return first if first is not None and first.version < version else None


def versions_of(known: Iterable[Named], size: int, sha256: str) -> list[Version]:
    """Every version that a manifest names this file for, the first first."""
    return list(dict.fromkeys(one.version for one in known if one.file == (size, sha256)))


def signed_elsewhere(known: Iterable[Named], stated: manifest.Manifest) -> Named | None:
    """Another file that a manifest names with the same signature, which can be valid over one of them only; None where there is none."""
    if stated.signature is None:
        return None
    return next((one for one in known if one.signature == stated.signature and one.file != (stated.size, stated.sha256)), None)


def trouble(known: Sequence[Named], stated: manifest.Manifest, signed: bool | None) -> str:
    """What is carried over from another release, in a sentence; "" where nothing is.

    `signed` tells whether the signature was seen to be valid over the stated file: then it is the other one that is not.
    """
    if (before := owner(known, stated)) is not None:
        return f"{stated.version} stands over the file of {before.version}: the same size and sha256 in {before.where}."
    if signed is not True and (other := signed_elsewhere(known, stated)) is not None:
        return f"The signature is that of another file, of {other.version} in {other.where}."
    return ""
