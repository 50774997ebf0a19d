"""The gate's judging, source by source: pure functions from what was seen to cells (contracts: decided, and kinds of run)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from checks.image import ImageFacts
from checks.named import Named, owner, signed_elsewhere
from nexy_tui.core import manifest
from nexy_tui.core.finding import Status
from nexy_tui.core.matrix import Cell, Column
from nexy_tui.core.plan import Plan
from nexy_tui.core.target import DMG
from nexy_tui.core.version import Version
from nexy_tui.services.github import Asset
from nexy_tui.services.update_server import AppcastFacts, HealthFacts


class Profile(StrEnum):
    """Before the deploy the live server may still serve the release before; after it, everything is equal everywhere."""

    PRE_DEPLOY = "pre-deploy"
    POST_DEPLOY = "post-deploy"


@dataclass(frozen=True, slots=True)
class UnseenSource:
    """A source that could not be looked at, and why; `misled` where that shows that its address is another's."""

    why: str
    misled: bool = False


@dataclass(frozen=True, slots=True)
class Earlier:
    """What may have been out before this release, for a look that has no genesis to read.

    The highest release below it, and the highest of those with manifests: a code-only release has none, and the client before stays out.
    """

    served: Version | None = None
    published: Version | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What the sources are compared with: the kind's column of versions, the fixed address, the bytes at it.

    `served_before` is the server's version that may still be live before the deploy, `published_before` the manifest's
    beside it; `appcast_missing` tells that the appcast was HTTP 500 when the run began, and `down` that the server said
    nothing of itself then, either of which this release may cure;
    `size` and `sha256` are None while nothing was downloaded; `signed` tells whether the manifest's signature verifies
    over those bytes, None where nobody could tell; `needs_signature` that clients hold a public key and this run
    publishes, `has_key` that a key to verify with is configured here; `known` are the files that manifests have named.
    """

    profile: Profile
    version: str
    published: str | None
    served_before: str | None
    published_before: str | None
    appcast_missing: bool
    url: str
    size: int | None
    sha256: str | None
    signed: bool | None
    needs_signature: bool
    has_key: bool
    known: tuple[Named, ...] = ()
    down: bool = False

    def live(self, wanted: str | None) -> tuple[str, ...]:
        """The versions a live address may say in this profile."""
        before = sorted(version for version in (self.served_before, self.published_before) if version is not None)
        known = (wanted, *(before if self.profile is Profile.PRE_DEPLOY else ()))
        return tuple(dict.fromkeys(version for version in known if version is not None))

    def beside(self, served: str | None) -> tuple[str, ...]:
        """The versions `/updates/health` may say beside a server's version: that one, or, in one edition, its manifest's."""
        pairs = [(self.version, self.published)]
        if self.profile is Profile.PRE_DEPLOY:
            pairs.append((self.served_before or "", self.published_before))
        told = [pair for pair in pairs if pair[0] == served] or pairs
        return tuple(dict.fromkeys(version for pair in told for version in pair if version))


def expected(
    plan: Plan,
    profile: Profile,
    image: ImageFacts | UnseenSource,
    *,
    has_key: bool,
    earlier: Earlier,
    known: tuple[Named, ...] = (),
) -> Expected:
    """The expectations of a plan; `earlier` counts where it has no genesis to read."""
    got = image.download if isinstance(image, ImageFacts) else None
    genesis = (plan.served_before, plan.published_before) if plan.started is not None else (earlier.served, earlier.published)
    return Expected(
        profile=profile,
        version=str(plan.version or ""),
        published=_text(plan.published),
        served_before=_text(genesis[0]),
        published_before=_text(genesis[1]),
        appcast_missing=plan.appcast_missing,
        url=plan.target.asset_url(DMG),
        size=got.size if got else None,
        sha256=got.sha256 if got else None,
        signed=image.signed if isinstance(image, ImageFacts) else None,
        needs_signature=bool(plan.target.sparkle_public_key) and plan.kind.publishes,
        has_key=has_key,
        known=known,
        down=plan.served_before is None and profile is Profile.PRE_DEPLOY,
    )


def version_column(text: str | None, want: Expected) -> Column:
    """The file VERSION."""
    return {"version": Cell.compared(text, want.version)}


def manifest_column(raw: bytes | None, canonical: bytes | None, want: Expected) -> Column:
    """One manifest file: its fields, that it is the canonical one's copy, and that nothing is carried over from another release."""
    if raw is None:
        return {"reachability": Cell.said("missing", "the file", False)}
    try:
        read = manifest.read(raw)
    except manifest.ManifestError as error:
        return {"reachability": Cell.said(f"it cannot be read: {error}", "a manifest", False)}
    column = dict(_claims(read, want))
    odd = "; ".join(f"{name} is {fault}" for name, fault in read.faults.items() if name.removeprefix("artifact.") not in _ROWS)
    copy = odd or ("as the canonical file" if raw == canonical else "differs from the canonical file")
    wanted = "a sound manifest" if odd else "as the canonical file"
    signature = column.pop("signature")
    return {
        **column,
        "sha256": _claim(read, "artifact.sha256", read.sha256, want.sha256),
        "signature": signature,
        "reachability": Cell.said(copy, wanted, raw == canonical and not odd),
    }


