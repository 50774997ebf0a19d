"""Publish: the artifacts and then their manifests, without ever taking the download away (rulebook phase 2, section 4.1).

Everything that can be checked or asked comes before the swap; the manifests are written from what a client downloads
after it; a download that stays wrong is taken back and nothing is pushed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checks.inbox import expected, judge_dmg, judge_exists, judge_pkg, judge_version, read_inbox
from checks.publish import ArtifactPlace, judge_target, previous_name, read_target
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.actions.bump import needed
from nexy_tui.actions.manifests import Pushed, commit_message, compose, push_manifests, require_pushable
from nexy_tui.actions.swap import ROOM, Swapped, heal, swap, take_back
from nexy_tui.actions.together import Stop, together
from nexy_tui.actions.uploading import Staged, Stager, same_bytes
from nexy_tui.core.event import Exposure, OutputLine, PointOfNoReturn
from nexy_tui.core.finding import Evidence, Status, Verdict
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed, Cancelled, CouldNotLook, Problem, Refused
from nexy_tui.core.remedy import Act
from nexy_tui.core.target import DMG
from nexy_tui.services import Services
from nexy_tui.services.artifact import Inspected
from nexy_tui.services.download import Downloaded
from nexy_tui.services.github import GitHubRelease
from nexy_tui.services.sparkle import Signature
from nexy_tui.services.swap_guard import SwapGuard, guard_of
from nexy_tui.services.update_server import look_offer


class Publish:
    """The publisher. With `dry_run` it does everything up to the first write, and writes nothing anywhere."""

    title = "Publish the artifacts and their manifests"

    def __init__(self, *, dry_run: bool = False) -> None:
        self.dry_run = dry_run
        self.name = "publish-dry-run" if dry_run else "publish"
        self.writes_outside = not dry_run

    def applies(self, plan: Plan) -> bool:
        """A code-only run publishes nothing."""
        return plan.kind.publishes

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """Upload, swap, verification, manifests, push: each with its names."""
        target, version = plan.target, needed(plan)
        lines = []
        for name in expected(plan):
            lines += [
                f"upload {name} to {target.artifacts_repository}, release {target.tag_for(name)}, as incoming-<sha256>-{name}",
                "verify its state, size, digest and downloaded bytes there",
                f"delete {previous_name(name)}; rename {name} to {previous_name(name)}; rename the new file to {name}",
                f"download {target.asset_url(name)} and compare; rename back if other bytes come",
            ]
        lines += [f"write {path}" for path in services.layout.manifest_files(str(version))]
        lines.append(f'git commit -m "{commit_message(version)}" (these files alone), push to {target.code_url()}, fast-forward only')
        return [f"(dry run, not done) {line}" for line in lines] if self.dry_run else lines

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """World and version are typed; nothing besides."""
        return None

    def run(self, context: ActionContext) -> ActionResult:
        """Publish, going on from whatever an earlier run left. Raises Problem; what clients get is then as it was, or said."""
        if not context.plan.kind.publishes:
            raise Refused("A code-only run publishes no artifacts.", remedy="Start a run of kind full or update-only.")
        return _Publication(context).dry_run() if self.dry_run else _Publication(context).run()


@dataclass(frozen=True)
class _Publication:
    """One publishing, step by step."""

    context: ActionContext

    @property
    def _services(self) -> Services:
        return self.context.services

    @property
    def _plan(self) -> Plan:
        return self.context.plan

    def run(self) -> ActionResult:
        self._mark(f"Current Version: {needed(self._plan)}")
        self._mark(f"Target Repo: {self._plan.target.artifacts_repository}")
        releases, artifacts = self._require_all()
        with guard_of(self._services) as guard:
            staged, signature = self._bring(releases, artifacts)
            image = staged[DMG].local
            value = self._value(signature, image)
            document = compose(self._services, self._plan, size=image.size, sha256=image.sha256, signature=value)
            swapped = self._swap(staged, guard)
            if not swapped and not look_offer(self._services.update_server).is_of(document):
                self.context.emit(Exposure(0.0, open=True))  # A run before this one made the swap, and was cut off.
            downloads = self._verify(staged, swapped)
        pushed = self._push(downloads[DMG], value, swapped)
        self._mark("RELEASE COMPLETE")
        signed = Evidence("ed25519", value or "none: no key is configured", "left out" if signature is None else signature.source)
        digests = {name: download.sha256 for name, download in downloads.items()}
        return ActionResult(
            f"{', '.join(staged)} of {needed(self._plan)} published; manifests on {pushed.branch} ({pushed.commit[:12]}).",
            evidence=(*_evidence(staged, swapped, downloads), signed),
            digests={**digests, "manifests": pushed.sha256},
            manifest_commit=pushed.commit,
            changed=bool(swapped) or pushed.changed,
        )

    def dry_run(self) -> ActionResult:
        """Nothing is written, so no right to write is needed; that one is missing is told as the refusal it would be."""
        self._mark(f"Current Version: {needed(self._plan)}")
        self._mark(f"Target Repo: {self._plan.target.artifacts_repository}")
        refusals = [self._refusal(self._require_target), self._refusal(lambda: require_pushable(self._services))]
        artifacts = self._require_artifacts(self.context.cancelled)
        image = artifacts[DMG]
        made = self._sign(image, self.context.cancelled)
        compose(self._services, self._plan, size=image.size, sha256=image.sha256, signature=self._value(made, image))
        host = self._services.github.watched(self.context.emit, self.context.cancelled)
        for name in artifacts:
            self._mark(f"{_uploaded(self._plan, name)} (dry run: nothing was sent)")
        self._mark("Verifying uploaded artifact from release URL...")
        evidence: list[Evidence] = []
        for name, local in artifacts.items():
            got = host.download(self._plan.target.tag_for(name), name, subject=name, phase="downloading")
            self._mark_remote(got)
            now = "nothing" if got is None else str(got)
            evidence.append(Evidence(f"{name} to publish", f"{local.size} bytes, sha256 {local.sha256}", str(local.path)))
            evidence.append(Evidence(f"{name} at the release URL now", now, self._plan.target.asset_url(name)))
        refusal = next(filter(None, refusals), None)
        self._mark(f"RELEASE COMPLETE (dry run: nothing was written{', and a publish would be refused' if refusal else ''})")
        if refusal is not None:
            unseen = isinstance(refusal, CouldNotLook)
            what = f"A publish would be refused: {refusal.what}"
            raise (CouldNotLook if unseen else Refused)(what, "This was a dry run: nothing was written.", refusal.remedy)
        return ActionResult("Dry run: all before the first write is right; nothing was written.", tuple(evidence), changed=False)

    def _refusal(self, requirement: Callable[[], object]) -> Problem | None:
        try:
            requirement()
        except Cancelled:
            raise
        except Problem as refusal:
            self._mark(f"A publish would be refused here: {refusal.what}")
            return refusal
        return None

    def _require_all(self) -> tuple[dict[str, GitHubRelease], dict[str, Inspected]]:
        """All that can refuse before the first byte is sent. The inbox is read while the hosts are asked."""

        def hosts(_: Stop) -> dict[str, GitHubRelease]:
            releases = self._heal(self._require_target())
            require_pushable(self._services)
            return releases

        jobs: dict[str, Callable[[Stop], Any]] = {"hosts": hosts, "inbox": self._require_artifacts}
        done = together(jobs, self.context.cancelled)
        return done["hosts"], done["inbox"]

    def _require_target(self) -> tuple[ArtifactPlace, ...]:
        facts = read_target(self._services.github.watched(self.context.emit, self.context.cancelled), self._plan)
        _require(judge_target(facts, self._plan))
        return facts.places

    def _heal(self, places: Sequence[ArtifactPlace]) -> dict[str, GitHubRelease]:
        """The first write of every run: a swap that was cut off between its renames is put right."""
        host = self._services.github.watched(self.context.emit)
        found = {}
        for place in places:
            if place.release is not None:
                heal(host, place.name, dict(place.assets), self.context.emit)
                found[place.name] = place.release
        return found

    def _require_artifacts(self, stop: Stop) -> dict[str, Inspected]:
        """Whole, announced, and of this version; a version that could not be read is the checklist's to have attested."""
        facts = read_inbox(self._services, self.context.emit, stop)
        for judge in (judge_exists, judge_dmg, judge_pkg, judge_version):
            verdict = judge(facts, self._plan)
            if verdict.status is Status.FAILED:
                _require(verdict)
        return {name: found for name in expected(self._plan) if (found := facts.of(name).found) is not None}

    def _bring(
        self, releases: Mapping[str, GitHubRelease], artifacts: Mapping[str, Inspected]
    ) -> tuple[dict[str, Staged], Signature | None]:
        """Every artifact to the host at the same time, and the signature meanwhile."""

        def stage(name: str) -> Callable[[Stop], Staged | Signature | None]:
            host, clock = self._services.github, self._services.clock
            return lambda stop: Stager(host, clock, self.context.emit, stop).stage(releases[name], artifacts[name])

        def sign(stop: Stop) -> Staged | Signature | None:
            return self._sign(artifacts[DMG], stop)

        done = together({**{name: stage(name) for name in artifacts}, "signature": sign}, self.context.cancelled)
        made = done.pop("signature")
        staged = {name: result for name, result in done.items() if isinstance(result, Staged)}
        return staged, made if isinstance(made, Signature) else None

    def _sign(self, image: Inspected, stop: Stop) -> Signature | None:
        """The signature over the image: the one that was made when the inbox was looked at, if it is over these bytes."""
        inbox = self._services.layout.inbox
        return self._services.sparkle.signature_for(image.path, inbox, sha256=image.sha256, cancelled=stop)

    def _value(self, signature: Signature | None, image: Inspected) -> str | None:
        """The signature's text, once it is certain that it is over exactly the image that is published."""
        if signature is None:
            return None
        if (signature.sha256, signature.size) != (image.sha256, image.size):
            why = "Its signature is over other bytes than those that are published."
            raise Refused(f"{DMG} changed while it was published.", why, "Lay a finished file there, then run again.")
        return signature.value

    def _swap(self, staged: Mapping[str, Staged], guard: SwapGuard) -> list[Swapped]:
        waiting = [one for one in staged.values() if not one.in_place]
        for one in staged.values():
            if one.in_place:
                self._mark(f"{_uploaded(self._plan, one.local.name)} (it was there already)")
        if not waiting:
            return []
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
            self._mark(_uploaded(self._plan, one.local.name))
        return done

    def _verify(self, staged: Mapping[str, Staged], swapped: Sequence[Swapped]) -> dict[str, Downloaded]:
        """What clients get now. Anything but exactly the local file, after asking again, is taken back."""
        self._mark("Verifying uploaded artifact from release URL...")
        host = self._services.github.watched(self.context.emit)

        def fetch(one: Staged) -> Callable[[Stop], Downloaded | None]:
            name, wanted = one.local.name, (one.local.size, one.local.sha256)
            return lambda _: host.settled(one.release.tag, name, wanted, subject=name, phase="verifying the download")

        try:
            got = together({name: fetch(one) for name, one in staged.items()}, lambda: False)
        except Problem as error:
            back = self._take_back(swapped)
            what = f"The download could not be verified: {error.what}"
            raise ActionFailed(what, f"{back}No manifest was pushed.", error.remedy) from None
        for download in got.values():
            self._mark_remote(download)
        wrong = [_both_sides(one, got[name]) for name, one in staged.items() if not same_bytes(got[name], one.local)]
        if wrong:
            back = self._take_back(swapped)
            remedy = "Look at the release page and at the host's status page, then run again."
            raise ActionFailed(f"The download is not what was published: {'; '.join(wrong)}.", f"{back}No manifest was pushed.", remedy)
        return {name: download for name, download in got.items() if download is not None}

    def _push(self, image: Downloaded, value: str | None, swapped: Sequence[Swapped]) -> Pushed:
        document = compose(self._services, self._plan, size=image.size, sha256=image.sha256, signature=value)
        try:
            return push_manifests(self.context, document.render())
        except Problem as error:
            if not swapped:
                raise
            why = "The download is already replaced: clients that follow the live appcast refuse it until its manifests are out."
            raise ActionFailed(error.what, why, Act("rollback", "rollback", f"{error.remedy} Or put the release before back")) from None

    def _take_back(self, swapped: Sequence[Swapped]) -> str:
        """Undo every swap; a sentence on how that went."""
        if not swapped:
            return ""
        trouble = take_back(self._services.github.watched(self.context.emit), swapped)
        if trouble:
            return f"{trouble} "
        self.context.emit(Exposure(0.0, open=False))
        return "The release before is back in place. "

    def _mark(self, text: str) -> None:
        self.context.emit(OutputLine(text, "publish"))

    def _mark_remote(self, download: Downloaded | None) -> None:
        if download is not None:
            self._mark(f"Remote size: {download.size} bytes")
            self._mark(f"Remote SHA256: {download.sha256}")


def _require(verdict: Verdict) -> None:
    if not verdict.status.satisfied:
        raise Refused(verdict.summary, "Nothing was sent.", verdict.remedy)


def _uploaded(plan: Plan, name: str) -> str:
    """The rulebook's marker for an artifact that is in place."""
    return f"Uploaded. URL: {plan.target.asset_url(name)}"


def _both_sides(one: Staged, got: Downloaded | None) -> str:
    remote = "nothing" if got is None else str(got)
    return f"{one.local.name}: the release URL gives {remote}; the inbox has {one.local.size} bytes, sha256 {one.local.sha256}"


def _evidence(staged: Mapping[str, Staged], swapped: Sequence[Swapped], downloads: Mapping[str, Downloaded]) -> tuple[Evidence, ...]:
    rows = [Evidence(f"{name} at the release URL", str(got), got.url, got.time) for name, got in downloads.items()]
    for name, one in staged.items():
        rows.append(Evidence(f"{name} sent", "in this run" if one.uploaded else "found there by its digest", one.asset.name))
    rows += [Evidence(f"{one.name} out of place", f"{one.gap_s * 1000:.0f} ms", "between the two renames") for one in swapped]
    return tuple(rows)
