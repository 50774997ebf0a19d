"""Sync: the manifest files made to agree with the bytes at the release URL, whatever they said before (rulebook 4.1).

The source is a file of the checkout that agrees with those bytes, whichever directory it stands in; where none does, the
manifest is rebuilt from the bytes. The version is that of the bytes too: the one inside the image, or the one that manifests
have named for this file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from checks.base import Scope
from checks.named import Named, look_named, versions_of
from checks.publish import brought_back, read_place
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.actions.manifests import commit_message, compose_for
from nexy_tui.actions.prepared import kept_aside, move, prepare, settle
from nexy_tui.core import manifest
from nexy_tui.core.finding import Evidence
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.core.remedy import Act, preceded
from nexy_tui.core.target import DMG
from nexy_tui.core.version import Version
from nexy_tui.services import Services
from nexy_tui.services.artifact import Inspected, Unfit, inspect
from nexy_tui.services.plain_file import read_plain, read_version_text
from nexy_tui.services.remotes import require_only_manifests


class SyncManifests:
    """Makes the manifest files agree with the bytes at the release URL: copied from one that is true, else rebuilt."""

    name = "sync-manifests"
    title = "Sync the manifests"
    writes_outside = True

    def applies(self, _: Plan) -> bool:
        """Every kind of run may need it."""
        return True

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The files and the push."""
        version = str(plan.published or "<version>")
        return [
            f"download {plan.target.asset_url(DMG)}, see which version it is, and compare the manifests with those bytes",
            "copy the one that is true of them; where none is, rebuild it from the bytes",
            *(f"write {path} (the version being that of the bytes)" for path in services.layout.manifest_files(version)),
            f'git commit -m "{commit_message(version)}" (these files alone), push to {services.git.release_branch()}, fast-forward only',
        ]

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """Nothing is typed for it."""
        return None

    def run(self, context: ActionContext) -> ActionResult:
        """Download, copy or rebuild, push. Raises Refused where nobody can tell the bytes' version, or other work would be pushed along."""
        services, plan = context.services, context.plan
        require_only_manifests(services.git)
        services.settings.state_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="download-", dir=services.settings.state_dir) as folder:
            image = _download(context, Path(folder))
            known = look_named(Scope(services, plan, context.trusted, emit=context.emit))
            version = _version_of(image, known, plan)
            _require_version_file(services, plan, version)
            sync = _Sync(context, image, version, known)
            found = next(sync.true_ones(), None)
            where, raw = found if found is not None else ("the bytes at the release URL, anew", sync.rebuilt())
        with kept_aside(context):
            prepared = prepare(context, raw, of=None if version == plan.published else str(version))
            commit = move(context, prepared)
        pushed = settle(context, prepared, commit)
        return ActionResult(
            f"The manifests of {version} are on {pushed.branch} ({pushed.commit[:12]}), from {where}.",
            evidence=(Evidence("manifest sha256", pushed.sha256, f"{plan.target.code_repository} {pushed.commit}"),),
            digests={"manifests": pushed.sha256},
            manifest_commit=pushed.commit,
            changed=pushed.changed,
        )