_ROWS = {"version", "build", "url", "size", "sha256", "ed25519"}
"""The manifest's fields that have a row of their own."""


def _claims(read: manifest.Manifest, want: Expected) -> Column:
    """What a manifest says of version and file, and what clients check of it."""
    before = owner(want.known, read)
    version = _claim(read, "version", read.version, want.published)
    if before is not None:
        version = Cell.said(f"{read.version}, over the file of {before.version} ({before.where})", "a file of its own", False)
    return {
        "version": version,
        "build": _claim(read, "build", read.build, want.published),
        "url": _claim(read, "artifact.url", read.url, want.url),
        "size": _claim(read, "artifact.size", read.size, want.size),
        "signature": _signature(read, want),
    }


def _claim(read: manifest.Manifest, name: str, value: str | int, wanted: str | int | None) -> Cell:
    """One field beside what is expected; what is no text where one belongs, or wrong by itself, is told as it stands."""
    fault = read.faults.get(name)
    if fault is None:
        return Cell.compared(value, wanted)
    return Cell.said(value if fault.startswith('"') and value else fault, str(wanted), False)


def _signature(read: manifest.Manifest, want: Expected) -> Cell:
    if fault := read.faults.get("artifact.ed25519"):
        return Cell.said(fault, "a signature valid over the download", False)
    if want.signed is not True and (other := signed_elsewhere(want.known, read)) is not None:
        return Cell.said(f"{read.signature}, of another file ({other.version} in {other.where})", "a signature over the download", False)
    return signature_cell(read.signature or "", want)


def signature_cell(value: str, want: Expected) -> Cell:
    """A signature must verify over the bytes clients will download; where they hold a public key it must be there."""
    if not value:
        return Cell.said("", "a signature by the configured key", False) if want.needs_signature else Cell.shown("")
    if not want.has_key:
        return Cell.said(value, "none: no key is configured to verify it", False)
    if want.signed is None:
        return Cell(value, Status.INCONCLUSIVE, "a signature that was verified over the download")
    return Cell.said(value, "a signature valid over the download", want.signed)


def asset_column(asset: Asset | UnseenSource | None, want: Expected) -> Column:
    """The release's asset, as the host's API describes it."""
    if isinstance(asset, UnseenSource):
        return {"reachability": Cell.unseen(asset.why)}
    if asset is None:
        return {"reachability": Cell.said("missing", "uploaded", False), "tls": _tls()}
    column = {"size": Cell.compared(asset.size, want.size), "reachability": Cell.compared(asset.state, "uploaded"), "tls": _tls()}
    return column | {"sha256": Cell.compared(asset.sha256, want.sha256) if asset.sha256 else Cell.shown("")}


def download_column(image: ImageFacts | UnseenSource, want: Expected) -> Column:
    """The bytes at the release URL: what everything else is compared with."""
    if isinstance(image, UnseenSource):
        return {"reachability": Cell.unseen(image.why)}
    download = image.download
    if download is None:
        return {"url": Cell.shown(want.url), "reachability": Cell.said("HTTP 404", "a download", False), "tls": _tls()}
    return {
        "url": Cell.compared(download.url, want.url),
        "size": Cell.said(download.size, "some bytes", download.size > 0),
        "sha256": Cell.said(download.sha256, "64 hex digits", True),
        "reachability": Cell.said("downloaded", "a download", True),
        "tls": _tls(),
    }


