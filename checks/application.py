"""The application inside the image: whether clients can take it, and the update after it (contracts: artifacts, manifest)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from checks.base import Check, Scope
from checks.inbox import NOTHING_PUBLISHED, InboxFacts, look_inbox
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive, not_applicable, passed
from nexy_tui.core.manifest import MIN_OS
from nexy_tui.core.plan import Plan
from nexy_tui.core.target import DMG
from nexy_tui.services.dmg import Application

KEY, FEED, MINIMUM = "SUPublicEDKey", "SUFeedURL", "LSMinimumSystemVersion"


def look_application(scope: Scope) -> InboxFacts:
    """As the inbox's other items: the image is opened once."""
    return look_inbox(scope)


def judge_application(facts: InboxFacts, plan: Plan) -> Verdict:
    """It takes updates signed with the configured key, asks the configured server, and runs where the manifest says that it does."""
    if not plan.kind.publishes:
        return not_applicable(NOTHING_PUBLISHED)
    found = facts.of(DMG).found
    if found is None:
        return failed(f"{DMG} is missing or not whole.", f"Lay a finished {DMG} into {facts.path}.", Evidence(DMG, "missing", facts.path))
    said = found.contents.application
    if said is None:
        why = found.contents.unread or "its application was not read"
        return inconclusive(
            f"What the application inside knows of updates could not be read: {why}.",
            f"Install 7-Zip (7zz) and look again; or open the file, see {KEY}, {FEED} and {MINIMUM}, and attest them.",
            Evidence(f"{DMG} Info.plist", "not read", why),
        )
    evidence = [Evidence(key, said.updater.get(key, "not there"), said.place) for key in (KEY, FEED, MINIMUM)]
    evidence += [
        Evidence("public key", plan.target.sparkle_public_key or "none configured", "target.sparkle_public_key"),
        Evidence("appcast", plan.target.update_server.feed_url, "target.update_server"),
        Evidence("min_os", MIN_OS, "manifest"),
    ]
    wrong = [(what, remedy) for what, remedy in (_key(said, plan), _feed(said, plan), _minimum(said)) if what]
    if wrong:
        return failed(" ".join(what for what, _ in wrong), " ".join(remedy for _, remedy in wrong), *evidence)
    return passed(f"Clients can take it, and from it the next: {_named(said)}.", *evidence)


def _key(said: Application, plan: Plan) -> tuple[str, str]:
    inside, configured = said.updater.get(KEY, "").strip(), plan.target.sparkle_public_key.strip()
    if not inside or inside == configured:
        return "", ""
    whose = "another Sparkle key than the one configured" if configured else "a Sparkle key, and none is configured"
    return (
        f"The application takes updates signed with {whose} ({KEY} {inside}): the next release could not be installed over it.",
        f"Build it with the configured {KEY}; or, if its key is the right one, set target.sparkle_public_key to it.",
    )


def _feed(said: Application, plan: Plan) -> tuple[str, str]:
    inside, configured = said.updater.get(FEED, "").strip(), plan.target.update_server.feed_url
    if not inside or _address(inside) == _address(configured):
        return "", ""
    return (
        f"The application asks {inside} for updates, not {configured}: whoever installs it never hears of the next release.",
        f"Build it with {FEED} {configured}.",
    )


def _minimum(said: Application) -> tuple[str, str]:
    inside = said.updater.get(MINIMUM, "").strip()
    if not inside:
        return "", ""
    needed = _numbers(inside)
    if needed is not None and needed <= (_numbers(MIN_OS) or ()):
        return "", ""
    what = f"needs macOS {inside}" if needed is not None else f"names {inside!r} as the macOS it needs"
    return (
        f"The application {what}, the manifest offers it from macOS {MIN_OS} on: older Macs would install what does not start.",
        f"Build it with {MINIMUM} {MIN_OS}.",
    )


def _named(said: Application) -> str:
    named = [f"{what}" for key, what in ((KEY, "its key"), (FEED, "its server"), (MINIMUM, "its macOS")) if key in said.updater]
    return f"{', '.join(named)} as configured" if named else "it names no key, server or macOS of its own"


def _address(url: str) -> tuple[str, str, int | None, str, str]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else None), parts.path, parts.query
    except ValueError:
        return "", url, None, "", ""


def _numbers(text: str) -> tuple[int, ...] | None:
    """A macOS version's numbers without zeros at the end, so that 11 and 11.0.0 are one; None for what is no version."""
    if not re.fullmatch(r"\d{1,4}(\.\d{1,4}){0,3}", text, re.ASCII):
        return None
    numbers = [int(number) for number in text.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


UPDATABLE = Check(
    look_application, judge_application, "An update that clients cannot take, or after which they get no other, cannot be mended."
)
