"""The world as it stands before a run: what is served, what is published, where the branch stands, and what follows from that."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from checks.named import named_at, owner
from nexy_tui.core import manifest
from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import Problem
from nexy_tui.core.version import Version
from nexy_tui.services import Services
from nexy_tui.services.manifest_places import directories_at
from nexy_tui.services.plain_file import read_version_text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Before:
    """The world before the run: what the live server shows, what the branch's manifest says, where the branch stands.

    `appcast_missing` tells that the server can make no appcast (HTTP 500): the release may be the cure.
    """

    served: Version | None
    published: Version | None
    base_commit: str | None
    appcast_missing: bool = False


def look_before(services: Services) -> Before:
    """What genesis records. A part that cannot be seen is None; the checks that need it will say so."""
    base = or_none(services.git.release_tip)
    return Before(_served(services), _published(services, base), base, _appcast_missing(services))


def propose_version(services: Services, before: Before) -> Version | None:
    """The version to suggest: the file VERSION where it is already raised, else the next build after what is out."""
    known = [version for version in (before.served, before.published) if version is not None]
    written = written_version(services)
    if written is not None and all(written > version for version in known):
        return written.next_build() if _was_out(services, before, written) else written
    return max(known).next_build() if known else None


def kind_of_release(services: Services, version: Version | None, before: Before) -> Kind:
    """Which kind of run made a release: its tag's message says so.

    Without a tag, a manifest of that version was published alone, unless the branch has its release commit: then the tag is lost.
    """
    if version is None:
        return Kind.FULL
    message = or_none(lambda: services.git.remote_tag_message(version.tag))
    if message is None:
        base = before.base_commit
        tagged = base is not None and or_none(lambda: services.git.release_commit(version.tag, base)) is not None
        return Kind.UPDATE_ONLY if before.published == version and not tagged else Kind.FULL
    match = re.search(r"^Nexy-Kind: (full|update-only|code-only)$", message, re.MULTILINE)
    return Kind(match[1]) if match else Kind.FULL


def _was_out(services: Services, before: Before, version: Version) -> bool:
    """Whether the branch ever had a version's own manifest: then it was published, and rolled back since."""
    git, base = services.git, before.base_commit
    if base is None:
        return False
    name = f"manifest_{version}.json"
    return or_none(lambda: git.last_commit_of(base, [folder / name for folder in directories_at(git, base)])) is not None


def written_version(services: Services) -> Version | None:
    """The version that the checkout's VERSION names; None where it names none."""
    return or_none(lambda: Version.parse(read_version_text(services.layout)))


def released_version(services: Services, commit: str | None) -> Version | None:
    """The version that VERSION names at a commit; None where it names none."""
    path = services.layout.relative("VERSION")
    return None if commit is None else or_none(lambda: Version.parse((services.git.show(commit, path) or b"").decode("utf-8").strip()))


def _served(services: Services) -> Version | None:
    live = or_none(services.update_server.health)
    return version_or_none(live.said.latest_version) if live is not None and live.said is not None else None


def _appcast_missing(services: Services) -> bool:
    appcast = or_none(services.update_server.appcast)
    return appcast is not None and appcast.status == 500


def _published(services: Services, base: str | None) -> Version | None:
    """The version that the branch's manifest names; where it stands over another version's file, that one: clients have no other."""
    if base is None:
        return None

    def read() -> Version:
        if not services.git.has_commit(base):
            services.git.fetch()
        stated = manifest.read(services.git.show(base, directories_at(services.git, base)[0] / "manifest.json") or b"")
        before = owner(named_at(services.git, base), stated)
        return before.version if before is not None else Version.parse(stated.version)

    return or_none(read)


def version_or_none(text: str | None) -> Version | None:
    """The text as a version; None where it is none."""
    return or_none(lambda: Version.parse(text or ""))


def or_none(look: Callable[[], T]) -> T | None:
    """What a look sees; None where it could not see."""
    try:
        return look()
    except (Problem, ValueError, OSError):
        return None
