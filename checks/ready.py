"""Phase ready: what the rest of the release will need on this side, seen while nothing was written yet (contracts: decided)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

from checks.base import Check, Scope
from checks.cause import because, look_behind
from checks.gate import verdict_of
from checks.gate_cells import Earlier, Profile, UnseenSource, expected, is_above
from checks.hosts import judge_certificate, look_certificate
from checks.inbox import NOTHING_PUBLISHED
from checks.live import Live, live_columns, look_earlier, look_live
from checks.version import NO_VERSION
from nexy_tui.core.finding import Evidence, Status, Verdict, failed, inconclusive, not_applicable, passed, rfc3339
from nexy_tui.core.matrix import Matrix
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook, Refused, Unusable
from nexy_tui.core.remedy import Remedy, Run
from nexy_tui.core.version import NAME_VERSION
from nexy_tui.core.vm_facts import VmFacts
from nexy_tui.runlog.keys import load_signer
from nexy_tui.runlog.sign import signature_holds
from nexy_tui.services.greeting import Greeting
from nexy_tui.services.secrets import SPARKLE_KEY
from nexy_tui.services.update_server import HealthFacts

_TRIAL = b"nexy-tui: is this key ready to sign?"


# --- signing ---


@dataclass(frozen=True, slots=True)
class SigningFacts:
    """The key that signs this run's records: its id, where it is, and what stands against it with the remedy (empty: nothing)."""

    keyid: str
    source: str
    trouble: str = ""
    remedy: Remedy = ""
    signers: str = ""


def look_signing(scope: Scope) -> SigningFacts:
    """Find the key, sign with it, and hold it against this machine's own list of signers."""
    settings, now = scope.services.settings, scope.services.clock.now()
    trusted, listed = scope.trusted(), str(settings.allowed_signers)
    try:
        signer = load_signer(settings.operator, scope.services.environ, key_file=settings.key_file, allowed=trusted)
        signed = signature_holds(signer.public, _TRIAL, signer.sign(_TRIAL))
    except (Unusable, Refused) as problem:
        return SigningFacts("none", "", f"{problem.what} {problem.why}".strip(), problem.remedy, listed)
    if not signed:
        trouble = f"The key {signer.keyid} ({signer.source}) makes signatures that do not fit it."
        return SigningFacts(signer.keyid, signer.source, trouble, Run("keys rotate"), listed)
    try:
        entry = trusted.entry(signer.keyid, principal=settings.operator, at=now)
    except Refused as problem:
        return SigningFacts(signer.keyid, signer.source, problem.what, _listing(signer.keyid, listed, trusted.knows(signer.keyid)), listed)
    if entry.valid_before is not None and (entry.valid_before - now).total_seconds() < _A_RUN:
        until = rfc3339(entry.valid_before.astimezone(UTC))
        trouble = f"The key {signer.keyid} is trusted until {until}: its signatures would end within this run."
        return SigningFacts(signer.keyid, signer.source, trouble, Run("keys rotate"), listed)
    return SigningFacts(signer.keyid, signer.source, signers=listed)


_A_RUN = 4 * 3600
"""Seconds a release may take, with an upload, a backup and a person who looks in between."""


def _listing(keyid: str, listed: str, known: bool) -> Remedy:
    """What has this machine trust the key: its line, where it has none; a new key, where it is listed and its time is over."""
    if known:
        return Run("keys rotate", f"See the line of {keyid} in {listed}: lengthen its time, list you in it, or make a new key with")
    return Run("keys use", "If that key is yours, list it")


def judge_signing(facts: SigningFacts, plan: Plan) -> Verdict:
    """It is there, it signs, and whoever verifies here believes it."""
    evidence = (Evidence("signing key", facts.keyid, facts.source or "nowhere"), Evidence("trusted keys", facts.signers, "this machine"))
    if facts.trouble:
        return failed(facts.trouble, facts.remedy, *evidence)
    return passed(f"{facts.keyid} ({facts.source}) signs, and is trusted here.", *evidence)


# --- Sparkle ---


@dataclass(frozen=True, slots=True)
class SparkleFacts:
    """Where a signature over the image will come from (empty: no key is configured), or what stands against one."""

    source: str
    trouble: str = ""
    remedy: Remedy = ""


