"""The releases as they show now: the faults that hide or freeze them work here, for every face of the release host alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, TypeVar

from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.names import ARTIFACTS, CODE, RENAMED, World
from nexy_tui.rehearsal.release_host import documents as shapes
from nexy_tui.rehearsal.release_host.access import Account, ApiError, not_found
from nexy_tui.rehearsal.release_host.store import REPOSITORIES, Repository, Store, StoredAsset, StoredRelease

Found = Mapping[str, str]
"""The named parts of a request's path."""

_T = TypeVar("_T")


class ReleaseView:
    """Looks things up in the store, on behalf of an account."""

    def __init__(self, world: World, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults
        self._world = world

    def repository(self, found: Found, account: Account) -> Repository:
        """The repository a path names. Raises 404 where the asker may not know it."""
        name = f"{found['owner']}/{found['repo']}".lower()
        known = REPOSITORIES.get(CODE.lower() if self.renamed and name == RENAMED.lower() else name)
        if known is None or not account.sees(known):
            raise not_found()
        return known

    @property
    def renamed(self) -> bool:
        """Whether the code repository goes by another name now."""
        return self.faults.active("repository-renamed")

    def repository_document(self, known: Repository, account: Account) -> dict[str, Any]:
        """A repository's JSON, under the name that it has now."""
        named = replace(known, full_name=RENAMED) if self.renamed and known.full_name == CODE else known
        return shapes.repository(named, account, self._world.bare(known.full_name))

    def releases(self, repository: Repository) -> list[StoredRelease]:
        """A repository's releases, newest first, without one the fault `missing-tag` takes away."""
        shown = self.store.of(repository)
        if repository.full_name != ARTIFACTS or not self.faults.active("missing-tag"):
            return shown
        hidden = self.faults.param("missing-tag") or self._world.target.dmg_tag
        return [release for release in shown if release.tag != hidden]

    def tagged(self, repository: Repository, tag: str) -> StoredRelease:
        """The published release of a tag. Raises 404."""
        return first([release for release in self.releases(repository) if release.tag == tag and not release.draft])

    def release(self, repository: Repository, number: str) -> StoredRelease:
        """A release by its id. Raises 404."""
        return first([release for release in self.releases(repository) if release.id == int(number)])

    def asset(self, repository: Repository, number: str) -> tuple[StoredRelease, StoredAsset]:
        """An asset by its id, with its release. Raises 404."""
        return first([(each, each.assets[int(number)]) for each in self.releases(repository) if int(number) in each.assets])

    def frozen(self, release: StoredRelease) -> bool:
        """Whether the release refuses every change (GitHub's immutable releases)."""
        return self.faults.active("immutable-release") and not release.draft

    def require_open(self, release: StoredRelease, message: str) -> None:
        """Raise 422 where the release is immutable."""
        if self.frozen(release):
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, message)

    def document(self, release: StoredRelease) -> dict[str, Any]:
        """A release's JSON."""
        return shapes.release(release, immutable=self.frozen(release))


def first(found: list[_T]) -> _T:
    """The first of them. Raises 404 where there is none."""
    if not found:
        raise not_found()
    return found[0]
