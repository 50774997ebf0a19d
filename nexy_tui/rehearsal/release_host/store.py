"""What the release host knows: releases and their assets, in one JSON file beside a folder of blobs. It survives a restart."""

from __future__ import annotations

import json
import re
import time
import unicodedata
import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nexy_tui.rehearsal.names import ARTIFACTS, CODE, World
from nexy_tui.rehearsal.release_host import reaper

STARTER, UPLOADED = "starter", "uploaded"
_FIRST_ID = 40_000_000


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository the release host knows."""

    id: int
    full_name: str
    private: bool


REPOSITORIES = {
    CODE.lower(): Repository(701, CODE, private=True),
    ARTIFACTS.lower(): Repository(702, ARTIFACTS, private=False),
}
"""By lower-case full name: GitHub does not mind letter case. Clients download without a token, so the artifacts are public."""


@dataclass(slots=True)
class StoredAsset:
    """A file of a release. `blob` names its bytes in the blob folder; a `starter` has none yet."""

    id: int
    name: str
    label: str
    content_type: str
    uploader: str
    blob: str
    state: str = STARTER
    size: int = 0
    digest: str | None = None
    created_at: str = ""
    updated_at: str = ""
    download_count: int = 0


@dataclass(slots=True)
class StoredRelease:
    """A release of a repository."""

    id: int
    repository: str
    tag: str
    name: str
    author: str
    body: str = ""
    target: str = "main"
    draft: bool = False
    prerelease: bool = False
    created_at: str = ""
    published_at: str = ""
    assets: dict[int, StoredAsset] = field(default_factory=dict)

    def named(self, name: str) -> StoredAsset | None:
        """The asset of this name, whatever its state."""
        return next((asset for asset in self.assets.values() if asset.name == name), None)


@dataclass(slots=True)
class Displaced:
    """The bytes a name stood for before its last change of hands, and how often they were served since."""

    asset: int
    blob: str
    name_taken: bool = False
    served: int = 0


class Store:
    """The release host's state. Every change is in the file, whole or not at all, before the method returns.

    It outlives its process, not the machine: waiting for the disk would lengthen every answer by whatever else is being written.
    """

    def __init__(self, world: World) -> None:
        self.folder = world.releases
        self.blobs = world.releases / "blobs"
        self.displaced: dict[tuple[int, str], Displaced] = {}
        self._file = world.releases / "state.json"
        self._account = world.log / "assets.jsonl"
        self._next_id = _FIRST_ID
        self._releases: dict[int, StoredRelease] | None = None

    @property
    def releases(self) -> dict[int, StoredRelease]:
        """Every release by id, read from the disk at first use."""
        if self._releases is None:
            self._releases = self._load()
            self._sweep()
        return self._releases

    def of(self, repository: Repository) -> list[StoredRelease]:
        """A repository's releases, newest first."""
        found = [release for release in self.releases.values() if release.repository == repository.full_name]
        return sorted(found, key=lambda release: release.id, reverse=True)

    def holder(self, blob: str) -> tuple[StoredRelease, StoredAsset] | None:
        """The asset whose bytes a blob holds."""
        every = ((release, asset) for release in self.releases.values() for asset in release.assets.values())
        return next(((release, asset) for release, asset in every if asset.blob == blob), None)

    def path(self, blob: str) -> Path:
        """Where a blob's bytes lie."""
        return self.blobs / blob

    # --- changes ---

    def add_release(self, repository: Repository, tag: str, author: str, **details: Any) -> StoredRelease:
        """Make a release."""
        now, known = timestamp(), self.releases
        made = StoredRelease(self._take_id(), repository.full_name, tag, author=author, created_at=now, published_at=now, **details)
        known[made.id] = made
        self.save()
        return made

    def remove_release(self, release: StoredRelease) -> None:
        """Delete a release and its assets."""
        for asset in list(release.assets.values()):
            self.remove(release, asset)
        del self.releases[release.id]
        self.save()

    def begin(self, release: StoredRelease, name: str, label: str, content_type: str, uploader: str) -> StoredAsset:
        """An upload begins: the name is taken by an asset in state `starter`."""
        now = timestamp()
        asset = StoredAsset(self._take_id(), name, label, content_type, uploader, uuid.uuid4().hex, created_at=now, updated_at=now)
        release.assets[asset.id] = asset
        self.save()
        return asset

    def complete(self, release: StoredRelease, asset: StoredAsset, size: int, sha256: str) -> None:
        """An upload's bytes are all there."""
        asset.state, asset.size, asset.digest, asset.updated_at = UPLOADED, size, f"sha256:{sha256}", timestamp()
        self._took(release, asset)
        self.save()

    def edit(self, release: StoredRelease, asset: StoredAsset, name: str, label: str) -> None:
        """Give an asset another name, which nobody else may have, or another label."""
        asset.label = label
        if name != asset.name:
            self._left(release, asset)
            asset.name, asset.updated_at = name, timestamp()
            self._took(release, asset)
        self.save()

    def remove(self, release: StoredRelease, asset: StoredAsset, *, keep_bytes: bool = False) -> None:
        """Delete an asset. A download that has begun still ends well: it holds the file open."""
        if keep_bytes:
            self._left(release, asset)
        else:
            reaper.remove(self.path(asset.blob))
        del release.assets[asset.id]
        self.save()

    def save(self) -> None:
        """Write the state."""
        document = {"next_id": self._next_id, "releases": [asdict(release) for release in self.releases.values()]}
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_suffix(".tmp")
        temporary.write_text(json.dumps(document, indent=1), encoding="utf-8")
        temporary.replace(self._file)
        self._note()

    # --- inside ---

    def _note(self) -> None:
        """One line of the world's account: what every name of the artifacts' releases stands for from this moment on."""
        now = {
            release.tag: {asset.name: [asset.id, asset.state, asset.size, asset.digest] for asset in release.assets.values()}
            for release in self.of(REPOSITORIES[ARTIFACTS.lower()])
        }
        with self._account.open("a", encoding="utf-8") as account:
            account.write(json.dumps({"time": time.time(), "assets": now}) + "\n")

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def _left(self, release: StoredRelease, asset: StoredAsset) -> None:
        if asset.state == UPLOADED:
            self.displaced[release.id, asset.name] = Displaced(asset.id, asset.blob)

    def _took(self, release: StoredRelease, asset: StoredAsset) -> None:
        before = self.displaced.get((release.id, asset.name))
        if before is not None:
            before.name_taken, before.served = True, 0

    def _load(self) -> dict[int, StoredRelease]:
        try:
            document = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        self._next_id = document["next_id"]
        found: dict[int, StoredRelease] = {}
        for fields in document["releases"]:
            assets = {asset["id"]: StoredAsset(**asset) for asset in fields.pop("assets").values()}
            found[fields["id"]] = StoredRelease(**fields, assets=assets)
        return found

    def _sweep(self) -> None:
        """Throw away bytes that belong to no asset: what an upload left that ended with the server."""
        if not self.blobs.is_dir():
            return
        for path in self.blobs.iterdir():
            held = self.holder(path.name)
            if held is None or held[1].state != UPLOADED:
                path.unlink()


def timestamp() -> str:
    """Now, as GitHub writes times."""
    return datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clean_name(name: str) -> str:
    """The name GitHub gives an asset: accents go, special characters become dots, dots never lead, trail or repeat."""
    text = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    if text.startswith("."):
        text = "default" + text
    text = re.sub(r"[^A-Za-z0-9_+@-]+", ".", text).strip(".")
    return f"default.{text}" if text and text != name and "." not in text else text
