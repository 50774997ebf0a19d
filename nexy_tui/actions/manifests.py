"""The manifest files: composed from the facts of a download, written, committed alone, pushed, seen (rulebook 4.1, 6)."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from checks.base import Scope
from checks.manifests import ManifestFacts, judge_manifests, look_manifests
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.core import manifest
from nexy_tui.core.event import OutputLine
from nexy_tui.core.finding import Evidence, Status
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed, Refused
from nexy_tui.core.target import DMG
from nexy_tui.core.version import Version
from nexy_tui.services import Services
from nexy_tui.services.artifact import Inspected, Unfit, inspect
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
        raise Refused("It is unknown which version the manifests must name.", remedy="Name it: nexy-tui release X.Y.Z.Build")
    return plan.published


def compose(services: Services, plan: Plan, *, size: int, sha256: str, signature: str | None) -> manifest.Manifest:
    """The manifest of these facts over the canonical one of the checkout, whose unknown fields are kept."""
    try:
        base = manifest.load(read_plain(services.checkout / services.layout.canonical, manifest.MAX_SIZE + 1, services.checkout))
    except (OSError, manifest.ManifestError):
        base = None
    made = manifest.build(
        base,
        version=str(published(plan)),
        url=plan.target.asset_url(DMG),
        notes_url=plan.target.notes_url(DMG),
        size=size,
        sha256=sha256,
        signature=signature,
        now=services.clock.now(),
    )
    return manifest.parse(made.render())


def require_pushable(services: Services) -> None:
    """The manifest commit could be pushed now. Raises Refused saying who moved the branch, or that the right is missing."""
    git = services.git
    branch = git.release_branch()
    tip = git.remote_commit(branch)
    if not git.has_commit(tip):
        git.fetch()
    if not git.ancestor(tip, git.head()):
        raise Refused(
            f"The branch {branch} has moved: {git.describe_commit(tip)}.",
            "The manifest commit goes on top of it, fast-forward only.",
            f"Fetch, look at what came, and bring the checkout onto it: git pull --ff-only {git.code_remote()} {branch}",
        )
    refusal = git.may_push()
    if refusal is not None:
        raise Refused(
            f"The code repository would not take the manifests: {refusal.text[:300]}",
            "The download must not be replaced while its manifests cannot follow.",
            "Use a credential that may push to the code repository, then run again.",
        )


def push_manifests(context: ActionContext, raw: bytes, *, of: str | None = None) -> Pushed:
    """Write the files, commit them (with VERSION in an update-only run) where HEAD lacks them, push, and see them there.

    They are those of the version that is published, or of another one that is put back.
    """
    services, plan = context.services, context.plan
    git, version = services.git, of or str(published(context.plan))
    paths = list(services.layout.manifest_files(version))
    _write(context, paths, raw)
    contents = dict.fromkeys(paths, raw)
    if plan.kind is Kind.UPDATE_ONLY and of is None:
        contents[services.layout.relative("VERSION")] = services.layout.version_file.read_bytes()
    branch = git.release_branch()
    tip = git.remote_commit(branch)
    if not git.has_commit(tip):
        git.fetch()
    digest = hashlib.sha256(raw).hexdigest()
    if all(git.show(tip, path) == data for path, data in contents.items()):
        context.emit(OutputLine("Manifest changes pushed to remote (they were there already)", "publish"))
        return Pushed(git.last_commit_of(tip, paths) or tip, branch, digest, changed=False)
    require_pushable(services)
    commit = git.head()
    if any(git.show(commit, path) != data for path, data in contents.items()):
        commit = git.commit_files(list(contents), commit_message(version), emit=context.emit)
        context.emit(OutputLine(f"{commit[:12]} {commit_message(version)}", "git"))
    context.intent("push the manifest commit", commit=commit, branch=branch, manifest=digest)
    git.push([f"{commit}:refs/heads/{branch}"], emit=context.emit)
    seen = git.remote_commit(branch)
    if seen != commit:
        raise ActionFailed(
            f"{branch} of {plan.target.code_repository} stands at {seen[:12]} after the push, not at {commit[:12]}.",
            "Somebody pushed at the same moment.",
            "Look at what came, then run again.",
        )
    context.emit(OutputLine("Manifest changes pushed to remote", "publish"))
    return Pushed(commit, branch, digest, changed=True)


def _write(context: ActionContext, paths: Sequence[object], raw: bytes) -> None:
    checkout = context.services.checkout
    for path in paths:
        require_inside((checkout / str(path)).parent, checkout)
    for path in paths:
        file = checkout / str(path)
        if not file.is_file() or read_plain(file, manifest.MAX_SIZE + 1) != raw:
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, raw)
        context.emit(OutputLine(f"Manifest updated at {file}", "publish"))


class SyncManifests:
    """Makes the files agree with the bytes at the release URL: copied from the canonical one if it is true, else rebuilt."""

    name = "sync-manifests"
    title = "Sync the manifests"
    writes_outside = True

    def applies(self, _: Plan) -> bool:
        """Every kind of run may need it."""
        return True

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The files and the push."""
        version = published(plan)
        return [
            f"download {plan.target.asset_url(DMG)} and hold {services.layout.canonical} against those bytes",
            "copy it if it is true; else rebuild it from the bytes, if they are of this version",
            *(f"write {path}" for path in services.layout.manifest_files(str(version))),
            f'git commit -m "{commit_message(version)}" (these files alone), push to {services.git.release_branch()}, fast-forward only',
        ]

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """Nothing is typed for it."""
        return None

    def run(self, context: ActionContext) -> ActionResult:
        """Download, compare, copy or rebuild, push. Raises Refused when the bytes are of another version or cannot be signed."""
        scope = Scope(context.services, context.plan, context.trusted, emit=context.emit)
        facts = look_manifests(scope)
        raw = next(iter(facts.files.values()))
        true = raw is not None and _holds(facts, raw, context.plan)
        if raw is None or not true:
            raw = self._rebuilt(context)
        pushed = push_manifests(context, raw)
        how = "copied from the canonical one" if true else "rebuilt from the bytes at the release URL"
        return ActionResult(
            f"The manifests of {published(context.plan)} are on {pushed.branch} ({pushed.commit[:12]}), {how}.",
            evidence=(Evidence("manifest sha256", pushed.sha256, f"{context.plan.target.code_repository} {pushed.commit}"),),
            digests={"manifests": pushed.sha256},
            manifest_commit=pushed.commit,
            changed=pushed.changed,
        )

    def _rebuilt(self, context: ActionContext) -> bytes:
        services, plan = context.services, context.plan
        host = services.github.watched(context.emit, context.cancelled)
        services.settings.state_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="download-", dir=services.settings.state_dir) as folder:
            path = Path(folder) / DMG
            with path.open("w+b") as sink:
                got = host.download(plan.target.tag_for(DMG), DMG, subject=DMG, phase="downloading", sink=cast(BinaryIO, sink))
            if got is None:
                raise Refused(f"Nothing is at {plan.target.asset_url(DMG)}.", "There are no bytes to speak of.", "nexy-tui publish")
            found = _inspected(services, Path(folder))
            if found.contents.unlike(str(published(plan))) or found.contents.unread:
                seen = "; ".join(found.contents.unlike(str(published(plan)))) or found.contents.unread
                raise Refused(
                    f"The manifests cannot be rebuilt: the bytes at the release URL are not known to be {published(plan)} ({seen}).",
                    "A version raised over other bytes is offered to clients without end.",
                    "nexy-tui publish",
                )
            made = services.sparkle.signature_for(path, services.layout.inbox, cancelled=context.cancelled)
            value = None if made is None else made.value
            return compose(services, plan, size=got.size, sha256=got.sha256, signature=value).render()


def _holds(facts: ManifestFacts, raw: bytes, plan: Plan) -> bool:
    """Whether the canonical file, by itself, is true of the bytes at the release URL."""
    alone = ManifestFacts(dict.fromkeys(facts.files, raw), facts.image, facts.has_key)
    return judge_manifests(alone, plan).status is Status.PASSED


def _inspected(services: Services, folder: Path) -> Inspected:
    try:
        found = inspect(folder, DMG, services.clock, services.environ)
    except Unfit as error:
        raise Refused(f"The file at the release URL {error}.", "No manifest may name it.", "nexy-tui publish") from None
    if found is None:
        raise Refused("The downloaded file vanished.", remedy="Run it again.")
    return found