@dataclass(frozen=True)
class _Sync:
    """One sync: the downloaded image, its version, and the files that manifests have named."""

    context: ActionContext
    image: Inspected
    version: Version
    known: tuple[Named, ...]

    def true_ones(self) -> Iterator[tuple[str, bytes]]:
        """Every manifest file of the checkout that is sound and true of the image, with its path."""
        checkout = self.context.services.checkout
        for path in self.context.services.layout.manifest_files(str(self.version)):
            try:
                raw = read_plain(checkout / path, manifest.MAX_SIZE + 1, checkout)
            except OSError:
                continue
            stated = manifest.read_or_none(raw)
            if stated is not None and self._is_true(stated):
                yield str(path), raw

    def _is_true(self, stated: manifest.Manifest) -> bool:
        services, plan, image = self.context.services, self.context.plan, self.image
        url = plan.target.asset_url(DMG)
        if stated.differences(version=str(self.version), url=url, size=image.size, sha256=image.sha256):
            return False
        if stated.signature is None:
            return not (plan.target.sparkle_public_key and plan.kind.publishes)
        return services.sparkle.verifies and services.sparkle.verify(image.path, stated.signature, sha256=image.sha256).valid

    def rebuilt(self) -> bytes:
        """The manifest of the image. Raises Refused where a signature is wanted and none can be had."""
        services, plan, image = self.context.services, self.context.plan, self.image
        made = compose_for(services, plan, self.version, size=image.size, sha256=image.sha256, signature=self._signature())
        return made.render()

    def _signature(self) -> str | None:
        """Made anew, or from the inbox; else one that a manifest of this very file carries and that is valid over it."""
        services, image = self.context.services, self.image
        try:
            made = services.sparkle.signature_for(image.path, services.layout.inbox, sha256=image.sha256, cancelled=self.context.cancelled)
        except Refused:
            carried = dict.fromkeys(one.signature for one in self.known if one.file == (image.size, image.sha256) and one.signature)
            valid = (
                one for one in carried if services.sparkle.verifies and services.sparkle.verify(image.path, one, sha256=image.sha256).valid
            )
            if (found := next(valid, None)) is not None:
                return found
            if not self.context.plan.kind.publishes and not carried:
                return None  # It was published without one, and this run publishes nothing.
            raise
        return None if made is None else made.value


def _download(context: ActionContext, folder: Path) -> Inspected:
    services, plan = context.services, context.plan
    host = services.github.watched(context.emit, context.cancelled)
    with (folder / DMG).open("w+b") as sink:
        got = host.download(plan.target.tag_for(DMG), DMG, subject=DMG, phase="downloading", sink=cast(BinaryIO, sink))
    if got is None:
        raise Refused(
            f"Nothing is at {plan.target.asset_url(DMG)}.",
            "There are no bytes to speak of.",
            brought_back(read_place(host, plan.target, DMG), plan),
        )
    try:
        found = inspect(folder, DMG, services.clock, services.environ)
    except Unfit as error:
        raise Refused(f"The file at the release URL {error}.", "No manifest may name it.", brought_back(None, plan)) from None
    if found is None:
        raise Refused("The downloaded file vanished.", remedy="Run it again.")
    return found


def _version_of(image: Inspected, known: Sequence[Named], plan: Plan) -> Version:
    """The version inside the image; where that is no help, the first that a manifest named for this file."""
    named = versions_of(known, image.size, image.sha256)
    if image.contents.unread:
        if named:
            return named[0]
        raise Refused(
            f"Nobody can tell which version the bytes at the release URL are: {image.contents.unread}",
            "A version raised over other bytes is offered to clients without end.",
            preceded("Install 7-Zip (7zz) and run it again; or bring a file out anew.", brought_back(None, plan)),
        )
    asked = [*named, *(version for version in (plan.published, plan.version) if version is not None), *_versions(image)]
    found = next((version for version in asked if not image.contents.unlike(str(version))), named[0] if named else None)
    if found is None:
        raise Refused(
            f"The image at the release URL is of no one version ({'; '.join(image.contents.unlike(str(plan.version)))}).",
            "A manifest names exactly one.",
            preceded("Build it anew.", brought_back(None, plan)),
        )
    return found


def _versions(image: Inspected) -> Iterator[Version]:
    for text in image.contents.versions.values():
        try:
            yield Version.parse(text)
        except ValueError:
            continue


def _require_version_file(services: Services, plan: Plan, version: Version) -> None:
    """An update-only release pushes VERSION along with its manifests. Raises Refused where that says another."""
    if plan.kind is not Kind.UPDATE_ONLY or version != plan.published:
        return
    written = read_version_text(services.layout)
    if written != str(version):
        raise Refused(
            f"VERSION says {written[:40]}, and the release {version}.",
            "An update-only release pushes VERSION with its manifests.",
            Act("bump", f"bump {version}", "Write it, then run this again"),
        )