def look_sparkle(scope: Scope) -> SparkleFacts:
    """Whether a signature is at hand, before there need be an image. Raises CouldNotLook where the keyring does not answer."""
    if not scope.plan.kind.publishes:
        return SparkleFacts("")
    try:
        return SparkleFacts(scope.services.sparkle.at_hand(scope.services.layout.inbox))
    except Refused as problem:
        return SparkleFacts("", " ".join(part for part in (problem.what, problem.why) if part), problem.remedy)


def judge_sparkle(facts: SparkleFacts, plan: Plan) -> Verdict:
    """The private key is here and is the public one's other half, or a signature lies in the inbox."""
    if not plan.kind.publishes:
        return not_applicable(NOTHING_PUBLISHED)
    configured = Evidence("public key", plan.target.sparkle_public_key or "none configured", "target.sparkle_public_key")
    if facts.trouble:
        return failed(facts.trouble, facts.remedy, configured)
    if not facts.source:
        return not_applicable(f"No public key is configured, and there is no {SPARKLE_KEY} here: nothing is signed.", configured)
    return passed(f"A signature is at hand: {facts.source}.", configured)


# --- the update server ---


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The live addresses, and what may have been out before; the VM behind, if asked; the certificate, None where a deploy was begun."""

    live: Live
    earlier: Earlier
    vm: VmFacts | UnseenSource | None = None
    certificate: Greeting | UnseenSource | None = None


def look_server(scope: Scope) -> ServerFacts:
    """As the gate will ask after the download was replaced. Raises CouldNotLook without a version to hold it against."""
    if scope.plan.version is None:
        raise CouldNotLook(NO_VERSION, remedy=NAME_VERSION)
    live = look_live(scope)
    certificate: Greeting | UnseenSource | None
    try:
        certificate = look_certificate(scope)
    except CouldNotLook as problem:
        certificate = UnseenSource(problem.what)
    return ServerFacts(live, look_earlier(scope), look_behind(scope, live), certificate)


_LATER = ("size", "signature")
"""What the gate compares with the download, which is another one then."""


def judge_server(facts: ServerFacts, plan: Plan) -> Verdict:
    """The configured host is the update server, of one mind, on a release that it may serve, its certificate good.

    One that is down may wait for this release.
    """
    address = plan.target.update_server.base_url
    if facts.live.misled:
        remedy = "See target.update_server in the configuration, the name's entry, and the certificate of whoever answers there."
        return failed(facts.live.misled, remedy, Evidence("update server", address, "target.update_server"))
    unlooked = facts.certificate.why if isinstance(facts.certificate, UnseenSource) else ""
    if not isinstance(facts.certificate, UnseenSource) and (shown := judge_certificate(facts.certificate, plan)).status is Status.FAILED:
        return shown
    want = expected(plan, Profile.PRE_DEPLOY, UnseenSource("not asked"), has_key=False, earlier=facts.earlier)
    columns = live_columns(facts.live, None, want)
    seen = Matrix({source: {row: cell for row, cell in column.items() if row not in _LATER} for source, column in columns.items()})
    unseen = "See why (nexy-tui check ready.service --vm) and mend it; or attest that this release is its cure."
    remedy = "See what runs on the VM (its journal, config.env and manifests), mend it, then look again."
    health = facts.live.health
    served = health.said.latest_version if isinstance(health, HealthFacts) and health.said is not None else None
    if is_above(served, str(plan.version)):
        remedy = f"Choose a higher version than {served}; or see what runs on the VM, mend it, then look again."
    verdict = verdict_of(seen, f"{address} answers as the release before this one.", remedy, unseen=unseen)
    if unlooked and verdict.status is Status.PASSED:
        return inconclusive(unlooked, unseen, *verdict.evidence)
    return because(verdict, facts.vm, plan)


SIGNING = Check(look_signing, judge_signing, "Records signed by a key that nobody trusts are believed by nobody, for ever.")
SPARKLE = Check(look_sparkle, judge_sparkle, "A key that is missed after commit, tag and backup stops a release half-way.")
SERVER = Check(look_server, judge_server, "A wrong host, or a certificate that ends, is better found before customers wait for it.")
