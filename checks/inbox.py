"""Phase inbox: the artifacts are there, whole, of this version, new, and can be signed (rulebook sections 1.1, 2; phase 2)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from checks.base import Check, Scope
from checks.named import Named, first_of, look_named
from nexy_tui.core import manifest
from nexy_tui.core.event import Emit
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive, not_applicable, passed
from nexy_tui.core.layout import LAYOUTS, Layout
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.core.remedy import Remedy
from nexy_tui.core.target import DMG, PKG
from nexy_tui.core.version import NAME_VERSION
from nexy_tui.services import Services
from nexy_tui.services.artifact import Inspected, Unfit, inspect
from nexy_tui.services.plain_file import read_plain
from nexy_tui.services.sparkle import INBOX_FILE, Signature

NOTHING_PUBLISHED = "A code-only run publishes no artifacts."
_ALIKE = re.compile(r"\.?nexy\W.*(dmg|pkg)(\.\w{1,16})?", re.IGNORECASE)
"""`.Nexy.dmg.icloud`, `Nexy 2.dmg`, `Nexy-1.6.1.43.dmg`, `nexy.dmg`, `Nexy.dmg.crdownload`."""


@dataclass(frozen=True, slots=True)
class ArtifactFacts:
    """One artifact of the inbox: what was found, or why it must not be published; neither when it is not there."""

    name: str
    found: Inspected | None = None
    unfit: str = ""


@dataclass(frozen=True, slots=True)
class InboxFacts:
    """The inbox as it lies there."""

    path: str
    there: bool
    files: tuple[str, ...] = ()
    artifacts: Mapping[str, ArtifactFacts] | None = None
    alike: tuple[str, ...] = ()
    """Names that Finder, iCloud or a browser make of an artifact's: hidden ones too, which `files` leaves out."""
    elsewhere: tuple[str, ...] = ()
    """Artifacts in the inbox of the other layout, which real trees have too."""

    def of(self, name: str) -> ArtifactFacts:
        """The facts about one artifact."""
        return (self.artifacts or {}).get(name, ArtifactFacts(name))

    def of_release(self, name: str, plan: Plan) -> Inspected | None:
        """The whole artifact, unless it says of itself that it is another version's: the next release's may lie there by now."""
        found = self.of(name).found
        return None if found is None or (plan.version is not None and found.contents.unlike(str(plan.version))) else found


def read_inbox(services: Services, emit: Emit, cancelled: Callable[[], bool] = lambda: False) -> InboxFacts:
    """Look at the inbox and inspect both artifacts whole, at the same time. Raises CouldNotLook when a file cannot be read."""
    inbox = services.layout.inbox
    if not inbox.is_dir():
        return InboxFacts(str(inbox), there=False)
    names = sorted(entry.name for entry in inbox.iterdir())
    files = tuple(name for name in names if not name.startswith("."))
    alike = tuple(name for name in names if _ALIKE.fullmatch(name) and name not in (DMG, PKG))

    def read(name: str) -> ArtifactFacts:
        try:
            found = inspect(inbox, name, services.clock, services.environ, known=services.contents, emit=emit, cancelled=cancelled)
        except Unfit as error:
            return ArtifactFacts(name, unfit=str(error))
        return ArtifactFacts(name, found)

    with ThreadPoolExecutor(2, "inbox") as pool:
        artifacts = {facts.name: facts for facts in pool.map(read, (DMG, PKG))}
    others = (Layout(kind, services.layout.root).inbox / name for kind in LAYOUTS if kind != services.layout.kind for name in (DMG, PKG))
    elsewhere = tuple(str(path) for path in others if path.is_file())
    return InboxFacts(str(inbox), there=True, files=files, artifacts=artifacts, alike=alike, elsewhere=elsewhere)


def look_inbox(scope: Scope) -> InboxFacts:
    """The inbox, read once a pass."""
    return scope.once("inbox", lambda: read_inbox(scope.services, scope.emit))


def judge_exists(facts: InboxFacts, plan: Plan) -> Verdict:
    """The folder is there."""
    if not plan.kind.publishes:
        return not_applicable(NOTHING_PUBLISHED)
    evidence = Evidence("release_inbox", ", ".join(facts.files) or ("empty" if facts.there else "missing"), facts.path)
    if not facts.there:
        return failed(f"There is no folder {facts.path}.", f"mkdir -p {shlex.quote(facts.path)}; then lay {DMG} there.", evidence)
    return passed("The inbox is there.", evidence)


def judge_dmg(facts: InboxFacts, plan: Plan) -> Verdict:
    """The image is there and whole."""
    if not plan.kind.publishes:
        return not_applicable(NOTHING_PUBLISHED)
    return _judge_file(facts, DMG)


