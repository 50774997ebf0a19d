"""One publishing, step by step (rulebook phase 2, section 4.1; contracts: GitHub releases).

Everything that can fail comes before the swap: the upload, its verification, and the manifest commit, made from what was downloaded
and waiting aside. After the swap only the verification and the branch's ref remain, and where either fails the names go back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checks.publish import ArtifactPlace, previous_name
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.actions.before_publish import (
    mark,
    mark_begin,
    mark_remote,
    require_artifacts,
    require_target,
    sign,
    signed_value,
    uploaded,
)
from nexy_tui.actions.bump import needed
from nexy_tui.actions.manifests import compose, require_pushable
from nexy_tui.actions.prepared import Prepared, as_given, kept_aside, move, prepare, settle
from nexy_tui.actions.swap import ROOM, Swapped, heal, swap, take_back
from nexy_tui.actions.together import Stop, together
from nexy_tui.actions.uploading import Staged, Stager, same_bytes
from nexy_tui.core import manifest
from nexy_tui.core.event import Exposure, PointOfNoReturn
from nexy_tui.core.finding import Evidence
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed, Cancelled, CouldNotLook, Problem
from nexy_tui.core.remedy import Act, preceded
from nexy_tui.core.target import DMG
from nexy_tui.services import Services
from nexy_tui.services.artifact import Inspected
from nexy_tui.services.download import Downloaded
from nexy_tui.services.github import GitHubRelease
from nexy_tui.services.sparkle import Signature
from nexy_tui.services.swap_guard import SwapGuard, guard_of
from nexy_tui.services.update_server import look_offer

Downloads = Mapping[str, Downloaded]


@dataclass(frozen=True)
class Publication:
    """One publishing. Raises Problem; what clients get is then as it was, or said."""

    context: ActionContext

    @property
    def _services(self) -> Services:
        return self.context.services

    @property
    def _plan(self) -> Plan:
        return self.context.plan

    def run(self) -> ActionResult:
        """Publish, going on from whatever an earlier run left."""
        mark_begin(self.context)
        releases, artifacts = self._require_all()
        with guard_of(self._services) as guard, kept_aside(self.context):
            staged, signature = self._bring(releases, artifacts)
            value = signed_value(signature, staged[DMG].local)
            document = self._document(staged[DMG], value)
            prepared = self._prepare(document, waiting=staged[DMG].in_place)
            swapped = self._swap(staged, guard)
            downloads = self._verify(staged, swapped)
            commit = self._move(prepared, swapped)
        pushed = settle(self.context, prepared, commit)
        mark(self.context, "RELEASE COMPLETE")
        signed = Evidence("ed25519", value or "none: no key is configured", "left out" if signature is None else signature.source)
        digests = {name: download.sha256 for name, download in downloads.items()}
        return ActionResult(
            f"{', '.join(staged)} of {needed(self._plan)} published; manifests on {pushed.branch} ({pushed.commit[:12]}).",
            evidence=(*_evidence(staged, swapped, downloads), signed),
            digests={**digests, "manifests": pushed.sha256},
            manifest_commit=pushed.commit,
            changed=bool(swapped) or pushed.changed,
        )

    def _require_all(self) -> tuple[dict[str, GitHubRelease], dict[str, Inspected]]:
        """All that can refuse before the first byte is sent. The inbox is read while the hosts are asked."""

        def hosts(_: Stop) -> dict[str, GitHubRelease]:
            releases = self._heal(require_target(self.context))
            require_pushable(self._services, self._plan.version)
            return releases

        def inbox(stop: Stop) -> Mapping[str, Inspected]:
            return require_artifacts(self.context, stop)

        jobs: dict[str, Callable[[Stop], Any]] = {"hosts": hosts, "inbox": inbox}
        done = together(jobs, self.context.cancelled)
        return done["hosts"], done["inbox"]

    def _heal(self, places: Sequence[ArtifactPlace]) -> dict[str, GitHubRelease]:
        """The first write of every run: a swap that was cut off between its renames is put right."""
        host = self._services.github.watched(self.context.emit)
        found = {}
        for place in places:
            if place.release is not None:
                heal(host, place.name, dict(place.assets), self.context.emit)
                found[place.name] = place.release
        return found

    def _bring(
        self, releases: Mapping[str, GitHubRelease], artifacts: Mapping[str, Inspected]
    ) -> tuple[dict[str, Staged], Signature | None]:
        """Every artifact to the host at the same time, and the signature meanwhile."""

        def stage(name: str) -> Callable[[Stop], Staged | Signature | None]:
            host, clock = self._services.github, self._services.clock
            return lambda stop: Stager(host, clock, self.context.emit, stop).stage(releases[name], artifacts[name])

        def signed(stop: Stop) -> Staged | Signature | None:
            return sign(self.context, artifacts[DMG], stop)

        done = together({**{name: stage(name) for name in artifacts}, "signature": signed}, self.context.cancelled)
        made = done.pop("signature")
        staged = {name: result for name, result in done.items() if isinstance(result, Staged)}
        return staged, made if isinstance(made, Signature) else None

    def _document(self, image: Staged, signature: str | None) -> manifest.Manifest:
        """The manifest of what the image's own address on the host gives: never of the inbox's figures alone."""
        made = compose(self._services, self._plan, size=image.proven.size, sha256=image.proven.sha256, signature=signature)
        return as_given(self._services.git, made)

    def _prepare(self, document: manifest.Manifest, *, waiting: bool) -> Prepared:
        """The manifest commit. `waiting`: an earlier run made the swap and was cut off, so clients wait unless all is deployed."""
        waiting = waiting and not look_offer(self._services.update_server).is_of(document)
        if waiting:
            self.context.emit(Exposure(0.0, open=True))
        try:
            return prepare(self.context, document.render())
        except Problem as error:
            if not waiting or isinstance(error, Cancelled):
                raise
            raise _left_open(error) from None

    def _swap(self, staged: Mapping[str, Staged], guard: SwapGuard) -> list[Swapped]:
        waiting = [one for one in staged.values() if not one.in_place]
        for one in staged.values():
            if one.in_place:
                mark(self.context, f"{uploaded(self._plan, one.local.name)} (it was there already)")
        if not waiting:
            return []
        self.context.last_look()
        guard.ready()
        self._services.github.watched(self.context.emit, self.context.cancelled).make_room(ROOM * len(waiting))
        if self.context.cancelled():
            raise Cancelled("Stopped before the swap: clients still get the release before.")
        self.context.intent("replace the download", **{one.local.name: one.local.sha256 for one in waiting})
        self.context.emit(PointOfNoReturn("The download is being replaced."))
        host, done = self._services.github.watched(self.context.emit), list[Swapped]()
        for one in waiting:
            try:
                name, clock = one.local.name, self._services.clock
                done.append(swap(host, one.release, name, one.asset, aside=previous_name(name), guard=guard, clock=clock))
            except Problem as error:
                if not done:
                    raise
                raise ActionFailed(error.what, self._take_back(done) + error.why, error.remedy) from None
            self.context.emit(Exposure(0.0, open=True))
            mark(self.context, uploaded(self._plan, one.local.name))
        return done

    def _verify(self, staged: Mapping[str, Staged], swapped: Sequence[Swapped]) -> dict[str, Downloaded]:
        """What clients get now; of what was in place before, that is known. Anything but exactly the local file, after asking again, is
        taken back.
        """
        mark(self.context, "Verifying uploaded artifact from release URL...")
        host = self._services.github.watched(self.context.emit)

        def fetch(one: Staged) -> Callable[[Stop], Downloaded | None]:
            name, wanted = one.local.name, (one.local.size, one.local.sha256)
            return lambda _: host.settled(one.release.tag, name, wanted, subject=name, phase="verifying the download")

        got: dict[str, Downloaded | None] = {name: one.proven for name, one in staged.items() if one.in_place}
        try:
            got |= together({name: fetch(one) for name, one in staged.items() if not one.in_place}, lambda: False)
        except Problem as error:
            back = self._take_back(swapped)
            what = f"The download could not be verified: {error.what}"
            raise ActionFailed(what, f"{back}No manifest was pushed.", error.remedy) from None
        for download in got.values():
            mark_remote(self.context, download)
        wrong = [_both_sides(one, got[name]) for name, one in staged.items() if not same_bytes(got[name], one.local)]
        if wrong:
            back = self._take_back(swapped)
            remedy = "Look at the release page and at the host's status page, then run again."
            raise ActionFailed(f"The download is not what was published: {'; '.join(wrong)}.", f"{back}No manifest was pushed.", remedy)
        return {name: download for name, download in got.items() if download is not None}

    def _move(self, prepared: Prepared, swapped: Sequence[Swapped]) -> str:
        """The branch's ref, the last thing. Where it certainly did not move the download goes back: nobody is left waiting for it."""
        try:
            return move(self.context, prepared)
        except CouldNotLook as error:
            raise _left_open(error) from None
        except Problem as error:
            if not swapped:
                raise _left_open(error) from None
            raise ActionFailed(error.what, f"{self._take_back(swapped)}The release branch did not move.", error.remedy) from None

    def _take_back(self, swapped: Sequence[Swapped]) -> str:
        """Undo every swap; a sentence on how that went."""
        if not swapped:
            return ""
        trouble = take_back(self._services.github.watched(self.context.emit), swapped)
        if trouble:
            return f"{trouble} "
        self.context.emit(Exposure(0.0, open=False))
        return "The release before is back in place. "