def health_column(facts: HealthFacts | UnseenSource, want: Expected) -> Column:
    """The application's health address: healthy, of one mind with itself, and a version it may serve."""
    return _health_column(facts, want.live(want.version), down=want.down)


def updates_column(facts: HealthFacts | UnseenSource, health: HealthFacts | UnseenSource, want: Expected) -> Column:
    """The update service's health address: as the application's, but its version may be the manifest's that belongs to it."""
    served = health.said.latest_version if isinstance(health, HealthFacts) and health.said is not None else None
    return _health_column(facts, want.beside(served), down=want.down)


def _health_column(facts: HealthFacts | UnseenSource, allowed: tuple[str, ...], *, down: bool) -> Column:
    if isinstance(facts, UnseenSource):
        return {"reachability": Cell.unseen(facts.why)}
    if down and facts.status >= 500:
        return {"reachability": Cell.unseen(facts.problem), "tls": _tls()}
    said = facts.said
    if said is None:
        return {"reachability": Cell.said(facts.problem, "a health document", False), "tls": _tls()}
    one_mind = len(said.versions) == 1
    return {
        "version": Cell.said(" and ".join(said.versions), " or ".join(allowed), one_mind and said.latest_version in allowed),
        "build": Cell.compared(said.latest_build, said.latest_version),
        "reachability": Cell.said(said.status, "ok or healthy", said.healthy),
        "tls": _tls(),
    }


def appcast_column(facts: AppcastFacts | UnseenSource, health: HealthFacts | UnseenSource, signature: str | None, want: Expected) -> Column:
    """The live appcast: readable, at the fixed address, and a release it may offer; never above what `/health` says.

    Once it offers this release, its length and signature are compared with the download and the manifest as well.
    """
    if isinstance(facts, UnseenSource):
        return {"reachability": Cell.unseen(facts.why)}
    if facts.status == 500 and want.appcast_missing and want.profile is Profile.PRE_DEPLOY:
        return {"reachability": Cell.shown(f"{facts.problem}, as when the run began"), "tls": _tls()}
    if want.down and facts.status >= 500:
        return {"reachability": Cell.unseen(facts.problem), "tls": _tls()}
    if facts.appcast is None:
        return {"reachability": Cell.said(facts.problem, "an appcast", False), "tls": _tls()}
    read = facts.appcast
    allowed = want.live(want.published)
    version = Cell.said("; ".join(read.conflicts) or read.version, " or ".join(allowed), not read.conflicts and read.version in allowed)
    served = health.said.latest_version if isinstance(health, HealthFacts) and health.said is not None else None
    if is_above(read.version, served):
        version = Cell.said(f"{read.version}, above /health's {served}", "nothing above /health", False)
    final = read.version == want.published or want.profile is Profile.POST_DEPLOY
    signed = (signature or "") == read.signature
    return {
        "version": version,
        "build": Cell.compared(read.build, read.version),
        "url": Cell.compared(read.url, want.url),
        "size": Cell.compared(read.length, want.size) if final else Cell.shown(read.length),
        "signature": Cell.said(read.signature or "none", "the manifest's", signed) if final else Cell.shown(read.signature),
        "reachability": Cell.said("an appcast", "an appcast", True),
        "tls": _tls(),
    }


def to_be_column(raw: bytes | None, want: Expected) -> Column:
    """The appcast the server will make of the canonical manifest: it refuses an address that is not https (HTTP 500)."""
    try:
        read = manifest.read(raw or b"")
    except manifest.ManifestError as error:
        return {"reachability": Cell.said(f"none can be made: {error}", "an appcast", False)}
    https = read.url.startswith("https://")
    made = "can be made" if https else "refused: the address is not https"
    return {**_claims(read, want), "reachability": Cell.said(made, "an appcast", https)}


def is_above(version: str | None, other: str | None) -> bool:
    """Whether a version is higher than another; False where either is none."""
    try:
        return Version.parse(version or "") > Version.parse(other or "")
    except ValueError:
        return False


def _text(version: Version | None) -> str | None:
    return None if version is None else str(version)


def _tls() -> Cell:
    return Cell.said("verified", "verified", True)