def judge_pkg(facts: InboxFacts, plan: Plan) -> Verdict:
    """The package is there and whole if this release announces it, and is not there if it does not."""
    if not plan.kind.publishes:
        return not_applicable(NOTHING_PUBLISHED)
    artifact = facts.of(PKG)
    if plan.with_pkg:
        return _judge_file(facts, PKG)
    if artifact.found is not None or artifact.unfit:
        return failed(
            f"{PKG} lies in the inbox, but this release does not announce it.",
            f"Move it out of {facts.path}, or start the release with it: nexy-tui release --with {PKG}",
            Evidence(PKG, artifact.unfit or f"{artifact.found.size if artifact.found else 0} bytes", facts.path),
        )
    return not_applicable(f"This release does not announce {PKG}.")


def _judge_file(facts: InboxFacts, name: str) -> Verdict:
    artifact = facts.of(name)
    if artifact.unfit:
        remedy = f"Lay a finished {name} into {facts.path} and look again."
        return failed(f"{name} {artifact.unfit}.", remedy, Evidence(name, artifact.unfit, facts.path))
    if artifact.found is None:
        return _missing(facts, name)
    found = artifact.found
    return passed(
        f"{name} is whole: {found.size} bytes.",
        Evidence(f"{name} size", str(found.size), str(found.path)),
        Evidence(f"{name} sha256", found.sha256, str(found.path)),
    )


def _missing(facts: InboxFacts, name: str) -> Verdict:
    """It is not there under its name; what lies there in its place decides what is to be done."""
    alike = [other for other in facts.alike if name.rpartition(".")[2] in other.casefold()]
    evidence = Evidence(name, ", ".join(["missing", *alike]), facts.path)
    remedy = f"Lay {name} into {facts.path} and look again."
    cloud = f".{name}.icloud"
    if cloud in alike:
        what = f"{name} is not in the inbox: iCloud has taken its content away and left {cloud}."
        fetch = f"Fetch it: in Finder, Download Now; or `brctl download {shlex.quote(f'{facts.path}/{name}')}`. Then look again."
        return failed(what, fetch, evidence)
    if alike:
        what = f"{name} is not in the inbox under that name; there {'is' if len(alike) == 1 else 'are'} {', '.join(alike)}."
        whole = [other for other in alike if other.casefold().endswith(name.rpartition(".")[2])]
        rename = f"cd {shlex.quote(facts.path)} && mv {shlex.quote(whole[0])} {name}" if len(whole) == 1 else ""
        return failed(what, f"If that is this release's build: `{rename}`, then look again." if rename else remedy, evidence)
    if there := next((path for path in facts.elsewhere if Path(path).name == name), ""):
        move = f"If that is this release's build: `mv {shlex.quote(there)} {shlex.quote(facts.path)}/`, then look again."
        return failed(f"{name} is not in the inbox; it lies in that of the other layout: {there}.", move, evidence)
    return failed(f"{name} is not in the inbox.", remedy, evidence, fixers=("inbox",))


def judge_version(facts: InboxFacts, plan: Plan) -> Verdict:
    """The version inside every artifact is the release's: else clients install it and are offered it again without end."""
    if not plan.kind.publishes:
        return not_applicable(NOTHING_PUBLISHED)
    found = [artifact for name in expected(plan) if (artifact := facts.of(name).found) is not None]
    evidence = [Evidence(place, text, artifact.name) for artifact in found for place, text in artifact.contents.versions.items()]
    if len(found) < len(expected(plan)):
        missing = ", ".join(name for name in expected(plan) if facts.of(name).found is None)
        remedy = f"Lay a finished {missing} into {facts.path}."
        return failed(f"No version can be read: {missing} is missing or not whole.", remedy, *evidence)
    if plan.version is None:
        return inconclusive("There is no version to compare the artifacts with.", NAME_VERSION, *evidence)
    wrong = [f"{artifact.name}: {text}" for artifact in found for text in artifact.contents.unlike(str(plan.version))]
    if wrong:
        return failed(
            f"An artifact is not of {plan.version}: {'; '.join(wrong)}.",
            f"Build {plan.version} and lay that file into {facts.path}, or release the version that the file has.",
            *evidence,
        )
    unread = [f"{artifact.name}: {artifact.contents.unread}" for artifact in found if artifact.contents.unread]
    if unread:
        return inconclusive(
            f"The version inside could not be verified: {'; '.join(unread)}.",
            "Install 7-Zip (7zz) and look again; or open the file, see the version, and attest it.",
            *evidence,
            *(Evidence(f"{artifact.name} version", "not read", artifact.contents.unread) for artifact in found if artifact.contents.unread),
        )
    return passed(f"Every artifact is of {plan.version}.", *evidence)