def _left_open(error: Problem) -> Problem:
    """The download is replaced and its manifests may not be out: by an earlier run, or nobody can tell."""
    why = "The download is already replaced: clients that follow the live appcast refuse it until its manifests are out."
    remedy = preceded(
        f"{error.remedy} Then", Act("publish", "publish", then="goes on from there; `nexy-tui rollback` puts the release before back.")
    )
    return type(error)(error.what, why, remedy)


def _both_sides(one: Staged, got: Downloaded | None) -> str:
    remote = "nothing" if got is None else str(got)
    return f"{one.local.name}: the release URL gives {remote}; the inbox has {one.local.size} bytes, sha256 {one.local.sha256}"


def _evidence(staged: Mapping[str, Staged], swapped: Sequence[Swapped], downloads: Mapping[str, Downloaded]) -> tuple[Evidence, ...]:
    rows = [Evidence(f"{name} at the release URL", str(got), got.url, got.time) for name, got in downloads.items()]
    for name, one in staged.items():
        rows.append(Evidence(f"{name} sent", "in this run" if one.uploaded else "found there by its digest", one.asset.name))
    rows += [Evidence(f"{one.name} out of place", f"{one.gap_s * 1000:.0f} ms", "between the two renames") for one in swapped]
    return tuple(rows)