@dataclass(frozen=True, slots=True)
class NewFacts:
    """The image's figures (None: it is not there or not whole), and the files that manifests have named."""

    file: tuple[int, str] | None
    known: tuple[Named, ...]


def look_new(scope: Scope) -> NewFacts:
    """The image beside every manifest of the checkout and of git's history."""
    found = look_inbox(scope).of(DMG).found
    return NewFacts(None if found is None else (found.size, found.sha256), look_named(scope) if scope.plan.kind.publishes else ())


def read_manifest(path: Path) -> manifest.Manifest | None:
    """A manifest file, or None where it is missing or not one JSON object."""
    try:
        return manifest.read_or_none(read_plain(path, manifest.MAX_SIZE + 1))
    except OSError:
        return None


def judge_new(facts: NewFacts, plan: Plan) -> Verdict:
    """The bytes are not those of another release: a version raised over old bytes is offered without end."""
    if not plan.kind.publishes:
        return not_applicable(NOTHING_PUBLISHED)
    if facts.file is None:
        missing = Evidence(DMG, "missing or not whole", "inbox")
        return failed(f"{DMG} is missing or not whole.", f"Lay a finished {DMG} into the inbox.", missing)
    evidence = Evidence(f"{DMG} sha256", facts.file[1], "inbox")
    first = None if plan.version is None else first_of(facts.known, plan.version, facts.file)
    if first is not None:
        return failed(
            f"{DMG} has exactly the bytes of release {first.version}.",
            f"Build {plan.version}, and lay its {DMG} into the inbox.",
            evidence,
            Evidence(f"sha256 of {first.version}", first.sha256, first.where),
        )
    return passed(f"{DMG} is not the file of another release ({len(facts.known)} manifests compared).", evidence)


@dataclass(frozen=True, slots=True)
class SignatureFacts:
    """Whether there is a Sparkle signature over the image, and if not, why."""

    there: bool
    signature: Signature | None = None
    refused: str = ""
    remedy: Remedy = ""


def look_signature(scope: Scope) -> SignatureFacts:
    """Sign the image, or verify the signature that lies beside it."""
    found = look_inbox(scope).of(DMG).found
    if found is None or not scope.plan.kind.publishes:
        return SignatureFacts(there=False)
    try:
        made = scope.services.sparkle.signature_for(found.path, scope.services.layout.inbox, sha256=found.sha256)
    except Refused as error:
        return SignatureFacts(there=True, refused=error.what, remedy=error.remedy)
    return SignatureFacts(there=True, signature=made)


def judge_signature(facts: SignatureFacts, plan: Plan) -> Verdict:
    """A signature that clients will accept, wherever one is configured."""
    if not plan.kind.publishes:
        return not_applicable(NOTHING_PUBLISHED)
    if not facts.there:
        return failed(f"{DMG} is missing or not whole, so nothing can be signed.", f"Lay a finished {DMG} into the inbox.")
    key = Evidence("public key", plan.target.sparkle_public_key or "none configured", "target.sparkle_public_key")
    if facts.refused:
        return failed(facts.refused, facts.remedy, key)
    if facts.signature is None:
        reason = "Neither a public nor a private Sparkle key is configured: the manifest carries no signature"
        return not_applicable(f"{reason} ({INBOX_FILE} is not read).", key)
    against = "the configured public key" if plan.target.sparkle_public_key else "its own public half (none is configured)"
    return passed(
        f"The Sparkle signature verifies with {against}.",
        key,
        Evidence("ed25519", facts.signature.value, facts.signature.source),
        Evidence(f"{DMG} sha256", facts.signature.sha256, "as signed"),
    )


def expected(plan: Plan) -> tuple[str, ...]:
    """The artifacts this release publishes."""
    if not plan.kind.publishes:
        return ()
    return (DMG, PKG) if plan.with_pkg else (DMG,)


EXISTS = Check(look_inbox, judge_exists, "The publisher takes artifacts from nowhere else.")
IMAGE = Check(look_inbox, judge_dmg, "A truncated image or an error page under its name breaks every client.")
PACKAGE = Check(look_inbox, judge_pkg, "An unannounced package is somebody's accident.")
VERSION = Check(look_inbox, judge_version, "A client that installs another version is offered the update again without end.")
NEW = Check(look_new, judge_new, "Old bytes under a new version are the same endless update.")
SIGNATURE = Check(look_signature, judge_signature, "Clients that hold the public key reject anything else.")
